"""The second evaluation of `every_width_lower_bound`: cones in integers, depth first; matrices in balls (docs/mathematics.md, section 13)."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import lcm

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.numbers import ZERO, rational, require_at_most, require_certain, rounded_down
from verifier.kernel.reference.objective import sample_targets, weighted_mean
from verifier.kernel.statements import EveryWidthLowerBound, Problem, augmented_inputs, require

Row = tuple[int, ...]
# Cones that one side of one output may need, and bits of their generators, one more with each bisection; shares of
# a sample that pushes down are multiples of 2^-40.
MOST_CONES, MOST_BITS = 2**17, 256
SHARES = 2**40


def _integers(values: list[list[Fraction]]) -> tuple[list[Row], int]:
    """Integer rows and the number by which they were multiplied."""
    scale = lcm(*(v.denominator for row in values for v in row))
    return [tuple(int(v * scale) for v in row) for row in values], scale


def _dot(a: Row, b: Row) -> int:
    return sum(p * q for p, q in zip(a, b, strict=True))


def _floats(rows: list[Row]) -> np.ndarray:
    """The rows to within float64 and one common factor; only guesses are made from them."""
    excess = max(0, max(abs(v).bit_length() for row in rows for v in row) - 400)
    return np.array([[float(v >> excess) for v in row] for row in rows])


class _Side:
    """Is sum_j p_j relu(w . x_j) <= room |w|_2 for every w? x_j, p_j integers, room a rational in their units."""

    def __init__(self, X: list[Row], p: list[int], room: Fraction) -> None:
        self.X, self.p, self.room = X, p, room
        self.square = room * room
        self.seen = 0

    def holds(self) -> bool:
        n = len(self.X[0])
        whole = list(range(len(self.X)))
        stack = []
        for signs in itertools.product((1, -1), repeat=n):
            cone = [tuple(s if i == k else 0 for i in range(n)) for k, s in enumerate(signs)]
            stack.append((cone, [[_dot(g, self.X[j]) for j in whole] for g in cone], whole, (0,) * n))
        while stack:
            self.seen += 1
            cone, Z, mixed, gathered = stack.pop()
            mixed, Z, gathered = self._sorted(Z, mixed, gathered)
            if self._covered(cone, Z, mixed, gathered):
                continue
            finest = max(abs(v) for g in cone for v in g) >> MOST_BITS > 0
            if n == 1 or finest or self.seen + len(stack) > MOST_CONES or self._exceeds(cone, Z, mixed, gathered):
                return False
            stack += self._halves(cone, Z, mixed, gathered)
        return True

    def _sorted(self, Z: list[list[int]], mixed: list[int], gathered: Row) -> tuple[list[int], list[list[int]], Row]:
        """Samples with one sign on the cone leave the list; the linear part of those that are positive is gathered."""
        keep, sums = [], list(gathered)
        for t, (j, z) in enumerate(zip(mixed, zip(*Z, strict=True), strict=True)):
            if min(z) >= 0:
                sums = [a + self.p[j] * b for a, b in zip(sums, self.X[j], strict=True)]
            elif max(z) > 0:
                keep.append(t)
        return [mixed[t] for t in keep], [[line[t] for t in keep] for line in Z], tuple(sums)

    def _covered(self, cone: list[Row], Z: list[list[int]], mixed: list[int], gathered: Row) -> bool:
        fixed = [SHARES * _dot(gathered, g) for g in cone]
        for k, line in enumerate(Z):
            fixed[k] += SHARES * sum(self.p[j] * z for j, z in zip(mixed, line, strict=True) if self.p[j] > 0 < z)
        falling = [t for t, j in enumerate(mixed) if self.p[j] < 0]
        for share in (self._middle, self._mean):
            tops = list(fixed)
            for t in falling:
                z = [line[t] for line in Z]
                a = share(z) * self.p[mixed[t]]
                tops = [top + a * v for top, v in zip(tops, z, strict=True)]
            if any(self._below(cone, tops, v) for v in self._directions(cone, tops)):
                return True
            if not falling:
                break
        return False

    @staticmethod
    def _middle(z: list[int]) -> int:
        return SHARES if sum(z) > 0 else 0

    @staticmethod
    def _mean(z: list[int]) -> int:
        return SHARES * sum(v for v in z if v > 0) // sum(map(abs, z))

    def _exceeds(self, cone: list[Row], Z: list[list[int]], mixed: list[int], gathered: Row) -> bool:
        """Whether the middle of the cone pulls beyond the price, so that no bisection helps."""
        middle = tuple(map(sum, zip(*cone, strict=True)))
        pull = _dot(gathered, middle) + sum(
            self.p[j] * max(0, sum(z)) for j, z in zip(mixed, zip(*Z, strict=True), strict=True)
        )
        return pull > 0 and pull * pull > self.square * _dot(middle, middle)

    def _directions(self, cone: list[Row], tops: list[int]) -> list[list[Fraction]]:
        """Guesses of v: the gradient of the linear function, no longer than the price, and the middle of the cone."""
        size = int(self.room).bit_length()
        unit = max(0, max(size, *(v.bit_length() for v in tops)) - 400)
        G, centre = _floats(cone), _floats([tuple(map(sum, zip(*cone, strict=True)))])[0]
        right = np.array([float(v >> unit) for v in tops]) / SHARES
        longest, out = float(self.room / 2**unit) * (1.0 - 2.0**-40), []
        with np.errstate(all="ignore"):
            try:
                v = np.linalg.solve(G, right)
                length = np.linalg.norm(v)
                out.append(v * (longest / length) if length > longest else v * (1.0 + 2.0**-40))
            except np.linalg.LinAlgError:
                pass
            out.append(centre * (longest / np.linalg.norm(centre)))
        return [[Fraction(a) * 2**unit for a in v.tolist()] for v in out if np.isfinite(v).all()]

    def _below(self, cone: list[Row], tops: list[int], v: list[Fraction]) -> bool:
        if sum((a * a for a in v), Fraction(0)) > self.square:
            return False
        return all(top <= SHARES * sum(a * b for a, b in zip(v, g, strict=True)) for top, g in zip(tops, cone))

    def _halves(self, cone: list[Row], Z: list[list[int]], mixed: list[int], gathered: Row) -> list[tuple]:
        """Both halves, cut across the widest angle at a sum of two generators brought to like lengths."""
        G = _floats(cone)
        G /= np.linalg.norm(G, axis=1)[:, None]
        _, a, b = min((float(G[a] @ G[b]), a, b) for a, b in itertools.combinations(range(len(cone)), 2))
        bits = [max(map(abs, cone[k])).bit_length() for k in (a, b)]
        s, t = (1 << max(0, max(bits) - bits[i]) for i in (0, 1))
        middle = tuple(s * u + t * v for u, v in zip(cone[a], cone[b], strict=True))
        z = [s * u + t * v for u, v in zip(Z[a], Z[b], strict=True)]
        out = []
        for k in (a, b):
            half, lines = list(cone), list(Z)
            half[k], lines[k] = middle, z
            out.append((half, lines, mixed, gathered))
        return out


def _matrix_holds(X: list[list[float]], p: list[Fraction], claim: EveryWidthLowerBound, row: int, room: arb) -> None:
    """Rejects unless the matrix of this side is certainly diagonally dominant above its factor's square."""
    n = len(X[0])
    arrays = (claim.raised, claim.lowered, claim.curved)
    raised, lowered, curved = ([] if a is None else a[row].tolist() for a in arrays)
    tau, L = (
        arb(0 if claim.ball is None else float(claim.ball[row])),
        arb_mat([] if claim.factor is None else claim.factor[row * (n + 1) : (row + 1) * (n + 1)].tolist()),
    )
    corner, side = room - tau, []
    for pull, up, down, c in zip(p, raised, lowered, curved, strict=True):
        e = rational(pull + Fraction(up) + Fraction(down))
        if c == 0.0:
            require(e.is_zero(), "a sample without a curve pulls")
        else:
            corner -= e * e / (4 * arb(c))
        side.append(arb(down) - e / 2)
    data = arb_mat(X)
    b = (arb_mat([side]) * data).tolist()[0]
    square = arb_mat([[arb(c) / 4 * v for v in x] for x, c in zip(X, curved, strict=True)]).transpose() * data
    rows = [[corner, *(v / 2 for v in b)]]
    rows += [[b[i] / 2, *((tau if i == k else ZERO) - square[i, k] for k in range(n))] for i in range(n)]
    left = (arb_mat(rows) - L * L.transpose()).tolist()
    for i, line in enumerate(left):
        off = sum((abs(v) for k, v in enumerate(line) if k != i), ZERO)
        require_at_most(off, line[i], "the matrix was not shown to be positive semidefinite")


def check_every_width(problem: Problem, claim: EveryWidthLowerBound) -> dict[str, float]:
    o, X = problem.objective, augmented_inputs(problem).tolist()
    weights = [Fraction(1)] * len(X) if problem.weights is None else list(map(Fraction, problem.weights.tolist()))
    whole, kappa = sum(weights, Fraction(0)), Fraction(o.kappa)
    pulls = [[w * Fraction(v) for v in row] for w, row in zip(weights, claim.nu.tolist(), strict=True)]
    columns = [list(c) for c in zip(*pulls, strict=True)]
    if problem.A.biases[1] is not None:
        most = kappa * whole if o.penalise_output_bias else Fraction(0)
        require(all(abs(sum(c, Fraction(0))) <= most for c in columns), "the dual pulls at the output bias")
    room = kappa * whole
    if o.penalty == "weight_decay" and len(columns) > 1:
        # Each output may take 1 / sqrt(K) of the price; a rational just below it.
        share = Fraction(rounded_down(1 / arb(len(columns)).sqrt()))
        require_certain(rational(share) * arb(len(columns)).sqrt() <= 1, "a share of the price")
        room *= share
    if claim.factor is None:
        rows, scale = _integers([list(map(Fraction, x)) for x in X])
    for k, column in enumerate(columns):
        for side, sign in enumerate((1, -1)):
            p = [sign * v for v in column]
            if claim.factor is not None:
                _matrix_holds(X, p, claim, 2 * k + side, rational(room))
                continue
            (whole_p,), factor = _integers([p])
            holds = _Side(rows, list(whole_p), room * scale * factor).holds()
            require(holds, f"output {k + 1}: the pull of the dual on one neuron was not shown to be below its price")
    each = [conjugate(o, row, y) for row, y in zip(claim.nu.tolist(), sample_targets(problem), strict=True)]
    below = -weighted_mean(problem, each)
    if claim.lower > 0.0:
        require_at_most(arb(claim.lower), below, "the lower bound is not certain")
    return {"lower": max(0.0, rounded_down(below))}
