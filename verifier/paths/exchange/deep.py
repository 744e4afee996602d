"""Exchange in depth: the last hidden layer passes from one sub-network to the next in blocks (docs/deep.md, Proposition XD).

As in Theorem 4.1 the layers 1..L-2 are thinned to halves from the top down and handed from A to B. But two such sub-networks S and S'
fit side by side below, so rows reading S and rows reading S' may share the last hidden layer while b of its neurons at a time change over.
Every head program is then one on up to `n_{L-1} - b` neurons of mixed origin instead of `n_{L-1} / 2`, and new rows may be as many.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.paths.endpoints import default_target, require_same_architecture
from verifier.paths.exchange.proposition_x import exchange
from verifier.paths.exchange.training import Passage, Stage, Waypoint, largest, provable, trained_together
from verifier.paths.path import Move, Path
from verifier.paths.towers import subnetworks
from verifier.paths.towers.moves import Tower, mixed, stacked
from verifier.paths.towers.neuron_choice import most_important
from verifier.paths.towers.sparse_points import Search, Side
from verifier.paths.towers.tower_path import moves_through_towers

Array = np.ndarray


def deep_exchange(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    target: float | None = None,
    levels: int = 4,
    draws: int = 2,
    steps: int = 200,
    portions: Sequence[int] = (2, 4),
    seed: int = 0,
) -> Path:
    """Path from A to B of head, idle and transfer moves, aimed at values <= target; for one hidden layer Proposition X (`exchange`).

    target: E less 1e-6 relative by default. Each stage and each passage starts with blocks of half the last hidden layer (Theorem 4.1);
    where that misses the target, blocks are halved, at most `levels` times in all. draws, steps: as in `theorem41`.
    portions: into how many portions layer 1 passes from A to B, tried in this order while stages miss the target; 2 is halves.

    What still misses the target then has its rows trained for all heads at once (`exchange_training`).

    Notes: stages (name, value F, rows, layer, endpoint), passages (blocks of, waypoints, largest F), portions, together
    (whether that helped), programs, held_by,
    max_value, target, seconds.
    Raises UsageError for different architectures.
    """
    require_same_architecture("exchange", A, B)
    if A.shallow:
        return exchange(A, B, risk, target=target)
    if A.depth == 2 or not A.above(A.depth - 1).maps.readers[0].plain:
        raise UsageError(
            "exchange: of convolutional networks the last hidden layer must be a dense one above others, and here the output layer reads maps; "
            "theorem41 is defined for these too"
        )
    start = time.perf_counter()
    if all(np.array_equal(a, b) for (n, a), (_, b) in zip(A.arrays(), B.arrays()) if int(n[1:]) < A.depth):
        return Path("exchange", A, (Move(B, "head move: the hidden layers agree"),), {"held_by": None})
    target = default_target(A, B, risk) if target is None else target
    builder = _Stages(A, B, Search(risk, target, draws, steps), levels, seed)
    outer = [
        [builder.own_rows(side), *(builder.thinned(side, l) for l in range(A.depth - 2, 1, -1))] for side in (0, 1)
    ]
    best: list[Stage] = []
    used = 0
    for parts in portions:
        middle = builder.middle(parts)
        if not best or max(s.value for s in middle) < max(s.value for s in best):
            best, used = middle, parts
        if max(s.value for s in best) <= target:
            break
    stages = [*outer[0], *best, *reversed(outer[1])]
    passages = [builder.passage(s, t) for s, t in pairwise(stages)]
    if largest(stages, passages) > target and portions[0] == 2:
        # Blocks of one half throughout, Theorem 4.1, are never left for something worse.
        plain = [builder.first[key] for key in builder.chain()]
        plain_passages = [builder.passage(s, t) for s, t in pairwise(plain)]
        if largest(plain, plain_passages) < largest(stages, passages):
            stages, passages, used = plain, plain_passages, 2
    together = False
    if largest(stages, passages) > target and steps > 0:
        found = trained_together(stages, passages, risk, A.above(0), stop_at=target, steps=3 * steps)
        if provable(*found, A.above(0), risk.X) < provable(stages, passages, A.above(0), risk.X):
            (stages, passages), together = found, True
    towers = [stages[0].tower]
    for passage, stage in zip(passages, stages[1:]):
        towers += [*(w.tower for w in passage.waypoints), stage.tower]
    moves = moves_through_towers(A, B, towers)
    everything = [*stages, *(w for p in passages for w in p.waypoints)]
    worst = max(everything, key=lambda s: s.value)
    notes: dict[str, Any] = {
        "stages": [
            {"name": s.name, "value": s.value, "rows": s.tower.sizes[-1], "layer": s.layer, "endpoint": s.endpoint}
            for s in stages
        ],
        "passages": [(p.block, len(p.waypoints), max((w.value for w in p.waypoints), default=None)) for p in passages],
        "portions": used, "together": together, "programs": builder.programs, "max_value": worst.value, "target": target,
        "held_by": worst.name if worst.value > target else None, "seconds": time.perf_counter() - start,
    }  # fmt: skip
    return Path("exchange", A, moves, notes)


class _Stages:
    """Finds stages and passages. n: width of the last hidden layer; sides: A's and B's sizes as in Theorem 4.1."""

    def __init__(self, A: Network, B: Network, search: Search, levels: int, seed: int) -> None:
        self.networks, self.search, self.levels, self.seed = (A, B), search, levels, seed
        self.n = A.widths[-2]
        self.programs = 0
        self.orders: tuple[list[Array], list[Array]] = ([], [])
        self.first: dict[tuple[int, int], Stage] = {}

    def _side(self, which: int, top: int) -> Side:
        """Sizes ceil(n_l / 2) below; of the last hidden layer top rows are the endpoint's own, n - top are left to sub-networks."""
        network = self.networks[which]
        sizes = [-(-n // 2) for n in network.widths[1:-1]]
        if which == 1:
            sizes[0] = network.widths[1] // 2
        sizes[-1] = top
        return Side("AB"[which], network, sizes, self.seed + which, orders=self.orders[which])

    def _blocks(self) -> list[int]:
        """n / 2 rounded up, n / 4, ... down to 1, at most `levels`."""
        out = [-(-self.n // 2), *(max(1, self.n >> k) for k in range(2, self.levels + 1))]
        return sorted(set(out), reverse=True)

    def chain(self) -> list[tuple[int, int]]:
        """(endpoint, layer) of the stages of Theorem 4.1, from A to B."""
        layers = list(range(self.n_layers, 0, -1))
        return [*((0, l) for l in layers), *((1, l) for l in reversed(layers))]

    def own_rows(self, which: int) -> Stage:
        """n - b of the endpoint's own top rows, everything below in place."""
        return self.thinned(which, self.n_layers)

    def thinned(self, which: int, layer: int) -> Stage:
        """Half of `layer`, all below, and above it a sub-network with n - b rows at the top; b halved while the target is missed."""
        best: Stage | None = None
        for b in self._blocks():
            side = self._side(which, self.n - b if layer == self.n_layers else b)
            best = self._better(best, side, layer)
            self.first.setdefault((which, layer), best)
            if best.value <= self.search.target:
                break
        assert best is not None
        return best

    @property
    def n_layers(self) -> int:
        return self.networks[0].depth - 1

    def _better(self, best: Stage | None, side: Side, layer: int) -> Stage:
        point = self.search.point(side, layer, self.search.draws)
        self.programs += point.draws
        side.points[layer] = point
        stage = Stage(
            side.tower(layer), point.value, point.described(side.network, side.letter), layer == self.n_layers,
            layer, side.letter,
        )  # fmt: skip
        return stage if best is None or stage.value < best.value else best

    def middle(self, parts: int) -> list[Stage]:
        """Layer 1 from A's neurons to B's: halves of each when parts is 2, else sets of n_1 - b_1 neurons of both, b_1 changing over at a time."""
        if parts == 2:
            return [self.thinned(0, 1), self.thinned(1, 1)]
        n1 = self.networks[0].widths[1]
        b1 = max(1, n1 // parts)
        count = max(2, -(-n1 // b1))
        return [self._portion(min(n1 - b1, k * b1), n1 - b1) for k in range(count)]

    def _portion(self, from_B: int, total: int) -> Stage:
        """A sub-network on total - from_B of A's first neurons and from_B of B's; it imitates the endpoint that gives more."""
        s = self.search
        A, B = self.networks
        F = [n.features(s.risk.X, 1) for n in (A, B)]
        kept = [most_important(A, F[0], 1, total - from_B), most_important(B, F[1], 1, from_B)]
        rows = [stacked(n, [k], []) for n, k in zip((A, B), kept)]
        W = np.vstack([rows[0][0][0], rows[1][0][0]])
        a, b = rows[0][1][0], rows[1][1][0]
        bias = None if a is None or b is None else np.concatenate([a, b])
        Z = np.hstack([F[0][:, kept[0]], F[1][:, kept[1]]])
        which = int(2 * from_B > total)
        teacher = self.networks[which]
        best: Stage | None = None
        for block in self._blocks():
            above = [n // 2 for n in A.widths[2:-2]] + [self.n - block]
            names = [most_important(teacher, teacher.features(s.risk.X, p), p, t) for p, t in enumerate(above, start=2)]
            teachers, outputs = subnetworks.teachers_of(teacher, F[which], 1, names)
            has_bias = [c is not None for c in A.biases[1:]]
            start = subnetworks.imitating(teachers, outputs, Z, has_bias, A.above(1))
            xi = s.solved(Z, start, teacher, None, s.steps, self.seed, A.above(1))
            self.programs += 1
            name = f"layer 1, {plural(total - from_B, 'neuron')} of A and {from_B} of B: sub-network with {plural(self.n - block, 'row')} on top"
            tower = Tower((W, *(V for V, _ in xi.rows)), (bias, *(c for _, c in xi.rows)), xi.head, xi.head_bias)
            if best is None or xi.value < best.value:
                best = Stage(replace(tower, label=f"{name}, F = {xi.value:.6g}"), xi.value, name)
            if best.value <= s.target:
                break
        assert best is not None
        return best

    def passage(self, first: Stage, second: Stage) -> Passage:
        """Waypoints from one stage's rows to the other's; blocks are halved while a waypoint misses the target."""
        r, t = first.tower.sizes[-1], second.tower.sizes[-1]
        if r + t <= self.n:
            return Passage([], self.n - max(r, t))
        block = max(1, self.n - max(r, t))
        best: Passage | None = None
        top = np.inf
        for _ in range(self.levels):
            waypoints = self._exchange(first, second, block)
            value = max((w.value for w in waypoints), default=-np.inf)
            if best is None or value < top:
                best, top = Passage(waypoints, block), value
            if top <= self.search.target or block == 1:
                break
            block = max(1, block // 2)
        assert best is not None
        return best

    def _exchange(self, first: Stage, second: Stage, block: int) -> list[Waypoint]:
        """Rows of the second stage arrive, most important first, as rows of the first leave, least important first; heads re-solved."""
        s, above = self.search, self.networks[0].above(0)
        Z, V = first.tower.features(s.risk.X, above), second.tower.features(s.risk.X, above)
        old, new = np.arange(Z.shape[1]), np.zeros(0, dtype=np.int64)
        coming = list(np.argsort(-_weight(second.tower.head, V), kind="stable"))
        head, c = first.tower.head, first.tower.head_bias
        waypoints: list[Waypoint] = []
        while True:
            room = self.n - len(old) - len(new)
            arrived, coming = coming[:room], coming[room:]
            if not coming:
                return waypoints
            new = np.concatenate([new, np.array(arrived, dtype=np.int64)])
            head = np.hstack([head, np.zeros((len(head), len(arrived)))])
            drop = min(block, len(old))
            gone = np.argsort(_weight(head[:, : len(old)], Z[:, old]), kind="stable")[:drop]
            stay = np.setdiff1d(np.arange(len(old)), gone)
            head = np.hstack([head[:, stay], head[:, len(old) :]])
            old = old[stay]
            features = np.hstack([Z[:, old], V[:, new]])
            warm = self._warmer(features, (head, c), second.tower, new, len(old))
            head, c, value = subnetworks.solve_head(features, s.risk.targets, s.risk.objective, warm, stop_at=s.target)
            self.programs += 1
            name = f"last hidden layer, {plural(len(old), 'row')} and {len(new)} new ones, between ({first.name}) and ({second.name})"
            label = f"exchange: head on {plural(len(old), 'row')} and {len(new)} new ones, F = {value:.6g}"
            tower = mixed(first.tower, old, second.tower, new).with_head(head, c)
            waypoints.append(Waypoint(tower=replace(tower, label=label), value=value, name=name, old=old, new=new))

    def _warmer(
        self, features: Array, warm: tuple[Array, Array | None], second: Tower, new: Array, kept: int
    ) -> tuple[Array, Array | None]:
        """The head so far, or a mean of it and the second stage's, whichever is better."""
        s = self.search
        prices = subnetworks.head_prices(s.risk.objective, features.shape[1])
        goal = np.zeros_like(warm[0])
        goal[:, kept:] = second.head[:, new]
        best, best_value = warm, np.inf
        for share in (0.0, 0.25, 0.5, 0.75):
            c = (
                warm[1]
                if warm[1] is None or second.head_bias is None
                else warm[1] + share * (second.head_bias - warm[1])
            )
            trial = (1 - share) * warm[0] + share * goal, c
            value = s.risk.objective.head_value(features, s.risk.targets, prices, *trial)
            if value < best_value:
                best, best_value = trial, value
        return best


def _weight(head: Array, Z: Array) -> Array:
    return np.asarray(np.linalg.norm(head, axis=0) * Z.std(axis=0))
