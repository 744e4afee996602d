"""The chord lemma in any depth: fast evaluation of F over a straight segment of parameters (docs/mathematics.md, section 2).

Every quantity Q(s) of the segment is its chord `(1-s) Q(0) + s Q(1)` plus a deviation d_Q in [-m_Q, M_Q], m_Q, M_Q >= 0. From layer to layer

    u_l    the first layer that changes reads fixed inputs: m = M = 0
    h_l    sigma(u) with sigma(z) = max(z, a z):  m_h = m_u + k,  M_h = M_u, both m_u and M_u times a where chord + M_u <= 0 at both ends,
           0 <= k <= (1 - a) |u(0)| |u(1)| / (|u(0)| + |u(1)|) where u changes sign, else 0
    read   maxima, means and patches of maps: `maps.py`
    u_l+1  W(s) h(s):  m = m_h W^+ + M_h W^- + (Dh DW)_+ / 4,  M = M_h W^+ + m_h W^- + (Dh DW)_- / 4,
           W^+ = max(W(0), W(1), 0), W^- = max(-W(0), -W(1), 0), D. the difference over the segment

and mean_j loss_j(f_j(s)) <= max_{e in {0,1}} mean_j max over [f_j(e) - m_j, f_j(e) + M_j] of loss_j for convex losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import (
    INFLATE,
    TINY,
    Ball,
    between,
    exact,
    finite,
    lower,
    magnitude,
    matmul,
    relu,
    subtract,
    sum_upper,
    transpose,
    up,
    upper,
    upper_product,
)
from verifier.kernel.fast.forward import (
    Interval,
    affine,
    head_norms,
    head_prices,
    interior_penalty,
    pre_activations,
    total,
)
from verifier.kernel.fast.liveness import changed_rows, live_part
from verifier.kernel.fast.maps import Deviation, Maps, maps_of
from verifier.kernel.fast.normwise import Layer, images_above, spectral_norm_above
from verifier.kernel.statements import Parameters, Problem, augmented_rows, columns_of, columns_per_neuron, require

Array = np.ndarray


def kink_bound(u: Ball, v: Ball, slope: float) -> Array:
    """Upper bound of k_ij, the largest distance of the activation from its chord between u and v; exactly 0 without a change of sign."""
    a, b = magnitude(u), magnitude(v)
    large, small = np.maximum(np.maximum(a, b), TINY), np.minimum(a, b)
    k = small / (1.0 + small / large) * (1.0 - slope) * INFLATE + TINY
    positive = (u.mid >= u.rad) & (v.mid >= v.rad)
    negative = (u.mid <= -u.rad) & (v.mid <= -v.rad)
    return np.where(positive | negative, 0.0, k)


def positive_part(x: Ball) -> Array:
    """Upper bound of max(x, 0), entrywise."""
    return np.maximum(upper(x), 0.0) if x.rad.any() else np.maximum(x.mid, 0.0)


def negative(x: Ball) -> Ball:
    return Ball(-x.mid, x.rad)


def through_activation(d: Deviation, u: Ball, v: Ball, slope: float) -> Deviation:
    """Of sigma(u(s)), given that of u(s) with ends u and v; (N, n)."""
    dead = np.maximum(upper(u), upper(v)) + d.above * INFLATE <= -TINY
    factor, least = np.where(dead, slope * INFLATE, 1.0), TINY if slope else 0.0
    below = (d.below * factor + least + kink_bound(u, v, slope)) * INFLATE
    return Deviation(finite(below), finite((d.above * factor + least) * INFLATE))


def through_layer(d: Deviation, h: Ball, h_end: Ball, W: Ball, W_end: Ball) -> Deviation:
    """Of W(s) h(s), (N, p), given that of h(s) with ends h and h_end (N, n); W and W_end (p, n) enclose the ends of the weights."""
    plus = np.maximum(positive_part(W), positive_part(W_end)).T
    minus = np.maximum(positive_part(negative(W)), positive_part(negative(W_end))).T
    below = upper_product(d.below, plus) + upper_product(d.above, minus)
    above = upper_product(d.above, plus) + upper_product(d.below, minus)
    if W is not W_end:
        both = matmul(subtract(h_end, h), transpose(subtract(W_end, W)))
        below, above = below + 0.25 * positive_part(both), above + 0.25 * positive_part(negative(both))
    return Deviation(finite(below * INFLATE + TINY), finite(above * INFLATE + TINY))


def penalty_excess(prices: Ball, prices_end: Ball, heads: Ball, heads_end: Ball) -> float:
    """Upper bound of what `sum_i price_i head_i` exceeds its chord by: sum_i (-Da_i Db_i)_+ / 4, both factors lying under their chords."""
    Da, Db = subtract(prices_end, prices), subtract(heads_end, heads)
    opposite = positive_part(Da) * positive_part(negative(Db)) + positive_part(negative(Da)) * positive_part(Db)
    return sum_upper((0.25 * opposite * INFLATE + TINY).tolist())


@dataclass(frozen=True)
class Point:
    """Everything the chord lemma needs at one time.

    u: pre-activations of the hidden layers from the first changing one on. weights: of the layers after that one, the last one included.
    """

    u: tuple[Ball, ...]
    weights: tuple[Ball, ...]
    predictions: Ball
    penalty: Interval
    prices: Ball
    heads: Ball


@dataclass(frozen=True)
class Chord:
    """The segment from v to w; the pre-activations (N, n) of `first`, the first hidden layer (1-based) that changes, are enclosed by u and u_end.

    form: of weight decay, "literal" or "balanced".
    """

    problem: Problem
    v: Parameters
    w: Parameters
    first: int
    u: Ball
    u_end: Ball
    form: str = "literal"

    def _at(self, part: str, l: int, t: float) -> Ball | None:
        """Weights or biases of layer l (1-based) at time t: exact where they do not change."""
        x, y = ((p.weights if part == "weight" else p.biases)[l - 1] for p in (self.v, self.w))
        if x is None or y is None:
            return None
        return exact(x) if np.array_equal(x, y) else between(exact(x), exact(y), t)

    @property
    def maps(self) -> Maps:
        return maps_of(self.problem.geometry, len(self.v.weights))

    @cached_property
    def stretches(self) -> list[float]:
        """Of the layers above the first, upper bounds of the spectral norms of W(t), which lie below their chords."""
        ends = zip(self.v.weights[self.first :], self.w.weights[self.first :], strict=True)
        return [max(spectral_norm_above(V), spectral_norm_above(W)) for V, W in ends]

    def at(self, t: float) -> Point:
        """Enclosures at the exact interpolation time t in [0, 1]."""
        o, v, w, slope = self.problem.objective, self.v, self.w, self.problem.negative_slope
        u, weights, biases, L = between(self.u, self.u_end, t), [], [], len(self.v.weights)
        for l in range(self.first + 1, L + 1):
            W = self._at("weight", l, t)
            assert W is not None  # weights are always there; only for the type checker
            weights.append(W)
            biases.append(self._at("bias", l, t))
        readers = self.maps.readers[self.first :]
        if self.first == L - 1:
            images = [affine(readers[-1].ball(relu(u, slope)), weights[-1], biases[-1])]
        else:
            images = images_above(u, list(map(Layer, weights, biases, self.stretches)), slope, readers)
        rows, rows_end = (exact(augmented_rows(p.weights[-2], p.biases[-2])) for p in (v, w))
        prices, heads = head_prices(between(rows, rows_end, t), o.penalty), head_norms(weights[-1], o.penalty)
        penalty = interior_penalty(o, prices, heads, self._at("bias", L, t), self.form)
        return Point((u, *images[:-1]), tuple(weights), images[-1], penalty, prices, heads)

    def value(self, p: Point) -> float:
        """Bound of F at a point of the segment."""
        zero = np.zeros_like(p.predictions.mid)
        return self._end_upper(p, Deviation(zero, zero), 0.0)

    def deviation(self, p: Point, q: Point) -> Deviation:
        """Of the predictions between two points of the segment, (N, K)."""
        slope, v, w = self.problem.negative_slope, self.v, self.w
        r = columns_per_neuron(v, self.first + 1)
        heard = ((v.weights[self.first] != 0.0) | (w.weights[self.first] != 0.0)).any(axis=0).reshape(-1, r).any(axis=1)
        moving = np.flatnonzero(changed_rows(v, w, self.first) & heard)
        nothing = np.zeros((len(self.u.mid), len(moving)))
        d = Deviation(nothing, nothing)
        for k in range(len(p.u)):
            a, b, V, W = p.u[k], q.u[k], p.weights[k], q.weights[k]
            if np.array_equal(v.weights[self.first + k], w.weights[self.first + k]):
                W = V
            if k == 0:
                # Neurons that stay add nothing, not even rounding.
                a, b, read = a.columns(moving), b.columns(moving), columns_of(moving, r)
                V, W = (V.columns(read), W.columns(read)) if V is not W else (V.columns(read),) * 2
            d = through_activation(d, a, b, slope)
            d, a, b = self.maps.readers[self.first + k].along(d, relu(a, slope), relu(b, slope))
            d = through_layer(d, a, b, V, W)
        return d

    def piece_ends(self, p: Point, q: Point) -> list[float]:
        """Values at p and at q of an affine function of the time that lies above F between them."""
        d, o = self.deviation(p, q), self.problem.objective
        # Convex penalties lie under their chords; products of two norms need not.
        convex = o.penalty in ("none", "l1") or (o.penalty == "weight_decay" and self.form == "literal")
        excess = 0.0 if convex else penalty_excess(p.prices, q.prices, p.heads, q.heads)
        return [self._end_upper(e, d, excess) for e in (p, q)]

    def _end_upper(self, e: Point, d: Deviation, excess: float) -> float:
        """Bound of F at one end with its predictions widened by the deviation."""
        a = np.nextafter(lower(e.predictions) - d.below, -np.inf)
        b = np.nextafter(upper(e.predictions) + d.above, np.inf)
        o, y = self.problem.objective, self.problem.targets
        mean = losses.mean_upper(losses.upper(o, finite(a), finite(b), y), self.problem.weights)
        above = total(o, 0.0, mean, Interval(0.0, up(e.penalty.upper + excess))).upper
        require(bool(np.isfinite(above)), "overflow in a chord")
        return above

    def piece_upper(self, p: Point, q: Point) -> float:
        """Bound of F between two points of the segment."""
        return max(self.piece_ends(p, q))

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


def chord_between(problem: Problem, v: Parameters, w: Parameters, form: str = "literal") -> Chord:
    """The segment between any two vertices; of deep networks without the neurons that are unheard all along it."""
    if not problem.shallow:
        v, w = live_part(v, w)
    last, slope = len(v.weights) - 1, problem.negative_slope
    first = next((l for l in range(1, last) if changed_rows(v, w, l).any()), last)
    # Below the first layer that changes both are the same network: one of twice as many neurons has the pre-activations of both.
    n, b, c = v.weights[first - 1].shape[0], v.biases[first - 1], w.biases[first - 1]
    rows = np.vstack([v.weights[first - 1], w.weights[first - 1]])
    bias = None if b is None or c is None else np.concatenate([b, c])
    twins = Parameters((*v.weights[: first - 1], rows), (*v.biases[: first - 1], bias))
    u = pre_activations(twins, problem.X, first, slope, maps_of(problem.geometry, len(v.weights)))
    return Chord(problem, v, w, first, u.columns(slice(0, n)), u.columns(slice(n, 2 * n)), form)
