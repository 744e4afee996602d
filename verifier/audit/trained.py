"""Networks trained by the paper's protocol, kept for the rest of the process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from verifier.data.dataset import Dataset
from verifier.data.load import load_data
from verifier.networks.network import Network
from verifier.training.train import train_network


@cache
def trained(data: str, loss: str, width: int, seed: int) -> tuple[Network, Dataset]:
    """(network, data set) of one training run of section 5 of Baturin 2026."""
    dataset = load_data(data)
    return train_network(dataset, width, loss, seed=1000 + width + seed, protocol="paper").network, dataset


@dataclass(frozen=True)
class Small:
    """A trained network of width 20 in plain arrays: rows W (20, d), biases b (20,), heads theta (20,); data X (N, d), labels y (N,) of 1 and -1."""

    label: str
    W: np.ndarray
    b: np.ndarray
    theta: np.ndarray
    X: np.ndarray
    y: np.ndarray

    @property
    def features(self) -> np.ndarray:
        return np.asarray(np.maximum(self.X @ self.W.T + self.b, 0.0))


def small_networks(count: int) -> Iterator[Small]:
    """Both networks of each pair of `small_pairs`."""
    for pair in small_pairs(count):
        yield from pair


def small_pairs(count: int) -> Iterator[tuple[Small, Small]]:
    """Pairs trained with the logistic loss on Breast Cancer and on Moons, output biases left out; none below 100 trials, for which training costs most."""
    if count < 100:
        return
    for name, data in (("Breast Cancer", "paper-breast-cancer"), ("Moons", "paper-moons")):
        pair = []
        for seed in range(2):
            network, dataset = trained(data, "logistic", 20, seed)
            y = np.where(np.asarray(dataset.y).ravel() > 0, 1.0, -1.0)
            W = network.weights[0]
            b = np.zeros(len(W)) if network.biases[0] is None else network.biases[0]
            label = f"{name}, width 20, seed {seed}"
            pair.append(Small(label, W.copy(), b.copy(), network.weights[1][0].copy(), dataset.X.astype(np.float64), y))
        yield pair[0], pair[1]
