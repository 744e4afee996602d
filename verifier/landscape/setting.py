"""What an exact landscape is about: F as a function of `u_i = |theta_i| wt_i`, signs and output bias (docs/landscape.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from verifier.errors import UsageError
from verifier.landscape.neuron_cells import NeuronCells
from verifier.landscape.normal import NormalForm, normal_form, scaled_cells
from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.objective.penalties import augmented_rows

Array = np.ndarray

LOSSES = ("squared", "logistic", "huber")
PENALTIES = ("none", "path", "weight_decay")


@dataclass(frozen=True, eq=False)
class LandscapeSetting:
    """`F(u, s, c) = (1/N) sum_j loss_j(sum_i s_i relu(u_i . xt_j) + c) + kappa sum_i |u_i| + kappa p |c|`.

    p is 1 when the objective prices the output bias, else 0. targets (N, 1). output_bias: c is a variable.
    frozen_signs: s when theta and c stay as they are, else None; c is then `offset`.
    scaled_neurons: the same cells for inputs whose columns are divided by 2^columns (see `normal`).
    """

    objective: Objective
    X: Array
    targets: Array
    width: int
    hidden_bias: bool
    output_bias: bool
    neurons: NeuronCells
    scaled_neurons: NeuronCells
    columns: Array
    frozen_signs: tuple[int, ...] | None = None
    offset: float = 0.0

    @cached_property
    def normal(self) -> NormalForm:
        """The same landscape in units of size 1, which is what programs solve."""
        return normal_form(self)

    @property
    def risk(self) -> Risk:
        """F in the units of the data, which `value` takes with the penalty's path form."""
        return Risk(self.objective, self.X, self.targets)

    @property
    def frozen(self) -> bool:
        return self.frozen_signs is not None

    @property
    def bias_price(self) -> float:
        """kappa p, the price of |c|."""
        return self.objective.kappa * self.objective.bias_price

    @property
    def N(self) -> int:
        return len(self.X)

    @property
    def kappa(self) -> float:
        return self.objective.kappa

    @property
    def cells(self) -> int:
        """Number of cells of the whole landscape, permuted copies counted."""
        return (self.neurons.count // 2 if self.frozen else self.neurons.count) ** self.width

    def value(self, network: Network) -> float:
        """F of a network, in float64, the penalty in the form used inside a path."""
        return self.risk.path_value(network)


def _check(objective: Objective, targets: Array, frozen: bool) -> None:
    if objective.loss.name not in LOSSES:
        raise UsageError(
            f"landscape: the loss must be one of {', '.join(LOSSES)}, got {objective.loss.name}; choose one with --loss"
        )
    if objective.weights is not None:
        raise UsageError(
            "landscape: cells cover the plain mean over samples, not sample weights; leave the weights out"
        )
    allowed = PENALTIES[:2] if frozen else PENALTIES
    if objective.penalty not in allowed:
        why = (
            "it is not a function of |theta_i| wt_i"
            if objective.penalty == "l1"
            else "with a frozen output layer it is no path penalty"
        )
        raise UsageError(f"landscape: the penalty must be one of {', '.join(allowed)}, got {objective.penalty} ({why})")
    if targets.ndim != 2 or targets.shape[1] != 1:
        raise UsageError(
            f"landscape: expected one output, got targets of shape {targets.shape}; use a data set with one target column"
        )


def make_setting(risk: Risk, width: int, *, hidden_bias: bool = True, output_bias: bool = False) -> LandscapeSetting:
    """The landscape of all networks of one width, the output layer trained. One target column.

    Raises UsageError for losses, penalties and targets that cells do not cover.
    """
    _check(risk.objective, risk.targets, False)
    if width < 1:
        raise UsageError(f"landscape: the width must be at least 1, got {width}")
    X = np.ascontiguousarray(risk.X, dtype=np.float64)
    y = np.asarray(risk.targets, dtype=np.float64)
    setting = LandscapeSetting(risk.objective, X, y, width, hidden_bias, output_bias, *scaled_cells(X, hidden_bias))
    # Numbers that float64 has no room for are refused here, before any work.
    _ = setting.normal
    return setting


def pair_setting(A: Network, B: Network, risk: Risk, *, output_layer: str = "trained") -> LandscapeSetting:
    """The landscape that two networks live in. output_layer "frozen": theta and c stay as they are in A.

    Raises UsageError for deep networks, several outputs, different architectures; with a frozen output layer for heads that differ or have
    a zero entry.
    """
    if A.architecture != B.architecture or not A.shallow or A.theta.shape[0] != 1:
        raise UsageError(
            f"landscape: expected two networks of one hidden layer, one output and the same shape, got widths {A.widths} and {B.widths}; "
            "exact barriers are known for these alone"
        )
    if A.negative_slope:
        raise UsageError("landscape: expected ReLU, got Leaky ReLU; exact barriers are known for ReLU alone")
    m, hidden_bias, output_bias = A.theta.shape[1], A.b is not None, A.c is not None
    if output_layer == "trained":
        return make_setting(risk, m, hidden_bias=hidden_bias, output_bias=output_bias)
    if output_layer != "frozen":
        raise UsageError(f"landscape: output_layer must be trained or frozen, got {output_layer!r}")
    _check(risk.objective, risk.targets, True)
    if not np.array_equal(A.theta, B.theta) or not (A.c is None or B.c is None or np.array_equal(A.c, B.c)):
        raise UsageError(
            "landscape: with a frozen output layer both networks need the same output layer; use output_layer=trained"
        )
    if risk.objective.penalise_output_bias:
        raise UsageError("landscape: a frozen output bias is not penalised; leave --penalise-output-bias out")
    if not A.theta.all():
        raise UsageError("landscape: with a frozen output layer no entry of theta may be 0; leave that neuron out")
    base = make_setting(risk, m, hidden_bias=hidden_bias, output_bias=False)
    signs = tuple(int(s) for s in np.sign(A.theta[0]))
    c = 0.0 if A.c is None else float(A.c[0])
    return replace(base, frozen_signs=signs, offset=c)


def products(network: Network) -> Array:
    """u_i = |theta_i| wt_i, shape (m, n), float64."""
    return np.abs(network.theta[0])[:, None] * augmented_rows(network)
