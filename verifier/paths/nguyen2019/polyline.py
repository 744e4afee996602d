"""A polyline of networks under construction, in the paper's orientation W_l of shape (n_{l-1}, n_l)."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network
from verifier.paths.path import Move, Path

Array = np.ndarray


def _same(a: Array, b: Array | None) -> bool:
    return b is not None and np.array_equal(a, b)


class Polyline:
    """The networks visited so far. X: (N, d) inputs; every network has biases in all layers (`hypotheses`)."""

    def __init__(self, start: Network, X: Array) -> None:
        self.start = self.network = start
        self.X = X
        self.moves: list[Move] = []
        self.notes: dict[str, object] = {}

    @property
    def slope(self) -> float:
        return self.network.negative_slope

    def weight(self, l: int) -> Array:
        """W_l, (n_{l-1}, n_l), a copy."""
        return self.network.weights[l - 1].T.copy()

    def bias(self, l: int) -> Array:
        """b_l, (n_l,), a copy."""
        b = self.network.biases[l - 1]
        assert b is not None  # hypotheses.same_problem refuses layers without bias
        return b.copy()

    def features(self, l: int) -> Array:
        """F_l, (N, n_l)."""
        return self.network.features(self.X, l)

    def pre_activation(self, l: int) -> Array:
        """Z_l = F_{l-1} W_l + 1 b_l^T, (N, n_l)."""
        return self.features(l - 1) @ self.network.weights[l - 1].T + self.bias(l)

    def change(self, l: int, label: str, W: Array | None = None, b: Array | None = None) -> None:
        """Straight segment on which layer l goes to W (n_{l-1}, n_l) and b (n_l,); nothing where no number changes."""
        weight = None if W is None or _same(W.T, self.network.weights[l - 1]) else np.ascontiguousarray(W.T)
        bias = None if b is None or _same(b, self.network.biases[l - 1]) else b.copy()
        if weight is not None or bias is not None:
            self.network = self.network.replace(l, weight, bias)
            self.moves.append(Move(self.network, label))

    def path(self, method: str) -> Path:
        return Path(method, self.start, tuple(self.moves), dict(self.notes))
