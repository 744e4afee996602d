"""Lemma 3.3: the map h and its curves. For Leaky ReLU h is piecewise affine in A, so the curves are polylines of one layer.

Layer p (the paper's layer 1) reads data D (N, n_{p-1}) of row rank N, D R = I: it realises any pre-activation, W_p = R (Z_p - 1 b_p^T).
Layers p + 1..q have full column rank. A straight line of F_l or Z_l is pulled back to layer p; where an entry of some F_k, p <= k < q,
changes sign the line of Z_k = sigma^{-1}(F_k) has a kink, and the polyline a vertex. On each segment all pre-activations up to layer q are
affine and none changes sign (the chord lemma: no deviation).
"""

from __future__ import annotations

import numpy as np

from verifier.networks.above import leaky_relu
from verifier.paths.nguyen2019.polyline import Polyline

Array = np.ndarray
ZERO = (
    2.0**-43
)  # features below this share of their layer's largest are zero but for rounding and have no kink to cross
ROOM = 0.25  # lifted features stay this share of their range above zero


def inverse_activation(y: Array, slope: float) -> Array:
    """sigma^{-1}, entrywise, for slope > 0."""
    return np.where(y < 0.0, y / slope, y)


def map_h(line: Polyline, p: int, k: int, A: Array, R: Array) -> tuple[Array, Array]:
    """h((W_l, b_l)_{l=p+1..k}, A): (W_p, b_p) with F_k = A (Z_L = A for k = L), b_p as it is.

    The paper's recursion B_l = (sigma^{-1}(B_{l+1}) - 1 b_{l+1}^T) W_{l+1}^+. A: (N, n_k); R: (n_{p-1}, N), the data's right inverse.
    """
    L = line.network.depth
    Z = A if k == L else inverse_activation(A, line.slope)
    for l in range(k, p, -1):
        Z = inverse_activation((Z - line.bias(l)) @ np.linalg.pinv(line.weight(l)), line.slope)
    b = line.bias(p)
    return R @ (Z - b), b


class Curves:
    """Moves layer p along polylines on which features of a chosen layer go straight.

    lifted: layers l whose next weights have zero column sums, so that 1 c^T with equal entries may be added to F_l at no cost: their
    features are kept positive, where sigma is the identity and there is nothing to cross.
    """

    def __init__(self, line: Polyline, p: int, D: Array, R: Array) -> None:
        """D: (N, n_{p-1}) what layer p reads, R: (n_{p-1}, N) with D R = I. Moves layer p to W_p = R Z_p, b_p = 0 (F_p constant)."""
        self.line, self.p, self.R = line, p, R
        self.lifted: set[int] = set()
        Z = D @ line.weight(p) + line.bias(p)
        line.change(p, f"layer {p} reads independent features, its bias goes to 0", R @ Z, np.zeros(Z.shape[1]))
        self.refresh()

    def refresh(self) -> None:
        """Reads all pre-activations off the network, so that rounding does not build up between curves."""
        line, p = self.line, self.p
        self.Z = {l: line.pre_activation(l) for l in range(p, line.network.depth + 1)}

    def features(self, l: int) -> Array:
        return leaky_relu(self.Z[l], self.line.slope)

    def move_features(self, l: int, goal: Array, label: str) -> None:
        """F_l goes straight to goal (N, n_l), p <= l < L."""
        start = self.features(l)
        tiny = ZERO * max(float(np.abs(start).max()), float(np.abs(goal).max()), 1e-300)
        crossing = (start * goal < 0.0) & (np.abs(start) > tiny) & (np.abs(goal) > tiny)
        at = np.where(crossing, start / np.where(crossing, start - goal, 1.0), np.inf)
        for t in np.unique(at[crossing]):
            F = start + t * (goal - start)
            F[at == t] = 0.0
            # Rounding must not put an entry on the wrong side of its kink.
            F = np.where(crossing & (at > t), np.copysign(np.abs(F), start), F)
            F = np.where(crossing & (at < t), np.copysign(np.abs(F), goal), F)
            self.move_pre_activations(l, inverse_activation(F, self.line.slope), label)
        self.move_pre_activations(l, inverse_activation(goal, self.line.slope), label)

    def move_pre_activations(self, l: int, goal: Array, label: str) -> None:
        """Z_l goes straight to goal (N, n_l), p <= l <= L."""
        if l == self.p:
            W = self.line.weight(l)
            changed = (goal != self.Z[l]).any(axis=0)
            W[:, changed] = self.R @ goal[:, changed]
            self.line.change(l, label, W)
        else:
            F = self.features(l - 1)
            end = F + (goal - self.Z[l]) @ np.linalg.pinv(self.line.weight(l))
            if l - 1 in self.lifted:
                end = end + self._lift(end)
            self.move_features(l - 1, end, label)
        self.Z[l] = goal

    @staticmethod
    def _lift(F: Array) -> float:
        """The number whose addition leaves the least entry of F at the share ROOM of their range; negative where F lies higher."""
        least, largest = float(F.min()), float(F.max())
        return ROOM * ((largest - least) or 1.0) - least

    def lift(self, l: int) -> None:
        """F_l goes to positive features by a multiple of the all-ones matrix; layer l + 1's columns sum to zero, so Z_{l+1} stays."""
        F = self.features(l)
        self.move_features(l, F + self._lift(F), f"features of layer {l} become positive")
        self.refresh()
        self.lifted.add(l)
