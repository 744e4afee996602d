"""The chord lemma in Arb balls, piece by piece (docs/mathematics.md, section 2). Matrices have one row per sample and position and one column per neuron.

Below the first layer that changes nothing moves, so that its pre-activations are linear in the time, and so are its activations wherever both ends have one
sign: there the layer above is a quadratic of the time, found once per chord, and deviations are 0. Only entries that may change sign are taken one by one.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.forward import (
    activated,
    affine_map,
    alive_neurons,
    changed_neurons,
    layer_input,
    preactivations,
    shifted,
    without_dead,
)
from verifier.kernel.reference.maps import Reader, readers_of
from verifier.kernel.reference.numbers import ONE, ZERO, Column, Floats, ball_matrix, positive, signs
from verifier.kernel.reference.objective import head_size, interior_penalty, mean_worst_loss, row_price
from verifier.kernel.statements import Move, Parameters, Problem, augmented_rows, breakpoints_of


class Line:
    """A matrix that moves in a straight line, or stays."""

    def __init__(self, start: np.ndarray, end: np.ndarray) -> None:
        self.start, self.end = ball_matrix(start), ball_matrix(end)
        self.change = None if np.array_equal(start, end) else self.end - self.start

    def at(self, t: arb) -> arb_mat:
        if self.change is None or t.is_zero():
            return self.start
        return self.end if t == 1 else self.start + self.change * t


class Signed:
    """Pre-activations, their signs and activations: the entries of a matrix, or some of them."""

    def __init__(self, entries: list[arb], slope: float) -> None:
        self.entries, self.signs = entries, signs(entries)
        self.after = activated(entries, self.signs, slope)


class First:
    """The first layer that changes, with pre-activations from U to V. Activations are `fixed + t moving`, plus those of the entries that may cross 0, which
    are 0 in both matrices."""

    def __init__(self, U: arb_mat, V: arb_mat, changed: set[int], slope: float) -> None:
        self.shape, self.slope = (U.nrows(), U.ncols()), slope
        start, end = Signed(U.entries(), slope), V.entries()
        # 1 and -1: both ends have this sign; 2: neurons that stay, which add nothing, not even rounding.
        stays = [i not in changed for i in range(self.shape[1])] * self.shape[0]
        pairs = zip(start.signs, signs(end), stays, strict=True)
        kinds = [2 if still else s if s == r else 0 for s, r, still in pairs]
        fixed = [h if k else ZERO for h, k in zip(start.after, kinds, strict=True)]
        moving, a = [v - u if k == 1 else ZERO for u, v, k in zip(start.entries, end, kinds, strict=True)], arb(slope)
        if slope:
            moving = [a * (v - u) if k < 0 else d for u, v, k, d in zip(start.entries, end, kinds, moving, strict=True)]
        self.fixed, self.moving = arb_mat(*self.shape, fixed), arb_mat(*self.shape, moving)
        self.places = [place for place, k in enumerate(kinds) if not k]
        among = (1, len(self.places))
        self.start = arb_mat(*among, [start.entries[k] for k in self.places])
        self.change = arb_mat(*among, [end[k] - start.entries[k] for k in self.places])

    def crossing(self, t: arb) -> Signed:
        """The entries at `places`."""
        return Signed((self.start + self.change * t).entries(), self.slope)

    def kinks(self, p: Signed, q: Signed) -> arb_mat:
        """What activations may lie below their chords by, between crossings p and q."""
        M, n = arb_mat(*self.shape), self.shape[1]
        for place, s, r, u, v in zip(self.places, p.signs, q.signs, p.entries, q.entries, strict=True):
            if s * r != 1:
                M[place // n, place % n] = _kink(u, v, self.slope)
        return M

    def crossed(self, crossing: Signed) -> arb_mat:
        """Activations of the entries at `places`, 0 elsewhere."""
        M, n = arb_mat(*self.shape), self.shape[1]
        for place, x in zip(self.places, crossing.after, strict=True):
            if x is not ZERO:
                M[place // n, place % n] = x
        return M


class Above:
    """The products of a layer that reads the first one as it is, W(t) being its weights."""

    def __init__(self, first: First, W: Line) -> None:
        self.W = W
        self.fixed, self.moving = first.fixed * W.start, first.moving * W.start
        self.square = None if W.change is None else first.moving * W.change
        if W.change is not None:
            self.moving += first.fixed * W.change

    def at(self, t: arb, crossed: arb_mat) -> arb_mat:
        """H(t) W(t)."""
        smooth = self.moving if self.square is None else self.moving + self.square * t
        return self.fixed + smooth * t + crossed * self.W.at(t)

    def both(self, span: arb, jumps: arb_mat) -> arb_mat | None:
        """Product of the changes of activations and weights over a span of time; jumps: changes of what crosses. None where weights stay."""
        if self.square is None or self.W.change is None:
            return None
        return self.square * (span * span) + jumps * (self.W.change * span)


@dataclass(frozen=True)
class Point:
    """All that the lemma needs at a time. crossing and crossed: of the first layer that changes. layers and activations: of the hidden layers above it;
    weights: of all layers above it. rows and head: what the penalty reads."""

    t: arb
    crossing: Signed
    crossed: arb_mat
    layers: list[Signed]
    activations: list[arb_mat]
    weights: list[arb_mat]
    outputs: arb_mat
    penalty: arb
    rows: list[list[arb]]
    head: list[list[arb]]


class Chord:
    """The segment from v to w, on inputs X."""

    def __init__(self, problem: Problem, X: Floats, v: Parameters, w: Parameters, form: str) -> None:
        self.problem, self.form, self.slope = problem, form, problem.negative_slope
        # What is dead at both ends adds nothing to outputs, but may to weight decay.
        p, q = without_dead(v, w)
        last, readers = len(p.weights) - 2, readers_of(problem.geometry, len(p.weights))
        first = next((l for l in range(last + 1) if changed_neurons(p, q, l)), last)
        H = layer_input(X, p, first, self.slope, readers)
        U, V = (preactivations(H, n.weights[first], n.biases[first]) for n in (p, q))
        self.changed = sorted(changed_neurons(p, q, first) & alive_neurons(p, q)[first])
        self.first, above = First(U, V, set(self.changed), self.slope), slice(first + 1, None)
        self.readers = readers[above]
        self.weights = [Line(a.T, b.T) for a, b in zip(p.weights[above], q.weights[above], strict=True)]
        self.biases = [_shift(a, b) for a, b in zip(p.biases[above], q.biases[above], strict=True)]
        self.above = None if self.readers[0].steps else Above(self.first, self.weights[0])
        self.rows = Line(*(augmented_rows(n.weights[-2], n.biases[-2]) for n in (v, w)))
        self.head, self.head_bias = Line(v.weights[-1], w.weights[-1]), _shift(v.biases[-1], w.biases[-1])

    def ends(self, move: Move) -> list[arb]:
        """Balls of which the largest upper end bounds F on the segment: the ends of every piece."""
        points = map(self._at, breakpoints_of(move))
        return [end for p, q in itertools.pairwise(points) for end in self._piece(p, q)]

    def _at(self, time: float) -> Point:
        t, penalty = arb(time), self.problem.objective.penalty
        weights, crossing = [W.at(t) for W in self.weights], self.first.crossing(t)
        crossed = self.first.crossed(crossing)
        shifts = [None if b is None else b.at(t).entries() for b in self.biases]
        layers, activations = [], []
        if self.above is None:
            Z = affine_map(self.readers[0].matrix(self._first(t, crossed)), weights[0], shifts[0])
        else:
            Z = shifted(self.above.at(t, crossed), shifts[0])
        for W, b, reader in zip(weights[1:], shifts[1:], self.readers[1:], strict=True):
            layers.append(Signed(Z.entries(), self.slope))
            activations.append(arb_mat(Z.nrows(), Z.ncols(), layers[-1].after))
            Z = affine_map(reader.matrix(activations[-1]), W, b)
        rows = self.rows.at(t).tolist() if penalty in ("path", "weight_decay") else []
        head, c = self.head.at(t).tolist(), None if self.head_bias is None else self.head_bias.at(t).entries()
        P = interior_penalty(self.problem.objective, rows, head, c, self.form)
        return Point(t, crossing, crossed, layers, activations, weights, Z, P, rows, head)

    def _first(self, t: arb, crossed: arb_mat) -> arb_mat:
        """Activations of the first layer that changes."""
        return self.first.fixed + self.first.moving * t + crossed

    def _piece(self, p: Point, q: Point) -> list[arb]:
        kappa, weights = arb(self.problem.objective.kappa), list(zip(p.weights, q.weights, strict=True))
        low, high = _through_layer(*self._read_first(p, q), *weights[0])
        for k, (reader, (W, Z)) in enumerate(zip(self.readers[1:], weights[1:], strict=True)):
            low, high = _through_activation(low, high, p.layers[k], q.layers[k], self.slope)
            h, g = p.activations[k], q.activations[k]
            moved = g - h
            if reader.steps:
                low, high, moved = _read(reader, range(h.ncols()), low, high, h, g)
            low, high = _through_layer(low, high, None if W is Z else moved * (Z - W), W, Z)
        excess = self._penalty_excess(p, q)
        return [
            mean_worst_loss(self.problem, e.outputs - low, e.outputs + high) + kappa * (e.penalty + excess)
            for e in (p, q)
        ]

    def _read_first(self, p: Point, q: Point) -> tuple[arb_mat, arb_mat | None, arb_mat | None]:
        """Deviations of the first layer that changes as the next one reads them, the upper ones None for 0; and product of the changes of both layers."""
        low = self.first.kinks(p.crossing, q.crossing)
        if self.above is not None:
            return low, None, self.above.both(q.t - p.t, q.crossed - p.crossed)
        h, g = (self._first(e.t, e.crossed) for e in (p, q))
        none = arb_mat(low.nrows(), low.ncols())
        low, high, moved = _read(self.readers[0], self.changed, low, none, h, g)
        W, Z = p.weights[0], q.weights[0]
        return low, high, None if W is Z else moved * (Z - W)

    def _penalty_excess(self, p: Point, q: Point) -> arb:
        """A product of two norms may rise above its chord; the other penalties are convex."""
        o, excess = self.problem.objective, ZERO
        if o.penalty == "path" or (o.penalty == "weight_decay" and self.form == "balanced"):
            for i in range(len(p.rows)):
                Da = row_price(o, q.rows[i]) - row_price(o, p.rows[i])
                Db = head_size(o, [row[i] for row in q.head]) - head_size(o, [row[i] for row in p.head])
                excess += positive(-Da * Db) / 4
        return excess


def _kink(u: arb, v: arb, slope: float) -> arb:
    """Ball whose upper end bounds the largest distance of the activation from its chord between pre-activations u and v that may differ in sign."""
    a, b = abs(u), abs(v)
    s = a + b
    # |u||v| / (|u| + |v|) <= min(|u|, |v|); the latter where the sum may vanish
    return (ONE - arb(slope)) * (a * b / s if s > ZERO else a.max(b))


def _shift(a: np.ndarray | None, b: np.ndarray | None) -> Line | None:
    return None if a is None or b is None else Line(a[None, :], b[None, :])


def _through_activation(low: arb_mat, high: arb_mat, u: Signed, v: Signed, slope: float) -> tuple[arb_mat, arb_mat]:
    """Deviations, in [-low, high], of sigma(u(s)) from those of u(s), whose ends are u and v. What is surely off all along scales them by the slope."""
    a, lows, highs = arb(slope), [], []
    for d, D, e, g, s, r in zip(low.entries(), high.entries(), u.entries, v.entries, u.signs, v.signs, strict=True):
        if s < 0 and r < 0 and e + D <= ZERO and g + D <= ZERO:
            d, D = (a * d, a * D) if slope else (ZERO, ZERO)
        elif s * r != 1:
            d = d + _kink(e, g, slope)
        lows.append(d)
        highs.append(D)
    return arb_mat(low.nrows(), low.ncols(), lows), arb_mat(low.nrows(), low.ncols(), highs)


def _read(
    reader: Reader, changed: Sequence[int], low: arb_mat, high: arb_mat, h: arb_mat, g: arb_mat
) -> tuple[arb_mat, arb_mat, arb_mat]:
    """Deviations of channels with ends h and g as the next layer reads them, and how these move; 0 of channels that do not change."""
    some = [[columns[i] for i in changed] for columns in (M.transpose().tolist() for M in (low, high, h, g))]
    lows, highs, u, v = reader.along(*some)
    moved = [[b - a for a, b in zip(x, y, strict=True)] for x, y in zip(u, v, strict=True)]
    among, still = set(changed), [ZERO] * (h.nrows() // reader.steps[0].before * reader.positions)

    def of_all(found: list[Column]) -> arb_mat:
        rest = iter(found)
        every = [next(rest) if i in among else still for i in range(h.ncols()) for _ in range(reader.r)]
        return arb_mat(every).transpose()

    return of_all(lows), of_all(highs), of_all(moved)


def _through_layer(
    low: arb_mat, high: arb_mat | None, both: arb_mat | None, W: arb_mat, Z: arb_mat
) -> tuple[arb_mat, arb_mat]:
    """Deviations of h(s) W(s), given those of h(s). W and Z: the ends of the weights; both: product of the changes of h and W, None where the latter stay."""
    shape, pairs = (W.nrows(), W.ncols()), list(zip(W.entries(), Z.entries(), strict=True))
    plus = arb_mat(*shape, [positive(a.max(b)) for a, b in pairs])
    minus = arb_mat(*shape, [positive((-a).max(-b)) for a, b in pairs])
    below, above = low * plus, low * minus
    if high is not None:
        below, above = below + high * minus, above + high * plus
    if both is None:
        return below, above
    both = both * arb(0.25)
    # Its positive and its negative part; a known sign leaves one of them exactly 0.
    values, negated = both.entries(), (-both).entries()
    known, size = signs(values), (both.nrows(), both.ncols())
    rise = [y if s > 0 else ZERO if s else positive(y) for y, s in zip(values, known, strict=True)]
    fall = [ZERO if s > 0 else y if s else positive(y) for y, s in zip(negated, known, strict=True)]
    return below + arb_mat(*size, rise), above + arb_mat(*size, fall)
