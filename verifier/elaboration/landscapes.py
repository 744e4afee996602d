"""From the faces of a whole landscape, with approximate duals and points, to a `landscape` that the kernel accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from verifier.elaboration.barriers import EDGES, LeavingFaces, solvable
from verifier.errors import VerifierError
from verifier.kernel.fast.barrier import face_bounds
from verifier.kernel.fast.brackets import brackets, read_faces
from verifier.kernel.fast.landscape import cells_and_edges, gap_bounds, merge, read_neurons, steps_of
from verifier.kernel.statements import FaceDuals, Landscape, Problem, Rejected, validate_landscape

Array = np.ndarray
# Room around brackets, relative to their ends and to the largest of all: they are found in rationals and balls, and differ elsewhere by no more than the
# last digits of sums.
ROOM = 2.0**-46


class Bracketed(Protocol):
    """All cells and faces with approximate duals and points: arrays as in `Landscape`, multipliers (d, m, N)."""

    faces: Array
    facets: Array
    dual: Array
    of_dual: Array
    nu: Array
    multipliers: Array
    point: Array
    of_point: Array
    points: Array
    biases: Array


def landscape_claim(problem: Problem, patterns: Array, interiors: Array, whole: Bracketed, *, name: str) -> Landscape:
    """The claim with the intervals, counts, minima, passes and the largest gap that the kernel finds. Raises VerifierError when it rejects it."""
    own = whole.of_dual
    leaving = LeavingFaces(whole.faces[own], whole.facets[own], whole.nu, whole.multipliers)
    nu, multipliers, basis = _proved(problem, patterns, leaving)
    none = np.zeros((0, 0), dtype=np.int64)
    claim = Landscape(
        name, patterns, interiors, _whole(whole.faces), _whole(whole.facets), _whole(whole.dual), _whole(own), nu,
        np.ascontiguousarray(multipliers.reshape(len(own), -1)), basis, _whole(whole.point), _whole(whole.of_point),
        np.ascontiguousarray(whole.points), np.ascontiguousarray(whole.biases), np.zeros((0, 2)), none.ravel(), none, none, 0.0, 0.0,
    )  # fmt: skip
    try:
        across = read_neurons(problem, claim)
        faces = read_faces(claim, across)
        below, above = brackets(problem, claim, faces)
        claim = replace(claim, intervals=_intervals(below, above))
        when = dict(zip(faces, steps_of(claim.intervals, below, above)))
        m = claim.faces.shape[1]
        found = merge(*cells_and_edges(across, m, when), len(claim.intervals))
        low, high = gap_bounds(claim.intervals, found)
        claim = replace(
            claim,
            counts=np.array(found.counts, dtype=np.int64),
            minima=np.array(found.minima(across, m), dtype=np.int64),
            joins=np.array(found.joins, dtype=np.int64).reshape(-1, 3),
            gap_lower=max(0.0, float(np.nextafter(float(low), -np.inf))),
            gap_upper=float(np.nextafter(float(high), np.inf)),
        )
        validate_landscape(problem, claim)
    except Rejected as why:
        raise VerifierError(f"landscape {name}: the kernel does not accept it: {why}") from None
    return claim


def _proved(problem: Problem, patterns: Array, faces: LeavingFaces) -> tuple[Array, Array, Array]:
    """(nu (d, N), multipliers (d, m, N), basis (d, b)) that the kernel accepts. Those that it never does are 0, and prove no more than F >= 0: the brackets
    of their faces are as wide."""
    d, m, N = faces.multipliers.shape
    nu, multipliers, bases = np.zeros((d, N)), np.zeros((d, m, N)), np.full((d, N + m * N), -1)
    left = np.arange(d)
    for edge in EDGES:
        some = LeavingFaces(faces.codes[left], faces.facets[left], faces.nu[left], faces.multipliers[left])
        found = solvable(problem, patterns, "trained", some, edge)
        refused = []
        for k, v, mu, basis in zip(left.tolist(), *found):
            one = FaceDuals(
                "trained", 1.0, faces.codes[[k]], faces.facets[[k]], v[None], mu.reshape(1, -1), basis[None]
            )
            try:
                face_bounds(problem, one, patterns)
            except Rejected:
                refused.append(k)
                continue
            nu[k], multipliers[k], bases[k, : len(basis)] = v, mu, basis
        left = np.array(refused, dtype=np.int64)
        if not len(left):
            break
    return nu, multipliers, np.ascontiguousarray(bases[:, : int((bases >= 0).sum(axis=1).max(initial=0))])


def _whole(array: Array) -> Array:
    return np.ascontiguousarray(array, dtype=np.int64)


def _intervals(below: Array, above: Array) -> Array:
    """(q, 2): the union of all brackets with some room."""
    room = ROOM * float(above.max())
    starts = np.maximum(below * (1.0 - ROOM) - room, 0.0)
    ends = above * (1.0 + ROOM) + room
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    first = np.append(True, starts[1:] > ends[:-1])
    last = np.append(np.flatnonzero(first)[1:] - 1, len(starts) - 1)
    return np.column_stack([starts[first], ends[last]])
