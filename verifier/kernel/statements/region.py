"""Claims about activation regions (K23)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Problem, augmented_inputs
from verifier.kernel.statements.refusal import require, require_array

VERDICTS = ("interval", "positive", "zero_inside", "zero_on_boundary")


@dataclass(frozen=True)
class RegionMinimum:
    """`lower <= min of the loss over the closed activation region <= upper`, the head frozen and without output bias (K23, section E.2).

    Squared loss with kappa = 0: the loss is the mean over samples of (f_j - y_j)^2, f_j = sum_i head_i a_ij w_i . xt_j.
    verdict "interval": no more than that. "positive": and lower > 0. "zero_inside": the loss is exactly 0 at a point of the open region.
    "zero_on_boundary": it is exactly 0 in the closed region and nowhere in the open one.

    head (m,) float64, entries not 0. pattern (m, N) int64, 0/1. point (m, n) float64: the rows of a point of the closed region.
    point_basis (k,) int64, entries i n + k' of `point` that are solved for in rationals, empty for verdicts "interval" and "positive"; the
        equations are f_j = y_j for all j, and w_i . xt_j = 0 for the pairs (i, j) in tight (t, 2) int64.
    nu (N,), multipliers (m, N) >= 0: head_i sum_j nu_j a_ij xt_j = sum_j multipliers_ij (2 a_ij - 1) xt_j for every neuron, after
        dual_basis (entries j, or N + i N + j) is solved for. The loss is then at least mean_j(-nu_j^2/4 - nu_j y_j) (nu as in head duals: N times
        the gradient). Verdict "zero_on_boundary" needs moreover sum_j nu_j y_j = 0, which is one more equation, and a multiplier that is not 0 at
        a sample with xt_j not 0; lower is 0 then. Verdict "zero_inside" needs no dual: empty dual_basis, zeros.
    """

    name: str
    verdict: str
    head: np.ndarray
    pattern: np.ndarray
    point: np.ndarray
    point_basis: np.ndarray
    tight: np.ndarray
    nu: np.ndarray
    multipliers: np.ndarray
    dual_basis: np.ndarray
    lower: float
    upper: float


@dataclass(frozen=True)
class JacobianRank:
    """The Jacobian of W -> v^T relu(W X) on a region, columns (v * a_j) kron xt_j, has full column rank N (full True) or not (full False).

    The rank does not depend on v with entries that are not 0 (K23, Lemma 4), so v = 1 here. pattern (m, N) int64, 0/1.
    null (N,) float64 and null_basis (k,) int64: for full False a vector with sum_j null_j a_ij xt_j = 0 for all i after the basis is solved for,
    and not 0; zeros and empty for full True, which is decided modulo a prime.
    """

    name: str
    full: bool
    pattern: np.ndarray
    null: np.ndarray
    null_basis: np.ndarray


def require_list(array: np.ndarray, name: str) -> None:
    require(
        type(array) is np.ndarray and array.dtype == np.int64 and array.ndim == 1, f"{name} must be a list of int64"
    )


def require_pattern(pattern: np.ndarray, N: int) -> None:
    require(
        type(pattern) is np.ndarray and pattern.ndim == 2 and len(pattern) > 0, "a region needs a pattern per neuron"
    )
    require_array(pattern, "pattern", np.int64, (len(pattern), N))
    require(bool(((pattern == 0) | (pattern == 1)).all()), "a pattern has an entry that is neither 0 nor 1")


def validate_region(problem: Problem, claim: RegionMinimum) -> None:
    o, N = problem.objective, len(problem.X)
    require(o.loss == "squared" and o.kappa == 0.0, "region_minimum is about the squared loss alone")
    require(
        len(problem.A.weights) == 2 and problem.targets.shape[1] == 1,
        "region_minimum needs one hidden layer and one output",
    )
    require(claim.verdict in VERDICTS, f"unknown verdict {claim.verdict!r}")
    require_pattern(claim.pattern, N)
    m, n = len(claim.pattern), augmented_inputs(problem).shape[1]
    for name, shape in (("head", (m,)), ("point", (m, n)), ("nu", (N,)), ("multipliers", (m, N))):
        require_array(getattr(claim, name), name, np.float64, shape)
    require(bool((claim.head != 0.0).all()), "a head entry is 0")
    for name in ("point_basis", "dual_basis"):
        require_list(getattr(claim, name), name)
    require(type(claim.tight) is np.ndarray and claim.tight.ndim == 2, "tight must list pairs")
    require_array(claim.tight, "tight", np.int64, (len(claim.tight), 2))
    require(
        bool(((claim.tight >= 0) & (claim.tight < np.array([m, N]))).all()),
        "tight names a neuron or sample that is not there",
    )
    require(0.0 <= claim.lower <= claim.upper < float("inf"), "the interval must be finite, ordered and at least 0")
    zero = claim.verdict.startswith("zero")
    require(not zero or claim.upper == 0.0, "a zero loss is an upper end of 0")
    require(claim.verdict != "positive" or claim.lower > 0.0, "a positive minimum has a lower end above 0")
    require(zero or claim.point_basis.size == claim.tight.size == 0, "only points of zero loss are solved for")
