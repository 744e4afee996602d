"""Claims about head programs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem
from verifier.kernel.statements.refusal import require, require_finite


@dataclass(frozen=True)
class HeadOptimum:
    """`lower <= min over heads of F on fixed rows <= upper` (theory.md section 5), heads h (K, r) and bias c (K,) or None.

    rows (r, d), row_bias (r,) or None. `dual` (N, K) proves the lower end. head_limit None: all heads; otherwise the
    lower end is claimed only for heads and biases with every entry at most head_limit in absolute value.
    """

    name: str
    rows: np.ndarray
    row_bias: np.ndarray | None
    head: np.ndarray
    head_bias: np.ndarray | None
    dual: np.ndarray
    head_limit: float | None
    lower: float
    upper: float


def validate_head(claim: HeadOptimum, problem: Problem) -> None:
    """Reject a head claim whose arrays do not fit the problem."""
    N, d = problem.X.shape
    K = problem.A.weights[-1].shape[0]
    require(len(problem.A.weights) == 2, "head_optimum is defined for one hidden layer")
    require_finite(claim.rows, "rows", 2)
    r = claim.rows.shape[0]
    require(r > 0 and claim.rows.shape == (r, d), "rows do not fit the data")
    require(
        (claim.row_bias is None) == (problem.A.biases[0] is None),
        "row biases must be there exactly when the networks have them",
    )
    require(
        (claim.head_bias is None) == (problem.A.biases[1] is None),
        "a head bias must be there exactly when the networks have one",
    )
    for name, array, shape in (
        ("row_bias", claim.row_bias, (r,)),
        ("head", claim.head, (K, r)),
        ("head_bias", claim.head_bias, (K,)),
        ("dual", claim.dual, (N, K)),
    ):
        if array is not None:
            require_finite(array, name, len(shape))
            require(array.shape == shape, f"{name} has the wrong shape")
    require(
        claim.head_limit is None or 0.0 <= claim.head_limit < float("inf"), "head_limit must be finite and at least 0"
    )
