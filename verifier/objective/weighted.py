"""A loss whose samples have weights: the one home of the weighted mean.

`F = sum_j w_j loss_j / sum_j w_j + kappa P = (1/N) sum_j q_j loss_j + kappa P` with the shares `q_j = N w_j / sum_j w_j`, of mean 1. `SampleWeighted` is
the loss `q_j loss_j`, so that whatever averages values, gradients or curvatures over the samples gets the weighted mean without knowing of it.
Dual vectors of certificates are those of the plain `loss_j` (docs/certificate-v2.md, `head_optimum`).
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.numbers import plural
from verifier.objective.loss import Kinks, Loss

Array = np.ndarray

# Weights further apart than this would leave float64 in products.
SMALLEST = 1e-100


def shares(weights: Array) -> Array:
    """q_j = N w_j / sum_j w_j, (N,); exactly the same for weights times a power of two."""
    scaled = weights * 2.0 ** -np.frexp(weights.max())[1]
    return scaled * (len(scaled) / scaled.sum())


class SampleWeighted(Loss):
    """`q_j loss(y_j, f)` for the samples of one data set; comparable, picklable.

    loss: the plain loss. weights: (N,) float64, all positive (a sample of weight 0 is left out of the data set).

    Raises UsageError for weights that are not that, or further apart than a factor of 1e100.
    """

    def __init__(self, loss: Loss, weights: Array) -> None:
        self.loss = loss
        self.weights: Array = np.array(weights, dtype=np.float64)
        if self.weights.ndim != 1 or len(self.weights) == 0:
            raise UsageError(
                f"sample weights: expected one number per sample, got an array of shape {self.weights.shape}"
            )
        if not (np.isfinite(self.weights).all() and (self.weights > 0).all()):
            raise UsageError(
                "sample weights: expected positive finite numbers; leave samples of weight 0 out of the data"
            )
        if self.weights.min() < SMALLEST * self.weights.max():
            raise UsageError(
                f"sample weights: lie between {self.weights.min():g} and {self.weights.max():g}, too far apart for float64; "
                "give the smallest the weight 0, which leaves their samples out"
            )
        self.shares = shares(self.weights)
        self.weights.flags.writeable = self.shares.flags.writeable = False
        self.name, self.smooth, self.separable, self.delta = loss.name, loss.smooth, loss.separable, loss.delta
        self.threshold = loss.threshold

    @property
    def plain(self) -> Loss:
        return self.loss

    def __repr__(self) -> str:
        """Tells different weights apart: keys are made of it."""
        return f"SampleWeighted({self.loss!r}, {hashlib.sha256(self.weights.tobytes()).hexdigest()})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, SampleWeighted)
            and self.loss == other.loss
            and bool(np.array_equal(self.weights, other.weights))
        )

    def __hash__(self) -> int:
        return hash((self.loss, self.weights.tobytes()))

    def at(self, samples: Array) -> SampleWeighted:
        """The loss of some of the samples, by index; its shares are of these samples' own weighted mean."""
        return SampleWeighted(self.loss, self.weights[samples])

    def scaled(self, values: Array) -> Array:
        if len(values) != len(self.shares):
            raise ValueError(
                f"{self.name}: {plural(len(values), 'sample')}, {plural(len(self.shares), 'weight')}; take the loss `at` these samples"
            )
        return values * self.shares.reshape(-1, *(1,) * (values.ndim - 1))

    def encode(self, dataset: Dataset) -> Array:
        return self.loss.encode(dataset)

    def values(self, predictions: Array, targets: Array) -> Array:
        return self.scaled(self.loss.values(predictions, targets))

    def gradient(self, predictions: Array, targets: Array) -> Array:
        return self.scaled(self.loss.gradient(predictions, targets))

    def hessian(self, predictions: Array, targets: Array) -> Array:
        return self.scaled(self.loss.hessian(predictions, targets))

    def conjugate(self, dual: Array, targets: Array) -> Array:
        """q_j loss_j^*(nu_j / q_j)."""
        return self.scaled(self.loss.conjugate(self.unscaled(dual), targets))

    def unscaled(self, dual: Array) -> Array:
        return dual / self.shares[:, None]

    def lipschitz(self, K: int) -> float | None:
        L = self.loss.lipschitz(K)
        return None if L is None else L * float(self.shares.max())

    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        return self.loss.cvxpy(Z, head, bias, targets, self.shares)

    def cvxpy_dual(
        self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None
    ) -> tuple[Any, list[Any], Any]:
        return self.loss.cvxpy_dual(Z, head, bias, targets, self.shares)

    def kinks(self, targets: Array) -> Kinks:
        return self.loss.kinks(targets)

    def outputs(self, targets: Array) -> int:
        return self.loss.outputs(targets)

    def check(self, predictions: Array, targets: Array) -> None:
        if len(predictions) != len(self.weights):
            raise UsageError(
                f"sample weights: {plural(len(self.weights), 'weight')} for {plural(len(predictions), 'sample')}; one each is needed"
            )
        self.loss.check(predictions, targets)
