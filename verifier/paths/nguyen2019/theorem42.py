"""Theorem 4.2: a layer k with n_k >= N and decreasing widths above leaves no bad local valley."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.nguyen2019 import hypotheses
from verifier.paths.nguyen2019.lemma52 import to_full_rank
from verifier.paths.nguyen2019.outputs import output_with_loss
from verifier.paths.nguyen2019.polyline import Polyline
from verifier.paths.nguyen2019.theorem32 import drive
from verifier.paths.nguyen2019.theorem61 import head_to
from verifier.paths.path import Path

Array = np.ndarray


def wide_layer(network: Network, N: int) -> int:
    """The last k < L with n_k >= N and n_{k+1} > ... > n_L. Raises UsageError when there is none."""
    n = network.widths
    for k in range(network.depth - 1, 0, -1):
        if n[k] >= N and all(a > b for a, b in pairwise(n[k + 1 :])):
            return k
    raise UsageError(
        f"theorem42: expected a hidden layer of at least N = {N} neurons with decreasing widths above it, got widths {n}; "
        "use fewer samples or another architecture"
    )


def theorem42(network: Network, risk: Risk, goal: float = 1e-6) -> Path:
    """From `network` at constant loss, then one segment along which f is affine and the loss falls to at most `goal`; p* is 0.

    X: (N, d); Leaky ReLU; the outputs of layer k - 1 distinct (a generic property: the paper perturbs the point within its open valley where
    it fails, which keeps the loss below alpha but lets it rise; here that is a UsageError). Raises UsageError where a hypothesis fails.
    """
    name = "theorem42"
    hypotheses.setting(name, risk.objective, risk.X, network)
    hypotheses.assumption21(name, network)
    k = wide_layer(network, len(risk.X))
    hypotheses.distinct(name, network.features(risk.X, k - 1), k - 1)
    line = Polyline(network, risk.X)
    line.notes["wide layer"] = k
    line.notes["condition of its features"] = to_full_rank(line, k, len(risk.X))
    Y = output_with_loss(risk.objective, network.predict(risk.X), risk.targets, goal)
    F = line.features(k)
    if k == network.depth - 1:
        head_to(line, Y)
    else:
        drive(line, k + 1, F, np.linalg.pinv(F)).move_pre_activations(
            network.depth, Y, "f goes straight to an output with small loss"
        )
    return line.path(name).without_still_moves()
