"""A partition of all neurons' rows into products of cones that is cut where it must be, and knows which of its parts share a facet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from verifier.landscape.coarse.touching import Touching
from verifier.landscape.sign_count.fan import Cones, Fan, Part

Array = np.ndarray


@dataclass(eq=False)
class Partition:
    """near: for every whole part the parts that share a facet with it, and that face: rays per neuron. came: a face, and the larger one it was cut from."""

    fan: Fan
    touching: Touching = field(init=False)
    near: dict[Part, dict[Part, Cones]] = field(default_factory=dict)
    came: dict[Cones, Cones] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.touching = Touching(self.fan)
        self.near = {part: {} for part in self.fan.roots}
        for k, part in enumerate(self.fan.roots):
            for other in self.fan.roots[:k]:
                self._meet(part, other)

    def _meet(self, part: Part, other: Part, before: Cones | None = None) -> None:
        face = self.touching.parts(part.cones, other.cones)
        if face is None:
            return
        self.near[part][other] = self.near[other][part] = face
        if before is not None:
            self._came_from(face, before)

    def _came_from(self, face: Cones, larger: Cones) -> None:
        """Without circles: faces of the same points may have other rays."""
        at: Cones | None = larger
        while at is not None and at != face:
            at = self.came.get(at)
        if at is None:
            self.came.setdefault(face, larger)

    def cut(self, part: Part, neuron: int) -> tuple[Part, ...]:
        """Both halves; the part is no longer one."""
        halves = self.fan.cut(part, neuron)
        others = self.near.pop(part)
        for half in halves:
            self.near[half] = {}
            self._came_from(half.cones, part.cones)
            for i in range(len(half.cones)):
                gone, now = absent(part.cones, i), absent(half.cones, i)
                self._came_from(now, gone)
        if halves:
            self._meet(halves[0], halves[1])
        for other, face in others.items():
            del self.near[other][part]
            for half in halves:
                self._meet(half, other, face)
        return halves

    def coordinates(self, u: Array) -> list[list[Fraction]]:
        """Of rows u (m, n) in the directions, exactly."""
        return [_solve(self.fan.directions, row) for row in u]

    def holds(self, part: Part, at: Sequence[Sequence[Fraction]]) -> bool:
        """Whether the closed part holds the point of these coordinates."""
        return all(
            sum((v * x for v, x in zip(normal, row)), Fraction(0)) >= 0
            for cone, row in zip(part.cones, at)
            for normal in self.touching.normals(cone)
        )


def absent(cones: Cones, neuron: int) -> Cones:
    """The face on which this neuron is 0."""
    return tuple(() if k == neuron else rays for k, rays in enumerate(cones))


def _solve(directions: Array, row: Array) -> list[Fraction]:
    """c with `sum_k c_k directions[k] = row`, by elimination."""
    n = len(row)
    table = [[Fraction(v) for v in [*directions[:, e].tolist(), float(row[e])]] for e in range(n)]
    for e in range(n):
        lead = next(k for k in range(e, n) if table[k][e])
        table[e], table[lead] = table[lead], table[e]
        table[e] = [v / table[e][e] for v in table[e]]
        for k in range(n):
            if k != e and table[k][e]:
                table[k] = [v - table[k][e] * t for v, t in zip(table[k], table[e])]
    return [line[n] for line in table]
