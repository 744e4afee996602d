"""One end of a bottleneck search: what has been reached from it, and which edge comes next."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from verifier.landscape.faces import FaceValues
from verifier.landscape.locate import Cell


def replaced(cell: Cell, neuron: int, code: int) -> Cell:
    return (*cell[:neuron], code, *cell[neuron + 1 :])


class Distance:
    """Fewest edges between two cells when every pattern's flips are free to come in any order: a hint where to go, no bound."""

    def __init__(self, values: FaceValues) -> None:
        self.signs = values.setting.neurons.cones.signs.astype(np.int64)
        self.kinds = values.setting.neurons.kinds
        self.known: dict[tuple[int, int], int] = {}

    def __call__(self, cell: Cell, goal: Cell) -> int:
        total = 0
        for a, b in zip(cell, goal):
            if a != b:
                found = self.known.get((a, b))
                if found is None:
                    (p, mine), (q, other) = divmod(a, self.kinds), divmod(b, self.kinds)
                    found = int((self.signs[p] != self.signs[q]).sum()) + int(mine != other)
                    self.known[a, b] = found
                total += found
        return total


@dataclass
class Side:
    """What has been reached from one end. goal: the other end, to which distances are counted.

    levels: of each cell the level at which it was taken up, which is the least possible bottleneck on the way to it; never decreasing.
    parents, moves: how each cell was reached; the first cell has parent -1.
    free: edges at or below the level (distance, weight, parent, neuron, facet, code). blocked: those above (weight, parent, neuron, facet, code).
    """

    distance: Distance
    goal: Cell
    level: float
    cells: list[Cell] = field(default_factory=list)
    index: dict[Cell, int] = field(default_factory=dict)
    levels: list[float] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    moves: list[tuple[int, int]] = field(default_factory=list)
    free: list[tuple[int, float, int, int, int, int]] = field(default_factory=list)
    blocked: list[tuple[float, int, int, int, int]] = field(default_factory=list)

    def reach(self, cell: Cell, parent: int, neuron: int, facet: int) -> int:
        k = len(self.cells)
        self.cells.append(cell)
        self.index[cell] = k
        self.levels.append(self.level)
        self.parents.append(parent)
        self.moves.append((neuron, facet))
        return k

    def offer(self, weight: float, parent: int, neuron: int, facet: int, code: int) -> None:
        """An edge that may be taken later."""
        if weight <= self.level:
            target = replaced(self.cells[parent], neuron, code)
            heapq.heappush(self.free, (self.distance(target, self.goal), weight, parent, neuron, facet, code))
        else:
            heapq.heappush(self.blocked, (weight, parent, neuron, facet, code))

    def _reached(self, parent: int, neuron: int, code: int) -> bool:
        return replaced(self.cells[parent], neuron, code) in self.index

    def _drop_reached(self) -> None:
        while self.free and self._reached(self.free[0][2], self.free[0][3], self.free[0][5]):
            heapq.heappop(self.free)
        while self.blocked and self._reached(self.blocked[0][1], self.blocked[0][2], self.blocked[0][4]):
            heapq.heappop(self.blocked)

    @property
    def bound(self) -> float:
        """Every path to a cell not reached here passes this level; inf when nothing is left."""
        self._drop_reached()
        if self.free:
            return self.level
        return self.blocked[0][0] if self.blocked else math.inf

    def take(self) -> tuple[int, int, int, int]:
        """(parent, neuron, facet, code) of the next edge; raises the level when there is none at or below it."""
        self._drop_reached()
        if not self.free:
            self.level = self.blocked[0][0]
            while self.blocked and self.blocked[0][0] <= self.level:
                self.offer(*heapq.heappop(self.blocked))
            self._drop_reached()
        _, _, parent, neuron, facet, code = heapq.heappop(self.free)
        return parent, neuron, facet, code

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
