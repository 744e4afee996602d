"""Convex losses of the predictions, one class per loss (docs/certificate-v2.md, Problem).

Every number here is a float64 estimate: certified values come from the kernel, which has its own formulae.
Shapes: predictions f are (N, K), targets what `encode` returns, dual vectors nu are (N, K) with nu_j in the
subdifferential of `loss_j` at f_j.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, xlogy

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.numbers import plural
from verifier.objective.loss import Kinks, Loss

Array = np.ndarray


def _log_sum_exp(f: Array) -> Array:
    """log sum_k exp(f_jk), shape (N, 1); scipy's general form was measured three times slower in the hot loop."""
    top = f.max(axis=1, keepdims=True)
    return top + np.log(np.exp(f - top).sum(axis=1, keepdims=True))


def _affine(Z: Array, head: Any, bias: Any | None, sign: Array | None = None) -> Any:
    """sign * (Z head + bias) with the constant sign (N, 1) folded into the matrices."""
    ones = np.ones((Z.shape[0], 1))
    if sign is not None:
        Z, ones = sign * Z, sign * ones
    return Z @ head if bias is None else Z @ head + ones @ bias


def _total(terms: Any, shares: Array | None) -> Any:
    """Sum of terms (N,) or (N, K), those of sample j times shares_j. The shares stay outside of what is convex, a constant vector."""
    import cvxpy as cp

    return cp.sum(terms) if shares is None else cp.sum(shares @ terms)


def _signs(loss: str, dataset: Dataset) -> Array:
    if dataset.task != "binary":
        raise UsageError(
            f"{loss} loss needs a binary task with labels 0/1, but data {dataset.name} is {dataset.task}; "
            "use cross_entropy for several classes, squared or huber for regression"
        )
    return np.where(dataset.y == 1, 1.0, -1.0)[:, None]


def _numbers(loss: str, dataset: Dataset) -> Array:
    """0/1 floats (N, 1), one-hot (N, K), or regression targets (N, K)."""
    if dataset.task == "multiclass":
        return np.eye(int(dataset.classes or 0))[dataset.y]
    y = np.asarray(dataset.y, dtype=np.float64)
    return y[:, None] if y.ndim == 1 else y


@dataclass(frozen=True)
class Logistic(Loss):
    """log(1 + exp(-y f)), y in {-1, +1}; 1-Lipschitz. Targets (N, 1)."""

    name = "logistic"
    threshold = 0.0
    smooth = True

    def encode(self, dataset: Dataset) -> Array:
        return _signs(self.name, dataset)

    def values(self, predictions: Array, targets: Array) -> Array:
        return np.logaddexp(0.0, -targets * predictions).sum(axis=1)

    def gradient(self, predictions: Array, targets: Array) -> Array:
        return -targets * expit(-targets * predictions)

    def hessian(self, predictions: Array, targets: Array) -> Array:
        p = expit(predictions)
        return p * expit(-predictions)

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """a log a + (1-a) log(1-a) with nu = -a y, a in [0, 1] (docs/mathematics.md, section 5)."""
        a = -dual * targets
        inside = (a >= 0) & (a <= 1)
        a = np.clip(a, 0.0, 1.0)
        return np.where(inside, xlogy(a, a) + xlogy(1 - a, 1 - a), np.inf).sum(axis=1)

    def lipschitz(self, K: int) -> float:
        return 1.0

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        import cvxpy as cp

        return _total(cp.logistic(_affine(Z, head, bias, -targets)), shares)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """log sum_k exp f_k - f_y over K classes; sqrt(2)-Lipschitz. Targets are int64 labels (N,)."""

    name = "cross_entropy"
    smooth = True
    separable = False

    def encode(self, dataset: Dataset) -> Array:
        if dataset.task == "regression":
            raise UsageError(
                f"cross_entropy loss needs class labels, but data {dataset.name} is a regression task; "
                "use squared, huber or absolute"
            )
        return np.asarray(dataset.y, dtype=np.int64)

    def outputs(self, targets: Array) -> int:
        return max(2, int(targets.max()) + 1)

    def check(self, predictions: Array, targets: Array) -> None:
        N, K = predictions.shape
        if targets.shape != (N,) or self.outputs(targets) > K:
            raise UsageError(
                f"cross_entropy loss: the network has {plural(K, 'output')} on {plural(N, 'sample')}, but the labels of shape "
                f"{targets.shape} need {self.outputs(targets)}; for one output use the logistic loss"
            )

    def values(self, predictions: Array, targets: Array) -> Array:
        return _log_sum_exp(predictions)[:, 0] - predictions[np.arange(len(targets)), targets]

    def gradient(self, predictions: Array, targets: Array) -> Array:
        p = np.exp(predictions - _log_sum_exp(predictions))
        p[np.arange(len(targets)), targets] -= 1.0
        return p

    def hessian(self, predictions: Array, targets: Array) -> Array:
        p = np.exp(predictions - _log_sum_exp(predictions))
        return p[:, :, None] * np.eye(p.shape[1]) - p[:, :, None] * p[:, None, :]

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """sum_k p_k log p_k with nu = p - e_y, p in the simplex (row sums up to 1e-9)."""
        p = dual + np.eye(dual.shape[1])[targets]
        inside = (p >= 0).all(axis=1) & (np.abs(p.sum(axis=1) - 1) <= 1e-9)
        p = np.maximum(p, 0.0)
        return np.where(inside, xlogy(p, p).sum(axis=1), np.inf)

    def lipschitz(self, K: int) -> float:
        return math.sqrt(2.0)

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        import cvxpy as cp

        K = head.shape[1]
        onehot = np.eye(K)[targets]
        if shares is not None:
            onehot = shares[:, None] * onehot
        chosen = cp.sum(cp.multiply(Z.T @ onehot, head))
        if bias is not None:
            chosen = chosen + cp.sum(cp.multiply(onehot.sum(axis=0, keepdims=True), bias))
        return _total(cp.log_sum_exp(_affine(Z, head, bias), axis=1), shares) - chosen


@dataclass(frozen=True)
class Squared(Loss):
    """sum_k (f_k - y_k)^2; not globally Lipschitz. Targets (N, K)."""

    name = "squared"
    smooth = True

    def encode(self, dataset: Dataset) -> Array:
        return _numbers(self.name, dataset)

    def values(self, predictions: Array, targets: Array) -> Array:
        return ((predictions - targets) ** 2).sum(axis=1)

    def gradient(self, predictions: Array, targets: Array) -> Array:
        return 2.0 * (predictions - targets)

    def hessian(self, predictions: Array, targets: Array) -> Array:
        return np.full(predictions.shape, 2.0)

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """nu^2 / 4 + nu y."""
        return (dual * dual / 4 + dual * targets).sum(axis=1)

    def lipschitz(self, K: int) -> None:
        return None

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        import cvxpy as cp

        if shares is None:
            return cp.sum_squares(_affine(Z, head, bias) - targets)
        root = np.sqrt(shares)[:, None]
        return cp.sum_squares(_affine(Z, head, bias, root) - root * targets)


@dataclass(frozen=True)
class Huber(Loss):
    """sum_k r_k^2/2 for |r_k| <= delta, else delta |r_k| - delta^2/2, r = f - y; delta sqrt(K)-Lipschitz. (N, K)."""

    delta: float = 1.0
    name = "huber"
    smooth = True

    def __post_init__(self) -> None:
        if not (math.isfinite(self.delta) and self.delta > 0):
            raise UsageError(f"huber loss: delta must be a positive number, got {self.delta!r}")

    def encode(self, dataset: Dataset) -> Array:
        return _numbers(self.name, dataset)

    def values(self, predictions: Array, targets: Array) -> Array:
        r = np.abs(predictions - targets)
        return np.where(r <= self.delta, r * r / 2, self.delta * r - self.delta**2 / 2).sum(axis=1)

    def gradient(self, predictions: Array, targets: Array) -> Array:
        return np.clip(predictions - targets, -self.delta, self.delta)

    def hessian(self, predictions: Array, targets: Array) -> Array:
        return (np.abs(predictions - targets) <= self.delta).astype(np.float64)

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """nu^2 / 2 + nu y for |nu| <= delta."""
        return np.where(np.abs(dual) <= self.delta, dual * dual / 2 + dual * targets, np.inf).sum(axis=1)

    def lipschitz(self, K: int) -> float:
        return self.delta * math.sqrt(K)

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        import cvxpy as cp

        delta: Any = self.delta  # CVXPY's stub says int
        # cp.huber is twice this loss.
        return 0.5 * _total(cp.huber(_affine(Z, head, bias) - targets, delta), shares)


@dataclass(frozen=True)
class Hinge(Loss):
    """max(0, 1 - y f), y in {-1, +1}; 1-Lipschitz. Targets (N, 1)."""

    name = "hinge"
    threshold = 0.0
    smooth = False

    def encode(self, dataset: Dataset) -> Array:
        return _signs(self.name, dataset)

    def values(self, predictions: Array, targets: Array) -> Array:
        return np.maximum(0.0, 1.0 - targets * predictions).sum(axis=1)

    def gradient(self, predictions: Array, targets: Array) -> Array:
        return -targets * (targets * predictions < 1.0)

    def hessian(self, predictions: Array, targets: Array) -> Array:
        return np.zeros(predictions.shape)

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """-a with nu = -a y, a in [0, 1]."""
        a = -dual * targets
        return np.where((a >= 0) & (a <= 1), -a, np.inf).sum(axis=1)

    def lipschitz(self, K: int) -> float:
        return 1.0

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        import cvxpy as cp

        return _total(cp.pos(1.0 + _affine(Z, head, bias, -targets)), shares)

    def cvxpy_dual(
        self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None
    ) -> tuple[Any, list[Any], Any]:
        import cvxpy as cp

        slack = cp.Variable(targets.shape, nonneg=True)
        constraint = 1.0 + _affine(Z, head, bias, -targets) <= slack
        return _total(slack, shares), [constraint], lambda: -targets * np.asarray(constraint.dual_value)

    def kinks(self, targets: Array) -> Kinks:
        return Kinks(np.zeros_like(targets), np.ones_like(targets), -targets)


@dataclass(frozen=True)
class Absolute(Loss):
    """sum_k |f_k - y_k|; sqrt(K)-Lipschitz. Targets (N, K)."""

    name = "absolute"
    smooth = False

    def encode(self, dataset: Dataset) -> Array:
        return _numbers(self.name, dataset)

    def values(self, predictions: Array, targets: Array) -> Array:
        return np.abs(predictions - targets).sum(axis=1)

    def gradient(self, predictions: Array, targets: Array) -> Array:
        return np.sign(predictions - targets)

    def hessian(self, predictions: Array, targets: Array) -> Array:
        return np.zeros(predictions.shape)

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """nu y for |nu| <= 1."""
        return np.where(np.abs(dual) <= 1, dual * targets, np.inf).sum(axis=1)

    def lipschitz(self, K: int) -> float:
        return math.sqrt(K)

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        import cvxpy as cp

        return _total(cp.abs(_affine(Z, head, bias) - targets), shares)

    def cvxpy_dual(
        self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None
    ) -> tuple[Any, list[Any], Any]:
        import cvxpy as cp

        slack = cp.Variable(targets.shape)
        residual = _affine(Z, head, bias) - targets
        above, below = residual <= slack, -residual <= slack
        return (
            _total(slack, shares),
            [above, below],
            lambda: np.asarray(above.dual_value) - np.asarray(below.dual_value),
        )

    def kinks(self, targets: Array) -> Kinks:
        return Kinks(-np.ones_like(targets), -2.0 * targets, np.full_like(targets, 2.0))


LOSSES: dict[str, type[Loss]] = {cls.name: cls for cls in (Logistic, CrossEntropy, Squared, Huber, Hinge, Absolute)}


def make_loss(name: str, delta: float | None = None) -> Loss:
    """The loss called `name`; delta belongs to huber alone (1.0 when left out).

    Raises UsageError for an unknown name or a delta that does not belong.
    """
    key = name.replace("-", "_")
    if key not in LOSSES:
        raise UsageError(f"loss {name!r} is unknown; choose one of {', '.join(LOSSES)}")
    if key == "huber":
        return Huber(1.0 if delta is None else float(delta))
    if delta is not None:
        raise UsageError(f"delta = {delta} belongs to the huber loss only, but the loss is {name}")
    return LOSSES[key]()
