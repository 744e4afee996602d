"""Experiments (A) and (B) of N21 section 6 on one network, layer by layer: losses evaluated in float64 at explicit networks, nothing certified."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.networks.network import Network, affine
from verifier.numbers import plural
from verifier.objective import Objective, Risk
from verifier.paths.endpoints import default_target
from verifier.paths.towers.dropout_stability import dropout_losses
from verifier.paths.towers.sparse_points import Search, Side
from verifier.paths.towers.subnetworks import Subnetwork, imitating, teachers_of

Array = np.ndarray
# From samples (N, n_0) to outputs (N, K).
Predict = Callable[[Array], Array]
# Draws per layer of the tool's own search, as in `theorem41`.
SEARCH_DRAWS = 3


@dataclass(frozen=True)
class LayerLoss:
    """One point of Figure 3. value: the best loss found. draws: subsets tried. how: of the best. scale: r of experiment (B), else None.

    error: share of the samples that the network behind it misclassifies; test_loss, test_error: of it on samples that nothing was chosen by (Figure 6).
    """

    layer: int
    value: float
    draws: int
    how: str
    scale: float | None = None
    error: float | None = None
    test_loss: float | None = None
    test_error: float | None = None


@dataclass(frozen=True, eq=False)
class Judge:
    """What is said of a network besides its loss. test: samples to test on, None where there are none."""

    objective: Objective
    data: Dataset
    test: Dataset | None

    def of(self, predict: Predict) -> tuple[float | None, float | None, float | None]:
        """error, test_loss and test_error of the network that `predict` evaluates."""
        error = _error(self.objective, predict(self.data.X), self.data)
        return error, *((None, None) if self.test is None else self.tested(predict, self.test))

    def tested(self, predict: Predict, test: Dataset) -> tuple[float, float | None]:
        """Loss and error on these samples."""
        f = predict(test.X)
        return self.objective.loss_of(f, self.objective.loss.encode(test)), _error(self.objective, f, test)


def _error(objective: Objective, predictions: Array, data: Dataset) -> float | None:
    accuracy = objective.accuracy_of(predictions, data)
    return None if accuracy is None else 1.0 - accuracy


def _of_subnetwork(network: Network, l: int, kept: Array | None, xi: Subnetwork) -> Predict:
    """xi on the features `kept` (None: all) of layer l, 0 for the inputs."""

    def predict(X: Array) -> Array:
        Z = network.features(X, l)
        return affine(xi.features(Z if kept is None else Z[:, kept], network.above(l)), xi.head, xi.head_bias)

    return predict


def experiment_a(
    network: Network,
    risk: Risk,
    *,
    draws: int = 20,
    steps: int = 200,
    seed: int = 0,
    search: bool = False,
    exhaustive: bool = False,
    ratio: float = 0.5,
    judge: Judge | None = None,
) -> list[LayerLoss]:
    """Upper bounds of Q~_l, l = 0..L-1 (N21, equation 14): a sub-network of widths n_p - K_p trained on K_l = ceil(n_l / 2) neurons of layer l.

    draws: T_A, uniform subsets per layer; for l = 0, where nothing is chosen, starts of the training. search: the tool's
    own choices instead, by importance, elimination and weighted draws, SEARCH_DRAWS per layer. steps: of L-BFGS per sub-network.
    A layer's draws end when its value is F(network) or less: Theorem 4.1's bound `max(F, Q_l)` cannot improve any more.
    exhaustive: they end at loss 0 only. ratio: share of the neurons of a layer that the sub-network has, at most a half in Theorem 4.1; the others are K_l.
    judge: what else is said of the networks found.

    Raises UsageError when there is no hidden layer, draws < 1, or the penalty is none that networks of this depth can have.
    """
    if network.depth < 2:
        raise UsageError("experiment (A): needs at least one hidden layer, and this network has none")
    if draws < 1 or steps < 0:
        raise UsageError(
            f"experiment (A): expected at least 1 draw and 0 or more steps, got {draws} draws and {plural(steps, 'step')}"
        )
    risk.objective.penalty_form.check(network)
    target = 0.0 if exhaustive else default_target(network, network, risk)
    sizes = [n - int(n * ratio + 1e-9) for n in network.widths[1:-1]]
    side = Side("A", network, sizes, seed)
    spent = Search(risk, target, draws, steps)
    out = [_inputs(spent, side, SEARCH_DRAWS if search else draws, search, judge)]
    for l in range(1, network.depth):
        out.append(_searched(spent, side, l, judge) if search else _uniform(spent, side, l, judge))
    return out


def _searched(spent: Search, side: Side, l: int, judge: Judge | None) -> LayerLoss:
    point = side.points[l] = spent.point(side, l, SEARCH_DRAWS)
    if point.value > spent.target:
        point = spent.go_on(side, l)
    found = LayerLoss(l, point.value, point.draws, point.how)
    return _judged(found, judge, _of_subnetwork(side.network, l, point.kept, point.xi))


def _judged(point: LayerLoss, judge: Judge | None, predict: Predict) -> LayerLoss:
    if judge is None:
        return point
    error, test_loss, test_error = judge.of(predict)
    return replace(point, error=error, test_loss=test_loss, test_error=test_error)


def _uniform(spent: Search, side: Side, l: int, judge: Judge | None) -> LayerLoss:
    network = side.network
    n, rng = network.widths[l], np.random.default_rng([side.seed, l])
    features = network.features(spent.risk.X, l)
    above = [
        side.most_important(spent.risk.X, p, network.widths[p] - side.sizes[p - 1]) for p in range(l + 1, network.depth)
    ]
    teachers, outputs = teachers_of(network, features, l, above)

    def tried() -> Iterator[tuple[Array | None, Subnetwork]]:
        for k in range(spent.draws):
            kept = np.sort(rng.choice(n, side.sizes[l - 1], replace=False))
            Z = np.ascontiguousarray(features[:, kept])
            if l == network.depth - 1:
                start = Subnetwork((), network.theta[:, network.columns(kept, -1)], network.c)
            else:
                has_bias = [b is not None for b in network.biases[l:]]
                start = imitating(teachers, outputs, Z, has_bias, network.above(l))
            yield kept, spent.solved(Z, start, network, kept, spent.steps, side.seed + k, network.above(l))

    point, best = _best(l, tried(), spent.target, "uniform")
    return _judged(point, judge, _of_subnetwork(network, l, *best))


def _inputs(spent: Search, side: Side, draws: int, search: bool, judge: Judge | None) -> LayerLoss:
    """l = 0: a network of half the widths on the inputs; each start imitates other neurons of the given network, the first its most important ones."""
    network, X = side.network, spent.risk.X
    rng = np.random.default_rng([side.seed, 0])
    halves = [n - kept for n, kept in zip(network.widths[1:-1], side.sizes)]
    has_bias = [b is not None for b in network.biases]
    # Trained rows would have moving prices: with one penalised hidden layer the network's own rows and their best head.
    own = network.shallow and spent.risk.objective.kappa > 0 and spent.risk.objective.penalty != "l1"

    def tried() -> Iterator[tuple[Array | None, Subnetwork]]:
        for k in range(draws):
            if k == 0:
                kept = [side.most_important(X, p, t) for p, t in enumerate(halves, start=1)]
            else:
                kept = [np.sort(rng.choice(n, t, replace=False)) for n, t in zip(network.widths[1:-1], halves)]
            if own:
                Z = np.ascontiguousarray(network.features(X)[:, kept[0]])
                start = Subnetwork((), network.theta[:, kept[0]], network.c)
                yield kept[0], spent.solved(Z, start, network, kept[0], 0, side.seed + k, network.above(1))
            else:
                inputs, above = network.rows(X), network.above(0)
                teachers, outputs = teachers_of(network, inputs, 0, kept)
                start = imitating(teachers, outputs, inputs, has_bias, above)
                yield None, spent.solved(inputs, start, network, None, spent.steps, side.seed + k, above)

    point, best = _best(0, tried(), spent.target, "own rows" if own else "search" if search else "new starts")
    return _judged(point, judge, _of_subnetwork(network, 1 if own else 0, *best))


def _best(
    layer: int, tried: Iterator[tuple[Array | None, Subnetwork]], target: float, how: str
) -> tuple[LayerLoss, tuple[Array | None, Subnetwork]]:
    """The one of the least value, up to the first one at or below the target."""
    best, count = next(tried), 1
    while best[1].value > target:
        other = next(tried, None)
        if other is None:
            break
        best, count = min(best, other, key=lambda found: found[1].value), count + 1
    return LayerLoss(layer, float(best[1].value), count, how), best


def experiment_b(
    network: Network,
    risk: Risk,
    *,
    draws: int = 200,
    seed: int = 0,
    forgotten_biases: bool = False,
    ratio: float = 0.5,
    judge: Judge | None = None,
) -> list[LayerLoss]:
    """Loss after dropout from layer l on, l = 1..L-1: random halves, or all but the share `ratio`, of the layers l..L-1, one best output scale, best of
    `draws` (T_B).

    Kept neurons keep their own biases. forgotten_biases: they take the first biases of their layer, as in N21's public code.
    judge: what else is said of the networks found. Raises UsageError when there is no hidden layer or draws < 1.
    """
    found = dropout_losses(
        network, risk, draws=draws, seed=seed, forgotten_biases=forgotten_biases, by_importance=False, ratio=ratio
    )
    return [
        _judged(
            LayerLoss(d.layer, float(d.value), d.draws, d.how, float(d.scale)), judge, partial(d.predict, network, forgotten_biases=forgotten_biases)
        )
        for d in found
    ]  # fmt: skip
