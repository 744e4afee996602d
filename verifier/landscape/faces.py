"""Minimum of F over cells and faces. Values are shared up to permutation, and between everything that has the same minimum.

Two neurons of one code can be merged (a sum of two points of a convex cone lies in it, and norms do not grow), and a neuron on a facet is idle
when another has either of the facet's codes. So a minimum depends on a `Face`: the set of codes, and a facet outside them or -1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from verifier.landscape.conic_program import ConicProgram
from verifier.landscape.face import Face, FacePoint
from verifier.landscape.normal import NormalForm
from verifier.landscape.ray_program import RayProgram, rays_apply
from verifier.landscape.reference import ReferenceProgram
from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray


class FaceProgram(Protocol):
    """How a face's minimum is found, in the numbers of the normal form it was made for. accuracy: error of values of size 1."""

    accuracy: float

    def value(self, face: Face) -> float: ...

    def solve(self, face: Face) -> FacePoint: ...


@dataclass(frozen=True, eq=False)
class GivenProgram:
    """A program's answers in the given problem's numbers."""

    setting: LandscapeSetting
    program: FaceProgram

    def value(self, face: Face) -> float:
        return self.setting.normal.given_value(self.program.value(face))

    def solve(self, face: Face) -> FacePoint:
        return self.setting.normal.given(self.program.solve(face), face[1])


def make_program(setting: LandscapeSetting, method: str = "auto") -> GivenProgram:
    """method: "rays" (squared loss, kappa = 0, n <= 3, pointed cones), "conic" (Clarabel), "reference" (CVXPY), or the fastest that applies."""
    if method == "auto":
        method = "rays" if rays_apply(setting.normal) else "conic"
    if method == "reference":
        return GivenProgram(setting, ReferenceProgram(setting))
    programs: dict[str, Callable[[NormalForm], FaceProgram]] = {"rays": RayProgram, "conic": ConicProgram}
    return GivenProgram(setting, programs[method](setting.normal))


class FaceValues:
    """Minima by cell and edge, remembered."""

    def __init__(self, setting: LandscapeSetting, method: str = "auto") -> None:
        self.setting = setting
        self.program = make_program(setting, method)
        self.known: dict[Face, float] = {}
        self._codes_of = [(int(a), int(b)) for a, b in setting.neurons.facet_codes]

    def face(self, codes: Iterable[int], facet: int = -1) -> Face:
        """The face of neurons with these codes and one more on the facet (none for -1)."""
        chosen = tuple(sorted(set(codes)))
        if facet >= 0:
            a, b = self._codes_of[facet]
            if a in chosen or b in chosen:
                facet = -1
        return chosen, int(facet)

    def value(self, face: Face) -> float:
        found = self.known.get(face)
        if found is None:
            found = self.known[face] = self.program.value(face)
        return found

    @cached_property
    def scale(self) -> float:
        """What differences of F are small against: F of the network that is 0 in every neuron, its output bias at its best, which no pass exceeds.

        Margins of the logistic loss and of cross-entropy have a size of their own, and so has F: log 2 or more.
        """
        zero = self.value(self.face(()))
        return max(zero, np.log(2.0)) if self.setting.objective.loss.name in ("logistic", "cross_entropy") else zero

    @property
    def resolution(self) -> float:
        """Differences of F up to this are rounding, or the solver's tolerance."""
        return self.program.program.accuracy * self.scale

    def point(self, face: Face) -> FacePoint:
        """The minimiser, solved for again: points are not kept."""
        return self.program.solve(face)
