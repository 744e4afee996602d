"""The second evaluation of `cone_barrier`: what two cones have in common is computed, ray by ray, in rationals (docs/mathematics.md, section 14).

Shares no arithmetic and no bookkeeping with the fast evaluation, which looks for separating facets instead.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction

from flint import arb

from verifier.kernel.reference.cone_duals import Cone, Dual, Ray, Space, determinant, neuron_signs, parts
from verifier.kernel.reference.last_inputs import rows_of_last
from verifier.kernel.reference.numbers import require_at_most, rounded_down, rounded_up
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import ConeBarrier, Parameters, Problem, require
from verifier.kernel.statements.cone_barrier import MOST_CONES

Vector = tuple[int, ...]
# What two cones have in common: its dimension, and vectors of which it is the cone.
Common = tuple[int, list[Vector]]


def check_cone_barrier(problem: Problem, claim: ConeBarrier) -> dict[str, float]:
    m, n = len(problem.A.weights[-2]), len(claim.directions)
    space = Space(problem, claim.directions.tolist())
    cells = list(parts(claim.tree.tolist(), n, m))
    require(len(cells) == len(claim.inside), "parts and their places differ in number")
    first, second = (problem.A, problem.B) if claim.around == "A" else (problem.B, problem.A)
    signs = claim.signs.tolist()
    require(
        all(s in (0, t) for s, t in zip(neuron_signs(first), signs)), "a neuron of the first network has another sign"
    )
    require(_within(space, cells[claim.start], first), "the first network is not in its part")
    if claim.goal < 0:
        require(any(s == -t for s, t in zip(neuron_signs(second), signs)), "the second network differs in no sign")
    else:
        require(_within(space, cells[claim.goal], second), "the second network is not in its part")
    barred: dict[tuple[int, int], int] = {}
    for p, q, d in claim.faces.tolist():
        barred[p, q] = d
    asked: dict[int, list[set[Ray]]] = defaultdict(lambda: [set() for _ in range(m)])
    at_once = [sign for sign, _ in claim.less]
    for p, q, face in _exits(cells, claim.inside.tolist()):
        if q < 0 and signs[-1 - q] in at_once:
            continue  # shown of all networks without such a neuron, below
        require((p, q) in barred, "a way out has no dual")
        for mine, rays in zip(asked[barred[p, q]], face, strict=True):
            mine.update(rays)
    read = 0
    for sign, tree in claim.less:
        gone = signs.index(sign)
        for rest in parts(tree.tolist(), n, m - 1):
            needed = asked[int(claim.of_less[read])]
            for k, rays in enumerate(rest):
                needed[k if k < gone else k + 1].update(rays)
            read += 1
    require(read == len(claim.of_less), "duals of networks without a neuron and their parts differ in number")
    bounds = []
    for d, needed in asked.items():
        dual = Dual(claim.nu[d].tolist(), claim.slopes[d].tolist(), claim.pulls[d].tolist())
        bounds.append(space.bound([sorted(r) for r in needed], signs, dual))
    require(bool(bounds), "there is no way out")
    for bound in bounds if claim.level > 0.0 else []:  # losses and penalties are at least 0
        require_at_most(arb(claim.level), bound, "a dual does not prove the level")
    E = endpoint_value(problem, problem.A).max(endpoint_value(problem, problem.B))
    if claim.gap > 0.0:
        require_at_most(E + arb(claim.gap), arb(claim.level), "the gap over E is not certain")
    return {"level": max(0.0, min(map(rounded_down, bounds))), "E_upper": rounded_up(E)}


def _within(space: Space, cell: list[Cone], p: Parameters) -> bool:
    """Whether every row that is heard is a non-negative combination of its cone's rays, by Cramer's rule."""
    n = len(space.directions)
    for sign, row, cone in zip(neuron_signs(p), rows_of_last(p), cell, strict=True):
        if sign == 0:
            continue
        rays = [
            [sum((c * g[e] for c, g in zip(ray[0], space.directions)), Fraction(0)) for e in range(n)] for ray in cone
        ]
        volume = determinant(rays)
        if any(determinant([*rays[:k], row, *rays[k + 1 :]]) * volume < 0 for k in range(n)):
            return False
    return True


def _exits(cells: list[list[Cone]], inside: list[int]) -> Iterator[tuple[int, int, list[list[Ray]]]]:
    """Every way out of a part inside: (part, -1 - neuron, face) and (part, part outside, face), faces as generators per neuron."""
    shared = _Shared()
    m = len(cells[0])
    numbers = [[shared.number(cone) for cone in cell] for cell in cells]
    within_cones = {a for codes, within in zip(numbers, inside, strict=True) if within for a in codes}
    outer_cones = {a for codes, within in zip(numbers, inside, strict=True) if not within for a in codes}
    require(len(within_cones) * len(outer_cones) <= MOST_CONES, "more pairs of cones than may be looked at")
    by_first: dict[int, list[int]] = defaultdict(list)
    for q, within in enumerate(inside):
        if not within:
            by_first[numbers[q][0]].append(q)
    for p, within in enumerate(inside):
        if not within:
            continue
        for i in range(m):
            yield p, -1 - i, [[] if k == i else cells[p][k] for k in range(m)]
        for first, members in by_first.items():
            if shared.of(numbers[p][0], first)[0] < shared.n - 1:
                continue
            for q in members:
                common = [shared.of(a, b) for a, b in zip(numbers[p], numbers[q], strict=True)]
                # One dimension less than all of space, in one neuron.
                if sum(shared.n - c[0] for c in common) == 1:
                    yield p, q, [[(v, 0) for v in c[1]] for c in common]


class _Shared:
    """What pairs of cones have in common, each pair once."""

    def __init__(self) -> None:
        self.n = 0
        self.numbers: dict[tuple[Ray, ...], int] = {}
        self.rays: list[list[Vector]] = []
        self.normals: dict[int, list[Vector]] = {}
        self.found: dict[tuple[int, int], Common] = {}

    def number(self, cone: Cone) -> int:
        key = tuple(cone)
        if key not in self.numbers:
            self.n = len(cone)
            self.numbers[key] = len(self.rays)
            rays = [_shortest(ray[0]) for ray in cone]
            self.rays.append(rays)
        return self.numbers[key]

    def of(self, a: int, b: int) -> Common:
        if (a, b) not in self.found:
            self.found[a, b] = self._meet(a, b)
        return self.found[a, b]

    def _meet(self, a: int, b: int) -> Common:
        """Cut the second cone by the half-spaces of the first one."""
        rays = self.rays[b]
        if a not in self.normals:
            self.normals[a] = _normals(self.rays[a])
        for normal in self.normals[a]:
            heights = [sum(x * y for x, y in zip(normal, ray)) for ray in rays]
            kept = [ray for ray, h in zip(rays, heights) if h >= 0]
            above = [(ray, h) for ray, h in zip(rays, heights) if h > 0]
            below = [(ray, -h) for ray, h in zip(rays, heights) if h < 0]
            # Where a segment between a ray above and one below crosses the hyperplane.
            new = [_shortest(tuple(x * d + y * h for x, y in zip(u, v))) for u, h in above for v, d in below]
            rays = list(dict.fromkeys([*kept, *(ray for ray in new if any(ray))]))
            if len(rays) < self.n - 1:
                break
        return _rank(rays), rays


def _shortest(ray: Vector) -> Vector:
    shared = math.gcd(*ray)
    return tuple(v // shared for v in ray) if shared else ray


def _normals(rays: list[Vector]) -> list[Vector]:
    """The k-th is 0 on all rays but the k-th, where it is positive: columns of the inverse, by elimination."""
    n = len(rays)
    table = [[*map(Fraction, ray), *(Fraction(j == k) for j in range(n))] for k, ray in enumerate(rays)]
    for e in range(n):
        lead = next(k for k in range(e, n) if table[k][e] != 0)
        table[e], table[lead] = table[lead], table[e]
        table[e] = [v / table[e][e] for v in table[e]]
        table = [row if k == e else [v - row[e] * t for v, t in zip(row, table[e])] for k, row in enumerate(table)]
    columns = [[row[n + k] for row in table] for k in range(n)]
    out = []
    for column in columns:
        common = math.lcm(*(v.denominator for v in column))
        out.append(_shortest(tuple(int(v * common) for v in column)))
    return out


def _rank(vectors: list[Vector]) -> int:
    rows, rank = [[Fraction(v) for v in vector] for vector in vectors], 0
    for e in range(len(vectors[0]) if vectors else 0):
        lead = next((row for row in rows if row[e] != 0), None)
        if lead is None:
            continue
        rank += 1
        rows = [[v - row[e] / lead[e] * t for v, t in zip(row, lead)] for row in rows if row is not lead]
    return rank
