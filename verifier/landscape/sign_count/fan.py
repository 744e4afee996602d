"""Products of simplicial cones: rays by index, halves across an edge, and the tree that says how all of the space was cut."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations, product

import numpy as np

from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
# How many times larger than the products of rays and samples their terms may be.
LOST = 64.0
# The rays of one cone per neuron.
Cones = tuple[tuple[int, ...], ...]


@dataclass(eq=False)
class Part:
    """A product of cones of the tree. code: the edge it was cut across, -1 while it is whole; halves then."""

    cones: Cones
    code: int = -1
    halves: tuple[Part, ...] = ()


@dataclass(eq=False)
class Fan:
    """Rays g in R^n, float64: the directions, their opposites, and midpoints as they are asked for. dots: g . xt_j. coordinates: of g in the directions.
    exact: as in `Narrow`."""

    inputs: Array
    directions: Array
    neurons: int
    exact: Array | None = None
    rays: list[Array] = field(default_factory=list)
    dots: list[Array] = field(default_factory=list)
    coordinates: list[Array] = field(default_factory=list)
    middles: dict[tuple[int, int], int] = field(default_factory=dict)
    roots: list[Part] = field(default_factory=list)

    @staticmethod
    def of(s: Narrow) -> Fan:
        """Where all neurons of these networks lie."""
        return Fan(s.inputs, s.directions, len(s.signs), s.exact)

    def __post_init__(self) -> None:
        n = len(self.directions)
        self.edges = list(combinations(range(n), 2))
        products = self._products()
        for sign in (1.0, -1.0):
            self.rays += list(sign * self.directions)
            self.dots += list(sign * products)
            self.coordinates += list(sign * np.eye(n))
        self.roots = self._orthants()

    def _products(self) -> Array:
        """directions . xt_j (n, N), rounded once where float64 would lose digits: where data lie far from 0, as compared to their spread."""
        out: Array = self.directions @ self.inputs.T
        size = np.abs(self.directions) @ np.abs(self.inputs).T
        if (size.max(axis=1) <= LOST * np.abs(out).max(axis=1)).all():
            return out
        X = [[Fraction(v) for v in row] for row in self.inputs.tolist()]
        if self.exact is not None:
            j, e = np.unravel_index(np.abs(self.inputs).argmax(), self.inputs.shape)
            unit = Fraction(2) ** round(math.log2(abs(self.exact[j, e])) - math.log2(abs(self.inputs[j, e])))
            X = [[v / unit for v in row] for row in self.exact.tolist()]
        G = [[Fraction(v) for v in row] for row in self.directions.tolist()]
        return np.array([[float(sum((a * b for a, b in zip(g, x)), Fraction(0))) for x in X] for g in G])

    def _orthants(self) -> list[Part]:
        n, out = len(self.directions), []
        for signs in product((0, 1), repeat=n * self.neurons):
            out.append(Part(tuple(tuple(e + n * signs[i * n + e] for e in range(n)) for i in range(self.neurons))))
        return out

    def middle(self, a: int, b: int) -> int:
        """The ray half-way between two."""
        key = (min(a, b), max(a, b))
        if key not in self.middles:
            self.middles[key] = len(self.rays)
            for table in (self.rays, self.dots, self.coordinates):
                table.append(0.5 * (table[a] + table[b]))
        return self.middles[key]

    def cut(self, part: Part, neuron: int) -> tuple[Part, ...]:
        """Both halves across the widest edge of one neuron's cone; () where the cone is a ray."""
        if not self.edges:
            return ()
        rays = part.cones[neuron]
        a, b, _ = self.widest(part, neuron)
        part.code = neuron * len(self.edges) + self.edges.index((a, b))
        mid = self.middle(rays[a], rays[b])
        part.halves = tuple(
            Part((*part.cones[:neuron], tuple(mid if s == end else r for s, r in enumerate(rays)), *part.cones[neuron + 1 :]))
            for end in (b, a)
        )  # fmt: skip
        return part.halves

    def width(self, part: Part, neuron: int) -> float:
        """Cosine of the widest angle of one neuron's cone, in coordinates of the directions."""
        return self.widest(part, neuron)[2]

    def widest(self, part: Part, neuron: int) -> tuple[int, int, float]:
        """(places of two rays, cosine of the angle between them) of one neuron's cone; twice the same ray where there is but one."""
        unit = [self.coordinates[r] / np.linalg.norm(self.coordinates[r]) for r in part.cones[neuron]]
        return min(((a, b, float(unit[a] @ unit[b])) for a, b in self.edges), key=lambda e: e[2], default=(0, 0, 1.0))

    def cut_again(self, tree: Array, cut: Callable[[Part, int], object]) -> None:
        """Cut as another fan of the same directions was: cut(part, neuron). Raises ValueError where that leads to another tree."""
        codes, waiting = tree.tolist()[::-1], self.roots[::-1]
        while waiting and codes:
            part, code = waiting.pop(), codes.pop()
            if code >= 0 and self.edges:
                cut(part, code // len(self.edges))
            if part.code != code:
                raise ValueError("its cones are cut otherwise")
            waiting += part.halves[::-1]
        if waiting or codes:
            raise ValueError("its cones are cut otherwise")

    def leaves(self) -> list[Part]:
        """Parts that were not cut, in the tree's order."""
        return [p for p in self._walk() if not p.halves]

    def tree(self) -> Array:
        """The code of every part, first half first."""
        return np.array([p.code for p in self._walk()], dtype=np.int64)

    def _walk(self) -> list[Part]:
        out, waiting = [], self.roots[::-1]
        while waiting:
            part = waiting.pop()
            out.append(part)
            waiting += part.halves[::-1]
        return out
