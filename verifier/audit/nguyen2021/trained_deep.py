"""Trained networks of more than one hidden layer, which the trials of this paper share."""

from __future__ import annotations

from functools import cache

import numpy as np

from verifier.data.load import load_data
from verifier.networks.network import Network
from verifier.objective import make_objective
from verifier.training.train import train_network

Array = np.ndarray


@cache
def trained_network(data: str, widths: tuple[int, ...], seed: int) -> tuple[Network, Array, Array]:
    """(network, X, targets) after 200 steps with the logistic loss on the first 200 samples."""
    d = load_data(data)
    network = train_network(d, widths, "logistic", seed=seed, epochs=200).network
    targets = make_objective("logistic").loss.encode(d)
    return network, np.ascontiguousarray(d.X[:200]), targets[:200]


TRAINED = (("moons", (12, 12)), ("paper-breast-cancer", (12, 12)), ("moons", (10, 10, 10, 10)))
