"""Theorem 6.1: hidden layers of width 2N (N) give connected sublevel sets (no bad local valleys), ReLU included."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.nguyen2019 import hypotheses
from verifier.paths.nguyen2019.lemma44 import spanning_neurons
from verifier.paths.nguyen2019.lemma52 import to_full_rank
from verifier.paths.nguyen2019.lemma53 import to_neurons
from verifier.paths.nguyen2019.outputs import output_with_loss
from verifier.paths.nguyen2019.polyline import Polyline
from verifier.paths.nguyen2019.theorem32 import join
from verifier.paths.path import Path

Array = np.ndarray


def theorem61(A: Network, B: Network, risk: Risk) -> Path:
    """Case 2: all hidden layers, from below, to common neurons (Lemma 5.3), then a head segment; sup F = max(F(A), F(B)) up to rounding.

    X: (N, d) with distinct rows; n_l >= 2N for l < L; ReLU or Leaky ReLU. Raises UsageError where a hypothesis fails, or a penalty is set.
    """
    name = "theorem61"
    hypotheses.setting(name, risk.objective, risk.X, A, B)
    for l in range(1, A.depth):
        hypotheses.width(name, A, l, 2 * len(risk.X))
    hypotheses.distinct(name, risk.X, 0)
    lines = [Polyline(network, risk.X) for network in (A, B)]
    conditions, data = [], risk.X
    for l in range(1, A.depth):
        W, b = spanning_neurons(data, A.negative_slope)
        for line in lines:
            to_neurons(line, l, W, b)
        data = lines[0].features(l)
        conditions.append(float(np.linalg.cond(data[:, : len(risk.X)])))
    path = join(name, *lines)
    path.notes["condition of the common features, layer by layer"] = conditions
    return path


def theorem61_descent(network: Network, risk: Risk, goal: float = 1e-6) -> Path:
    """Case 1 (n_l >= N for l < L): every F_l to rank N (Lemma 5.2), then a head segment to loss `goal` above the infimum.

    Raises UsageError where a hypothesis fails, or a penalty is set.
    """
    name = "theorem61_descent"
    hypotheses.setting(name, risk.objective, risk.X, network)
    for l in range(1, network.depth):
        hypotheses.width(name, network, l, len(risk.X))
    hypotheses.distinct(name, risk.X, 0)
    line = Polyline(network, risk.X)
    conditions = [to_full_rank(line, l, len(risk.X)) for l in range(1, network.depth)]
    head_to(line, output_with_loss(risk.objective, network.predict(risk.X), risk.targets, goal))
    path = line.path(name)
    path.notes["condition of the features, layer by layer"] = conditions
    return path


def head_to(line: Polyline, Y: Array) -> None:
    """The last layer goes straight to the nearest one with output Y (N, m); F_{L-1} has rank N."""
    L = line.network.depth
    F = line.features(L - 1)
    step = np.linalg.lstsq(F, Y - line.pre_activation(L), rcond=None)[0]
    line.change(L, "the head goes straight to an output with small loss", line.weight(L) + step)
