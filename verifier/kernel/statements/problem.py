"""The problem a certificate is about: objective, data, networks; every float is the exact dyadic rational it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.geometry import Geometry, require_entries, require_geometry
from verifier.kernel.statements.refusal import require, require_array, require_finite

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")


PENALTIES = ("none", "l1", "path", "weight_decay")


@dataclass(frozen=True)
class Objective:
    """`F = (1/N) sum_j loss(y_j, f(x_j)) + kappa P`, docs/certificate-v2.md; delta is Huber's and None for other losses."""

    loss: str
    delta: float | None
    kappa: float
    penalty: str
    penalise_output_bias: bool


@dataclass(frozen=True)
class Parameters:
    """W_l of shape (n_l, n_{l-1}) and b_l of shape (n_l,) or None, for l = 1..L; ReLU or Leaky ReLU between, linear last.

    Of convolutional networks W_l is (n_l, n_{l-1} r_l): every channel below has r_l columns next to one another, one per position of the layer's window.
    """

    weights: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray | None, ...]


@dataclass(frozen=True)
class Problem:
    """The objective on data X (N, d), targets (N, K) float64, or (N,) int64 labels for cross-entropy, and the pair.

    negative_slope: of the activation `max(z, negative_slope z)` of all hidden layers, 0 for ReLU.
    weights (N,) float64, at least 0 and not all 0, or None: the mean over samples in F is then weighted by them.
    geometry: of convolutional networks, the same for A and B; None where every neuron reads all neurons below.
    """

    objective: Objective
    X: np.ndarray
    targets: np.ndarray
    A: Parameters
    B: Parameters
    negative_slope: float = 0.0
    weights: np.ndarray | None = None
    geometry: Geometry | None = None

    @property
    def shallow(self) -> bool:
        """One hidden layer whose neurons read all inputs, and which all outputs read: what the theory of one hidden layer is about."""
        return len(self.A.weights) == 2 and self.geometry is None


def columns_per_neuron(p: Parameters, l: int) -> int:
    """r_l: how many columns of W_l, l = 2..L, belong to each neuron of layer l - 1, next to one another; 1 in dense networks."""
    return p.weights[l - 1].shape[1] // p.weights[l - 2].shape[0]


def columns_of(neurons: np.ndarray, r: int) -> np.ndarray:
    """The columns that belong to these neurons, r each."""
    return neurons if r == 1 else (neurons[:, None] * r + np.arange(r)).ravel()


def validate_parameters(p: Parameters, name: str, geometry: Geometry | None = None) -> None:
    require(len(p.weights) == len(p.biases) and len(p.weights) >= 2, f"{name}: expected at least two layers")
    for l, (W, b) in enumerate(zip(p.weights, p.biases), start=1):
        require_finite(W, f"{name}.W{l}", 2)
        require(min(W.shape) > 0, f"{name}.W{l} is empty")
        chains = l == 1 or geometry is not None or W.shape[1] == p.weights[l - 2].shape[0]
        require(chains, f"{name}.W{l} does not chain")
        if b is not None:
            require_finite(b, f"{name}.b{l}", 1)
            require(b.shape == (W.shape[0],), f"{name}.b{l} has the wrong length")
    if geometry is not None:
        require_entries(geometry, p.weights)


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
    A, B, g = problem.A, problem.B, problem.geometry
    if g is not None:
        require_geometry(g, len(A.weights))
        require(len(B.weights) == len(A.weights), "A and B differ in depth")
    validate_parameters(A, "A", g)
    validate_parameters(B, "B", g)
    require(len(A.weights) == len(B.weights), "A and B differ in depth")
    for a, b, ba, bb in zip(A.weights, B.weights, A.biases, B.biases):
        require(a.shape == b.shape and (ba is None) == (bb is None), "A and B differ in architecture")
    require(problem.shallow or o.penalty in ("none", "l1"), f"penalty {o.penalty} is defined for one hidden layer only")
    require_finite(problem.X, "X", 2)
    N, d = problem.X.shape
    inputs = A.weights[0].shape[1] if g is None else math.prod(g.shape)
    require(N > 0 and d == inputs, "X does not fit the first layer")
    K = A.weights[-1].shape[0]
    require(K <= 1000, "more than 1000 outputs")
    if problem.weights is not None:
        require_array(problem.weights, "weights", np.float64, (N,))
        require(
            bool((problem.weights >= 0.0).all() and (problem.weights > 0.0).any()),
            "sample weights are at least 0, and not all 0",
        )
    y = problem.targets
    if o.loss == "cross_entropy":
        require(
            type(y) is np.ndarray and y.dtype == np.int64 and y.shape == (N,),
            "labels must be int64, one per sample",
        )
        require(K >= 2 and bool(((y >= 0) & (y < K)).all()), "a label is outside the outputs")
    else:
        require_finite(y, "targets", 2)
        require(y.shape == (N, K), "targets do not fit samples and outputs")
        if o.loss in ("logistic", "hinge"):
            require(K == 1 and bool((np.abs(y) == 1.0).all()), f"{o.loss} needs one output and targets +1 or -1")


def require_relu(problem: Problem) -> None:
    """Reject claims whose theory is about ReLU where the activation is another."""
    require(problem.negative_slope == 0.0, "this kind of claim is defined for ReLU, not for Leaky ReLU")


def require_unweighted(problem: Problem) -> None:
    """Reject claims that are defined for the plain mean over samples."""
    require(problem.weights is None, "this kind of claim is defined without sample weights")


def same_parameters(p: Parameters, q: Parameters) -> bool:
    """Whether every parameter is the same real number."""
    pairs = [*zip(p.weights, q.weights, strict=True), *zip(p.biases, q.biases, strict=True)]
    return all(
        (a is None and b is None) or (a is not None and b is not None and np.array_equal(a, b)) for a, b in pairs
    )


def augmented_rows(W: np.ndarray, b: np.ndarray | None) -> np.ndarray:
    """wt_i = (w_i, b_i), or w_i without biases; shape (m, d or d+1)."""
    return W if b is None else np.column_stack([W, b])


def augmented_inputs(problem: Problem) -> np.ndarray:
    """xt_j, shape (N, n)."""
    X = problem.X
    return X if problem.A.biases[0] is None else np.column_stack([X, np.ones(len(X))])


def last_rows(p: Parameters) -> np.ndarray:
    """wt_i of the last hidden layer, shape (m, n)."""
    return augmented_rows(p.weights[-2], p.biases[-2])
