"""Networks trained by the paper's protocol, kept for the rest of the process."""

from __future__ import annotations

from functools import cache

from verifier.data.dataset import Dataset
from verifier.networks.network import Network


@cache
def trained(data: str, loss: str, width: int, seed: int) -> tuple[Network, Dataset]:
    """(network, data set) of one training run of section 5 of Baturin 2026."""
    from verifier.data.load import load_data
    from verifier.training.train import train_network

    dataset = load_data(data)
    return train_network(dataset, width, loss, seed=1000 + width + seed, protocol="paper").network, dataset
