"""Bound of F along a polyline: fast evaluation of `path_upper_bound`.

Head, idle and transfer moves are bounded by their ends. A chord is bounded piece by piece by the chord lemma (theory.md section 2):

    mean_j loss_j(f_j(s)) <= max_{e in {0,1}} mean_j max over [f_j(e) + lo_j, f_j(e) + hi_j] of loss_j
    lo_j = -1/4 sum_i (Dtheta_i DS_ij)_+ - sum_i max(theta_i(0), theta_i(1), 0) k_ij
    hi_j =  1/4 sum_i (Dtheta_i DS_ij)_- + sum_i max(-theta_i(0), -theta_i(1), 0) k_ij
    0 <= k_ij <= |u_ij(0)| |u_ij(1)| / (|u_ij(0)| + |u_ij(1)|) where u_ij changes sign, else 0
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel import losses
from verifier.kernel.balls import (
    INFLATE, TINY, Ball, between, exact, finite, lower, magnitude, relu, subtract, sum_upper, up, upper, upper_product,
)  # fmt: skip
from verifier.kernel.claims import (
    Move,
    Parameters,
    PathUpperBound,
    Problem,
    apply_writes,
    breakpoints_of,
    require,
    same_parameters,
)
from verifier.kernel.forward import (
    Interval,
    affine,
    augmented_rows,
    head_norms,
    head_prices,
    hidden,
    interior_penalty,
    objective_at,
    total,
)
from verifier.kernel.moves import changed_rows, classify

Array = np.ndarray
CONSTANT = ("idle", "transfer")


@dataclass(frozen=True)
class PathBounds:
    """What the evaluation found: F at the endpoints, and a bound of F over the rest of the path that needs one (-inf if nothing does).

    kinds: the kernel's own name for each move. uppers: per move, the bound of F over it that was used.
    """

    A: Interval
    B: Interval
    interior: float
    kinds: tuple[str, ...]
    uppers: tuple[float, ...]


def kink_bound(u: Ball, v: Ball) -> Array:
    """Upper bound of k_ij, the largest distance of relu from its chord between u and v; exactly 0 without a change of sign."""
    a, b = magnitude(u), magnitude(v)
    large, small = np.maximum(np.maximum(a, b), TINY), np.minimum(a, b)
    k = small / (1.0 + small / large) * INFLATE + TINY
    positive = (u.mid >= u.rad) & (v.mid >= v.rad)
    negative = (u.mid <= -u.rad) & (v.mid <= -v.rad)
    return np.where(positive | negative, 0.0, k)


def positive_part(x: Ball) -> Array:
    """Upper bound of max(x, 0), entrywise."""
    return np.maximum(upper(x), 0.0) if x.rad.any() else np.maximum(x.mid, 0.0)


def negative(x: Ball) -> Ball:
    return Ball(-x.mid, x.rad)


def deviation(u: Ball, v: Ball, theta: Ball, phi: Ball) -> tuple[Array, Array]:
    """(-lo, hi) of the chord lemma, both non-negative, (N, K). u, v: pre-activations (N, n) at the ends of the neurons whose
    rows move; theta, phi: their heads (K, n) at the ends."""
    DS, D = subtract(relu(v), relu(u)), subtract(phi, theta)
    S_plus, S_minus = positive_part(DS), positive_part(negative(DS))
    D_plus, D_minus = positive_part(D).T, positive_part(negative(D)).T
    k = kink_bound(u, v)
    plus = np.maximum(positive_part(theta), positive_part(phi)).T
    minus = np.maximum(positive_part(negative(theta)), positive_part(negative(phi))).T
    low = 0.25 * (upper_product(S_plus, D_plus) + upper_product(S_minus, D_minus)) + upper_product(k, plus)
    high = 0.25 * (upper_product(S_plus, D_minus) + upper_product(S_minus, D_plus)) + upper_product(k, minus)
    return finite(low * INFLATE + TINY), finite(high * INFLATE + TINY)


def penalty_excess(prices: Ball, prices_end: Ball, heads: Ball, heads_end: Ball) -> float:
    """Upper bound of what `sum_i price_i head_i` exceeds its chord by: sum_i (-Da_i Db_i)_+ / 4, both factors lying under their chords."""
    Da, Db = subtract(prices_end, prices), subtract(heads_end, heads)
    opposite = positive_part(Da) * positive_part(negative(Db)) + positive_part(negative(Da)) * positive_part(Db)
    return sum_upper((0.25 * opposite * INFLATE + TINY).tolist())


@dataclass(frozen=True)
class _Point:
    """Everything the chord lemma needs at one breakpoint."""

    u: Ball
    theta: Ball
    predictions: Ball
    penalty: Interval
    prices: Ball
    heads: Ball


def _points(problem: Problem, v: Parameters, w: Parameters, u: Ball, u_end: Ball, times: list[float]) -> list[_Point]:
    """Enclosures at exact interpolation times between the vertices v and w."""
    o = problem.objective
    rows, rows_end = (exact(augmented_rows(p.weights[0], p.biases[0])) for p in (v, w))
    theta, theta_end = exact(v.weights[1]), exact(w.weights[1])
    c, c_end = v.biases[1], w.biases[1]
    points = []
    for t in times:
        ut, theta_t = between(u, u_end, t), between(theta, theta_end, t)
        ct = None if c is None or c_end is None else between(exact(c), exact(c_end), t)
        f = affine(relu(ut), theta_t, ct)
        prices = head_prices(between(rows, rows_end, t), o.penalty)
        heads = head_norms(theta_t, o.penalty)
        points.append(_Point(ut, theta_t, f, interior_penalty(o, prices, heads, ct), prices, heads))
    return points


def chord_upper(problem: Problem, v: Parameters, w: Parameters, u: Ball, u_end: Ball, times: list[float]) -> float:
    """Bound of F over the segment from v to w, by the chord lemma on the pieces between `times`."""
    o, y = problem.objective, problem.targets
    moving = np.flatnonzero(changed_rows(v, w, 1) & ((v.weights[1] != 0.0) | (w.weights[1] != 0.0)).any(axis=0))
    points = _points(problem, v, w, u, u_end, times)
    bound = -np.inf
    for p, q in zip(points, points[1:]):
        low, high = deviation(
            p.u.columns(moving), q.u.columns(moving), p.theta.columns(moving), q.theta.columns(moving)
        )
        excess = 0.0 if o.penalty in ("none", "l1") else penalty_excess(p.prices, q.prices, p.heads, q.heads)
        for e in (p, q):
            a = np.nextafter(lower(e.predictions) - low, -np.inf)
            b = np.nextafter(upper(e.predictions) + high, np.inf)
            mean = losses.mean_upper(losses.upper(o, finite(a), finite(b), y))
            above = total(o, 0.0, mean, Interval(0.0, up(e.penalty.upper + excess))).upper
            require(bool(np.isfinite(above)), "overflow in a chord")
            bound = max(bound, above)
    return float(bound)


class _Vertex:
    """A vertex with the pre-activations of its hidden layer, kept up to date column by column."""

    def __init__(self, problem: Problem, p: Parameters) -> None:
        self.problem, self.p = problem, p
        self.u = hidden(p, problem.X)

    def moved(self, w: Parameters) -> _Vertex:
        new = _Vertex.__new__(_Vertex)
        new.problem, new.p = self.problem, w
        if len(w.weights) > 2:
            same = all(not changed_rows(self.p, w, l).any() for l in range(1, len(w.weights)))
            new.u = self.u if same else hidden(w, self.problem.X)
            return new
        index = np.flatnonzero(changed_rows(self.p, w, 1))
        if index.size == 0:
            new.u = self.u
            return new
        b = w.biases[0]
        part = affine(exact(self.problem.X), exact(w.weights[0][index]), None if b is None else exact(b[index]))
        mid, rad = self.u.mid.copy(), self.u.rad.copy()
        mid[:, index], rad[:, index] = part.mid, part.rad
        new.u = Ball(mid, rad)
        return new

    def value(self) -> Interval:
        return objective_at(self.problem, self.p, features=relu(self.u), endpoint=False)


def bound_path(problem: Problem, moves: tuple[Move, ...]) -> PathBounds:
    """Walk the moves from A; reject unless they end in B.

    Vertices joined to A or to B by constant moves have F = F(A) or F(B), at most E by definition: they need no bound. Under
    weight decay the same holds for the balanced copies of A and B, which are at or below A and B (AM-GM).
    """
    A = objective_at(problem, problem.A, endpoint=True)
    B = objective_at(problem, problem.B, endpoint=True)
    corners, kinds = [problem.A], []
    for move in moves:
        corners.append(apply_writes(corners[-1], move))
        kinds.append(classify(corners[-2], corners[-1], move))
    require(same_parameters(corners[-1], problem.B), "the path does not end in B")
    n, changing = len(moves), [k for k, kind in enumerate(kinds) if kind not in CONSTANT]
    first, last = (changing[0], changing[-1]) if changing else (n, -1)
    vertex, value = _Vertex(problem, problem.A), A.upper
    interior, uppers = -np.inf, []
    for k, (move, kind) in enumerate(zip(moves, kinds)):
        after, start = vertex.moved(corners[k + 1]), value
        if k >= last:
            value = B.upper
        elif k >= first and kind not in CONSTANT:
            value = after.value().upper
            interior = max(interior, value)
        reach = max(start, value)
        if kind == "chord":
            reach = chord_upper(problem, vertex.p, after.p, vertex.u, after.u, breakpoints_of(move))
            interior = max(interior, reach)
        uppers.append(reach)
        vertex = after
    return PathBounds(A, B, float(interior), tuple(kinds), tuple(uppers))


def check_path(problem: Problem, claim: PathUpperBound) -> dict[str, float]:
    """Numbers found for the claim; rejects unless every claimed number is at or above them."""
    found = bound_path(problem, claim.moves)
    E = max(found.A.lower, found.B.lower)
    least = min(found.A.lower, found.B.lower)
    sup = max(found.A.upper, found.B.upper, found.interior)
    computed = {"sup": sup, "E_lower": E, "gap": excess(found.interior, E), "gap_over_lower": excess(sup, least)}
    require(
        computed["sup"] <= claim.sup, f"sup F on the path: found at most {computed['sup']!r}, claimed {claim.sup!r}"
    )
    require(computed["gap"] <= claim.gap, f"gap over E: found at most {computed['gap']!r}, claimed {claim.gap!r}")
    require(
        computed["gap_over_lower"] <= claim.gap_over_lower,
        f"gap over the lower endpoint: found at most {computed['gap_over_lower']!r}, claimed {claim.gap_over_lower!r}",
    )
    if claim.level is not None:
        require(
            claim.gap_over_level is not None and bool(np.isfinite(claim.level)), "a level needs a claimed gap over it"
        )
        computed["gap_over_level"] = excess(sup, claim.level)
        require(
            computed["gap_over_level"] <= (claim.gap_over_level or 0.0),
            f"gap over the level: found at most {computed['gap_over_level']!r}, claimed {claim.gap_over_level!r}",
        )
    return computed


def excess(high: float, low: float) -> float:
    """max(0, high - low), rounded up; exactly 0 when high <= low."""
    return 0.0 if high <= low else up(high - low)
