"""Theorem 5.1: n_1 >= 2N and n_2 > ... > n_L connect every sublevel set."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.nguyen2019 import hypotheses
from verifier.paths.nguyen2019.lemma44 import spanning_neurons
from verifier.paths.nguyen2019.lemma53 import to_neurons
from verifier.paths.nguyen2019.polyline import Polyline
from verifier.paths.nguyen2019.theorem32 import drive, join
from verifier.paths.path import Path

Array = np.ndarray


def theorem51(A: Network, B: Network, risk: Risk) -> Path:
    """Layer 1 of both to N common independent neurons (Lemma 5.3), then Theorem 3.2 on their outputs; sup F = max(F(A), F(B)) up to rounding.

    X: (N, d) with distinct rows; n_1 >= 2N, n_2 > ... > n_L; Leaky ReLU. Raises UsageError where a hypothesis fails, or a penalty is set.
    """
    name = "theorem51"
    hypotheses.setting(name, risk.objective, risk.X, A, B)
    hypotheses.assumption21(name, A)
    hypotheses.width(name, A, 1, 2 * len(risk.X))
    hypotheses.decreasing(name, A, 2)
    hypotheses.distinct(name, risk.X, 0)
    W, b = spanning_neurons(risk.X, A.negative_slope)
    lines = [Polyline(network, risk.X) for network in (A, B)]
    N, condition = len(risk.X), 0.0
    for line in lines:
        to_neurons(line, 1, W, b)
        F = line.features(1)
        condition = float(np.linalg.cond(F[:, :N]))
        if A.depth > 2:
            R = np.zeros((A.widths[1], N))
            R[:N] = np.linalg.inv(F[:, :N])
            drive(line, 2, F, R)
    path = join(name, *lines)
    path.notes["condition of the common features"] = condition
    return path
