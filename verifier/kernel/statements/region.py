"""Claims about activation regions (K23, sections 3 and E.2). One hidden layer, one output.

n = d + 1 when the hidden layer has biases (xt_j = (x_j, 1)), otherwise n = d (xt_j = x_j). A pattern a (m, N), 0/1, stands for the closed region
of all rows (m, n) with (2 a_ij - 1) w_i . xt_j >= 0 for all i and j; the open one has > 0, and is empty where an input xt_j is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem, augmented_inputs, require_relu, require_unweighted
from verifier.kernel.statements.refusal import (
    quoted,
    require,
    require_array,
    require_interval,
    require_list,
    require_name,
)

VERDICTS = ("interval", "positive", "zero", "zero_inside", "zero_on_boundary")
_WORDS = {
    "positive": "no zero loss",
    "zero": "zero loss at a point of the closed region",
    "zero_inside": "zero loss at a point of the open region",
    "zero_on_boundary": "zero loss on the boundary and nowhere inside",
}


@dataclass(frozen=True)
class RegionMinimum:
    """`lower <= min of the loss over the closed activation region <= upper`, the rows free, the output layer kept.

    of: "A" or "B": head and bias are that network's, and its rows lie in the closed region; where a pre-activation is 0 they lie in several.
    "pattern": head and bias are the claim's own, and the sentence says so. Verdicts, arrays and bases: docs/certificate-v2.md, `region_minimum`.
    """

    name: str
    of: str
    verdict: str
    head: np.ndarray
    bias: float
    pattern: np.ndarray
    point: np.ndarray
    point_basis: np.ndarray
    tight: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    dual_basis: np.ndarray
    lower: float
    upper: float

    def sentence(self, problem: Problem) -> str:
        if self.of == "pattern":
            kept = f"a head of its own and output bias {self.bias!r}, whatever A and B have"
        else:
            kept = f"{self.of}'s output layer kept, " + (
                "bias included" if problem.A.biases[1] is not None else "which has no bias"
            )
        where = "a stored pattern" + ("" if self.of == "pattern" else f", which holds {self.of}'s rows")
        about = f" ({_WORDS[self.verdict]})" if self.verdict in _WORDS else ""
        return f"region {quoted(self.name)}: {self.lower!r} <= min of the loss over rows in the closed region of {where} <= {self.upper!r}, {kept}{about}"


@dataclass(frozen=True)
class JacobianRank:
    """The Jacobian of W -> v^T relu(W X) on a region, columns (v * a_j) kron xt_j, has full column rank N, or not, for v without entries that are 0
    (K23, Lemma 4). Arrays: docs/certificate-v2.md, `jacobian_rank`.
    """

    name: str
    full: bool
    pattern: np.ndarray
    null: np.ndarray
    null_basis: np.ndarray

    def sentence(self, problem: Problem) -> str:
        rank = "full" if self.full else "less than full"
        return f"region {quoted(self.name)}: the Jacobian of the outputs by the rows has {rank} column rank on a stored pattern, heads not 0"


def _require_pattern(pattern: np.ndarray, N: int) -> None:
    require(
        type(pattern) is np.ndarray and pattern.ndim == 2 and len(pattern) > 0, "a region needs a pattern per neuron"
    )
    require_array(pattern, "pattern", np.int64, (len(pattern), N))
    require(bool(((pattern == 0) | (pattern == 1)).all()), "a pattern has an entry that is neither 0 nor 1")


def validate_region(problem: Problem, claim: RegionMinimum) -> None:
    require_relu(problem)
    require_unweighted(problem)
    require_name(claim.name)
    o, N = problem.objective, len(problem.X)
    require(o.loss == "squared" and o.kappa == 0.0, "region_minimum is about the squared loss alone")
    require(
        len(problem.A.weights) == 2 and problem.targets.shape[1] == 1,
        "region_minimum needs one hidden layer and one output",
    )
    require(claim.verdict in VERDICTS, f"unknown verdict {claim.verdict!r}")
    _require_pattern(claim.pattern, N)
    m, n = len(claim.pattern), augmented_inputs(problem).shape[1]
    for name, shape in (("head", (m,)), ("point", (m, n)), ("nu", (N,)), ("multipliers", (m, N))):
        require_array(getattr(claim, name), name, np.float64, shape)
    require(type(claim.bias) is float and bool(np.isfinite(claim.bias)), "bias must be a finite number")
    require(claim.of in ("A", "B", "pattern"), "a region is of A, of B or of a pattern")
    if claim.of != "pattern":
        network = problem.A if claim.of == "A" else problem.B
        c = network.biases[1]
        require(np.array_equal(claim.head, network.weights[1][0]), f"the head is not {claim.of}'s")
        require(claim.bias == (0.0 if c is None else float(c[0])), f"the output bias is not {claim.of}'s")
    for name in ("point_basis", "dual_basis"):
        require_list(getattr(claim, name), name)
    require(type(claim.tight) is np.ndarray and claim.tight.ndim == 2, "tight must list pairs")
    require_array(claim.tight, "tight", np.int64, (len(claim.tight), 2))
    require(
        bool(((claim.tight >= 0) & (claim.tight < np.array([m, N]))).all()),
        "tight names a neuron or sample that is not there",
    )
    require_interval(claim.lower, claim.upper)
    zero = claim.verdict.startswith("zero")
    require(not zero or claim.upper == 0.0, "a zero loss is an upper end of 0")
    require(claim.verdict != "positive" or claim.lower > 0.0, "a positive minimum has a lower end above 0")
    require(zero or claim.point_basis.size == claim.tight.size == 0, "only points of zero loss are solved for")


def validate_rank(problem: Problem, claim: JacobianRank) -> None:
    require_relu(problem)
    require_name(claim.name)
    N = len(problem.X)
    require(
        len(problem.A.weights) == 2 and problem.A.weights[1].shape[0] == 1,
        "jacobian_rank is defined for one hidden layer and one output",
    )
    require(type(claim.full) is bool, "full must be true or false")
    _require_pattern(claim.pattern, N)
    require_array(claim.null, "null", np.float64, (N,))
    require_list(claim.null_basis, "null_basis")
