"""From duals over a partition into cones to a `sign_count_barrier` that the kernel accepts."""

from __future__ import annotations

import numpy as np

from verifier.elaboration.levels import with_level
from verifier.kernel.fast.sign_count import check_sign_count
from verifier.kernel.statements import Problem, SignCountBarrier, validate_sign_count
from verifier.kernel.statements.kept import trained_word

Array = np.ndarray


def sign_count_claim(
    problem: Problem,
    *,
    name: str,
    positive: int,
    directions: Array,
    tree: Array,
    nu: Array,
    slopes: Array,
    pulls: Array,
) -> SignCountBarrier:
    """The claim with the level that the kernel finds, and the gap over E that follows.

    positive, directions (n, n), tree: as in `SignCountBarrier`. nu (L, N), slopes (L, k, N), pulls (L, k, n): one dual per part, k neurons that stay.

    Raises VerifierError when the kernel rejects it.
    """
    leaves = len(nu)
    claim = SignCountBarrier(
        name, trained_word(problem), positive, 0.0, 0.0, np.ascontiguousarray(directions), np.ascontiguousarray(tree, dtype=np.int64),
        np.ascontiguousarray(nu), np.ascontiguousarray(slopes.reshape(leaves, -1)), np.ascontiguousarray(pulls.reshape(leaves, -1)),
    )  # fmt: skip
    return with_level(problem, claim, validate_sign_count, check_sign_count)
