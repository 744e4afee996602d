"""From duals over a partition into cones to a `sign_count_barrier` that the kernel accepts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verifier.elaboration.claims import above, below
from verifier.errors import VerifierError
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.sign_count import check_sign_count
from verifier.kernel.statements import Problem, Rejected, SignCountBarrier, validate_sign_count

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
        name, positive, 0.0, 0.0, np.ascontiguousarray(directions), np.ascontiguousarray(tree, dtype=np.int64),
        np.ascontiguousarray(nu), np.ascontiguousarray(slopes.reshape(leaves, -1)), np.ascontiguousarray(pulls.reshape(leaves, -1)),
    )  # fmt: skip
    try:
        validate_sign_count(problem, claim)
        found = check_sign_count(problem, claim)
        level = max(0.0, below(found["level"]))
        E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
        return replace(claim, level=level, gap=max(0.0, below(level - above(E))))
    except Rejected as why:
        raise VerifierError(f"barrier {name}: the kernel does not accept the lower bound: {why}") from None
