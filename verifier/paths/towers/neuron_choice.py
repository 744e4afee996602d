"""Which neurons of a layer a sparse point keeps: by importance, by elimination, or at random."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Objective
from verifier.programs.elimination import elimination_order

Array = np.ndarray


def importance(network: Network, features: Array, layer: int) -> Array:
    """Norm of the outgoing weights times the standard deviation of the feature, (n_l,); features (N, n_l) of hidden layer `layer`, of channels one row per
    position.
    """
    squares = (network.weights[layer] ** 2).sum(axis=0).reshape(network.widths[layer], -1).sum(axis=1)
    return np.asarray(np.sqrt(squares) * features.std(axis=0))


def most_important(network: Network, features: Array, layer: int, count: int) -> Array:
    """Sorted indices of the `count` most important neurons of a layer."""
    order = np.argsort(-importance(network, features, layer), kind="stable")
    return np.sort(order[:count])


def kept_by_elimination(network: Network, features: Array, targets: Array, objective: Objective, count: int) -> Array:
    """Last hidden layer: the neurons that backward elimination keeps, on one quadratic model of the head program."""
    n = features.shape[1]
    order = elimination_order(
        features, targets, objective, objective.row_prices(network), (network.theta, network.c), count=n - count,
        resolve_every=None,
    )  # fmt: skip
    return np.setdiff1d(np.arange(n), order)


def candidates(
    network: Network,
    features: Array,
    layer: int,
    count: int,
    targets: Array,
    objective: Objective,
    rng: np.random.Generator,
) -> Iterator[tuple[str, Array]]:
    """(how, sorted indices) of `count` neurons of hidden layer `layer`, the likeliest first, then random draws without end."""
    yield "importance", most_important(network, features, layer, count)
    # A channel that the head reads at several places is no single column of a head program.
    if layer == network.depth - 1 and network.above(layer).maps.readers[0].plain and count < features.shape[1]:
        yield "elimination", kept_by_elimination(network, features, targets, objective, count)
    weight = importance(network, features, layer)
    while True:
        # Random, yet seldom without the most important ones: Gumbel noise on the logarithms.
        noisy = np.log(np.maximum(weight, 1e-300)) + rng.gumbel(size=len(weight))
        yield "random", np.sort(np.argsort(-noisy, kind="stable")[:count])
