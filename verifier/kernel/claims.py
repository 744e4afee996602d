"""What a certificate says, as plain values: the kernel's only input.

Every float in here is taken as the exact dyadic rational it is. Nothing is trusted: `validate` checks shapes,
dtypes and finiteness before any arithmetic, and the two evaluations decide the rest.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from verifier.kernel.landscape_claims import BarrierLowerBound, ClaimViolation, JacobianRank, RegionMinimum

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
PENALTIES = ("none", "l1", "path", "weight_decay")


class Rejected(Exception):
    """The claim is not established. Raised anywhere in the kernel; the verdict carries its text."""


@dataclass(frozen=True)
class Objective:
    """`F = (1/N) sum_j loss(y_j, f(x_j)) + kappa P`, theory.md section 1; delta is Huber's and None for other losses."""

    loss: str
    delta: float | None
    kappa: float
    penalty: str
    penalise_output_bias: bool


@dataclass(frozen=True)
class Parameters:
    """W_l of shape (n_l, n_{l-1}) and b_l of shape (n_l,) or None, for l = 1..L; ReLU or Leaky ReLU between, linear last."""

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Problem:
    """The objective on data X (N, d), targets (N, K) float64, or (N,) int64 labels for cross-entropy, and the pair.

    negative_slope: of the activation `max(z, negative_slope z)` of all hidden layers, 0 for ReLU.
    """

    objective: Objective
    X: np.ndarray
    targets: np.ndarray
    A: Parameters
    B: Parameters
    negative_slope: float = 0.0


@dataclass(frozen=True)
class Write:
    """Overwrite part of one array: rows (axis 0) or columns (axis 1) `index` of W_l or entries of b_l; all of it when index is None."""

    layer: int
    part: str
    axis: int
    index: np.ndarray | None
    value: np.ndarray


@dataclass(frozen=True)
class Move:
    """Straight segment from the current vertex to the vertex after all `writes`.

    breakpoints: strictly increasing floats in (0, 1), or None: where the chord lemma is applied piece by piece.
    transfer: (p, 2) int64 pairs (from, to) in hidden layer `transfer_layer`, or None. Both are hints; the kernel checks them.
    """

    writes: tuple[Write, ...]
    breakpoints: np.ndarray | None = None
    transfer: np.ndarray | None = None
    transfer_layer: int | None = None


@dataclass(frozen=True)
class EndpointValue:
    """`lower <= F(network) <= upper`, network is "A" or "B"."""

    network: str
    lower: float
    upper: float


@dataclass(frozen=True)
class PathUpperBound:
    """The polyline from A through `moves` ends in B, and on all of it `F <= sup`, `F - E <= gap` with E = max(F(A), F(B)),
    `F - min(F(A), F(B)) <= gap_over_lower`, and, when a level is given, `F - level <= gap_over_level`."""

    path: str
    moves: tuple[Move, ...]
    sup: float
    gap: float
    gap_over_lower: float
    level: float | None = None
    gap_over_level: float | None = None


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


Claim = EndpointValue | PathUpperBound | HeadOptimum | BarrierLowerBound | RegionMinimum | JacobianRank | ClaimViolation


@dataclass(frozen=True)
class Verdict:
    """Outcome for one claim: its sentence, and the numbers the evaluation computed itself."""

    accepted: bool
    sentence: str
    computed: dict[str, float]


def require(condition: bool, why: str) -> None:
    """Reject unless the condition is the bool True (never an assert: `python -O` would drop it)."""
    if condition is not True:
        raise Rejected(why)


def _finite(array: np.ndarray, name: str, ndim: int, kind: type = np.float64) -> None:
    require(
        type(array) is np.ndarray and array.dtype == kind and array.ndim == ndim,
        f"{name}: expected a {ndim}-d {kind.__name__} array",
    )
    require(bool(np.isfinite(array).all()), f"{name}: NaN or infinity")


def require_array(array: np.ndarray, name: str, kind: type, shape: tuple[int, ...]) -> None:
    """Reject what is not a finite array of this type and shape."""
    require(
        type(array) is np.ndarray and array.dtype == kind and array.shape == shape,
        f"{name} has the wrong type or shape",
    )
    require(bool(np.isfinite(array).all()), f"{name}: NaN or infinity")


def validate_parameters(p: Parameters, name: str) -> None:
    require(len(p.weights) == len(p.biases) and len(p.weights) >= 2, f"{name}: expected at least two layers")
    for l, (W, b) in enumerate(zip(p.weights, p.biases), start=1):
        _finite(W, f"{name}.W{l}", 2)
        require(min(W.shape) > 0, f"{name}.W{l} is empty")
        require(l == 1 or W.shape[1] == p.weights[l - 2].shape[0], f"{name}.W{l} does not chain")
        if b is not None:
            _finite(b, f"{name}.b{l}", 1)
            require(b.shape == (W.shape[0],), f"{name}.b{l} has the wrong length")


def validate(problem: Problem) -> None:
    """Reject a problem that is not one: unknown names, shapes that do not chain, non-finite or ill-coded values."""
    o = problem.objective
    require(o.loss in LOSSES, f"unknown loss {o.loss!r}")
    require(o.penalty in PENALTIES, f"unknown penalty {o.penalty!r}")
    require((o.delta is not None) == (o.loss == "huber"), "delta belongs to Huber's loss and to no other")
    require(o.delta is None or 0.0 < o.delta < float("inf"), "Huber's delta must be positive and finite")
    require(0.0 <= o.kappa < float("inf"), "kappa must be finite and at least 0")
    require((o.kappa > 0.0) == (o.penalty != "none"), "kappa is positive exactly when there is a penalty")
    require(not o.penalise_output_bias or o.penalty in ("l1", "path"), "only l1 and path penalise the output bias")
    require(
        type(problem.negative_slope) is float and 0.0 <= problem.negative_slope < 1.0,
        "negative_slope must be in [0, 1)",
    )
    validate_parameters(problem.A, "A")
    validate_parameters(problem.B, "B")
    A, B = problem.A, problem.B
    require(len(A.weights) == len(B.weights), "A and B differ in depth")
    for a, b, ba, bb in zip(A.weights, B.weights, A.biases, B.biases):
        require(a.shape == b.shape and (ba is None) == (bb is None), "A and B differ in architecture")
    require(
        len(A.weights) == 2 or o.penalty in ("none", "l1"), f"penalty {o.penalty} is defined for one hidden layer only"
    )
    _finite(problem.X, "X", 2)
    N, d = problem.X.shape
    require(N > 0 and d == A.weights[0].shape[1], "X does not fit the first layer")
    K = A.weights[-1].shape[0]
    require(K <= 1000, "more than 1000 outputs")
    y = problem.targets
    if o.loss == "cross_entropy":
        require(
            type(y) is np.ndarray and y.dtype == np.int64 and y.shape == (N,),
            "labels must be int64, one per sample",
        )
        require(K >= 2 and bool(((y >= 0) & (y < K)).all()), "a label is outside the outputs")
    else:
        _finite(y, "targets", 2)
        require(y.shape == (N, K), "targets do not fit samples and outputs")
        if o.loss in ("logistic", "hinge"):
            require(K == 1 and bool((np.abs(y) == 1.0).all()), f"{o.loss} needs one output and targets +1 or -1")


def validate_head(claim: HeadOptimum, problem: Problem) -> None:
    """Reject a head claim whose arrays do not fit the problem."""
    N, d = problem.X.shape
    K = problem.A.weights[-1].shape[0]
    require(len(problem.A.weights) == 2, "head_optimum is defined for one hidden layer")
    _finite(claim.rows, "rows", 2)
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
            _finite(array, name, len(shape))
            require(array.shape == shape, f"{name} has the wrong shape")
    require(
        claim.head_limit is None or 0.0 <= claim.head_limit < float("inf"), "head_limit must be finite and at least 0"
    )


def apply_writes(p: Parameters, move: Move) -> Parameters:
    """The vertex after a move; unwritten arrays are shared. Rejects writes outside the arrays, repeated indices and non-finite values."""
    weights, biases = list(p.weights), list(p.biases)
    for w in move.writes:
        require(type(w.layer) is int and 1 <= w.layer <= len(weights), "a write names a layer that is not there")
        require(w.part in ("weight", "bias"), "a write names neither weight nor bias")
        old = weights[w.layer - 1] if w.part == "weight" else biases[w.layer - 1]
        require(old is not None, "a write names a bias that is not there")
        assert old is not None  # for the type checker; `require` above decides
        require(w.axis in (0, 1) and w.axis < old.ndim, "a write names an axis that is not there")
        _finite(w.value, "written values", old.ndim)
        if w.index is None:
            require(w.value.shape == old.shape, "written values do not fit")
            new = w.value
        else:
            i = w.index
            require(
                type(i) is np.ndarray and i.dtype == np.int64 and i.ndim == 1 and i.size > 0,
                "write indices must be int64",
            )
            require(bool((i >= 0).all() and (i < old.shape[w.axis]).all()), "a write index is outside the array")
            require(np.unique(i).size == i.size, "a write index is repeated")
            shape = list(old.shape)
            shape[w.axis] = i.size
            require(w.value.shape == tuple(shape), "written values do not fit their indices")
            new = old.copy()
            if w.axis == 0:
                new[i] = w.value
            else:
                new[:, i] = w.value
        if w.part == "weight":
            weights[w.layer - 1] = new
        else:
            biases[w.layer - 1] = new
    return Parameters(tuple(weights), tuple(biases))


def breakpoints_of(move: Move) -> list[float]:
    """0, the move's breakpoints, 1; rejects anything not strictly increasing."""
    if move.breakpoints is None:
        return [0.0, 1.0]
    _finite(move.breakpoints, "breakpoints", 1)
    t = [0.0, *move.breakpoints.tolist(), 1.0]
    require(all(a < b for a, b in itertools.pairwise(t)), "breakpoints must increase strictly inside (0, 1)")
    return t


def require_relu(problem: Problem) -> None:
    """Reject claims whose theory is about ReLU where the activation is another."""
    require(problem.negative_slope == 0.0, "this kind of claim is defined for ReLU, not for Leaky ReLU")


def same_parameters(p: Parameters, q: Parameters) -> bool:
    """Whether every parameter is the same real number."""
    pairs = [*zip(p.weights, q.weights), *zip(p.biases, q.biases)]
    return all(
        (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs
    )
