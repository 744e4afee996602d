"""Duals on products of cones, second evaluation: whole numbers throughout, and Arb balls for conjugates alone (docs/mathematics.md, section 12).

Shares no arithmetic and no bookkeeping with the fast evaluation. A ray is kept by its coordinates in the directions, whole numbers over a power of two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.last_inputs import read_by_last, rows_of_last
from verifier.kernel.reference.numbers import mean
from verifier.kernel.reference.objective import sample_targets
from verifier.kernel.statements import Parameters, Problem, require
from verifier.kernel.statements.sign_count import DEEPEST

# (coordinates, e): the ray sum_k coordinates_k 2^-e direction_k.
Ray = tuple[tuple[int, ...], int]
Cone = list[Ray]


def neuron_signs(p: Parameters) -> list[int]:
    """Of the last hidden layer: +1, -1, or 0 where the head or the whole row is 0."""
    out = []
    for head, row in zip(p.weights[-1].tolist()[0], rows_of_last(p), strict=True):
        silent = head == 0.0 or all(v == 0 for v in row)
        out.append(0 if silent else 1 if head > 0.0 else -1)
    return out


def parts(tree: list[int], n: int, neurons: int) -> Iterator[list[Cone]]:
    """Every part of the tree, one cone per neuron: each orthant in turn is cut as the tree says, until all of it has been read."""
    pairs = [(a, b) for a in range(n) for b in range(a + 1, n)]
    reading = iter(tree)
    for orthant in range(1 << (n * neurons)):
        # The first coordinate is the highest bit: 0 keeps the direction, 1 turns it round.
        turned = [-1 if orthant >> (n * neurons - 1 - k) & 1 else 1 for k in range(n * neurons)]
        whole = [
            [(tuple(turned[i * n + k] if k == e else 0 for k in range(n)), 0) for e in range(n)] for i in range(neurons)
        ]
        to_do = [(whole, 0)]
        while to_do:
            (part, depth), code = to_do.pop(), next(reading, None)
            require(code is not None, "the tree ends before all orthants are cut")
            assert code is not None  # for the type checker
            if code == -1:
                yield part
                continue
            require(0 <= code < neurons * len(pairs), "the tree names no edge")
            require(depth < DEEPEST, "cuts lie too deep within each other")
            i, pair = divmod(code, len(pairs))
            a, b = pairs[pair]
            halves = []
            for keep, drop in ((a, b), (b, a)):
                half = [list(cone) for cone in part]
                half[i][drop] = between(part[i][keep], part[i][drop])
                halves.append((half, depth + 1))
            to_do += halves[::-1]
    require(next(reading, None) is None, "the tree does not end with its last orthant")


def between(g: Ray, h: Ray) -> Ray:
    e = max(g[1], h[1])
    return tuple((x << (e - g[1])) + (y << (e - h[1])) for x, y in zip(g[0], h[0])), e + 1


@dataclass(frozen=True)
class Dual:
    """nu (N,), slopes (k N,), pulls (k n,) for k neurons."""

    nu: list[float]
    slopes: list[float]
    pulls: list[float]


@dataclass(frozen=True)
class Whole:
    """The numbers `values * 2^-e`."""

    values: list[int]
    e: int


def whole(numbers: list[float]) -> Whole:
    ratios = [v.as_integer_ratio() for v in numbers]
    e = max((q.bit_length() - 1 for _, q in ratios), default=0)
    return Whole([p << (e - q.bit_length() + 1) for p, q in ratios], e)


def determinant(rows: list[list[Fraction]]) -> Fraction:
    if not rows:
        return Fraction(1)
    lead = next((k for k, row in enumerate(rows) if row[0] != 0), None)
    if lead is None:
        return Fraction(0)
    top, rest = rows[lead], rows[:lead] + rows[lead + 1 :]
    smaller = [[v - row[0] / top[0] * t for v, t in zip(row[1:], top[1:])] for row in rest]
    return (-1) ** lead * top[0] * determinant(smaller)


class Space:
    """Every direction's products with the inputs, and what duals prove."""

    def __init__(self, problem: Problem, directions: list[list[float]]) -> None:
        self.problem = problem
        self.directions = [[Fraction(v) for v in row] for row in directions]
        require(determinant(self.directions) != 0, "the directions lie in a hyperplane")
        inputs = read_by_last(problem)
        products = [
            [sum((a * b for a, b in zip(g, x, strict=True)), Fraction(0)) for x in inputs] for g in self.directions
        ]
        # Binary fractions all of them.
        self.e = max(v.denominator.bit_length() - 1 for line in products for v in line)
        self.products = [[int(v * 2**self.e) for v in line] for line in products]
        self.seen: dict[Ray, list[int]] = {}

    def dots(self, ray: Ray) -> list[int]:
        """2^(e of the ray) 2^(e of the products) g . xt_j for every sample."""
        if ray not in self.seen:
            used = [(c, line) for c, line in zip(ray[0], self.products) if c]
            self.seen[ray] = [sum(c * line[j] for c, line in used) for j in range(len(self.problem.X))]
        return self.seen[ray]

    def bound(self, part: Sequence[Sequence[Ray]], signs: Sequence[int], dual: Dual) -> arb:
        """What the dual proves of F where neuron i, of sign signs[i], is a non-negative combination of the rays part[i]; one without rays is 0."""
        problem, o, N = self.problem, self.problem.objective, len(self.problem.X)
        n = len(self.directions)
        pull, total_dual = whole(dual.nu), sum(map(Fraction, dual.nu), Fraction(0))
        for i, (sign, cone) in enumerate(zip(signs, part, strict=True)):
            slopes = whole(dual.slopes[i * N : (i + 1) * N])
            w = [Fraction(v) for v in dual.pulls[i * n : (i + 1) * n]]
            require(sum(v * v for v in w) <= Fraction(o.kappa) ** 2, "a pull exceeds kappa")
            along = [sum((a * b for a, b in zip(w, g)), Fraction(0)) for g in self.directions]
            for ray in cone:
                total = 0
                for d, v, slope in zip(self.dots(ray), pull.values, slopes.values, strict=True):
                    if sign * v > 0:
                        total += sign * v * slope * d
                    elif d > 0:
                        total += (sign * v * d) << slopes.e
                scale = pull.e + slopes.e + self.e
                pushed = N * sum((c * a for c, a in zip(ray[0], along)), Fraction(0))
                require(Fraction(total) >= pushed * 2**scale, "a dual does not hold along a ray of its cone")
        if problem.A.biases[-1] is not None:
            price = Fraction(o.kappa) if o.penalise_output_bias else Fraction(0)
            require(abs(total_dual) <= N * price, "a dual pulls at the output bias more than it costs")
        return -mean([conjugate(o, [v], y) for v, y in zip(dual.nu, sample_targets(problem), strict=True)])
