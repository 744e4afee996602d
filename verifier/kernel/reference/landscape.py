"""The second evaluation of `landscape`: sets, exact rationals and Arb balls.

Written from docs/mathematics.md, section 15; of the reference's own code it takes a neuron's cones and the bound by a dual, of the fast one nothing. That the
cones are all of them is counted over the flats of the hyperplanes; components are sets of cells.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
from flint import arb

from verifier.kernel.reference.barrier import Neuron, Vector, dot, face_bound
from verifier.kernel.reference.numbers import ZERO, rational, require_at_most, rounded_down, rounded_up
from verifier.kernel.reference.objective import sample_loss
from verifier.kernel.statements import ConeTable, FaceDuals, Landscape, Problem, require

Cell = tuple[int, ...]
# (codes, the codes on both sides of a facet): where the neurons are; one of either set is taken for one of each of its codes.
Place = tuple[frozenset[int], frozenset[int]]
NOWHERE: frozenset[int] = frozenset()


def check_landscape(problem: Problem, claim: Landscape) -> dict[str, float]:
    table = ConeTable(
        claim.patterns, claim.interiors, np.zeros((0, 2), dtype=np.int64), np.zeros((0, 0), dtype=np.int64)
    )
    neuron, m = Neuron(problem, table), claim.faces.shape[1]
    normals = [neuron.X[g] for g in sorted({g for g in neuron.group if g is not None})]
    require(_chambers(normals, len(neuron.patterns)) == len(neuron.patterns), "the patterns are not all there are")
    places = [_place(neuron, row, j) for row, j in zip(claim.faces.tolist(), claim.facets.tolist())]
    low, high = _below(problem, claim, neuron, places), _above(problem, claim, neuron, places)
    step: dict[Place, int] = {}
    starts = [a for a, _ in claim.intervals.tolist()]
    for place, a, b in zip(places, low, high):
        if place in step:
            continue
        # No F is below 0, which a ball around 0 does not know.
        i = int(np.searchsorted(starts, max(0.0, rounded_down(a)), side="right")) - 1
        require(i >= 0, "a lower end lies below all intervals")
        if starts[i] > 0.0:
            require_at_most(arb(starts[i]), a, "a lower end lies in none of the intervals")
        require_at_most(b, arb(claim.intervals[i, 1]), "an upper end lies in none of the intervals")
        step[place] = i
    counts, minima, joins = _history(neuron, m, step, len(starts))
    require(counts == claim.counts.tolist(), "the numbers of components are others")
    require(minima == claim.minima.tolist(), "the minima are others")
    require(joins == claim.joins.tolist(), "the passes are others")
    require(counts[-1] == 1, "the networks are never connected")
    ends = [(Fraction(a), Fraction(b)) for a, b in claim.intervals.tolist()]
    least, most = Fraction(0), max(b - a for a, b in ends)
    for t, young, _ in joins:
        born = ends[minima[young][0]]
        least, most = max(least, ends[t][0] - born[1]), max(most, ends[t][1] - born[0])
    require(Fraction(claim.gap_lower) <= least, "the largest gap is not known to be so large")
    require(Fraction(claim.gap_upper) >= most, "the largest gap is not known to be so small")
    widest = max(rounded_up(b - a) for a, b in zip(low, high))
    return {
        "widest": widest, "minima": float(len(minima)), "gap_lower": claim.gap_lower, "gap_upper": claim.gap_upper,
    }  # fmt: skip


# --- all cones ------------------------------------------------------------------------------------------------------


def _chambers(normals: list[Vector], most: int) -> int:
    """Zaslavsky: the sum of |mu(F)| over all flats F, the sets of hyperplanes that hold an intersection of some; mu(least) = 1, sums over lower flats 0.
    Rejects more flats than `most`, for each counts at least once."""
    flats: dict[frozenset[int], int] = {frozenset(): 1}
    level = {frozenset[int](): list[Vector]()}  # flat -> a basis of its normals, reduced
    while level:
        above: dict[frozenset[int], list[Vector]] = {}
        for flat, basis in level.items():
            for h in range(len(normals)):
                if h in flat or any(h in other and flat < other for other in above):
                    continue
                longer = [*basis, _reduced(normals[h], basis)]
                whole = frozenset(k for k, v in enumerate(normals) if not any(_reduced(v, longer)))
                above[whole] = longer
                require(len(flats) + len(above) <= most, "the patterns are not all there are")
        for flat in above:
            flats[flat] = -sum(mu for other, mu in flats.items() if other < flat)
        level = above
    return sum(map(abs, flats.values()))


def _reduced(v: Vector, basis: list[Vector]) -> Vector:
    """v less multiples of the basis' vectors, so that it is 0 where each of them, in turn, is first not 0."""
    for b in basis:
        e = next(i for i, a in enumerate(b) if a)
        share = v[e] / b[e]
        v = [x - share * y for x, y in zip(v, b)]
    return v


# --- brackets -------------------------------------------------------------------------------------------------------


def _place(neuron: Neuron, row: list[int], facet: int) -> Place:
    if facet == -1:
        return frozenset(row) - {-1}, NOWHERE
    q = neuron.across(row[0] // 2, facet)
    require(neuron.group[facet] == facet and q is not None, "a facet is none of its cone")
    assert q is not None  # for the type checker
    return _settled(frozenset(row[1:]) - {-1}, frozenset({row[0], 2 * q + row[0] % 2}))


def _settled(codes: frozenset[int], sides: frozenset[int]) -> Place:
    """A neuron on a facet of a cone that another one is in is added to that one."""
    return (codes, NOWHERE) if codes & sides else (codes, sides)


def _holds(large: Place, small: Place) -> bool:
    sides = not small[1] or small[1] == large[1] or bool(small[1] & large[0])
    return sides and small[0] <= large[0]


def _below(problem: Problem, claim: Landscape, neuron: Neuron, places: list[Place]) -> list[arb]:
    """A ball per row of `faces` whose lower end F reaches there."""
    # Points above the zero network, which is on every face, do not matter.
    rows, level = claim.of_dual, rounded_up(_mean_loss(problem, [Fraction(0)] * len(neuron.X)))
    duals = FaceDuals("trained", level, claim.faces[rows], claim.facets[rows], claim.nu, claim.multipliers, claim.basis)
    bounds = [face_bound(problem, duals, neuron, d).max(ZERO) for d in range(len(rows))]
    out = []
    for place, d in zip(places, claim.dual.tolist()):
        require(_holds(places[int(rows[d])], place), "a dual is not about the face")
        out.append(bounds[d])
    return out


def _above(problem: Problem, claim: Landscape, neuron: Neuron, places: list[Place]) -> list[arb]:
    """A ball per row of `faces` that F reaches a value in there."""
    values = []
    for k, point, c in zip(claim.of_point.tolist(), claim.points.tolist(), claim.biases.tolist()):
        values.append(_at(problem, neuron, claim.faces[k].tolist(), int(claim.facets[k]), point, Fraction(c)))
    out = []
    for place, w in zip(places, claim.point.tolist()):
        require(_holds(place, places[int(claim.of_point[w])]), "a point is not on the face")
        out.append(values[w])
    return out


def _at(problem: Problem, neuron: Neuron, row: list[int], facet: int, point: list[float], c: Fraction) -> arb:
    o, n = problem.objective, len(neuron.X[0])
    f, price = [c] * len(neuron.X), ZERO
    for i, code in enumerate(row):
        if code == -1:
            continue
        u = list(map(Fraction, point[i * n : (i + 1) * n]))
        if i == 0 and facet != -1:
            x = neuron.X[facet]
            u = [a - dot(u, x) / dot(x, x) * b for a, b in zip(u, x)]
            require(dot(u, x) == 0, "a point is not on its facet")
        for j, x in enumerate(neuron.X):
            z = dot(u, x)
            require(z == 0 or (z > 0) == (neuron.patterns[code // 2][j] == 1), "a point is not in its cone")
            f[j] += (1 - 2 * (code % 2)) * max(z, Fraction(0))
        price += rational(dot(u, u)).sqrt()
    if o.penalise_output_bias:
        price += rational(abs(c))
    return _mean_loss(problem, f) + arb(o.kappa) * price


def _mean_loss(problem: Problem, f: list[Fraction]) -> arb:
    each = [sample_loss(problem.objective, [rational(v)], y) for v, y in zip(f, problem.targets.tolist(), strict=True)]
    return sum(each, ZERO) / len(each)


# --- components -----------------------------------------------------------------------------------------------------


def _history(
    neuron: Neuron, m: int, step: dict[Place, int], q: int
) -> tuple[list[int], list[list[int]], list[list[int]]]:
    """(components behind each interval, births as [interval, codes of the least cell], joins as [interval, birth that ends, birth that lives on])."""

    def when(codes: Cell, sides: frozenset[int]) -> int:
        place = _settled(frozenset(codes), sides)
        require(place in step, "a cell or a face has no bracket")
        return step[place]

    heads = sorted({g for g in neuron.group if g is not None})
    pairs = [(2 * p + s, 2 * r + s) for p in range(len(neuron.patterns)) for s in (0, 1) for g in heads
             if (r := neuron.across(p, g)) is not None and p < r]  # fmt: skip
    born: list[list[Cell]] = [[] for _ in range(q)]
    for cell in product(range(2 * len(neuron.patterns)), repeat=m):
        born[when(cell, NOWHERE)].append(cell)
    joined: list[list[tuple[Cell, Cell]]] = [[] for _ in range(q)]
    for others in product(range(2 * len(neuron.patterns)), repeat=m - 1):
        zero = when(others, NOWHERE)
        ways = [(zero, 2 * p, 2 * p + 1) for p in range(len(neuron.patterns))]
        ways += [(when(others, frozenset(pair)), *pair) for pair in pairs]
        for t, a, b in ways:
            for i in range(m):
                joined[t].append(((*others[:i], a, *others[i:]), (*others[:i], b, *others[i:])))
    members: dict[int, list[Cell]] = {}  # component -> its cells
    component: dict[Cell, int] = {}
    minima: list[list[int]] = []
    eldest: dict[int, int] = {}  # component -> its birth, of those before this interval
    counts, joins = [], []
    for t in range(q):
        for cell in born[t]:
            component[cell] = len(component)
            members[component[cell]] = [cell]
        elders: dict[int, list[int]] = {k: [b] for k, b in eldest.items()}
        for x, y in joined[t]:
            require(x in component and y in component, "a face lies below a cell of its own")
            a, b = component[x], component[y]
            if a == b:
                continue
            if len(members[a]) < len(members[b]):
                a, b = b, a
            for cell in members[b]:
                component[cell] = a
            members[a] += members.pop(b)
            elders.setdefault(a, []).extend(elders.pop(b, []))
        ended = []
        for births in elders.values():
            if births:
                ended += [[t, b, min(births)] for b in births if b > min(births)]
        joins += sorted(ended)
        eldest = {k: min(b) for k, b in elders.items() if b}
        fresh = sorted((min(cells), k) for k, cells in members.items() if k not in eldest)
        for cell, k in fresh:
            eldest[k] = len(minima)
            minima.append([t, *cell])
        counts.append(len(members))
    return counts, minima, joins
