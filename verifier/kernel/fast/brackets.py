"""Brackets of the least F on cells and faces: a dual below, a point above, both shared; fast evaluation (docs/mathematics.md, section 15)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb, fmpq

from verifier.kernel.fast.barrier import face_bounds
from verifier.kernel.fast.losses import arb_upper
from verifier.kernel.fast.rational import ZERO, fraction
from verifier.kernel.statements import FaceDuals, Landscape, Objective, Problem, augmented_inputs, require

Array = np.ndarray
Across = list[
    dict[int, int]
]  # per code: sample, the first of its class, to the code on the other side of its hyperplane


@dataclass(frozen=True)
class Face:
    """Neurons in the closed cones of these codes, one each, and one more on a facet, of which `sides` are the two codes; (-1, -1) for none.

    What F reaches on a cell, or on a face of one, is what it reaches on the face of the set of its codes: neurons of one cone add up to one.
    """

    codes: tuple[int, ...]
    sides: tuple[int, int]

    def within(self, larger: Face) -> bool:
        """Whether F reaches on the larger one whatever it reaches here: each neuron has a cone there that it may be added to."""
        held = set(larger.codes)
        facet = self.sides[0] < 0 or self.sides == larger.sides or not held.isdisjoint(self.sides)
        return facet and held.issuperset(self.codes)


def face_of(codes: tuple[int, ...], sides: tuple[int, int]) -> Face:
    """The one face of these codes in any order, -1 for none, and a facet; a neuron on it is one more of a code that has it."""
    found = tuple(sorted({c for c in codes if c >= 0}))
    return Face(found, (-1, -1) if sides[0] in found or sides[1] in found else sides)


def read_faces(claim: Landscape, across: Across) -> list[Face]:
    """The face of each row; rejects facets that are none."""
    out = []
    for (first, *others), j in zip(claim.faces.tolist(), claim.facets.tolist()):
        if j < 0:
            out.append(face_of((first, *others), (-1, -1)))
            continue
        require(j in across[first], "a facet is none of its cone")
        other = across[first][j]
        out.append(face_of(tuple(others), (min(first, other), max(first, other))))
    return out


def brackets(problem: Problem, claim: Landscape, faces: list[Face]) -> tuple[Array, Array]:
    """(lower, upper), (f,) each: on every face the infimum of F lies between the two."""
    N, own, top = len(problem.X), claim.of_dual, _loss_sum(problem, [ZERO] * len(problem.X))
    # The zero network is on every face: its points above that one's F do not matter.
    level = arb_upper(top / N)
    duals = FaceDuals("trained", level, claim.faces[own], claim.facets[own], claim.nu, claim.multipliers, claim.basis)
    below = np.maximum(face_bounds(problem, duals, claim.patterns), 0.0)
    above = np.array(_Points(problem, claim).values())
    for k, face in enumerate(faces):
        require(face.within(faces[own[claim.dual[k]]]), "a dual is not about the face")
        require(faces[claim.of_point[claim.point[k]]].within(face), "a point is not on the face")
    return below[claim.dual], above[claim.point]


class _Points:
    """F at the points, in rationals until the loss."""

    def __init__(self, problem: Problem, claim: Landscape) -> None:
        self.problem, self.claim, self.patterns = problem, claim, claim.patterns.tolist()
        self.X = [[fraction(v) for v in row] for row in augmented_inputs(problem).tolist()]

    def values(self) -> list[float]:
        """Upper bounds, (w,); rejects points that do not lie on the face they are said to be on."""
        claim, n = self.claim, len(self.X[0])
        rows = claim.of_point.tolist()
        return [
            self._value(claim.faces[k].tolist(), int(claim.facets[k]), u.reshape(-1, n).tolist(), c)
            for k, u, c in zip(rows, claim.points, claim.biases.tolist())
        ]

    def _value(self, codes: list[int], facet: int, point: list[list[float]], bias: float) -> float:
        o, X = self.problem.objective, self.X
        f, penalty = [fraction(bias)] * len(X), arb(0)
        for i, (code, row) in enumerate(zip(codes, point, strict=True)):
            if code < 0:
                continue
            u = [fraction(v) for v in row]
            if i == 0 and facet >= 0:
                x = X[facet]
                share = sum((a * b for a, b in zip(u, x)), ZERO) / sum((b * b for b in x), ZERO)
                u = [a - share * b for a, b in zip(u, x)]
            for j, (x, active) in enumerate(zip(X, self.patterns[code // 2])):
                z = sum((a * b for a, b in zip(u, x)), ZERO)
                require(bool(z >= 0) if active else bool(z <= 0), "a point is not in its cone")
                if active:
                    f[j] += -z if code % 2 else z
            penalty += arb(sum((v * v for v in u), ZERO)).sqrt()
        if o.penalise_output_bias:
            penalty += abs(arb(bias))
        return arb_upper(_loss_sum(self.problem, f) / len(X) + arb(o.kappa) * penalty)


def _loss_sum(problem: Problem, f: list[fmpq]) -> arb:
    targets = [fraction(t) for t in problem.targets[:, 0].tolist()]
    return sum((_loss(problem.objective, v, t) for v, t in zip(f, targets, strict=True)), arb(0))


def _loss(o: Objective, f: fmpq, y: fmpq) -> arb:
    """Ball that holds the loss at the prediction f."""
    if o.loss == "logistic":
        z = arb(-y * f)
        return z.exp().log1p() if bool(z <= 0) else z + (-z).exp().log1p()
    if o.loss == "hinge":
        return arb(max(1 - y * f, ZERO))
    r = abs(f - y)
    if o.loss == "squared":
        return arb(r * r)
    if o.loss == "absolute":
        return arb(r)
    require(o.loss == "huber" and o.delta is not None, f"no enclosure for loss {o.loss!r}")
    assert o.delta is not None  # for the type checker
    delta = fraction(o.delta)
    return arb(r * r / 2) if bool(r <= delta) else arb(delta * (r - delta / 2))
