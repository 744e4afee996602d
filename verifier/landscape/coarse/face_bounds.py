"""What is known of F on faces: values of relaxed programs, networks near the least F, and, for the faces a proof needs, duals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from verifier.landscape.coarse.relaxed import relaxed_minimum
from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Solved
from verifier.landscape.sign_count.repair import Dual, holding, nothing

Array = np.ndarray
# A program may stop once its value exceeds the level by this share.
BEYOND = 1e-7


@dataclass(eq=False)
class FaceBound:
    """face: whose program was solved. value: F is at least this on it, if the program was solved well; lowered where no dual proves that. u (m, n), c: a
    network on the face, of F `true`. looseness (m,). solved: None where another run solved it. dual: what is proved, made when it is asked for."""

    face: Cones
    value: float
    u: Array
    c: float
    true: float
    looseness: Array
    solved: Solved | None = None
    dual: Dual | None = None


@dataclass(frozen=True, eq=False)
class KnownFaces:
    """What is known of F faces from B programs. middles (M, 2): which rays lie half-way between which. faces (F, m, n): their rays per neuron, -1 behind them.
    of (F,): by which program each is known. solved (B, m, n): the faces of these; numbers (B, 3): value, true, level; u (B, m, n), c (B,), looseness (B, m)."""

    middles: Array
    faces: Array
    of: Array
    solved: Array
    numbers: Array
    u: Array
    c: Array
    looseness: Array


@dataclass(eq=False)
class FaceBounds:
    """All faces looked at so far, and whole parts. known: a face's own program, or that of a larger face where it was enough. tried: levels for which
    own ones were solved."""

    s: Narrow
    fan: Fan
    came: dict[Cones, Cones]
    known: dict[Cones, FaceBound] = field(default_factory=dict)
    tried: dict[Cones, float] = field(default_factory=dict)
    programs: int = 0

    def at(self, face: Cones, level: float) -> FaceBound:
        """The best known for the face: of value at least `level`, or after its own program was solved for that level."""
        found = self.known.get(face)
        if found is not None and found.value >= level:
            return found
        own = found is not None and found.face == face
        # No slopes bar a face on which a network lies below the level.
        if found is not None and own and (self.tried[face] >= level or found.true < level):
            return found
        above = next((bound for bound in self._larger(face) if bound.value >= level), None)
        if above is not None:
            self.known[face] = above
            return above
        self.programs += 1
        relaxed = relaxed_minimum(self.s, self.fan, face, level * (1.0 + BEYOND))
        self.tried[face] = level
        self.known[face] = FaceBound(
            face, relaxed.value, relaxed.u, relaxed.c, relaxed.true, relaxed.solved.looseness, relaxed.solved
        )
        return self.known[face]

    def least(self, face: Cones, within: Sequence[Cones], level: float) -> float:
        """What bounds F on the face from below without a new program: its own, or those of larger ones. within: cones of the parts that it is a face of."""
        best = self.known.get(face)
        if best is not None and best.face == face:
            return best.value
        for above in (*map(self.known.get, within), next(self._larger(face), None)):
            if above is not None and (best is None or above.value > best.value):
                best = above
        if best is None:
            return 0.0
        if best.value >= level:
            self.known[face] = best
        return best.value

    def _larger(self, face: Cones) -> Iterator[FaceBound]:
        """What is known of the faces it was cut from, the smallest first."""
        larger = self.came.get(face)
        while larger is not None:
            if larger in self.known:
                yield self.known[larger]
            larger = self.came.get(larger)

    def proved(self, bound: FaceBound) -> Dual:
        """What a dual proves on the bound's face and on smaller ones; its value is lowered to that where it promised more."""
        if bound.dual is None:
            if bound.solved is None:
                self.programs += 1
                level = self.tried[bound.face] * (1.0 + BEYOND)
                bound.solved = relaxed_minimum(self.s, self.fan, bound.face, level).solved
            dual = holding(self.s, self.fan, bound.face, bound.solved)
            bound.dual = nothing(self.s) if dual is None else dual
            bound.value = min(bound.value, bound.dual.bound)
        return bound.dual

    def state(self, faces: Iterable[Cones]) -> KnownFaces:
        """What is known of these."""
        m, n = len(self.s.signs), self.s.inputs.shape[1]
        known = [(face, self.known[face]) for face in dict.fromkeys(faces) if face in self.known]
        bounds = list({id(bound): bound for _, bound in known}.values())
        place = {id(bound): k for k, bound in enumerate(bounds)}
        return KnownFaces(
            np.array(list(self.fan.middles), dtype=np.int64).reshape(-1, 2),
            _table([face for face, _ in known], m, n),
            np.array([place[id(bound)] for _, bound in known], dtype=np.int64),
            _table([bound.face for bound in bounds], m, n),
            np.array([(b.value, b.true, self.tried[b.face]) for b in bounds]).reshape(-1, 3),
            np.array([b.u for b in bounds]).reshape(-1, m, n),
            np.array([float(b.c) for b in bounds]),
            np.array([b.looseness for b in bounds]).reshape(-1, m),
        )

    def take_up(self, k: KnownFaces) -> None:
        """What another run knew. Rays get the numbers that they had there."""
        for a, b in k.middles.tolist():
            self.fan.middle(a, b)
        bounds = []
        for face, (value, true, level), u, c, loose in zip(
            _cones(k.solved), k.numbers.tolist(), k.u, k.c.tolist(), k.looseness, strict=True
        ):
            bounds.append(FaceBound(face, value, u, c, true, loose))
            self.tried[face] = level
        for face, at in zip(_cones(k.faces), k.of.tolist(), strict=True):
            self.known[face] = bounds[at]


def _table(faces: Sequence[Cones], m: int, n: int) -> Array:
    out = np.full((len(faces), m, n), -1, dtype=np.int64)
    for row, face in zip(out, faces):
        for cone, rays in zip(row, face):
            cone[: len(rays)] = rays
    return out


def _cones(table: Array) -> list[Cones]:
    return [tuple(tuple(r for r in cone if r >= 0) for cone in face) for face in table.tolist()]
