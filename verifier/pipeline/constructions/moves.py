"""Constructions by theorem: paths of head, idle and transfer moves, with the programs that give their heads."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from verifier.errors import UsageError
from verifier.paths.path import Path
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting

# CPU seconds, by the estimate, of the six segments that a run poses when nobody asked for them.
LONGEST_POSED = 30.0
# Per sample, neuron and output, one thread, N = 500 to 10,000 and m = 20 to 400; losses that go through CVXPY as the slowest.
PER_ENTRY, SLOWEST = {"squared": 3e-6, "cross_entropy": 1.5e-5}, 3e-5


def exchange(s: Setting, r: Request) -> Proposal:
    """Proposition X; with more hidden layers exchange in depth (docs/deep.md)."""
    from verifier.paths.exchange.proposition_x import exchange as build

    if not s.A.network.shallow:
        from verifier.paths.exchange.deep import deep_exchange

        return Proposal([_deep(deep_exchange, s, r)])
    return Proposal([build(*s.pair, target=r.target(s))])


def halves(s: Setting, r: Request) -> Proposal:
    """Theorem 4.1 of Nguyen, Bréchet, Mondelli 2021 for one hidden layer; of all methods it stands for `theorem41` in deeper networks."""
    if not s.A.network.shallow:
        if r.of_all:
            return theorem41(s, r)
        return Proposal(skipped="halves: defined for one hidden layer; theorem41 is the same theorem for any depth")
    from verifier.paths.towers.halves import halves_with_programs
    from verifier.theory.halves import halves_bound

    path, programs = halves_with_programs(*s.pair)
    return Proposal([path], dict(programs), apriori=[halves_bound(*s.pair, path)])


def theorem41(s: Setting, r: Request) -> Proposal:
    """Theorem 4.1 for any depth, with trained sub-networks."""
    from verifier.paths.towers.theorem41 import theorem41 as build
    from verifier.theory import nguyen2021_bounds

    path = _deep(build, s, r)
    if s.A.network.geometry is not None:
        return Proposal([path])  # the corollaries speak of fully connected networks
    return Proposal([path], apriori=nguyen2021_bounds(*s.pair, path))


def _deep(build: Callable[..., Path], s: Setting, r: Request) -> Path:
    return build(*s.pair, target=r.target(s), seed=r.options.seed)


def dropout(s: Setting, r: Request) -> Proposal:
    """The path of Kuditipudi et al. 2019: half of the neurons of the upper layers, one scale for the head."""
    from verifier.paths.towers.dropout_stability import dropout_path

    return Proposal([dropout_path(*s.pair, seed=r.options.seed)])


def theorem2(s: Setting, r: Request) -> Proposal:
    """Theorem 2 of Baturin 2026 on a grid of (l, alpha), and the a-priori values that go with it.

    Where the verdict is decided, at l = m / 2 and alpha = 0 alone.
    """
    from verifier.paths.theorem2 import theorem2_grid
    from verifier.theory import dimension_free_bounds, theorem2_bounds

    if s.A.network.widths[1] == 1:
        return Proposal(skipped="theorem2: needs 1 <= l < m, and the width is 1")
    seconds = theorem2_seconds(s)
    if r.posed_only and seconds > LONGEST_POSED:
        return Proposal(skipped=f"theorem2: about {seconds:.0f} CPU s, left to --exhaustive or --method theorem2")
    best = theorem2_grid(*s.pair, _cells(s, r), seed=r.options.seed)
    apriori = theorem2_bounds(*s.pair, best) + dimension_free_bounds(*s.pair, best)
    return Proposal([best.path], dict(best.programs), grid=best.table, apriori=apriori, waypoints=best.waypoints)


def theorem2_seconds(s: Setting) -> float:
    """About how many CPU seconds one (l, alpha) costs, from above: samples times neurons times outputs times what was measured per loss."""
    m, K = s.A.network.widths[1:]
    return 0.5 + PER_ENTRY.get(s.objective.loss.name, SLOWEST) * s.data.samples * m * K


def _cells(s: Setting, r: Request) -> list[tuple[int, float]] | None:
    """(l, alpha) to try: those asked for, one where the verdict is decided, else the default grid (None)."""
    from verifier.paths.theorem2 import grid

    m, o = s.A.network.widths[1], r.options
    if o.l is None and o.alpha is None:
        return [(m // 2, 0.0)] if r.posed_only else None
    usual = grid(m, s.A.network.theta.shape[0])
    ls = sorted({l for l, _ in usual}) if o.l is None else o.l
    alphas = sorted({alpha for _, alpha in usual}) if o.alpha is None else o.alpha
    if max(ls) >= m:
        raise UsageError(f"l must lie in 1 to m - 1 = {m - 1}, got {max(ls)}")
    return [(l, alpha) for l in ls for alpha in alphas]


def descent(s: Setting, r: Request) -> Proposal:
    """Descend, then exchange (docs/constructions.md, section 1)."""
    from verifier.paths.exchange.descent import descend_then_exchange

    return Proposal([descend_then_exchange(*s.pair, target=r.target(s))])


def region_descent(s: Setting, r: Request) -> Proposal:
    """Descend by convex programs, region by region, then exchange (docs/mathematics.md, section 11)."""
    from verifier.paths.regions.descent import region_descent_then_exchange

    return Proposal([region_descent_then_exchange(*s.pair, target=r.target(s))])


def homotopy(s: Setting, r: Request) -> Proposal:
    """One neuron of either side fades while the others adapt, then exchange (docs/constructions.md, section 1)."""
    from verifier.paths.exchange.homotopy import homotopy_exchange

    return Proposal([homotopy_exchange(*s.pair, target=r.target(s))])


def _nguyen2019(name: str) -> Callable[[Setting, Request], Proposal]:
    """A theorem of Nguyen 2019 about wide first layers; its hypotheses are checked and said."""

    def build(s: Setting, r: Request) -> Proposal:
        construction = getattr(import_module(f"verifier.paths.nguyen2019.{name}"), name)
        return Proposal([construction(*s.pair)])

    return build


theorem32, theorem51, theorem61 = (_nguyen2019(name) for name in ("theorem32", "theorem51", "theorem61"))
