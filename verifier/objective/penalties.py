"""Penalties P of the objective `F = mean loss + kappa P` (docs/certificate-v2.md, Problem); float64 estimates.

`wt_i = (w_i, b_i)` is a first-layer row with its bias where the layer has one, `theta_i` in R^K its outgoing weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network

Array = np.ndarray


def augmented_rows(network: Network) -> Array:
    """Rows wt_i = (w_i, b_i) of the first layer, shape (m, d+1), or (m, d) when it has no bias."""
    return network.W if network.b is None else np.hstack([network.W, network.b[:, None]])


def row_norms(network: Network) -> Array:
    """|wt_i|_2, shape (m,)."""
    return np.linalg.norm(augmented_rows(network), axis=1)


def _one_hidden_layer(name: str, network: Network) -> None:
    if not network.shallow:
        raise UsageError(
            f"penalty {name} is defined for one hidden layer, but this network has {network.depth - 1}; use l1 or none"
        )


@dataclass(frozen=True)
class Penalty:
    """No penalty; the base of the others.

    group: the norm `|theta_i|` is taken in (2 for weight decay, else 1). penalise_output_bias adds |c|_1.
    """

    penalise_output_bias: bool = False
    name = "none"
    group = 1

    def check(self, network: Network) -> None:
        """Raise UsageError where this penalty has no meaning for the network."""

    def value(self, network: Network) -> float:
        """P(network)."""
        self.check(network)
        return self._output_bias(network)

    def path_value(self, network: Network) -> float:
        """The value used inside a path: weight decay's balanced form, else P itself."""
        return self.value(network)

    def row_prices(self, network: Network) -> Array:
        """r_i with P = sum_i r_i |theta_i| as a function of the head, shape (m,); balanced form for weight decay."""
        self.check(network)
        return np.zeros(network.theta.shape[1])

    def with_slopes(self, rows: Array, head: Array) -> tuple[float, Array, Array]:
        """P without the output bias, of one hidden layer's rows wt (m, d+1) and head (K, m), in their precision, and a subgradient in both: 0 at a kink."""
        return 0.0, np.zeros_like(rows), np.zeros_like(head)

    def _output_bias(self, network: Network) -> float:
        if not self.penalise_output_bias or network.c is None:
            return 0.0
        return float(np.abs(network.c).sum())


@dataclass(frozen=True)
class L1(Penalty):
    """sum_i |theta_i|_1, the penalty of T2; rows should be on the unit sphere."""

    name = "l1"

    def value(self, network: Network) -> float:
        return float(np.abs(network.theta).sum()) + self._output_bias(network)

    def row_prices(self, network: Network) -> Array:
        return np.ones(network.theta.shape[1])

    def with_slopes(self, rows: Array, head: Array) -> tuple[float, Array, Array]:
        return np.abs(head).sum(), np.zeros_like(rows), np.sign(head)


@dataclass(frozen=True)
class PathPenalty(Penalty):
    """sum_i |wt_i|_2 |theta_i|_1; invariant under wt -> c wt, theta -> theta / c."""

    name = "path"

    def check(self, network: Network) -> None:
        _one_hidden_layer(self.name, network)

    def value(self, network: Network) -> float:
        return float(self.row_prices(network) @ np.abs(network.theta).sum(axis=0)) + self._output_bias(network)

    def row_prices(self, network: Network) -> Array:
        self.check(network)
        return row_norms(network)

    def with_slopes(self, rows: Array, head: Array) -> tuple[float, Array, Array]:
        norms, mass = np.linalg.norm(rows, axis=1), np.abs(head).sum(axis=0)
        return norms @ mass, (mass / np.where(norms > 0, norms, np.inf))[:, None] * rows, norms * np.sign(head)


@dataclass(frozen=True)
class WeightDecay(Penalty):
    """1/2 sum_i (|wt_i|^2 + |theta_i|^2), at least sum_i |wt_i|_2 |theta_i|_2, equal when balanced (AM-GM)."""

    name = "weight_decay"
    group = 2

    def check(self, network: Network) -> None:
        _one_hidden_layer(self.name, network)

    def value(self, network: Network) -> float:
        self.check(network)
        return 0.5 * float((augmented_rows(network) ** 2).sum() + (network.theta**2).sum())

    def path_value(self, network: Network) -> float:
        return float(self.row_prices(network) @ np.linalg.norm(network.theta, axis=0))

    def row_prices(self, network: Network) -> Array:
        self.check(network)
        return row_norms(network)

    def with_slopes(self, rows: Array, head: Array) -> tuple[float, Array, Array]:
        return ((rows**2).sum() + (head**2).sum()) / 2, rows, head


PENALTIES: dict[str, type[Penalty]] = {cls.name: cls for cls in (Penalty, L1, PathPenalty, WeightDecay)}


def make_penalty(name: str, penalise_output_bias: bool = False) -> Penalty:
    """The penalty called `name`. Raises UsageError when unknown or when its output bias cannot be penalised."""
    key = name.replace("-", "_")
    if key not in PENALTIES:
        raise UsageError(f"penalty {name!r} is unknown; choose one of {', '.join(PENALTIES)}")
    if penalise_output_bias and key not in ("l1", "path"):
        raise UsageError(f"the output bias can be penalised under l1 and path only, but the penalty is {key}")
    return PENALTIES[key](penalise_output_bias)
