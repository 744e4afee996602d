"""The objective `F = (1/N) sum_j loss(y_j, f(x_j)) + kappa P`, or a weighted mean (docs/certificate-v2.md, Problem); float64 estimates of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective.loss import Loss
from verifier.objective.losses import make_loss
from verifier.objective.penalties import Penalty, make_penalty
from verifier.objective.weighted import SampleWeighted
from verifier.options.objective import LOSSES, ObjectiveOptions

Array = np.ndarray


@dataclass(frozen=True)
class Objective:
    """Loss, weight kappa >= 0 and penalty; immutable, comparable, picklable.

    With sample weights (`weighted`) it belongs to one data set, and its loss is `SampleWeighted`.

    Raises UsageError when kappa is negative or not finite, when kappa > 0 comes without a penalty, or when the
    output bias is penalised under a penalty that has no such form. kappa = 0 turns any penalty into none.
    """

    loss: Loss
    kappa: float = 0.0
    penalty: str = "none"
    penalise_output_bias: bool = False

    def __post_init__(self) -> None:
        kappa = float(self.kappa)
        if not (math.isfinite(kappa) and kappa >= 0):
            raise UsageError(f"kappa must be a finite number >= 0, got {self.kappa!r}")
        penalty = make_penalty(self.penalty, self.penalise_output_bias)
        if kappa > 0 and penalty.name == "none":
            raise UsageError(f"kappa = {kappa} needs a penalty: choose path, l1 or weight_decay")
        object.__setattr__(self, "kappa", kappa)
        object.__setattr__(self, "penalty", penalty.name if kappa > 0 else "none")
        object.__setattr__(self, "penalise_output_bias", bool(self.penalise_output_bias) and kappa > 0)

    @cached_property
    def penalty_form(self) -> Penalty:
        return make_penalty(self.penalty, self.penalise_output_bias)

    @property
    def delta(self) -> float | None:
        """Huber's; None of other losses."""
        return self.loss.delta

    @property
    def options(self) -> ObjectiveOptions:
        """The words that make this objective again, sample weights aside."""
        return ObjectiveOptions(
            loss=self.loss.name, delta=self.delta, kappa=self.kappa, penalty=self.penalty, penalise_output_bias=self.penalise_output_bias
        )  # fmt: skip

    @property
    def weights(self) -> Array | None:
        """Sample weights (N,), not normalised; None for the plain mean."""
        return self.loss.weights if isinstance(self.loss, SampleWeighted) else None

    def weighted(self, weights: Array | None) -> Objective:
        """The same loss and penalty with the mean over samples weighted by weights (N,), all positive; None: the plain mean."""
        return replace(self, loss=self.loss.plain if weights is None else SampleWeighted(self.loss.plain, weights))

    def at(self, samples: Array) -> Objective:
        """The objective of some of the samples, by index: the one to use with X[samples] and targets[samples]."""
        return replace(self, loss=self.loss.at(samples))

    def loss_of(self, predictions: Array, targets: Array) -> float:
        """The mean over samples, weighted where they have weights, of loss(y_j, f_j) for predictions (N, K)."""
        return float(np.mean(self.loss.values(predictions, targets)))

    def loss_value(self, network: Network, X: Array, targets: Array) -> float:
        """Mean loss of the network; X (N, d)."""
        predictions = network.predict(X)
        self.loss.check(predictions, targets)
        return self.loss_of(predictions, targets)

    def penalty_value(self, network: Network) -> float:
        """kappa P."""
        return self.kappa * self.penalty_form.value(network) if self.kappa > 0 else 0.0

    def path_penalty_value(self, network: Network) -> float:
        """kappa P as used inside a path: sum_i |wt_i|_2 |theta_i|_2 for weight decay, else penalty_value."""
        return self.kappa * self.penalty_form.path_value(network) if self.kappa > 0 else 0.0

    def value(self, network: Network, X: Array, targets: Array) -> float:
        """F(network)."""
        return self.loss_value(network, X, targets) + self.penalty_value(network)

    def path_value(self, network: Network, X: Array, targets: Array) -> float:
        """F with the penalty in the form used inside a path; at most F."""
        return self.loss_value(network, X, targets) + self.path_penalty_value(network)

    def penalty_in(self, form: str) -> Callable[[Network], float]:
        """kappa P with weight decay as it is ("literal") or in its balanced form ("balanced")."""
        return self.path_penalty_value if form == "balanced" else self.penalty_value

    def row_prices(self, network: Network) -> Array:
        """r_i of the head program `min mean loss + kappa sum_i r_i |theta_i|`, shape (m,)."""
        if self.kappa == 0:
            return np.zeros(network.theta.shape[1])
        return self.penalty_form.row_prices(network)

    def prices_of_rows(self, rows: Array) -> Array:
        """r_i for augmented rows (r, d+1), apart from any network; shape (r,)."""
        if self.kappa == 0:
            return np.zeros(len(rows))
        return np.ones(len(rows)) if self.penalty == "l1" else np.linalg.norm(rows, axis=1)

    @property
    def bias_price(self) -> float:
        """Price of |c|_1 in units of kappa."""
        return 1.0 if self.penalise_output_bias else 0.0

    @property
    def group(self) -> int:
        """Norm in which theta_i in R^K is penalised: 2 for weight decay, else 1."""
        return self.penalty_form.group

    def head_value(self, Z: Array, targets: Array, prices: Array, head: Array, bias: Array | None) -> float:
        """Value of the head program at head (K, r), bias (K,) or None, features Z (N, r), prices (r,)."""
        predictions = Z @ head.T if bias is None else Z @ head.T + bias
        value = self.loss_of(predictions, targets)
        if self.kappa > 0:
            value += self.kappa * float(prices @ np.linalg.norm(head, ord=self.group, axis=0))
            if bias is not None:
                value += self.kappa * self.bias_price * float(np.abs(bias).sum())
        return value

    def accuracy(self, network: Network, dataset: Dataset) -> float | None:
        """Share of samples classified rightly; None for regression."""
        return self.accuracy_of(network.predict(dataset.X), dataset)

    def accuracy_of(self, predictions: Array, dataset: Dataset) -> float | None:
        """The same of predictions (N, K) on the data set.

        One output: threshold 0 for losses of signed margins, 1/2 for losses of 0/1 targets. Several: arg max.
        """
        if dataset.task == "regression":
            return None
        if predictions.shape[1] > 1:
            labels = predictions.argmax(axis=1)
        else:
            labels = (predictions[:, 0] > self.loss.threshold).astype(np.int64)
        return float(np.mean(labels == dataset.y))


def made(o: ObjectiveOptions) -> Objective:
    """The objective of options that nothing recorded adds to. Raises UsageError as `make_objective`, and where no loss is named."""
    if o.loss is None:
        raise UsageError(f"no loss: name it with --loss ({', '.join(LOSSES)})")
    return make_objective(
        o.loss, delta=o.delta, kappa=o.kappa, penalty=o.penalty, penalise_output_bias=bool(o.penalise_output_bias)
    )


def make_objective(
    loss: str,
    *,
    delta: float | None = None,
    kappa: float | None = None,
    penalty: str | None = None,
    penalise_output_bias: bool = False,
) -> Objective:
    """Objective from the words of the command line; penalty None means path when kappa > 0, else none.

    kappa: None where no weight was given, which no penalty goes without; 0 says that none is wanted.

    Raises UsageError for unknown words and contradictory options.
    """
    if kappa is None:
        asked = (
            f"penalty {penalty}"
            if penalty not in (None, "none")
            else "penalise_output_bias"
            if penalise_output_bias
            else None
        )
        if asked is not None:
            raise UsageError(f"{asked} needs the penalty's weight, or it would change nothing: give --kappa K as well")
        kappa = 0.0
    if penalty is None:
        # kappa's own validity is judged by Objective; NaN must not slip into the default here.
        penalty = "none" if kappa == 0 and not penalise_output_bias else "path"
    return Objective(make_loss(loss, delta), kappa, penalty, penalise_output_bias)
