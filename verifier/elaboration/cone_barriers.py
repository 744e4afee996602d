"""From a proof over coarse cells to a `cone_barrier` that the kernel accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from verifier.elaboration.levels import with_level
from verifier.kernel.fast.cone_barrier import check_cone_barrier
from verifier.kernel.statements import ConeBarrier, Problem, validate_cone_barrier
from verifier.kernel.statements.kept import trained_word

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class ConeUnion:
    """Parts of a partition that are inside, and the ways out. around, start, goal, signs, directions (n, n), tree, inside, faces: as in `ConeBarrier`.
    less: per sign whose neurons' ways to 0 are barred at once, the tree of all networks without such a neuron, and the duals of its parts."""

    around: str
    start: int
    goal: int
    signs: Sequence[int]
    directions: Array
    tree: Array
    inside: Array
    faces: Array
    less: Mapping[int, tuple[Array, Sequence[int]]]


def cone_barrier_claim(
    problem: Problem, union: ConeUnion, duals: Sequence[tuple[Array, Array, Array]], *, name: str
) -> ConeBarrier:
    """The claim with the level that the kernel finds, and the gap over E that follows.

    duals: nu (N,), slopes (m, N), pulls (m, n) of each, as the faces number them. Raises VerifierError when the kernel rejects it.
    """
    nu, slopes, pulls = (np.ascontiguousarray([d[k].ravel() for d in duals], dtype=np.float64) for k in range(3))
    tree, inside, faces = (np.ascontiguousarray(a, dtype=np.int64) for a in (union.tree, union.inside, union.faces))
    trees = {sign: np.ascontiguousarray(found[0], dtype=np.int64) for sign, found in union.less.items()}
    of_less = np.array([d for sign in (1, -1) if sign in union.less for d in union.less[sign][1]], dtype=np.int64)
    claim = ConeBarrier(
        name, trained_word(problem), union.around, 0.0, 0.0, union.start, union.goal, np.array(union.signs, dtype=np.int64),
        np.ascontiguousarray(union.directions), tree, inside, faces, trees.get(1), trees.get(-1), of_less, nu, slopes, pulls,
    )  # fmt: skip
    return with_level(problem, claim, validate_cone_barrier, check_cone_barrier)
