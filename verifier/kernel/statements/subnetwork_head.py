"""Claims about head programs above several hidden layers: the best output layer on the features of a stored sub-network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Parameters, Problem
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
class SubnetworkHeadOptimum:
    """`lower <= min over heads of F on the last hidden layer of a stored sub-network <= upper` (docs/mathematics.md, section 5), heads h (K, s_{L-1}) and
    bias c (K,) or None; the sub-network has as many layers as A and B, of its own widths, and F is that of it under the head.

    widths (L-1,), int64: s_1, ..., s_{L-1}. parameters, flat: W_1 (s_1, d) row by row, b_1 where the networks' first layer has biases, W_2, and so on.
    dual (N, K) and head_limit as of `HeadOptimum`.
    """

    name: str
    widths: np.ndarray
    parameters: np.ndarray
    head: np.ndarray
    head_bias: np.ndarray | None
    dual: np.ndarray
    head_limit: float | None
    lower: float
    upper: float

    def subnetwork(self, problem: Problem) -> Parameters:
        """The sub-network under the stored head. Its arrays fit once `validate_subnetwork_head` let the claim pass."""
        weights, biases, at, below = [], [], 0, problem.X.shape[1]
        for s, has_bias in zip(self.widths.tolist(), (b is not None for b in problem.A.biases[:-1]), strict=True):
            weights.append(self.parameters[at : at + s * below].reshape(s, below))
            at += s * below
            biases.append(self.parameters[at : at + s] if has_bias else None)
            at += s * has_bias
            below = s
        return Parameters((*weights, self.head), (*biases, self.head_bias))

    def sentence(self, problem: Problem) -> str:
        of = "heads" if self.head_bias is None else "heads and output biases"
        heads = f"all {of}" if self.head_limit is None else f"{of} with entries at most {self.head_limit!r}"
        widths = "-".join(map(str, self.widths.tolist()))
        return f"program {quoted(self.name)}: {self.lower!r} <= min F over {heads} on a stored sub-network of hidden widths {widths} <= {self.upper!r}"


def validate_subnetwork_head(problem: Problem, claim: SubnetworkHeadOptimum) -> None:
    """Reject a claim whose arrays do not fit the problem, or whose head is not among those it speaks of."""
    N, d = problem.X.shape
    depth, K = len(problem.A.weights), problem.A.weights[-1].shape[0]
    require_name(claim.name)
    require_interval(claim.lower, claim.upper)
    require(depth > 2, "subnetwork_head_optimum is defined for several hidden layers; head_optimum is its like for one")
    require(problem.objective.penalty in ("none", "l1"), "the penalty is none of the head alone")
    require_array(claim.widths, "widths", np.int64, (depth - 1,))
    widths = claim.widths.tolist()
    require(all(0 < s < 2**31 for s in widths), "a hidden layer of the sub-network has no neurons")
    size, below = 0, d
    for s, b in zip(widths, problem.A.biases[:-1], strict=True):
        size, below = size + s * (below + (b is not None)), s
    require_finite(claim.parameters, "parameters", 1)
    require(claim.parameters.shape == (size,), f"the sub-network has {size} parameters, not {len(claim.parameters)}")
    require(
        (claim.head_bias is None) == (problem.A.biases[-1] is None),
        "a head bias must be there exactly when the networks have one",
    )
    require_array(claim.head, "head", np.float64, (K, widths[-1]))
    require_array(claim.dual, "dual", np.float64, (N, K))
    entries = [float(np.abs(claim.head).max())]
    if claim.head_bias is not None:
        require_array(claim.head_bias, "head_bias", np.float64, (K,))
        entries.append(float(np.abs(claim.head_bias).max()))
    if claim.head_limit is not None:
        require_number(claim.head_limit, "head_limit")
        require(max(entries) <= claim.head_limit, "the head has entries beyond head_limit")
