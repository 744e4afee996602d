"""Claims about head programs: the best output layer on fixed rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem
from verifier.kernel.statements.refusal import (
    quoted,
    require,
    require_array,
    require_finite,
    require_interval,
    require_name,
    require_number,
)


@dataclass(frozen=True)
class HeadOptimum:
    """`lower <= min over heads of F on fixed rows <= upper` (docs/mathematics.md, section 5), heads h (K, r) and bias c (K,) or None.

    rows (r, d), row_bias (r,) or None. `dual` (N, K) proves the lower end. head_limit None: the minimum is over all heads; otherwise over heads
    and biases with every entry at most head_limit in absolute value, `head` and `head_bias` among them.
    Weight decay is read in its balanced form, `sum_i |wt_i|_2 |h_i|_2`.
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

    def sentence(self, problem: Problem) -> str:
        of = "heads" if self.head_bias is None else "heads and output biases"
        heads = f"all {of}" if self.head_limit is None else f"{of} with entries at most {self.head_limit!r}"
        form = ", weight decay in its balanced form" if problem.objective.penalty == "weight_decay" else ""
        return f"program {quoted(self.name)}: {self.lower!r} <= min F over {heads} on {len(self.rows)} stored rows <= {self.upper!r}{form}"


def validate_head(problem: Problem, claim: HeadOptimum) -> None:
    """Reject a head claim whose arrays do not fit the problem, or whose head is not among those it speaks of."""
    N, d = problem.X.shape
    K = problem.A.weights[-1].shape[0]
    require_name(claim.name)
    require_interval(claim.lower, claim.upper)
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
    entries = []
    for name, array, shape in (
        ("row_bias", claim.row_bias, (r,)),
        ("head", claim.head, (K, r)),
        ("head_bias", claim.head_bias, (K,)),
        ("dual", claim.dual, (N, K)),
    ):
        if array is not None:
            require_array(array, name, np.float64, shape)
            if name in ("head", "head_bias"):
                entries.append(float(np.abs(array).max()))
    if claim.head_limit is not None:
        require_number(claim.head_limit, "head_limit")
        require(max(entries) <= claim.head_limit, "the head has entries beyond head_limit")
