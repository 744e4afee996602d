"""Dynamic String Sampling (Freeman, Bruna 2017, Algorithm 1): the estimate that certified values stand beside.

A string of networks ("beads") is refined where the sampled F of a segment exceeds the level. The figure returned is the
**maximum over all segments of the returned string**; published code that took the smallest exceedance over visited segments
was wrong (docs/constructions.md, section 3). It is sampled: neither a bound from above nor from below. A "hit" says that the search
gave up at its depth; it is no evidence of a barrier.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk
from verifier.paths.curves.dss_presets import PRESETS, Preset, custom, require_fits
from verifier.paths.curves.dss_runner import PublishedRunner, Runner
from verifier.paths.curves.torch_objective import TorchObjective
from verifier.paths.path import Move, Path

Array = np.ndarray

__all__ = ["PRESETS", "DssResult", "Preset", "custom", "dss"]


@dataclass(frozen=True, eq=False)
class DssResult:
    """path: the string, a polyline of beads; maxima: of its segments. maximum: largest sampled F over all its segments. level: what was aimed at.

    hit: whether a segment was left above its limit at the last depth. least_exceedance: the smallest exceedance of the level among all segments that were
    looked at and lay above their limit, 0 without a hit: what Baturin 2026 printed as the gap (first version). It bounds and estimates nothing.
    stopped: time was over first.
    points: evaluations on grids. settings: the preset, for the record.
    """

    path: Path
    maxima: tuple[float, ...]
    level: float
    hit: bool
    least_exceedance: float
    stopped: bool
    points: int
    cpu_seconds: float
    settings: dict[str, Any]

    @property
    def maximum(self) -> float:
        return max(self.maxima)


@dataclass(frozen=True, eq=False)
class _Segment:
    start: Network
    end: Network
    depth: int
    values: Array
    settled: bool
    hit: bool

    @property
    def maximum(self) -> float:
        return float(self.values.max())


def dss(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    preset: str | Preset = "plain",
    level: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = False,
    seconds: float = float("inf"),
) -> DssResult:
    """Run DSS between two networks of one architecture, any depth.

    level: F to stay under; default E = max(F(A), F(B)). seed: of torch, though
    full-batch training draws nothing at random. device: of torch. progress: a bar on stderr. seconds: of CPU, after which the string is taken as it is.

    Raises UsageError for an unknown preset or networks of different architecture.
    """
    settings = PRESETS.get(preset) if isinstance(preset, str) else preset
    if settings is None:
        raise UsageError(f"DSS preset {preset!r} is unknown; expected one of {', '.join(PRESETS)}")
    if A.architecture != B.architecture:
        raise UsageError(f"dss: networks of different architecture, {A.architecture} and {B.architecture}")
    require_fits(settings, A, risk.objective)
    started = time.process_time()
    kind = PublishedRunner if settings.published_code else Runner
    runner = kind(risk, settings, seed, device, A, started + seconds)
    if level is None:
        level = max(runner.value_of(n) for n in (A, B))
    segments, looked_at, stopped = _refine(runner, A, B, level, settings, progress)
    vertices = [s.end for s in segments]
    moves = tuple(Move(v, f"DSS segment {k + 1} of {len(vertices)}") for k, v in enumerate(vertices))
    limit = runner.limit(level)
    hit = any(s.hit for s in segments)
    path = Path("dss", A, moves, literal=True)
    return DssResult(
        path,
        tuple(s.maximum for s in segments) if not settings.published_code else _maxima(path, risk, settings, device),
        level,
        hit,
        min((m - level for m in looked_at if m > limit), default=0.0) if hit else 0.0,
        stopped,
        len(looked_at) * settings.grid,
        time.process_time() - started,
        {"preset": preset if isinstance(preset, str) else "custom", "level": level, "seed": seed, **asdict(settings)},
    )


def _refine(
    runner: Runner, A: Network, B: Network, level: float, p: Preset, progress: bool
) -> tuple[list[_Segment], list[float], bool]:
    """The final segments in order, the largest value on the grid of each segment that was looked at, and whether time was over first."""
    from tqdm import tqdm

    limit, looked_at, last = runner.limit(level), [], p.depth + p.published_code

    def look(start: Network, end: Network, depth: int) -> _Segment:
        values = runner.grid_values(start, end)
        looked_at.append(float(values.max()))
        bar.update()
        # The published code gives a segment up one level later, and calls that a hit whatever its maximum.
        above = bool(values.max() > limit)
        return _Segment(
            start, end, depth, values, not above or depth >= last, (above or p.published_code) and depth >= last
        )

    with tqdm(desc="DSS segments", unit="segment", file=sys.stderr, disable=not progress) as bar:
        segments: list[_Segment] = []
        if p.first_bead:
            bead = runner.train(linear_combination(A, B, 0.5), p.train_to * level)
            # Depth 0 counts rounds: the string with its first bead is what round 1 looks at.
            segments = [look(A, bead, 0), look(bead, B, 0)]
        else:
            segments = [look(A, B, 0)]
        # One list kept in order; a stack finishes the leftmost segment first, a queue goes round by round.
        waiting = deque(s for s in segments if not s.settled)
        while waiting and not runner.late:
            s = waiting.popleft()
            t = float(np.argmax(s.values)) / (len(s.values) - 1) if p.bead_at_argmax else 0.5
            if not p.published_code:
                # An argmax at an end would start the bead on a copy of it: nothing would be refined.
                t = min(max(t, 1.0 / (len(s.values) - 1)), 1.0 - 1.0 / (len(s.values) - 1))
            bead = runner.train(linear_combination(s.start, s.end, t), p.train_to * level)
            parts = [look(s.start, bead, s.depth + 1), look(bead, s.end, s.depth + 1)]
            k = next(i for i, other in enumerate(segments) if other is s)
            segments[k : k + 1] = parts
            open_parts = [x for x in parts if not x.settled]
            if p.breadth_first:
                waiting.extend(open_parts)
            else:
                waiting.extendleft(reversed(open_parts))
    return segments, looked_at, bool(waiting)


def _maxima(path: Path, risk: Risk, p: Preset, device: str) -> tuple[float, ...]:
    """Of the string's segments on their grids, in float64."""
    exact = TorchObjective(risk, device, like=path.start)
    return tuple(float(exact.segment_values(v, w, p.grid).max()) for v, w in pairwise(path.vertices()))
