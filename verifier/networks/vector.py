"""A network's parameters as one vector."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network

Array = np.ndarray


def flat(network: Network) -> Array:
    """All parameters as one vector, in `Network.arrays` order."""
    return np.concatenate([a.ravel() for _, a in network.arrays()])


def unflatten(like: Network, vector: Array) -> Network:
    """Network of `like`'s architecture with parameters in `Network.arrays` order."""
    weights: list[Array] = []
    biases: list[Array | None] = []
    k = 0
    for W, b in zip(like.weights, like.biases):
        weights.append(vector[k : k + W.size].reshape(W.shape))
        k += W.size
        if b is not None:
            biases.append(vector[k : k + b.size])
            k += b.size
        else:
            biases.append(None)
    return like.with_parameters(weights, biases)
