"""The constructions behind `--method`, in order of cost; each proposes paths or returns an estimate."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from verifier.outcomes import SampledEstimate
from verifier.paths.path import Path
from verifier.pipeline.endpoints import Setting
from verifier.programs.result import ProgramResult


@dataclass
class Proposal:
    """What one construction gives. Nothing in it is certified.

    paths: to be elaborated and bounded by the kernel. programs: solved head programs by name, as moves refer to them.
    estimates: sampled figures. remarks: what the user should hear. apriori: rows of `verifier.theory`. table: e.g. Theorem 2's grid over (l, alpha).
    """

    paths: list[Path] = field(default_factory=list)
    programs: dict[str, ProgramResult] = field(default_factory=dict)
    estimates: list[SampledEstimate] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    apriori: list[Any] = field(default_factory=list)
    cpu_seconds: float = 0.0
    remarks: tuple[str, ...] = ()
    skipped: str | None = None


@dataclass(frozen=True)
class Options:
    """What the constructions may be told. level: target of the search when given, else E. progress: draw bars on stderr. of_all: run because of
    --method all and not by name: leave out what takes long on all but tiny problems."""

    level: float | None = None
    seed: int = 0
    dss_preset: str = "paper"
    device: str = "cpu"
    progress: bool = False
    tight: float = 1e-4
    string: str | None = None
    most_cells: int = 200_000
    state: str | None = None
    of_all: bool = False
    output_layer: str = "trained"


def exact(s: Setting, o: Options) -> Proposal:
    """The exact gap of a tiny problem: bottleneck search over activation cells (docs/mathematics.md, section 8, Theorem E)."""
    from verifier.errors import VerifierError
    from verifier.landscape.gap import exact_gap

    if o.of_all and (why := why_not_tiny(s)) is not None:
        return Proposal(skipped=f"exact: {why}")
    try:
        found = exact_gap(
            s.A.network, s.B.network, s.objective, s.data.X, s.targets, most_cells=o.most_cells, state=o.state, output_layer=o.output_layer,
            progress=_bracket if o.progress else None,
        )  # fmt: skip
    except VerifierError as error:
        if not o.of_all:
            raise
        # Nobody asked for it by name: what cells do not cover must not cost the other constructions' bounds.
        return Proposal(skipped=f"exact: {error}")
    return Proposal([found.path], details={"exact": found})


def _bracket(lower: float, upper: float, visited: int) -> None:
    """Progress of the exact search on a terminal."""
    if visited % 500 == 0:
        print(
            f"\rexact: pass in [{lower:.6g}, {upper:.6g}] after {visited} cells ", end="", file=sys.stderr, flush=True
        )


def why_not_tiny(s: Setting) -> str | None:
    """Why --method all leaves the exact gap out: cells do not cover the problem, or there are more than MOST_CELLS_OF_ALL; None when it is tiny."""
    from verifier.landscape.setting import LOSSES, PENALTIES
    from verifier.regions.arrangement import generic_count

    o, network = s.objective, s.A.network
    if o.weights is not None:
        return "covers the plain mean over samples, not sample weights"
    if o.loss.name not in LOSSES or o.penalty not in PENALTIES or network.theta.shape[0] != 1:
        return f"covers one output, the losses {', '.join(LOSSES)} and the penalties {', '.join(PENALTIES)}"
    cones = generic_count(s.data.samples, network.widths[0] + (network.b is not None))
    # Exact integers: widths of hundreds would overflow a float.
    if (2 * cones) ** network.widths[1] > MOST_CELLS_OF_ALL:
        return "needs a tiny problem here: these networks have too many cells; --method exact tries all the same"
    return None


def exchange(s: Setting, o: Options) -> Proposal:
    """Proposition X; with more hidden layers exchange in depth (docs/deep.md)."""
    from verifier.paths.exchange import exchange as build

    if s.A.network.depth > 2:
        from verifier.paths.deep_exchange import deep_exchange

        return Proposal([_deep(deep_exchange, s, o)])
    return Proposal([build(s.A.network, s.B.network, s.objective, s.data.X, s.targets, target=_target(s, o))])


def _target(s: Setting, o: Options) -> float | None:
    """What a search aims at: E (None), or the level where it is lower."""
    return o.level if o.level is not None and o.level < _E(s) else None


def _E(s: Setting) -> float:
    return max(s.objective.value(n.network, s.data.X, s.targets) for n in (s.A, s.B))


def halves(s: Setting, o: Options) -> Proposal:
    """Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021 for one hidden layer; of all methods it stands for `theorem41` in deeper networks."""
    if s.A.network.depth > 2:
        if o.of_all:
            return theorem41(s, o)
        return Proposal(skipped="halves: defined for one hidden layer; theorem41 is the same theorem for any depth")
    from verifier.paths.halves import halves_with_programs
    from verifier.theory.halves import halves_bound

    path, programs = halves_with_programs(s.A.network, s.B.network, s.objective, s.data.X, s.targets)
    bound = halves_bound(s.A.network, s.B.network, s.objective, s.data.X, s.targets, path)
    return Proposal([path], dict(programs), apriori=[bound])


def theorem41(s: Setting, o: Options) -> Proposal:
    """Theorem 4.1 for any depth, with trained sub-networks."""
    from verifier.paths.theorem41 import theorem41 as build
    from verifier.theory import nguyen2021_bounds

    path = _deep(build, s, o)
    return Proposal([path], apriori=nguyen2021_bounds(s.A.network, s.B.network, s.objective, s.data.X, s.targets, path))


def _deep(build: Callable[..., Path], s: Setting, o: Options) -> Path:
    return build(s.A.network, s.B.network, s.objective, s.data.X, s.targets, target=_target(s, o), seed=o.seed)


def dropout(s: Setting, o: Options) -> Proposal:
    """The path of Kuditipudi et al. 2019: half of the neurons of the upper layers, one scale for the head."""
    from verifier.paths.dropout_stability import dropout_path

    return Proposal([dropout_path(s.A.network, s.B.network, s.objective, s.data.X, s.targets, seed=o.seed)])


def theorem2(s: Setting, o: Options) -> Proposal:
    """Theorem 2 of Baturin 2026 on a grid of (l, alpha), and the a-priori values that go with it."""
    from verifier.paths.theorem2 import theorem2_grid
    from verifier.theory import dimension_free_bounds, theorem2_bounds

    if s.A.network.widths[1] == 1:
        return Proposal(skipped="theorem2: needs 1 <= l < m, and the width is 1")
    best = theorem2_grid(s.A.network, s.B.network, s.objective, s.data.X, s.targets, seed=o.seed)
    apriori = theorem2_bounds(s.A.network, s.B.network, s.objective, s.data.X, s.targets, best)
    apriori += dimension_free_bounds(s.A.network, s.B.network, s.objective, s.data.X, s.targets, best)
    return Proposal([best.path], dict(best.programs), details={"grid": best.table}, apriori=apriori)


def line(s: Setting, o: Options) -> Proposal:
    """The straight line, certified; and the line after weight matching, as an estimate of another pair."""
    from verifier.paths.line import line as build
    from verifier.paths.line import matched_line_estimate

    A, B = s.A.network, s.B.network
    if A.depth > 2:
        return Proposal([build(A, B)])
    start = time.process_time()
    points = 201
    matched = matched_line_estimate(A, B, s.objective, s.data.X, s.targets, points=points)
    note = "B's neurons permuted by weight matching: the line to a copy of B, not to B"
    spent = time.process_time() - start
    estimate = SampledEstimate(
        "line after matching", matched.maximum, max(0.0, matched.maximum - _E(s)), points, spent, note
    )
    return Proposal([build(A, B)], estimates=[estimate])


def rebasin(s: Setting, o: Options) -> Proposal:
    """The straight line to B with its neurons matched to A's (weight matching, any depth): a path up to permutation."""
    from verifier.paths.rebasin import rebasin as build

    return Proposal([build(s.A.network, s.B.network)])


def dss(s: Setting, o: Options) -> Proposal:
    """Dynamic String Sampling (Freeman, Bruna 2017, Algorithm 1): a sampled estimate; its string is kept."""
    from verifier.paths.dss import dss as build

    A, B = s.A.network, s.B.network
    r = build(
        A, B, s.objective, s.data.X, s.targets, preset=o.dss_preset, seed=o.seed, device=o.device, progress=o.progress
    )
    note = "hit: the search gave up at its depth; no evidence of a barrier" if r.hit else "every segment met the level"
    estimate = SampledEstimate(
        f"DSS ({o.dss_preset})", r.maximum, max(0.0, r.maximum - _E(s)), r.points, r.cpu_seconds, note
    )
    details = {"string": r.path, "settings": r.settings, "beads": len(r.path.moves) - 1}
    return Proposal(_certifiable(r.path, o), estimates=[estimate], details=details)


def _certifiable(string: Path, o: Options) -> list[Path]:
    """The string itself: a path like any other, so that the chord lemma bounds what was only sampled. In depth its chords take minutes, and nobody who
    asked for all methods waits for them."""
    return [] if o.of_all and string.start.depth > 2 else [string]


def descent(s: Setting, o: Options) -> Proposal:
    """Descend, then exchange (docs/constructions.md, section 1)."""
    from verifier.paths.descent import descend_then_exchange

    return Proposal(
        [descend_then_exchange(s.A.network, s.B.network, s.objective, s.data.X, s.targets, target=_target(s, o))]
    )


def homotopy(s: Setting, o: Options) -> Proposal:
    """One neuron of either side fades while the others adapt, then exchange (docs/constructions.md, section 1)."""
    from verifier.paths.homotopy import homotopy_exchange

    return Proposal(
        [homotopy_exchange(s.A.network, s.B.network, s.objective, s.data.X, s.targets, target=_target(s, o))]
    )


def _curve(name: str) -> Callable[[Setting, Options], Proposal]:
    """A trained curve, sampled, and certified as the polyline it is."""

    def build(s: Setting, o: Options) -> Proposal:
        from verifier.paths import curves

        c = getattr(curves, name)(s.A.network, s.B.network, s.objective, s.data.X, s.targets, seed=o.seed)
        estimate = SampledEstimate(c.path.method, c.maximum, max(0.0, c.maximum - _E(s)), c.points, c.cpu_seconds)
        details = {"string": c.path, "settings": c.settings, "beads": len(c.path.moves) - 1}
        return Proposal(_certifiable(c.path, o), estimates=[estimate], details=details)

    return build


def string(s: Setting, o: Options) -> Proposal:
    """The user's own polyline of vertices (`--string`), certified."""
    from verifier.errors import UsageError
    from verifier.paths.strings import load_string

    if o.string is None:
        raise UsageError("--method string needs the polyline: name its .npz file with --string")
    path = load_string(o.string, s.A.network, s.B.network)
    return Proposal([path], remarks=tuple(str(note) for note in path.notes.values()))


def _nguyen2019(name: str) -> Callable[[Setting, Options], Proposal]:
    """A theorem of Nguyen 2019 about wide first layers; its hypotheses are checked and said."""

    def build(s: Setting, o: Options) -> Proposal:
        construction = getattr(import_module(f"verifier.paths.nguyen2019.{name}"), name)
        return Proposal([construction(s.A.network, s.B.network, s.objective, s.data.X, s.targets)])

    return build


CONSTRUCTIONS: dict[str, Callable[[Setting, Options], Proposal]] = {
    "exchange": exchange, "line": line, "halves": halves, "theorem41": theorem41, "dropout": dropout, "descent": descent,
    "homotopy": homotopy, "theorem2": theorem2, "polychain": _curve("polychain"),
    "bezier": _curve("bezier"), "neb": _curve("elastic_band"), "dss": dss, "string": string, "exact": exact, "rebasin": rebasin,
    "theorem32": _nguyen2019("theorem32"), "theorem51": _nguyen2019("theorem51"), "theorem61": _nguyen2019("theorem61"),
}  # fmt: skip
# What --method all runs: the constructions in order of cost, then the estimate every report sets beside them. Trained curves and dropout are asked for by
# name; halves is theorem41 when there is more than one hidden layer.
ALL = ("exchange", "line", "halves", "descent", "homotopy", "theorem2", "exact", "dss")
# Every cell could be visited in about a minute.
MOST_CELLS_OF_ALL = 10**6
# Defined for one hidden layer of ReLU alone.
ONE_HIDDEN_LAYER = ("exact", "descent", "homotopy", "theorem2")
# Their paths may end in a permuted copy of B, so that they join no pair.
UP_TO_PERMUTATION = ("rebasin",)


def chosen(method: str, *, up_to_permutation: bool = False) -> tuple[str, ...]:
    """Names behind --method: all, or a comma-separated list.

    up_to_permutation: whether constructions that end in a permuted copy of B are welcome. Commands about gaps between the networks themselves
    refuse them with UsageError, as they do unknown names.
    """
    from verifier.errors import UsageError

    names = ALL if method == "all" else tuple(dict.fromkeys(n.strip() for n in method.split(",")))
    unknown = [n for n in names if n not in CONSTRUCTIONS]
    if "all" in unknown:
        raise UsageError(f"--method {method!r}: all stands alone; --exhaustive runs every construction of it")
    if unknown:
        raise UsageError(f"--method: {unknown[0]!r} is unknown; expected all, or some of {', '.join(CONSTRUCTIONS)}")
    copies = [n for n in names if n in UP_TO_PERMUTATION]
    if copies and not up_to_permutation:
        raise UsageError(
            f"--method: {copies[0]} leads to a copy of B with permuted neurons, which bounds no gap between the networks themselves; "
            "run it on one pair, with `verifier certify --pair`"
        )
    return names


def require_options(tight: float, device: str) -> None:
    """Raise UsageError unless chords can be cut until two maxima agree to this factor, and torch has this device here."""
    from verifier.errors import UsageError

    if not 0.0 < tight < float("inf"):
        raise UsageError(f"tight must be a positive number such as 1e-4, got {tight}")
    if device != "cpu":
        import torch

        from verifier.training.train import require_device

        require_device(torch, device)


def propose(name: str, s: Setting, o: Options) -> Proposal:
    start = time.process_time()
    proposal = CONSTRUCTIONS[name](s, o)
    proposal.cpu_seconds = time.process_time() - start
    return proposal
