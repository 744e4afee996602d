"""Bookkeeping of one-hidden-layer vertices: which row sits in which slot, and the moves that change it exactly.

A builder only emits moves of the kinds head and idle (theory.md section 2); a transfer is a head move between two
neurons with identical rows. A and B give the arrays, so rows are copied bit for bit and never computed.
"""

from __future__ import annotations

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.paths.path import Move

Array = np.ndarray
Row = tuple[Array, float]


def require_one_hidden_layer(method: str, A: Network, B: Network) -> None:
    """Raise UsageError unless A and B are one-hidden-layer networks of the same architecture."""
    if A.depth != 2 or B.depth != 2:
        raise UsageError(f"{method}: needs one hidden layer, but the networks have {A.depth - 1} and {B.depth - 1}")
    if A.architecture != B.architecture:
        raise UsageError(f"{method}: networks of different architecture, {A.architecture} and {B.architecture}")


class SlotBuilder:
    """Grows a list of moves from a starting network.

    network: the current vertex. moves: what has been emitted. Rows are rows of the first layer with their bias.
    """

    def __init__(self, start: Network) -> None:
        self.network = start
        self.moves: list[Move] = []

    @property
    def m(self) -> int:
        return self.network.W.shape[0]

    def dead(self) -> Array:
        """Slots whose outgoing weights are all exactly zero."""
        return np.flatnonzero(~self.network.theta.any(axis=0))

    def head(self, theta: Array, c: Array | None, label: str, program: str | None = None) -> None:
        """Head move to theta (K, m), c (K,)."""
        network = self.network.replace(-1, theta, c if self.network.c is not None else None)
        self.append(network, label, program)

    def write(self, slots: Array, W: Array, b: Array | None, label: str) -> None:
        """Idle move: put rows W (n, d), biases b (n,) into dead slots; nothing is emitted when they are there already.

        Raises ValueError when a slot is not dead, which is a construction's mistake.
        """
        if len(slots) == 0:
            return
        if self.network.theta[:, slots].any():
            raise ValueError("SlotBuilder.write: a slot to be written still feeds the output")
        new_W = self.network.W.copy()
        new_W[slots] = W
        new_b = None
        if self.network.b is not None and b is not None:
            new_b = self.network.b.copy()
            new_b[slots] = b
        network = self.network.replace(1, new_W, new_b)
        if not network.same_parameters(self.network):
            self.append(network, label, None)

    def rows_of(self, network: Network, label: str) -> None:
        """Idle move that gives the first layer `network`'s very arrays; only dead slots may differ."""
        differs = (self.network.W != network.W).any(axis=1)
        if self.network.b is not None and network.b is not None:
            differs |= self.network.b != network.b
        if self.network.theta[:, differs].any():
            raise ValueError("SlotBuilder.rows_of: an active row differs from the wanted one")
        self.append(self.network.replace(1, network.W, network.b), label, None, force=True)

    def relocate(self, places: dict[int, int], label: str) -> None:
        """Bring active rows from slot s to slot places[s] by idle writes and transfers; all other slots must be dead.

        Slots that are free take their rows at once; a closed cycle is opened through one dead slot.
        Raises ValueError when a cycle has to be opened and no slot is dead.
        """
        pending = {s: t for s, t in places.items() if s != t}
        while pending:
            dead = {int(s) for s in self.dead()}
            # Slots about to be left are still occupied: two rows never share one target.
            ready = {s: t for s, t in pending.items() if t in dead}
            if not ready:
                s = next(iter(pending))
                spare = sorted(dead - set(pending.values())) or sorted(dead)
                if not spare:
                    raise ValueError("SlotBuilder.relocate: no free slot to open a cycle")
                ready = {s: spare[0]}
            sources, targets = np.array(list(ready)), np.array(list(ready.values()))
            b = None if self.network.b is None else self.network.b[sources]
            self.write(targets, self.network.W[sources], b, f"{label}: copy rows into free slots")
            theta = self.network.theta.copy()
            theta[:, targets] = theta[:, sources]
            theta[:, sources] = 0.0
            self.network = self.network.replace(-1, theta)
            pairs = np.column_stack([sources, targets]).astype(np.int64)
            label_here = f"{label}: hand coefficients over to the copies"
            self.moves.append(Move(self.network, label_here, transfer=pairs, transfer_layer=1))
            for s, t in ready.items():
                wanted = pending.pop(s)
                if t != wanted:
                    pending[t] = wanted

    def append(self, network: Network, label: str, program: str | None, force: bool = False) -> None:
        """Emit a move to `network`; force: keep its very arrays, and emit nothing when the numbers are the same."""
        if force and network.same_parameters(self.network):
            # Same numbers, perhaps other arrays (-0.0 for 0.0): keep the wanted arrays without an empty move.
            self.network = network
            if self.moves:
                last = self.moves[-1]
                self.moves[-1] = Move(network, last.label, program=last.program)
            return
        self.moves.append(Move(network, label, program=program))
        self.network = network
