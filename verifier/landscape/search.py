"""Bottleneck search between two cells from both sides, with a bracket of the pass at any time (docs/landscape.md).

Each side has a level, and takes up every cell that can be reached at or below it before the level rises to the lowest edge that is left: then every
path to a cell outside passes that edge's weight. Where the sides touch there is a walk, hence a bound from above. Among edges at or below its level a
side prefers those that lead towards the other end.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from verifier.landscape.faces import FaceValues
from verifier.landscape.locate import Cell
from verifier.landscape.sealed import read_state, write_state
from verifier.landscape.side import Distance, Side, replaced

# Weights this close (relative) are one level: solvers' rounding.
TIE = 1e-9
# Probes for a first walk stop this near (relative) to each other, or after so many.
NEAR, PROBES = 1e-3, 12
# Probes at the lower bound start when so many cells are known, and come again at twice as many.
PROBE_FROM = 64


@dataclass(frozen=True)
class Step:
    """One edge of a walk: `neuron` leaves `cell` for code `to`, through `facet` or, for -1, through u_i = 0."""

    cell: Cell
    neuron: int
    facet: int
    to: int


class GapSearch:
    """The search for the pass between two cells; `run` may be called again and again.

    start, goal: codes. floor: weights up to it are as good as free (max of F at the ends). ceiling: the level of a way that is known.
    way: the best walk so far, cells and edges from start to goal, or None while `ceiling` is the best.
    """

    def __init__(self, values: FaceValues, start: Cell, goal: Cell, *, floor: float, ceiling: float = math.inf) -> None:
        self.values, self.floor, self.upper = values, floor, max(floor, ceiling)
        distance = Distance(values)
        self.sides = (Side(distance, goal, floor), Side(distance, start, floor))
        self.way: list[tuple[Cell, int, int]] | None = None
        self.next_probe = PROBE_FROM
        for side, cell in zip(self.sides, (start, goal)):
            side.reach(cell, -1, -1, -1)
        if start == goal:
            self.upper, self.way = floor, []
        else:
            for k in (0, 1):
                self._grow(k, 0)

    @property
    def lower(self) -> float:
        return min(self.upper, max(side.bound for side in self.sides))

    @property
    def visited(self) -> int:
        return sum(len(s.cells) for s in self.sides)

    @property
    def closed(self) -> bool:
        """Whether the bracket is a point, up to TIE."""
        return self.lower >= self.upper - TIE * abs(self.upper)

    def run(self, cells: int | None = None, progress: Callable[[float, float, int], None] | None = None) -> bool:
        """Take up at most this many more cells; True when the bracket is closed. progress(lower, upper, visited)."""
        for _ in iter(int, 1) if cells is None else range(cells):
            if self.closed:
                return True
            # The smaller side, so that a small basin on either end is enough.
            k = min((0, 1), key=lambda k: (math.isinf(self.sides[k].bound), len(self.sides[k].cells)))
            side = self.sides[k]
            parent, neuron, facet, code = side.take()
            self._grow(k, side.reach(replaced(side.cells[parent], neuron, code), parent, neuron, facet))
            if self.visited >= self.next_probe:
                # A walk at the lower bound closes the bracket long before the sides touch; the cost stays in proportion.
                self.next_probe = 2 * self.visited
                self.probe(self.lower, self.visited)
            if progress is not None:
                progress(self.lower, self.upper, self.visited)
        return self.closed

    def edges(self, cell: Cell) -> Iterator[tuple[int, int, int]]:
        """(neuron, facet or -1, new code) of all edges of a cell."""
        s = self.values.setting
        for i, code in enumerate(cell):
            for facet, to in s.neurons.crossings[code]:
                yield i, facet, to
            if not s.frozen:
                yield i, -1, code ^ 1

    def weight(self, cell: Cell, neuron: int, facet: int) -> float:
        others = cell[:neuron] + cell[neuron + 1 :]
        return max(self.floor, self.values.value(self.values.face(others, facet)))

    def _grow(self, k: int, number: int) -> None:
        side, other = self.sides[k], self.sides[1 - k]
        cell = side.cells[number]
        met = other.index.get(cell)
        if met is not None:
            self._meet(k, number, met, None, max(side.level, other.levels[met]))
        for neuron, facet, code in self.edges(cell):
            target = replaced(cell, neuron, code)
            if target in side.index:
                continue
            weight = self.weight(cell, neuron, facet)
            met = other.index.get(target)
            if met is not None:
                self._meet(k, number, met, (neuron, facet), max(side.level, weight, other.levels[met]))
            # No walk through such an edge is better than the one that is known.
            if weight < self.upper or self.way is None:
                side.offer(weight, number, neuron, facet, code)

    def _meet(self, k: int, mine: int, theirs: int, edge: tuple[int, int] | None, level: float) -> None:
        """The sides touch: by this edge of side k's cell, or in one cell."""
        if level < self.upper or (self.way is None and level <= self.upper):
            a, b = (mine, theirs) if k == 0 else (theirs, mine)
            A, B = self.sides
            back = B.way(b)
            leaving = [*(cell for cell, _, _ in back[1:]), B.cells[b]]
            way = A.way(a)
            if edge is not None:
                way.append((A.cells[a], *edge))
            # B's way walked backwards: each edge leaves the later cell.
            way += [(cell, i, f) for cell, (_, i, f) in reversed(list(zip(leaving, back)))]
            self.upper, self.way = level, way

    def probe(self, level: float, cells: int) -> bool:
        """Look for a walk at or below the level, straight for the goal, in at most this many cells; keeps the one it finds."""
        start, goal = self.sides[0].cells[0], self.sides[1].cells[0]
        distance = self.sides[0].distance
        came: dict[Cell, tuple[Cell, int, int, float] | None] = {start: None}
        heap = [(distance(start, goal), start)]
        while heap and cells > 0:
            cells -= 1
            _, cell = heapq.heappop(heap)
            if cell == goal:
                way, top, at = [], self.floor, came[goal]
                while at is not None:
                    way.append(at[:3])
                    top = max(top, at[3])
                    at = came[at[0]]
                if top < self.upper or self.way is None:
                    self.upper, self.way = top, way[::-1]
                return True
            for neuron, facet, code in self.edges(cell):
                target = replaced(cell, neuron, code)
                if target not in came:
                    weight = self.weight(cell, neuron, facet)
                    if weight <= level:
                        came[target] = (cell, neuron, facet, weight)
                        heapq.heappush(heap, (distance(target, goal), target))
        return False

    def probes(self, cells: int) -> None:
        """A first bound from above: probes at the floor and, by bisection, between the floor and what is known; `cells` for each."""
        low, tries = self.floor, 0
        if self.way is not None or self.probe(self.floor, cells):
            return
        while tries < PROBES and self.upper - low > NEAR * self.upper:
            tries += 1
            # Towards a ceiling that is far away the first steps are large.
            middle = 0.5 * (low + self.upper)
            if not self.probe(middle, cells):
                low = middle

    def walk(self) -> list[Step] | None:
        """The best walk from start to goal, or None while none is known but the ceiling's."""
        if self.way is None:
            return None
        after = [*(cell for cell, _, _ in self.way[1:]), self.sides[1].cells[0]]
        return [Step(cell, i, f, to[i]) for (cell, i, f), to in zip(self.way, after)]

    def save(self, path: str | Path, question: str) -> None:
        """Everything found so far, as one .npz file, whole or not at all. question: hash of what the search is about.

        Raises UsageError when the place cannot be written.
        """
        m = len(self.sides[0].cells[0])
        arrays = {
            "bracket": np.array([self.floor, self.upper]),
            "known": np.array(self.way is not None),
            "way": np.array([(*c, i, f) for c, i, f in self.way or ()], dtype=np.int64).reshape(-1, m + 2),
        }
        for name, s in zip("AB", self.sides):
            edges = [(e[1], *e[2:]) for e in s.free] + s.blocked
            arrays |= {
                f"{name}.cells": np.array(s.cells, dtype=np.int64),
                f"{name}.levels": np.array([*s.levels, s.level]),
                f"{name}.came": np.array([(p, *m) for p, m in zip(s.parents, s.moves)], dtype=np.int64),
                f"{name}.weights": np.array([e[0] for e in edges]),
                f"{name}.edges": np.array([e[1:] for e in edges], dtype=np.int64).reshape(-1, 4),
            }
        write_state(path, arrays, question)

    @classmethod
    def load(cls, path: str | Path, values: FaceValues, start: Cell, goal: Cell, question: str) -> GapSearch:
        """A search that this code saved for the same question. Raises MalformedInputError for any other file, and for one that was edited."""
        self = cls.__new__(cls)
        self.values, sides, distance = values, [], Distance(values)
        with read_state(path, question) as f:
            self.floor, self.upper = (float(v) for v in f["bracket"])
            way = [(tuple(r[:-2]), r[-2], r[-1]) for r in f["way"].tolist()]
            self.way = way if bool(f["known"]) else None
            for name, cell, other in (("A", start, goal), ("B", goal, start)):
                levels = f[f"{name}.levels"].tolist()
                s = Side(distance, other, levels.pop())
                s.cells, s.levels = [tuple(c) for c in f[f"{name}.cells"].tolist()], levels
                s.index = {c: k for k, c in enumerate(s.cells)}
                came = f[f"{name}.came"].tolist()
                s.parents, s.moves = [c[0] for c in came], [(c[1], c[2]) for c in came]
                if s.cells[0] != cell:
                    raise ValueError(f"it starts in cell {s.cells[0]}, not {cell}")
                for w, e in zip(f[f"{name}.weights"].tolist(), f[f"{name}.edges"].tolist()):
                    s.offer(w, *e)
                sides.append(s)
        self.sides = (sides[0], sides[1])
        self.next_probe = PROBE_FROM
        return self
