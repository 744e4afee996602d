"""The second evaluation of `sign_count_barrier`: whole numbers throughout, and Arb balls for conjugates alone (docs/mathematics.md, section 12).

Shares no arithmetic and no bookkeeping with the fast evaluation. A ray is kept by its coordinates in the directions, whole numbers over a power of two.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from flint import arb

from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.numbers import mean, require_at_most, rounded_down, rounded_up
from verifier.kernel.reference.objective import endpoint_value, sample_targets
from verifier.kernel.statements import Parameters, Problem, SignCountBarrier, require
from verifier.kernel.statements.sign_count import DEEPEST

# (coordinates, e): the ray sum_k coordinates_k 2^-e direction_k.
Ray = tuple[tuple[int, ...], int]
Cone = list[Ray]


def check_sign_count(problem: Problem, claim: SignCountBarrier) -> dict[str, float]:
    stay, p = len(problem.A.weights[0]) - 1, claim.positive
    ends = [_signs(problem.A), _signs(problem.B)]
    # One end has p + 1 neurons or more that are positive, the other one m - p or more that are negative.
    crosses = [x.count(1) >= p + 1 and y.count(-1) >= stay + 1 - p for x, y in (ends, ends[::-1])]
    require(any(crosses), "the numbers of positive neurons do not force a path through these networks")
    space = _Space(problem, claim)
    parts = list(_parts(claim.tree.tolist(), len(claim.directions), stay))
    require(len(parts) == len(claim.nu), "duals and cones differ in number")
    bounds = [space.bound(k, part) for k, part in enumerate(parts)]
    for bound in bounds if claim.level > 0.0 else []:  # losses and penalties are at least 0
        require_at_most(arb(claim.level), bound, "a cone's dual does not prove the level")
    E = endpoint_value(problem, problem.A).max(endpoint_value(problem, problem.B))
    if claim.gap > 0.0:
        require_at_most(E + arb(claim.gap), arb(claim.level), "the gap over E is not certain")
    return {"level": max(0.0, min(map(rounded_down, bounds))), "E_upper": rounded_up(E)}


def _signs(p: Parameters) -> list[int]:
    """+1, -1, or 0 where the head or the whole row is 0."""
    shifts = [0.0] * len(p.weights[0]) if p.biases[0] is None else p.biases[0].tolist()
    out = []
    for head, row, shift in zip(p.weights[1].tolist()[0], p.weights[0].tolist(), shifts, strict=True):
        silent = head == 0.0 or all(v == 0.0 for v in [*row, shift])
        out.append(0 if silent else 1 if head > 0.0 else -1)
    return out


def _parts(tree: list[int], n: int, neurons: int) -> Iterator[list[Cone]]:
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
                half[i][drop] = _between(part[i][keep], part[i][drop])
                halves.append((half, depth + 1))
            to_do += halves[::-1]
    require(next(reading, None) is None, "the tree does not end with its last orthant")


def _between(g: Ray, h: Ray) -> Ray:
    e = max(g[1], h[1])
    return tuple((x << (e - g[1])) + (y << (e - h[1])) for x, y in zip(g[0], h[0])), e + 1


@dataclass(frozen=True)
class _Whole:
    """The numbers `values * 2^-e`."""

    values: list[int]
    e: int


def _whole(numbers: list[float]) -> _Whole:
    ratios = [v.as_integer_ratio() for v in numbers]
    e = max((q.bit_length() - 1 for _, q in ratios), default=0)
    return _Whole([p << (e - q.bit_length() + 1) for p, q in ratios], e)


def _determinant(rows: list[list[Fraction]]) -> Fraction:
    if not rows:
        return Fraction(1)
    lead = next((k for k, row in enumerate(rows) if row[0] != 0), None)
    if lead is None:
        return Fraction(0)
    top, rest = rows[lead], rows[:lead] + rows[lead + 1 :]
    smaller = [[v - row[0] / top[0] * t for v, t in zip(row[1:], top[1:])] for row in rest]
    return (-1) ** lead * top[0] * _determinant(smaller)


class _Space:
    """Every direction's products with the inputs, and what duals prove."""

    def __init__(self, problem: Problem, claim: SignCountBarrier) -> None:
        self.problem, self.claim = problem, claim
        self.directions = [[Fraction(v) for v in row] for row in claim.directions.tolist()]
        require(_determinant(self.directions) != 0, "the directions lie in a hyperplane")
        one = [] if problem.A.biases[0] is None else [Fraction(1)]
        inputs = [[*map(Fraction, row), *one] for row in problem.X.tolist()]
        products = [[sum((a * b for a, b in zip(g, x)), Fraction(0)) for x in inputs] for g in self.directions]
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

    def bound(self, k: int, part: list[Cone]) -> arb:
        """What dual k proves of F where neuron i lies in part[i]."""
        problem, o, N = self.problem, self.problem.objective, len(self.problem.X)
        nu, n = self.claim.nu[k].tolist(), len(self.directions)
        pull, dual = _whole(nu), sum(map(Fraction, nu), Fraction(0))
        for i, cone in enumerate(part):
            sign = 1 if i < self.claim.positive else -1
            slopes = _whole(self.claim.slopes[k].tolist()[i * N : (i + 1) * N])
            w = [Fraction(v) for v in self.claim.pulls[k].tolist()[i * n : (i + 1) * n]]
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
                require(Fraction(total) >= pushed * 2**scale, f"dual {k} does not hold along a ray of its cone")
        if problem.A.biases[1] is not None:
            price = Fraction(o.kappa) if o.penalise_output_bias else Fraction(0)
            require(abs(dual) <= N * price, "a dual pulls at the output bias more than it costs")
        return -mean([conjugate(o, [v], y) for v, y in zip(nu, sample_targets(problem), strict=True)])
