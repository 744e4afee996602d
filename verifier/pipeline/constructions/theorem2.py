"""Theorem 2 of Baturin 2026: its six segments on a grid of (l, alpha), and its a-priori values."""

from __future__ import annotations

from dataclasses import replace

from verifier.errors import UsageError
from verifier.numbers import plural
from verifier.paths.theorem2 import Theorem2Grid, grid, theorem2_grid
from verifier.paths.theorem2.near import OF_A_GRID
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting
from verifier.theory import AprioriBound, dimension_free_bounds, theorem2_bounds

# CPU seconds, by the estimate, of the six segments that a run poses when nobody asked for them.
LONGEST_POSED = 30.0
# Per sample, neuron and output, one thread, N = 500 to 10,000 and m = 20 to 400; losses that go through CVXPY as the slowest.
PER_ENTRY, SLOWEST = {"squared": 3e-6, "cross_entropy": 1.5e-5}, 3e-5


def theorem2(s: Setting, r: Request) -> Proposal:
    """Theorem 2 of Baturin 2026 on a grid of (l, alpha), and the a-priori values that go with it.

    Where the verdict is decided, at l = m / 2 and alpha = 0 alone.
    """
    if s.A.network.widths[1] == 1:
        return Proposal(skipped="theorem2: needs 1 <= l < m, and the width is 1")
    seconds = theorem2_seconds(s)
    if r.posed_only and seconds > LONGEST_POSED:
        return Proposal(skipped=f"theorem2: {cost_words(s, seconds)}, left to --exhaustive or --method theorem2")
    # Exhaustively, programs of many exponential cones go through CVXPY too, minutes each.
    solver = "CLARABEL" if r.options.exhaustive else "auto"
    best = theorem2_grid(*s.pair, _cells(s, r), seed=r.options.seed, solver=solver)
    apriori = [_explained(b, best) for b in theorem2_bounds(*s.pair, best)] + dimension_free_bounds(*s.pair, best)
    return Proposal([best.path], dict(best.programs), grid=best.table, apriori=apriori, waypoints=best.waypoints)


def _explained(bound: AprioriBound, best: Theorem2Grid) -> AprioriBound:
    """With why it is about alpha = 0, where other angles were tried too."""
    others = sorted({row.alpha for row in best.rows if row.alpha > 0.0})
    if best.path.notes["alpha"] != 0.0 or not others:
        return bound
    angles = ", ".join(f"{a:g}" for a in others)
    why = f"alpha = {angles} tried too, and the path at alpha = 0 has the lowest estimate"
    return replace(bound, note=f"{bound.note}; {why}" if bound.note else why)


def theorem2_seconds(s: Setting) -> float:
    """About how many CPU seconds one (l, alpha) costs, from above: samples times neurons times outputs times what was measured per loss."""
    m, K = s.A.network.widths[1:]
    return 0.5 + PER_ENTRY.get(s.objective.loss.name, SLOWEST) * s.data.samples * m * K


def cost_words(s: Setting, seconds: float) -> str:
    """What the default grid would cost: its (l, alpha), each of so many CPU seconds, and those in which rows are let turn."""
    cells = grid(s.A.network.widths[1], s.A.network.theta.shape[0])
    turned = OF_A_GRID if any(alpha > 0.0 for _, alpha in cells) else 0.0
    text = f"about {len(cells) * seconds + turned:.0f} CPU s ({plural(len(cells), '(l, alpha)', '(l, alpha)')} of {seconds:.0f} each"
    return f"{text}, and up to {turned:.0f} in which rows turn)" if turned else f"{text})"


def _cells(s: Setting, r: Request) -> list[tuple[int, float]] | None:
    """(l, alpha) to try: those asked for, one where the verdict is decided, else the default grid (None)."""
    m, o = s.A.network.widths[1], r.options
    if o.l is None and o.alpha is None:
        return [(m // 2, 0.0)] if r.posed_only else None
    usual = grid(m, s.A.network.theta.shape[0])
    ls = sorted({l for l, _ in usual}) if o.l is None else o.l
    alphas = sorted({alpha for _, alpha in usual}) if o.alpha is None else o.alpha
    if max(ls) >= m:
        raise UsageError(f"l must lie in 1 to m - 1 = {m - 1}, got {max(ls)}")
    return [(l, alpha) for l in ls for alpha in alphas]
