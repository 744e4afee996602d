"""Sparse points of one endpoint: some neurons of layer l, all below them, and above them a trained sub-network xi_l (N21, equation 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verifier.networks.above import Above
from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.paths.towers import subnetworks
from verifier.paths.towers.moves import Tower, live_slots, stacked
from verifier.paths.towers.neuron_choice import candidates, importance
from verifier.paths.towers.subnetwork_training import trained
from verifier.paths.towers.subnetworks import Subnetwork

Array = np.ndarray


@dataclass
class SparsePoint:
    """T_l of one endpoint: the neurons kept in layer l, xi_l, and how they were found. value: Q_l."""

    layer: int
    kept: Array
    xi: Subnetwork
    draws: int
    how: str
    steps: int

    @property
    def value(self) -> float:
        return self.xi.value

    def described(self, network: Network, letter: str) -> str:
        n = network.widths[self.layer]
        if not self.xi.rows:
            return f"layer {self.layer} of {letter}: head program on {len(self.kept)} of {plural(n, 'neuron')}"
        above = ", ".join(str(W.shape[0]) for W, _ in self.xi.rows)
        return f"layer {self.layer} of {letter}: sub-network of widths {above} on {len(self.kept)} of {plural(n, 'neuron')}, its head solved"


@dataclass
class Side:
    """One endpoint with its sizes K_1, ..., K_{L-1} and what has been found for it; given: widths of single points that differ from what the sizes say."""

    letter: str
    network: Network
    sizes: list[int]
    seed: int
    points: dict[int, SparsePoint] = field(default_factory=dict)
    seconds: float = 0.0
    orders: list[Array] = field(default_factory=list)
    given: dict[int, list[int]] = field(default_factory=dict)

    def widths(self, layer: int) -> list[int]:
        """K_l, then the widths of xi_l in the layers l + 1, ..., L - 1: n_p - K_p."""
        n = self.network.widths
        above = range(layer + 1, self.network.depth)
        return self.given.get(layer) or [self.sizes[layer - 1], *(n[p] - self.sizes[p - 1] for p in above)]

    def most_important(self, X: Array, layer: int, count: int) -> Array:
        """Sorted indices; one pass through the network ranks all layers, once."""
        if not self.orders:
            h = self.network.rows(X)
            for l in range(1, self.network.depth):
                h = self.network.above(l - 1).through(h, self.network.hidden_rows[l - 1 : l])
                self.orders.append(np.argsort(-importance(self.network, h, l), kind="stable"))
        return np.sort(self.orders[layer - 1][:count])

    def tower(self, layer: int) -> Tower:
        point = self.points[layer]
        live = live_slots(self.network)
        weights, biases = stacked(self.network, [*live[: layer - 1], point.kept], point.xi.rows)
        label = f"T_{layer} of {self.letter}: {len(point.kept)} of {plural(self.network.widths[layer], 'neuron')} of layer {layer}, F = {point.value:.6g}"
        return Tower(weights, biases, point.xi.head, point.xi.head_bias, label)


@dataclass(frozen=True)
class Search:
    """What the search may spend: draws per layer, training steps per sub-network, and the value to reach."""

    risk: Risk
    target: float
    draws: int
    steps: int

    def point(self, side: Side, layer: int, draws: int) -> SparsePoint:
        """The best of up to `draws` choices of K_l neurons, each with xi_l imitating the endpoint and trained; stops at the target."""
        network = side.network
        size, *above = side.widths(layer)
        features, above_layer = network.features(self.risk.X, layer), network.above(layer)
        rng = np.random.default_rng([side.seed, layer])
        kept_above = []
        for p, count in zip(range(layer + 1, network.depth), above):
            kept_above.append(side.most_important(self.risk.X, p, count))
        teachers, outputs = subnetworks.teachers_of(network, features, layer, kept_above)
        has_bias = [b is not None for b in network.biases[layer:]]
        choices = candidates(network, features, layer, size, self.risk.targets, self.risk.objective, rng)
        best: SparsePoint | None = None
        for tried, (how, kept) in zip(range(1, max(1, draws) + 1), choices):
            Z = features[:, kept]
            if layer == network.depth - 1:
                start = Subnetwork((), network.theta[:, network.columns(kept, -1)], network.c)
            else:
                start = subnetworks.imitating(teachers, outputs, Z, has_bias, above_layer)
            xi = self.solved(Z, start, network, kept, self.steps, side.seed + tried, above_layer)
            if best is None or xi.value < best.value:
                best = SparsePoint(layer, kept, xi, tried, how, self.steps)
            best.draws = tried
            if best.value <= self.target:
                break
        assert best is not None  # at least one draw
        return best

    def solved(
        self, Z: Array, start: Subnetwork, network: Network, kept: Array | None, steps: int, seed: int, above: Above
    ) -> Subnetwork:
        """Training and head program on features Z of a layer, given the layers above it; for one hidden layer with the rows' own prices."""
        if start.rows or not network.shallow or kept is None:
            return trained(
                Z, self.risk.targets, self.risk.objective, start, above, stop_at=self.target, steps=steps, seed=seed
            )  # fmt: skip
        prices = self.risk.objective.row_prices(network)[kept]
        head, c, value = subnetworks.solve_head(
            Z, self.risk.targets, self.risk.objective, (start.head, start.head_bias), prices=prices, stop_at=self.target
        )
        return Subnetwork((), head, c, value)

    def go_on(self, side: Side, layer: int) -> SparsePoint:
        """Spend as much again on the best point of this layer."""
        old, network = side.points[layer], side.network
        if not old.xi.rows:
            return old
        Z = network.features(self.risk.X, layer)[:, old.kept]
        xi = self.solved(Z, old.xi, network, old.kept, 2 * old.steps, side.seed, network.above(layer))
        return SparsePoint(layer, old.kept, xi, old.draws, old.how, 3 * old.steps) if xi.value < old.value else old
