"""Claims about the best rows of a network in its own activation region, for every objective. One hidden layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.problem import Parameters, Problem, require_relu, validate_parameters
from verifier.kernel.statements.refusal import (
    quoted,
    require,
    require_array,
    require_interval,
    require_name,
    require_number,
)


@dataclass(frozen=True)
class RegionOptimum:
    """`lower <= min F over the closed activation region of a network, its head kept <= upper` (docs/mathematics.md, section 11).

    of: "A", "B", or "stored" for the network of rows (m, d), row_bias (m,), head (K, m), head_bias (K,), which are None otherwise. Its region are the
    rows (m, n) with `(2 a_ij - 1) w_i . xt_j >= 0`, a_ij = 1 where its own pre-activation is positive, and for the pairs (i, j) of `active`, where it
    is 0. output_bias: "free" (it varies with the rows), or "kept". row_limits (m,), exactly where the penalty leaves the rows free (none, l1): rows
    at most that long. bias_limit: free output biases are of magnitude at most this, or any where None.
    point (m, n), point_bias (K,): a member. nu (N, K), and multipliers (t,) of the pairs `tight` (t, 2): the dual.
    """

    name: str
    of: str
    rows: np.ndarray | None
    row_bias: np.ndarray | None
    head: np.ndarray | None
    head_bias: np.ndarray | None
    active: np.ndarray
    output_bias: str
    row_limits: np.ndarray | None
    bias_limit: float | None
    point: np.ndarray
    point_bias: np.ndarray | None
    nu: np.ndarray
    tight: np.ndarray
    multipliers: np.ndarray
    lower: float
    upper: float

    def sentence(self, problem: Problem) -> str:
        whose = self.of if self.of in ("A", "B") else "a stored network"
        free = "rows and output biases" if self.output_bias == "free" else "rows"
        if self.bias_limit is not None:
            free += f" (these of magnitude at most {self.bias_limit!r})"
        short = "" if self.row_limits is None else ", rows at most as long as stored limits"
        kept = "head kept" if self.output_bias == "free" else "head and output bias kept"
        ties = f" but for {len(self.active)} stored pairs" if len(self.active) else ""
        form = ", weight decay as it is" if problem.objective.penalty == "weight_decay" else ""
        return (
            f"region {quoted(self.name)}: {self.lower!r} <= min F over {free} in the closed activation region of {whose} <= {self.upper!r}, "
            f"{kept}, a pre-activation of 0 counted as inactive{ties}{short}{form}"
        )


def region_network(problem: Problem, claim: RegionOptimum) -> Parameters:
    """The network whose region it is."""
    if claim.of != "stored":
        return problem.A if claim.of == "A" else problem.B
    require(claim.rows is not None and claim.head is not None, "a stored network needs rows and a head")
    assert claim.rows is not None  # for the type checker, like the next line
    assert claim.head is not None
    return Parameters((claim.rows, claim.head), (claim.row_bias, claim.head_bias))


def _require_pairs(pairs: np.ndarray, name: str, m: int, N: int) -> None:
    require(type(pairs) is np.ndarray and pairs.ndim == 2, f"{name} must list pairs")
    require_array(pairs, name, np.int64, (len(pairs), 2))
    inside = bool(((pairs >= 0) & (pairs < np.array([m, N]))).all())
    require(inside, f"{name} names a neuron or sample that is not there")
    require(len(np.unique(pairs, axis=0)) == len(pairs), f"{name} names a pair twice")


def validate_region_optimum(problem: Problem, claim: RegionOptimum) -> None:
    """Reject claims outside the theorem, and arrays that do not fit."""
    require_relu(problem)
    require_name(claim.name)
    o, (N, d) = problem.objective, problem.X.shape
    require(len(problem.A.weights) == 2, "region_optimum is defined for one hidden layer")
    require(claim.of in ("A", "B", "stored"), "a region is of A, of B or of a stored network")
    own = (claim.rows, claim.row_bias, claim.head, claim.head_bias)
    require(claim.of == "stored" or all(a is None for a in own), "a network is stored, and the region is another's")
    p = region_network(problem, claim)
    validate_parameters(p, "the region's network")
    require(
        all((b is None) == (c is None) for b, c in zip(p.biases, problem.A.biases)),
        "a stored network has biases exactly where A has them",
    )
    m, K, n = len(p.weights[0]), len(p.weights[1]), d + (p.biases[0] is not None)
    require(p.weights[0].shape[1] == d and problem.A.weights[1].shape[0] == K, "a stored network does not fit the data")
    require(claim.output_bias in ("free", "kept"), "output_bias is neither free nor kept")
    free = claim.output_bias == "free"
    require(not free or p.biases[1] is not None, "an output bias that is not there cannot be free")
    _require_pairs(claim.active, "active", m, N)
    _require_pairs(claim.tight, "tight", m, N)
    require_array(claim.point, "point", np.float64, (m, n))
    require_array(claim.nu, "nu", np.float64, (N, K))
    require_array(claim.multipliers, "multipliers", np.float64, (len(claim.tight),))
    require(bool((claim.multipliers >= 0.0).all()), "a multiplier is negative")
    require((claim.point_bias is not None) == free, "the point has an output bias exactly where it is free")
    if claim.point_bias is not None:
        require_array(claim.point_bias, "point_bias", np.float64, (K,))
    require(
        (claim.row_limits is not None) == (o.penalty in ("none", "l1")),
        "rows have limits exactly where the penalty leaves them free",
    )
    if claim.row_limits is not None:
        require_array(claim.row_limits, "row_limits", np.float64, (m,))
        require(bool((claim.row_limits >= 0.0).all()), "a row limit is negative")
    if claim.bias_limit is not None:
        require_number(claim.bias_limit, "bias_limit")
        require(free and not o.penalise_output_bias, "a bias limit belongs to a free output bias without a penalty")
        assert claim.point_bias is not None  # for the type checker
        require(bool(np.abs(claim.point_bias).max() <= claim.bias_limit), "the point's output bias is over its limit")
    require_interval(claim.lower, claim.upper)
