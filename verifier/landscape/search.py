"""Bottleneck search between two cells from both sides, with a bracket of the pass at any time (theory.md section 6).

Each side grows by its lowest leaving edge (Prim's order), so that its cells below a level are all that can be reached below it: when the lowest
edge that leaves A's side has weight w and B is outside, every path passes w. Where the sides touch there is a walk, hence a bound from above.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from verifier.errors import MalformedInputError
from verifier.files import atomic_path
from verifier.landscape.faces import FaceValues
from verifier.landscape.locate import Cell

# Weights this close (relative) are one level: solvers' rounding.
TIE = 1e-9


@dataclass(frozen=True)
class Step:
    """One edge of a walk: `neuron` leaves `cell` for code `to`, through `facet` or, for -1, through u_i = 0."""

    cell: Cell
    neuron: int
    facet: int
    to: int


@dataclass
class Side:
    """What has been reached from one end. levels: largest weight on the way to each cell, which is the least possible; never decreasing.

    parents, moves: how each cell was reached; the first cell has parent -1. heap: leaving edges (weight, parent, neuron, facet, code).
    """

    cells: list[Cell] = field(default_factory=list)
    index: dict[Cell, int] = field(default_factory=dict)
    levels: list[float] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    moves: list[tuple[int, int]] = field(default_factory=list)
    heap: list[tuple[float, int, int, int, int]] = field(default_factory=list)

    def reach(self, cell: Cell, level: float, parent: int, neuron: int, facet: int) -> int:
        k = len(self.cells)
        self.cells.append(cell)
        self.index[cell] = k
        self.levels.append(level)
        self.parents.append(parent)
        self.moves.append((neuron, facet))
        return k

    @property
    def edge(self) -> float:
        """Weight of the lowest leaving edge that is left; inf when there is none."""
        while self.heap and self._target(self.heap[0]) in self.index:
            heapq.heappop(self.heap)
        return self.heap[0][0] if self.heap else math.inf

    def _target(self, edge: tuple[float, int, int, int, int]) -> Cell:
        _, parent, neuron, _, code = edge
        cell = self.cells[parent]
        return (*cell[:neuron], code, *cell[neuron + 1 :])

    @property
    def bound(self) -> float:
        """Every path to a cell not reached here passes this level."""
        return max(self.levels[-1], self.edge)

    def below(self, level: float) -> list[Cell]:
        """The cells that can be reached below the level, complete when `bound` is at least the level."""
        count = next((k for k, v in enumerate(self.levels) if v >= level and k > 0), len(self.levels))
        return self.cells[:count]

    def way(self, k: int) -> list[tuple[Cell, int, int]]:
        """From the first cell to the k-th: (cell, neuron, facet) of each edge, by the cell it leaves."""
        out = []
        while self.parents[k] >= 0:
            neuron, facet = self.moves[k]
            k = self.parents[k]
            out.append((self.cells[k], neuron, facet))
        return out[::-1]


class GapSearch:
    """The search for the pass between two cells; `run` may be called again and again.

    start, goal: codes. floor: weights up to it are as good as free (max of F at the ends). ceiling: the level of a way that is known.
    meeting: (A's cell number, B's cell number, neuron, facet) of the edge on the best walk so far, neuron -1 when the two are the same cell.
    """

    def __init__(self, values: FaceValues, start: Cell, goal: Cell, *, floor: float, ceiling: float = math.inf) -> None:
        self.values, self.floor, self.upper = values, floor, max(floor, ceiling)
        self.sides = (Side(), Side())
        self.meeting: tuple[int, int, int, int] | None = None
        for side, cell in zip(self.sides, (start, goal)):
            side.reach(cell, floor, -1, -1, -1)
        if start == goal:
            self.upper, self.meeting = floor, (0, 0, -1, -1)
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
        """Visit at most this many more cells; True when the bracket is closed. progress(lower, upper, visited)."""
        for _ in iter(int, 1) if cells is None else range(cells):
            if self.closed:
                return True
            # The smaller side, so that a small basin on either end is enough.
            k = min((0, 1), key=lambda k: (math.isinf(self.sides[k].edge), len(self.sides[k].cells)))
            side = self.sides[k]
            if math.isinf(side.edge):
                return self.closed
            weight, parent, neuron, facet, code = heapq.heappop(side.heap)
            cell = side.cells[parent]
            new = side.reach(
                (*cell[:neuron], code, *cell[neuron + 1 :]), max(side.levels[-1], weight), parent, neuron, facet
            )
            self._grow(k, new)
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
        cell, level = side.cells[number], side.levels[number]
        met = other.index.get(cell)
        if met is not None:
            self._meet(k, number, met, -1, -1, max(level, other.levels[met]))
        for neuron, facet, code in self.edges(cell):
            target = (*cell[:neuron], code, *cell[neuron + 1 :])
            if target in side.index:
                continue
            weight = self.weight(cell, neuron, facet)
            met = other.index.get(target)
            if met is not None:
                self._meet(k, number, met, neuron, facet, max(level, weight, other.levels[met]))
            # No walk through such an edge is better than the one that is known.
            if weight < self.upper:
                heapq.heappush(side.heap, (weight, number, neuron, facet, code))

    def _meet(self, k: int, mine: int, other: int, neuron: int, facet: int, level: float) -> None:
        if level < self.upper or (self.meeting is None and level <= self.upper):
            self.upper = level
            a, b = (mine, other) if k == 0 else (other, mine)
            self.meeting = (a, b, neuron, facet)

    def walk(self) -> list[Step] | None:
        """The best walk from start to goal, or None while none is known."""
        if self.meeting is None:
            return None
        a, b, neuron, facet = self.meeting
        A, B = self.sides
        steps = [Step(cell, i, f, -1) for cell, i, f in A.way(a)]
        if neuron >= 0:
            steps.append(Step(A.cells[a], neuron, facet, -1))
        # B's way walked backwards: each edge leaves the later cell.
        cells = [cell for cell, _, _ in B.way(b)] + [B.cells[b]]
        for (_cell, i, f), later in reversed(list(zip(B.way(b), cells[1:]))):
            steps.append(Step(later, i, f, -1))
        goal = [*(s.cell for s in steps[1:]), B.cells[0]]
        return [Step(s.cell, s.neuron, s.facet, after[s.neuron]) for s, after in zip(steps, goal)]

    def save(self, path: str | Path) -> None:
        """Everything found so far, as one .npz file, whole or not at all. Raises UsageError when the place cannot be written."""
        arrays = {"ends": np.array([self.floor, self.upper]), "meeting": np.array(self.meeting or (), dtype=np.int64)}
        for name, s in zip("AB", self.sides):
            arrays |= {
                f"{name}.cells": np.array(s.cells, dtype=np.int64),
                f"{name}.levels": np.array(s.levels),
                f"{name}.came": np.array([(p, *m) for p, m in zip(s.parents, s.moves)], dtype=np.int64),
                f"{name}.weights": np.array([e[0] for e in s.heap]),
                f"{name}.edges": np.array([e[1:] for e in s.heap], dtype=np.int64).reshape(-1, 4),
            }
        with atomic_path(path) as temporary, open(temporary, "wb") as handle:
            np.savez(handle, **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path, values: FaceValues, start: Cell, goal: Cell) -> GapSearch:
        """A search that was saved for the same setting and ends. Raises MalformedInputError for any other file."""
        self = cls.__new__(cls)
        self.values, sides = values, []
        try:
            with np.load(path, allow_pickle=False) as f:
                self.floor, self.upper = (float(v) for v in f["ends"])
                met = tuple(f["meeting"].tolist())
                for name, cell in (("A", start), ("B", goal)):
                    s = Side()
                    s.cells = [tuple(c) for c in f[f"{name}.cells"].tolist()]
                    s.index = {c: k for k, c in enumerate(s.cells)}
                    s.levels = f[f"{name}.levels"].tolist()
                    came = f[f"{name}.came"].tolist()
                    s.parents, s.moves = [c[0] for c in came], [(c[1], c[2]) for c in came]
                    s.heap = [(w, *e) for w, e in zip(f[f"{name}.weights"].tolist(), f[f"{name}.edges"].tolist())]
                    heapq.heapify(s.heap)
                    if s.cells[0] != cell:
                        raise ValueError(f"it starts in cell {s.cells[0]}, not {cell}")
                    sides.append(s)
        except (OSError, KeyError, ValueError) as error:
            raise MalformedInputError(
                f"search state {path}: expected a file that this search saved for the same pair and data, but {error}; remove it to start anew"
            ) from error
        self.sides = (sides[0], sides[1])
        self.meeting = (met[0], met[1], met[2], met[3]) if met else None
        return self
