"""What an exact landscape is about: F as a function of `u_i = |theta_i| wt_i`, signs and output bias (docs/landscape.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.errors import UsageError
from verifier.landscape.kept_layers import LOSSES, PENALTIES, Kept, require_covered_pair
from verifier.landscape.neuron_cells import SIGNS, NeuronCells
from verifier.landscape.normal import NormalForm, normal_form, scaled_cells
from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.objective.penalties import augmented_rows

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class LandscapeSetting:
    """`F(u, s, c) = (1/N) sum_j loss_j(sum_i s_i relu(u_i . xt_j) + c) + kappa sum_i |u_i| + kappa p |c|`.

    p is 1 when the objective prices the output bias, else 0. targets (N, 1). output_bias: c is a variable.
    frozen_kinds: when theta and c stay as they are the kind of each neuron, else None; c is then `offset`. With one output kinds are the signs of theta,
    0 for + and 1 for -. With several outputs, targets (N, K) or labels (N,), the kinds are the neurons, u_i is wt_i, offset is (K,), and
    `F = (1/N) sum_j loss_j(sum_i theta_i relu(u_i . xt_j) + c) + kappa sum_i |theta_i|_1 |u_i|`. constant: kappa |theta|_1 under l1, a part of F.
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
    frozen_kinds: tuple[int, ...] | None = None
    offset: float | Array = 0.0
    constant: float = 0.0

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
        return self.frozen_kinds is not None

    @property
    def outputs(self) -> int:
        """K."""
        return int(self.neurons.heads.shape[1])

    @property
    def bias_price(self) -> float:
        """kappa p, the price of |c|."""
        return self.objective.kappa * self.objective.bias_price

    @property
    def N(self) -> int:
        return len(self.X)

    @property
    def kappa(self) -> float:
        """The price of |u_i|, over that of its kind; l1 is no price of it."""
        return 0.0 if self.objective.penalty == "l1" else self.objective.kappa

    @property
    def cells(self) -> int:
        """Number of cells of the whole landscape, permuted copies counted."""
        return (len(self.neurons.cones.patterns) * (1 if self.frozen else 2)) ** self.width

    def value(self, network: Network) -> float:
        """F of a network, in float64, the penalty in the form used inside a path."""
        return self.risk.path_value(network)


def _check(objective: Objective, targets: Array) -> None:
    if objective.loss.name not in LOSSES:
        raise UsageError(
            f"landscape: the loss must be one of {', '.join(LOSSES)}, got {objective.loss.name}; choose one with --loss"
        )
    if objective.weights is not None:
        raise UsageError(
            "landscape: cells cover the plain mean over samples, not sample weights; leave the weights out"
        )
    if objective.penalty not in PENALTIES:
        raise UsageError(
            f"landscape: the penalty must be one of {', '.join(PENALTIES)}, got {objective.penalty}, which is not a function of |theta_i| wt_i"
        )
    if targets.ndim != 2 or targets.shape[1] != 1:
        raise UsageError(
            f"landscape: expected one output, got targets of shape {targets.shape}; use a data set with one target column"
        )


def make_setting(
    risk: Risk,
    width: int,
    *,
    hidden_bias: bool = True,
    output_bias: bool = False,
    exact: tuple[Array, int] | None = None,
) -> LandscapeSetting:
    """The landscape of all networks of one width, the output layer trained. One target column. exact: as in `scaled_cells`.

    Raises UsageError for losses, penalties and targets that cells do not cover.
    """
    _check(risk.objective, risk.targets)
    if width < 1:
        raise UsageError(f"landscape: the width must be at least 1, got {width}")
    X = np.ascontiguousarray(risk.X, dtype=np.float64)
    y = np.asarray(risk.targets, dtype=np.float64)
    setting = LandscapeSetting(
        risk.objective, X, y, width, hidden_bias, output_bias, *scaled_cells(X, hidden_bias, exact=exact)
    )
    # Numbers that float64 has no room for are refused here, before any work.
    _ = setting.normal
    return setting


def pair_setting(
    A: Network, B: Network, risk: Risk, *, output_layer: str = "trained", exact: tuple[Array, int] | None = None
) -> LandscapeSetting:
    """The landscape that two networks live in. output_layer "frozen": theta and c stay as they are in A. exact: as in `scaled_cells`.

    Raises UsageError as `require_covered_pair` does.
    """
    require_covered_pair(A, B, risk.objective, Kept(output_layer))
    m, hidden_bias, output_bias = A.theta.shape[1], A.b is not None, A.c is not None
    if output_layer == "trained":
        return make_setting(risk, m, hidden_bias=hidden_bias, output_bias=output_bias, exact=exact)
    X, y = np.ascontiguousarray(risk.X, dtype=np.float64), np.asarray(risk.targets)
    one = len(A.theta) == 1
    c = np.zeros(len(A.theta)) if A.c is None else A.c
    setting = LandscapeSetting(
        risk.objective, X, y, m, hidden_bias, False, *scaled_cells(X, hidden_bias, SIGNS if one else A.theta.T, exact),
        frozen_kinds=tuple(int(t < 0.0) for t in A.theta[0]) if one else tuple(range(m)), offset=float(c[0]) if one else c,
        constant=risk.objective.kappa * float(np.abs(A.theta).sum()) if risk.objective.penalty == "l1" else 0.0,
    )  # fmt: skip
    _ = setting.normal
    return setting


def products(network: Network) -> Array:
    """u_i = |theta_i| wt_i, shape (m, n), float64; with several outputs wt_i."""
    rows = augmented_rows(network)
    return rows if len(network.theta) > 1 else np.abs(network.theta[0])[:, None] * rows
