"""What a loss is: convex in the predictions, with everything that programs and paths ask of it (docs/certificate-v2.md, Problem)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.numbers import plural

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Kinks:
    """A loss with kinks as `base_k f_k + max(0, offset_k + slope_k f_k)`, summed over outputs, up to a constant; arrays (N, K)."""

    base: Array
    offset: Array
    slope: Array


class Loss(ABC):
    """A loss `loss(y, f)`, convex in f.

    name: the word on the command line. smooth: differentiable everywhere. separable: a sum over outputs, so that
    its Hessian is diagonal.
    """

    name: str
    smooth: bool
    separable: bool = True
    # One output: predictions above it are of class 1. Losses of signed margins have 0.
    threshold: float = 0.5
    # Of Huber's loss: where it turns from a square into a line.
    delta: float | None = None

    @abstractmethod
    def encode(self, dataset: Dataset) -> Array:
        """Targets of this loss: float64 (N, K), or int64 (N,) labels for cross-entropy.

        Raises UsageError when loss and task do not fit.
        """

    @abstractmethod
    def values(self, predictions: Array, targets: Array) -> Array:
        """loss(y_j, f_j), shape (N,)."""

    @abstractmethod
    def gradient(self, predictions: Array, targets: Array) -> Array:
        """A subgradient in f, shape (N, K)."""

    @abstractmethod
    def hessian(self, predictions: Array, targets: Array) -> Array:
        """Second derivative in f where it exists: the diagonal (N, K) when separable, else (N, K, K)."""

    @abstractmethod
    def conjugate(self, dual: Array, targets: Array) -> Array:
        """loss_j^*(nu_j) = sup_f nu_j . f - loss_j(f), shape (N,); inf outside the domain."""

    @abstractmethod
    def lipschitz(self, K: int) -> float | None:
        """Global l2 Lipschitz constant in f with K outputs, or None."""

    @abstractmethod
    def cvxpy(self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None) -> Any:
        """`sum_j loss_j(Z_j head + bias)` as a CVXPY expression; Z (N, r), head (r, K), bias (1, K) or None.

        shares: q (N,), of a sum of q_j loss_j; None for ones.

        Label signs are multiplied into the constant matrix: CVXPY 1.9.3 with HiGHS, SciPy or PIQP returns silently
        wrong optima for `pos(1 - multiply(y, Z @ h))` (numerics.md, pitfalls).
        """

    def cvxpy_dual(
        self, Z: Array, head: Any, bias: Any | None, targets: Array, shares: Array | None = None
    ) -> tuple[Any, list[Any], Any]:
        """Total loss with slack variables, its constraints, and a function giving nu (N, K) / N, of the losses q_j loss_j, from their multipliers.

        Only for losses with kinks, whose subgradient at the optimum cannot be read off the predictions.
        """
        raise NotImplementedError(f"{self.name} is smooth: its dual vector is the gradient at the optimum")

    def kinks(self, targets: Array) -> Kinks:
        """The plain loss of each sample in two linear pieces. Only for losses with kinks."""
        raise NotImplementedError(f"{self.name} is smooth: it has no kinks")

    @property
    def plain(self) -> Loss:
        """The loss of one sample without its weight."""
        return self

    def scaled(self, values: Array) -> Array:
        """values (N, ...) times the samples' shares q_j of mean 1 (`verifier.objective.weighted`); a plain mean's are 1."""
        return values

    def unscaled(self, dual: Array) -> Array:
        """nu (N, K) of the plain losses from that of the losses q_j loss_j."""
        return dual

    def at(self, samples: Array) -> Loss:
        """The loss of some of the samples, by index."""
        return self

    def outputs(self, targets: Array) -> int:
        """Least number of outputs K a network needs for these targets."""
        return int(targets.shape[1])

    def check(self, predictions: Array, targets: Array) -> None:
        """Raise UsageError unless predictions (N, K) and targets belong together."""
        N, K = predictions.shape
        if targets.shape != (N, K):
            raise UsageError(
                f"{self.name} loss: the network has {plural(K, 'output')} on {plural(N, 'sample')}, but the encoded targets have shape "
                f"{targets.shape}; choose a loss and a network with the same number of outputs"
            )

    def value_at_zero(self, targets: Array, K: int | None = None) -> float:
        """Mean loss of the zero network."""
        return float(np.mean(self.values(np.zeros((targets.shape[0], K or self.outputs(targets))), targets)))
