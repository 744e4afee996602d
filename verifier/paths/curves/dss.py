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
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network, linear_combination
from verifier.objective.objective import Objective
from verifier.paths.curves.adam import Adam
from verifier.paths.curves.torch_objective import TorchObjective
from verifier.paths.path import Move, Path

Array = np.ndarray

# Two evaluations of one endpoint differ in the last bits; without this a string that meets its level would count as a hit.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Preset:
    """Settings of one published search (docs/constructions.md, section 3).

    depth: levels of recursion, or rounds when breadth_first. grid: points per segment, ends included. bead_at_argmax: start a bead
    at the grid's argmax, else at t = 1/2. train_to, accept: beads are trained until F < train_to * level, segments pass at
    max F <= accept * level. unit_rows: rows of beads are brought to
    length 1 after each step, the function kept (one hidden layer). first_bead: insert one bead at t = 1/2 before looking.
    """

    depth: int = 8
    grid: int = 200
    bead_at_argmax: bool = True
    train_to: float = 1.0
    accept: float = 1.0
    first_bead: bool = False
    breadth_first: bool = False
    lr: float = 0.01
    epochs: int = 150
    plateau_factor: float = 0.9
    unit_rows: bool = False


PRESETS = {
    "published": Preset(unit_rows=True),
    "paper": Preset(),
    "freeman-bruna": Preset(
        depth=10, grid=100, bead_at_argmax=False, train_to=0.95, accept=1.1, first_bead=True, breadth_first=True
    ),
}


@dataclass(frozen=True, eq=False)
class DssResult:
    """path: the string, a polyline of beads; maxima: of its segments. maximum: largest sampled F over all its segments. level: what was aimed at.

    hit: whether a segment was left above its limit at the last depth.
    stopped: time was over first.
    points: evaluations on grids. settings: the preset, for the record.
    """

    path: Path
    maxima: tuple[float, ...]
    level: float
    hit: bool
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

    @property
    def maximum(self) -> float:
        return float(self.values.max())


def dss(
    A: Network,
    B: Network,
    objective: Objective,
    X: Array,
    targets: Array,
    *,
    preset: str | Preset = "paper",
    level: float | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: bool = False,
    seconds: float = float("inf"),
) -> DssResult:
    """Run DSS between two networks of one architecture, any depth.

    X (N, n_0), targets as the loss encodes them. level: F to stay under; default E = max(F(A), F(B)). seed: of torch, though
    full-batch training draws nothing at random. device: of torch. progress: a bar on stderr. seconds: of CPU, after which the string is taken as it is.

    Raises UsageError for an unknown preset or networks of different architecture.
    """
    settings = PRESETS.get(preset) if isinstance(preset, str) else preset
    if settings is None:
        raise UsageError(f"DSS preset {preset!r} is unknown; expected one of {', '.join(PRESETS)}")
    if A.architecture != B.architecture:
        raise UsageError(f"dss: networks of different architecture, {A.architecture} and {B.architecture}")
    if settings.unit_rows and A.depth != 2:
        raise UsageError(f"DSS preset {preset!r} is for one hidden layer, these networks have {A.depth - 1}; use paper")
    started = time.process_time()
    runner = _Runner(objective, X, targets, settings, seed, device, A.negative_slope, started + seconds)
    if level is None:
        level = max(objective.value(n, X, targets) for n in (A, B))
    segments, points, stopped = _refine(runner, A, B, level, settings, progress)
    vertices = [s.end for s in segments]
    moves = tuple(Move(v, f"DSS segment {k + 1} of {len(vertices)}") for k, v in enumerate(vertices))
    limit = settings.accept * level * (1 + ROUNDING)
    return DssResult(
        Path("dss", A, moves, literal=True),
        tuple(s.maximum for s in segments),
        level,
        any(s.maximum > limit and s.depth >= settings.depth for s in segments),
        stopped,
        points,
        time.process_time() - started,
        {"preset": preset if isinstance(preset, str) else "custom", "level": level, "seed": seed, **asdict(settings)},
    )


def _refine(
    runner: _Runner, A: Network, B: Network, level: float, p: Preset, progress: bool
) -> tuple[list[_Segment], int, bool]:
    """The final segments in order, the number of grid points evaluated, and whether time was over first."""
    from tqdm import tqdm

    limit, points = p.accept * level * (1 + ROUNDING), 0

    def look(start: Network, end: Network, depth: int) -> _Segment:
        nonlocal points
        values = runner.grid_values(start, end)
        points += len(values)
        bar.update()
        return _Segment(start, end, depth, values, bool(values.max() <= limit) or depth >= p.depth)

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
    return segments, points, bool(waiting)


class _Runner(TorchObjective):
    """Grid evaluation and bead training."""

    def __init__(
        self,
        objective: Objective,
        X: Array,
        targets: Array,
        preset: Preset,
        seed: int,
        device: str,
        slope: float,
        deadline: float,
    ) -> None:
        super().__init__(objective, X, targets, device, negative_slope=slope)
        self.preset, self.deadline = preset, deadline
        self.torch.manual_seed(seed)

    @property
    def late(self) -> bool:
        return time.process_time() > self.deadline

    def grid_values(self, start: Network, end: Network) -> Array:
        return self.segment_values(start, end, self.preset.grid)

    def train(self, network: Network, goal: float) -> Network:
        """Full-batch Adam with ReduceLROnPlateau until F < goal, at most `epochs` steps; the network it ends with."""
        from verifier.training import torch_losses

        p = self.preset
        weights, biases = self.tensors(network)
        parameters = [*weights, *(b for b in biases if b is not None)]
        for tensor in parameters:
            tensor.requires_grad_(True)
        optimiser = Adam(self.torch, parameters, p.lr, p.plateau_factor)
        for _ in range(p.epochs):
            F = self.value(weights, biases)
            value = float(F.detach())
            if value < goal or self.late:
                break
            F.backward()
            optimiser.step(value)
            if p.unit_rows:
                torch_losses.to_unit_rows(weights, biases, keep_function=True)
        return self.network(weights, biases)


def custom(preset: str, **changes: Any) -> Preset:
    """A preset with some settings changed, e.g. `custom("paper", depth=2)`."""
    return replace(PRESETS[preset], **changes)
