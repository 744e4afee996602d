"""From a chain of towers to exact moves (docs/deep.md, Proposition T): slots, idle writes, head moves, transfers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verifier.networks.network import Network
from verifier.paths.path import Move
from verifier.paths.towers.moves import Key, Tower, live_slots, tower_of

Array = np.ndarray


def moves_through_towers(A: Network, B: Network, towers: Sequence[Tower]) -> tuple[Move, ...]:
    """Moves of kinds head, idle and transfer from A's through the towers to B's exact arrays; `sup F` is the largest F of a tower, A or B.

    towers: between A's live neurons and B's, each compatible with its neighbours. Raises ValueError when two neighbours do not fit
    into the widths, or when a full layer holds the same neurons in all towers but A and B order them differently: then no slot is ever free.
    """
    builder = _Builder(A, B)
    last = tower_of(B, "head move to B")
    for k, tower in enumerate([*towers, last]):
        builder.make_room_for_order(tower)
        builder.write(tower, f"idle: write the neurons of tower {k + 1} into free slots")
        builder.head(tower)
    builder.order_all()
    builder.finish()
    return tuple(builder.moves)


class _Builder:
    """at[l]: slot of each live neuron of hidden layer l + 1, by key; home[l]: the slot B's neurons have in B."""

    def __init__(self, A: Network, B: Network) -> None:
        self.network, self.B = A, B
        self.moves: list[Move] = []
        self.at = _slots(A)
        self.home = _slots(B)

    def emit(self, network: Network, label: str) -> None:
        if not network.same_parameters(self.network):
            self.moves.append(Move(network, label))
            self.network = network

    def free(self, l: int) -> list[int]:
        taken = set(self.at[l].values())
        return [s for s in range(self.network.weights[l].shape[0]) if s not in taken]

    def write(self, tower: Tower, label: str) -> None:
        """Idle move: the tower's neurons that are not there yet go into free slots of all layers at once."""
        weights, biases = list(self.network.weights), list(self.network.biases)
        below: Array = np.arange(self.network.weights[0].shape[1])
        changed = False
        for l, keys in enumerate(tower.keys):
            new = [i for i, k in enumerate(keys) if k not in self.at[l]]
            taken = self._allot(l, keys, new)
            if new:
                changed = True
                slots = np.array([taken[keys[i]] for i in new])
                W = weights[l].copy()
                W[slots] = 0.0
                W[np.ix_(slots, below)] = tower.weights[l][new]
                weights[l] = W
                bias, b = biases[l], tower.biases[l]
                if bias is not None and b is not None:
                    bias = bias.copy()
                    bias[slots] = b[new]
                    biases[l] = bias
            self.at[l].update(taken)
            below = self.network.columns(np.array([self.at[l][k] for k in keys], dtype=np.int64), l + 2)
        if changed:
            self.emit(self.network.with_parameters(weights, biases), label)

    def _allot(self, l: int, keys: Sequence[Key], new: Sequence[int]) -> dict[Key, int]:
        """Slots for the tower's new neurons: their own in B where it is free, else one whose owner does not come now."""
        free = self.free(l)
        if len(new) > len(free):
            raise ValueError(
                f"moves_through_towers: layer {l + 1} needs {len(new)} free slots for the next tower and has {len(free)}"
            )
        available = set(free)
        taken = {keys[i]: self.home[l][keys[i]] for i in new if self.home[l].get(keys[i], -1) in available}
        owned = set(self.home[l].values())
        rest = sorted(available - set(taken.values()), key=lambda s: (s in owned, s))
        taken.update(zip([keys[i] for i in new if keys[i] not in taken], rest))
        return taken

    def head(self, tower: Tower) -> None:
        """Head move to the tower's head; what is not in the tower is dead afterwards."""
        theta = np.zeros_like(self.network.theta)
        self.at = [{k: at[k] for k in keys} for at, keys in zip(self.at, tower.keys)]
        slots = np.array([self.at[-1][k] for k in tower.keys[-1]], dtype=np.int64)
        theta[:, self.network.columns(slots, -1)] = tower.head
        # Emitted even where nothing changes, so that every program has its move; `Path.without_still_moves` drops it.
        self.network = self.network.replace(-1, theta, tower.head_bias)
        self.moves.append(Move(self.network, tower.label, program=tower.program))

    def make_room_for_order(self, coming: Tower) -> None:
        """Where the next tower fills a layer with B's neurons, those that are there already go home while a slot is free."""
        for l, keys in enumerate(coming.keys):
            full = len(self.home[l]) == self.network.weights[l].shape[0]
            if full and set(keys) == set(self.home[l]) and set(self.at[l]) < set(self.home[l]):
                self._order(l)

    def order_all(self) -> None:
        for l in range(len(self.at)):
            self._order(l)

    def _order(self, l: int) -> None:
        """Bring the live neurons of layer l + 1, all of them B's, to their slots in B (Claim 5.1)."""
        at, home = self.at[l], self.home[l]
        while pending := [k for k in at if at[k] != home[k]]:
            free = self.free(l)
            if not free:
                raise ValueError(
                    f"moves_through_towers: layer {l + 1} of A and B holds the same neurons in another order, and no tower frees a slot"
                )
            ready = {k: home[k] for k in pending if home[k] in free}
            if not ready:
                ready = {pending[0]: free[0]}
            self._swap(l, [at[k] for k in ready], list(ready.values()))
            at.update(ready)

    def _swap(self, l: int, sources: list[int], targets: list[int]) -> None:
        """Copy neurons into free slots (idle), then hand over what leaves them (transfer)."""
        n = self.network
        W = n.weights[l].copy()
        W[targets] = W[sources]
        b = n.biases[l]
        if b is not None:
            b = b.copy()
            b[targets] = b[sources]
        # Dead neurons above may still read the free slots; the kernel wants a transfer to start from exact zeros.
        read, old = (n.columns(np.array(slots), l + 2) for slots in (targets, sources))
        out = n.weights[l + 1].copy()
        out[:, read] = 0.0
        weights, biases = list(n.weights), list(n.biases)
        weights[l], biases[l], weights[l + 1] = W, b, out
        self.emit(
            n.with_parameters(weights, biases),
            f"re-order layer {l + 1}: copy neurons into free slots",
        )
        out = out.copy()
        out[:, read] = out[:, old]
        out[:, old] = 0.0
        weights[l + 1] = out
        self.network = n.with_parameters(weights, biases)
        pairs = np.column_stack([sources, targets]).astype(np.int64)
        label = f"re-order layer {l + 1}: hand over to the copies"
        self.moves.append(Move(self.network, label, transfer=pairs, transfer_layer=l + 1))

    def finish(self) -> None:
        """Idle move to B's own arrays; all that is live is in place."""
        if not self.network.same_parameters(self.B) or not self.moves:
            self.moves.append(Move(self.B, "idle: write what is dead in B"))
            return
        # Same numbers, perhaps other zeros (-0.0): end in B's very arrays.
        last = self.moves[-1]
        self.moves[-1] = Move(self.B, last.label, None, last.transfer, last.transfer_layer, last.program)


def _slots(network: Network) -> list[dict[Key, int]]:
    tower, live = tower_of(network), live_slots(network)
    return [dict(zip(keys, (int(s) for s in slots))) for keys, slots in zip(tower.keys, live)]
