"""Experiments (A) and (B) of N21 section 6 on one network, layer by layer: losses evaluated in float64 at explicit networks, nothing certified."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.endpoints import default_target
from verifier.paths.towers.dropout_stability import dropout_losses
from verifier.paths.towers.sparse_points import Search, Side
from verifier.paths.towers.subnetworks import Subnetwork, imitating, teachers_of

Array = np.ndarray
# Draws per layer of the tool's own search, as in `theorem41`.
SEARCH_DRAWS = 3


@dataclass(frozen=True)
class LayerLoss:
    """One point of Figure 3. value: the best loss found. draws: subsets tried. how: of the best. scale: r of experiment (B), else None."""

    layer: int
    value: float
    draws: int
    how: str
    scale: float | None = None


def experiment_a(
    network: Network,
    risk: Risk,
    *,
    draws: int = 20,
    steps: int = 200,
    seed: int = 0,
    search: bool = False,
    exhaustive: bool = False,
) -> list[LayerLoss]:
    """Upper bounds of Q~_l, l = 0..L-1 (N21, equation 14): a sub-network of widths n_p - K_p trained on K_l = ceil(n_l / 2) neurons of layer l.

    draws: T_A, uniform subsets per layer; for l = 0, where nothing is chosen, starts of the training. search: the tool's
    own choices instead, by importance, elimination and weighted draws, SEARCH_DRAWS per layer. steps: of L-BFGS per sub-network.
    A layer's draws end when its value is F(network) or less: Theorem 4.1's bound `max(F, Q_l)` cannot improve any more.
    exhaustive: they end at loss 0 only.

    Raises UsageError when there is no hidden layer, draws < 1, or the penalty is none that networks of this depth can have.
    """
    if network.depth < 2:
        raise UsageError("experiment (A): needs at least one hidden layer, and this network has none")
    if draws < 1 or steps < 0:
        raise UsageError(
            f"experiment (A): expected at least 1 draw and 0 or more steps, got {draws} draws and {steps} steps"
        )
    risk.objective.penalty_form.check(network)
    target = 0.0 if exhaustive else default_target(network, network, risk)
    side = Side("A", network, [-(-n // 2) for n in network.widths[1:-1]], seed)
    spent = Search(risk, target, draws, steps)
    out = [_inputs(spent, side, SEARCH_DRAWS if search else draws, search)]
    for l in range(1, network.depth):
        out.append(_searched(spent, side, l) if search else _uniform(spent, side, l))
    return out


def _searched(spent: Search, side: Side, l: int) -> LayerLoss:
    point = side.points[l] = spent.point(side, l, SEARCH_DRAWS)
    if point.value > spent.target:
        point = spent.go_on(side, l)
    return LayerLoss(l, point.value, point.draws, point.how)


def _uniform(spent: Search, side: Side, l: int) -> LayerLoss:
    network = side.network
    n, rng = network.widths[l], np.random.default_rng([side.seed, l])
    features = network.features(spent.risk.X, l)
    above = [side.most_important(spent.risk.X, p, network.widths[p] // 2) for p in range(l + 1, network.depth)]
    teachers, outputs = teachers_of(network, features, l, above)

    def values() -> Iterator[float]:
        for k in range(spent.draws):
            kept = np.sort(rng.choice(n, side.sizes[l - 1], replace=False))
            Z = np.ascontiguousarray(features[:, kept])
            if l == network.depth - 1:
                start = Subnetwork((), network.theta[:, network.columns(kept, -1)], network.c)
            else:
                has_bias = [b is not None for b in network.biases[l:]]
                start = imitating(teachers, outputs, Z, has_bias, network.above(l))
            yield spent.solved(Z, start, network, kept, spent.steps, side.seed + k, network.above(l)).value

    return _best(l, values(), spent.target, "uniform")


def _inputs(spent: Search, side: Side, draws: int, search: bool) -> LayerLoss:
    """l = 0: a network of half the widths on the inputs; each start imitates other neurons of the given network, the first its most important ones."""
    network, X = side.network, spent.risk.X
    rng = np.random.default_rng([side.seed, 0])
    halves = [n // 2 for n in network.widths[1:-1]]
    has_bias = [b is not None for b in network.biases]
    # Trained rows would have moving prices: with one penalised hidden layer the network's own rows and their best head.
    own = network.shallow and spent.risk.objective.kappa > 0 and spent.risk.objective.penalty != "l1"

    def values() -> Iterator[float]:
        for k in range(draws):
            if k == 0:
                kept = [side.most_important(X, p, t) for p, t in enumerate(halves, start=1)]
            else:
                kept = [np.sort(rng.choice(n, t, replace=False)) for n, t in zip(network.widths[1:-1], halves)]
            if own:
                Z = np.ascontiguousarray(network.features(X)[:, kept[0]])
                start = Subnetwork((), network.theta[:, kept[0]], network.c)
                yield spent.solved(Z, start, network, kept[0], 0, side.seed + k, network.above(1)).value
            else:
                inputs, above = network.rows(X), network.above(0)
                teachers, outputs = teachers_of(network, inputs, 0, kept)
                start = imitating(teachers, outputs, inputs, has_bias, above)
                yield spent.solved(inputs, start, network, None, spent.steps, side.seed + k, above).value

    return _best(0, values(), spent.target, "own rows" if own else "search" if search else "new starts")


def _best(layer: int, values: Iterator[float], target: float, how: str) -> LayerLoss:
    """The least value, up to the first one at or below the target."""
    best, tried = np.inf, 0
    for value in values:
        best, tried = min(best, value), tried + 1
        if best <= target:
            break
    return LayerLoss(layer, float(best), tried, how)


def experiment_b(
    network: Network,
    risk: Risk,
    *,
    draws: int = 200,
    seed: int = 0,
    forgotten_biases: bool = False,
) -> list[LayerLoss]:
    """Loss after dropout from layer l on, l = 1..L-1: random halves of the layers l..L-1, one best output scale, best of `draws` (T_B).

    Kept neurons keep their own biases. forgotten_biases: they take the first biases of their layer, as in N21's public code.
    Raises UsageError when there is no hidden layer or draws < 1.
    """
    found = dropout_losses(
        network, risk, draws=draws, seed=seed, forgotten_biases=forgotten_biases, by_importance=False
    )
    return [LayerLoss(d.layer, float(d.value), d.draws, d.how, float(d.scale)) for d in found]
