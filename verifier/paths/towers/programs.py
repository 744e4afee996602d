"""Convex programs of Theorem 4.1 (Nguyen, Bréchet, Mondelli 2021): the best head on each sub-network that the path passes (docs/mathematics.md, section 5)."""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.liveness import live_part
from verifier.kernel.statements import Parameters
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.path import Path
from verifier.paths.towers.subnetworks import head_prices
from verifier.programs import ProgramResult, solve_head

Array = np.ndarray
Layers = tuple[tuple[Array, Array | None], ...]


def subnetwork(network: Network) -> Layers:
    """(W_l, b_l) of the hidden layers without neurons that reach no output; in the order of their slots."""
    p = Parameters(network.weights, network.biases)
    part = live_part(p, p)[0]
    return tuple(zip(part.weights[:-1], part.biases[:-1]))


def named_networks(path: Path) -> dict[str, Network]:
    """The vertices at which the head of a program stands, by the program's name."""
    return {move.program: move.to for move in path.moves if move.program is not None}


def program_size(network: Network, samples: int) -> int:
    """Samples times neurons of the last hidden layer times outputs: what the cost of a program grows with."""
    layers = subnetwork(network)
    return samples * len(layers[-1][0]) * len(network.theta)


def head_program(name: str, network: Network, risk: Risk) -> ProgramResult:
    """The best head on the network's live hidden layers; dense networks of several hidden layers."""
    layers = subnetwork(network)
    Z = network.above(0).through(np.asarray(risk.X, dtype=np.float64), layers, read=True)
    prices, K = head_prices(risk.objective, Z.shape[1]), len(network.theta)
    has_bias = network.c is not None
    return solve_head(Z, risk.targets, risk.objective, prices, bias=has_bias, name=name, outputs=K).of_layers(layers)
