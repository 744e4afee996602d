"""How many parts {F <= X} has at every X: fast evaluation of `landscape` (docs/mathematics.md, section 15).

Cells are joined through faces, neurons in their order. Which of them hold points below a level is known outside the brackets of their least F; the
brackets lie in the claim's intervals, so that the cells and faces come in as many steps as there are intervals.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from flint import fmpq

from verifier.kernel.fast.brackets import Across, Face, brackets, face_of, read_faces
from verifier.kernel.fast.cones import Cones, count_cones, read_cones
from verifier.kernel.fast.rational import ZERO, fraction, line_of
from verifier.kernel.statements import ConeTable, Landscape, Problem, require

Array = np.ndarray
NONE = (-1, -1)


def check_landscape(problem: Problem, claim: Landscape) -> dict[str, float]:
    """Numbers found for the claim; rejects unless the counts, the minima, the passes and the largest gap are as it says."""
    across = read_neurons(problem, claim)
    faces = read_faces(claim, across)
    below, above = brackets(problem, claim, faces)
    require(bool((below <= above).all()), "a dual lies above a point of its face")
    steps = steps_of(claim.intervals, below, above)
    when: dict[Face, int] = {}
    for face, step in zip(faces, steps):
        when.setdefault(face, step)
    found = merge(*cells_and_edges(across, claim.faces.shape[1], when), len(claim.intervals))
    require(found.counts == claim.counts.tolist(), "the numbers of components are others")
    require(found.minima(across, claim.faces.shape[1]) == claim.minima.tolist(), "the minima are others")
    require(found.joins == claim.joins.tolist(), "the passes are others")
    require(found.counts[-1] == 1, "the networks are never connected")
    low, high = gap_bounds(claim.intervals, found)
    require(bool(fraction(claim.gap_lower) <= max(low, ZERO)), "the largest gap is not known to be so large")
    require(bool(fraction(claim.gap_upper) >= high), "the largest gap is not known to be so small")
    return {
        "widest": float((above - below).max()), "minima": float(len(found.births)), "gap_lower": claim.gap_lower,
        "gap_upper": claim.gap_upper,
    }  # fmt: skip


def read_neurons(problem: Problem, claim: Landscape) -> Across:
    """What lies across the facets of each code's cone; rejects unless the patterns are all there are."""
    none = np.zeros((0, 2), dtype=np.int64)
    cones: Cones = read_cones(problem, ConeTable(claim.patterns, claim.interiors, none, none[:, :0]))
    heads = [line_of(cones.rows[j]) for j in cones.classes]
    require(count_cones(heads, len(cones.patterns)) == len(cones.patterns), "the patterns are not all there are")
    index = {row.tobytes(): p for p, row in enumerate(cones.patterns)}
    across: Across = [{} for _ in range(2 * len(cones.patterns))]
    for p, row in enumerate(cones.patterns):
        for j, members in cones.classes.items():
            other = row.copy()
            other[members] ^= 1
            # Both cones are there and nothing but this hyperplane lies between them: it carries a facet of each. Where one is missing it carries none.
            q = index.get(other.tobytes())
            if q is not None:
                for sign in (0, 1):
                    across[2 * p + sign][j] = 2 * q + sign
    return across


def steps_of(intervals: Array, below: Array, above: Array) -> list[int]:
    """The interval that holds each bracket; rejects brackets in none."""
    starts, ends = intervals.T
    steps = np.searchsorted(starts, below, side="right") - 1
    require(bool((steps >= 0).all() and (above <= ends[steps]).all()), "a bracket lies in none of the intervals")
    return [int(s) for s in steps]


def cells_and_edges(across: Across, m: int, when: dict[Face, int]) -> tuple[list[int], list[tuple[int, int, int]]]:
    """(step of each cell, [(step, cell, adjacent cell)]); cells are numbers in mixed radix, the first neuron first."""

    def step(codes: tuple[int, ...], sides: tuple[int, int]) -> int:
        found = when.get(face_of(codes, sides))
        require(found is not None, "a cell or a face has no bracket")
        assert found is not None  # for the type checker
        return found

    size = len(across)
    cells = [step(codes, NONE) for codes in itertools.product(range(size), repeat=m)]
    edges = []
    known: dict[frozenset[int], list[tuple[int, int, int]]] = {}
    for others in itertools.product(range(size), repeat=m - 1):
        key = frozenset(others)
        if key not in known:
            # A change of sign at 0, where the neuron is absent; and every facet, once.
            known[key] = [(step(others, NONE), c, c + 1) for c in range(0, size, 2)]
            known[key] += [(step(others, (c, d)), c, d) for c in range(size) for d in across[c].values() if c < d]
        for i in range(m):
            stride = size ** (m - 1 - i)
            base = sum(c * size ** (m - 1 - (k if k < i else k + 1)) for k, c in enumerate(others))
            edges += [(t, base + c * stride, base + d * stride) for t, c, d in known[key]]
    return cells, edges


@dataclass(frozen=True)
class Merging:
    """counts (q,): components behind each interval. births: (interval, least cell of the component born there). joins: [interval, which birth's component
    ends, which one's lives on]: that of the earliest birth, of several the first in the list."""

    counts: list[int]
    births: list[tuple[int, int]]
    joins: list[list[int]]

    def minima(self, across: Across, m: int) -> list[list[int]]:
        """Births as rows: the interval, and the cell's codes."""
        size = len(across)
        return [[t, *(cell // size ** (m - 1 - i) % size for i in range(m))] for t, cell in self.births]


def merge(cells: list[int], edges: list[tuple[int, int, int]], q: int) -> Merging:
    """Components as the steps go by. A component is born at a step when none of its cells was there before."""
    parent = list(range(len(cells)))

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    new: list[list[int]] = [[] for _ in range(q)]
    for cell, t in enumerate(cells):
        new[t].append(cell)
    ways: list[list[tuple[int, int]]] = [[] for _ in range(q)]
    for t, x, y in edges:
        require(t >= max(cells[x], cells[y]), "a face lies below a cell of its own")
        ways[t].append((x, y))
    births: list[tuple[int, int]] = []
    owner: dict[int, int] = {}  # root of a component -> the birth it goes by
    counts, joins = [], []
    for t in range(q):
        before = [(birth, r) for r, birth in owner.items()]
        for x, y in ways[t]:
            x, y = root(x), root(y)
            if x != y:
                parent[max(x, y)] = min(x, y)
        heirs: dict[int, int] = {}
        for birth, r in sorted(before):
            eldest = heirs.setdefault(root(r), birth)
            if eldest != birth:
                joins.append([t, birth, eldest])
        # The root of a component is its least cell.
        for cell in new[t]:
            if root(cell) not in heirs:
                heirs[root(cell)] = len(births)
                births.append((t, root(cell)))
        owner = heirs
        counts.append(len(owner))
    return Merging(counts, births, joins)


def gap_bounds(intervals: Array, found: Merging) -> tuple[fmpq, fmpq]:
    """(lower, upper) of the largest gap of a pair, exactly."""
    ends = [(fraction(a), fraction(b)) for a, b in intervals.tolist()]
    low = max((ends[t][0] - ends[found.births[y][0]][1] for t, y, _ in found.joins), default=ZERO)
    high = max((ends[t][1] - ends[found.births[y][0]][0] for t, y, _ in found.joins), default=ZERO)
    return low, max([high, *(b - a for a, b in ends)])
