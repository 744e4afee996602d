"""The chord lemma (theory.md section 2): fast evaluation of F over a straight segment of a one-hidden-layer network.

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
    INFLATE,
    TINY,
    Ball,
    between,
    exact,
    finite,
    lower,
    magnitude,
    relu,
    subtract,
    sum_upper,
    up,
    upper,
    upper_product,
)
from verifier.kernel.claims import Parameters, Problem, require
from verifier.kernel.forward import Interval, affine, augmented_rows, head_norms, head_prices, interior_penalty, total
from verifier.kernel.moves import changed_rows

Array = np.ndarray


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
class Point:
    """Everything the chord lemma needs at one breakpoint."""

    u: Ball
    theta: Ball
    predictions: Ball
    penalty: Interval
    prices: Ball
    heads: Ball


@dataclass(frozen=True)
class Chord:
    """The segment from v to w, whose pre-activations (N, m) are enclosed by u and u_end."""

    problem: Problem
    v: Parameters
    w: Parameters
    u: Ball
    u_end: Ball

    def at(self, t: float) -> Point:
        """Enclosures at the exact interpolation time t in [0, 1]."""
        o, v, w = self.problem.objective, self.v, self.w
        u, theta = between(self.u, self.u_end, t), between(exact(v.weights[1]), exact(w.weights[1]), t)
        c, c_end = v.biases[1], w.biases[1]
        ct = None if c is None or c_end is None else between(exact(c), exact(c_end), t)
        rows, rows_end = (exact(augmented_rows(p.weights[0], p.biases[0])) for p in (v, w))
        prices, heads = head_prices(between(rows, rows_end, t), o.penalty), head_norms(theta, o.penalty)
        return Point(u, theta, affine(relu(u), theta, ct), interior_penalty(o, prices, heads, ct), prices, heads)

    def piece_upper(self, p: Point, q: Point) -> float:
        """Bound of F between two points of the segment."""
        return max(self.piece_ends(p, q))

    def piece_ends(self, p: Point, q: Point) -> list[float]:
        """Values at p and at q of an affine function of the time that lies above F between them."""
        o, v, w = self.problem.objective, self.v, self.w
        moving = np.flatnonzero(changed_rows(v, w, 1) & ((v.weights[1] != 0.0) | (w.weights[1] != 0.0)).any(axis=0))
        low, high = deviation(
            p.u.columns(moving), q.u.columns(moving), p.theta.columns(moving), q.theta.columns(moving)
        )
        excess = 0.0 if o.penalty in ("none", "l1") else penalty_excess(p.prices, q.prices, p.heads, q.heads)
        return [self.end_upper(e, low, high, excess) for e in (p, q)]

    def end_upper(self, e: Point, low: Array, high: Array, excess: float) -> float:
        """Bound of F at one end with its predictions widened by the deviation: low and high (N, K), both non-negative."""
        a = np.nextafter(lower(e.predictions) - low, -np.inf)
        b = np.nextafter(upper(e.predictions) + high, np.inf)
        o, y = self.problem.objective, self.problem.targets
        mean = losses.mean_upper(losses.upper(o, finite(a), finite(b), y))
        above = total(o, 0.0, mean, Interval(0.0, up(e.penalty.upper + excess))).upper
        require(bool(np.isfinite(above)), "overflow in a chord")
        return above

    def ends(self, times: list[float]) -> list[float]:
        """`piece_ends` of all pieces between `times` = 0, ..., 1, one after the other."""
        bounds, p = [], self.at(times[0])
        for t in times[1:]:
            q = self.at(t)
            bounds += self.piece_ends(p, q)
            p = q
        return bounds

    def upper(self, times: list[float]) -> float:
        """Bound of F over the whole segment."""
        return max(self.ends(times))
