"""Proposed paths: polylines of networks, and curves of scalings where a move says so. They claim nothing; the kernel bounds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from verifier.networks.network import Network


@dataclass(frozen=True, eq=False)
class Move:
    """The straight segment from the previous vertex to `to`, or, with `factors`, a curve of scalings that leads about there.

    label: what the move does, in words for the report, e.g. "segment 1: best head on A's rows".
    breakpoints: increasing dyadic floats in (0, 1) that cut a chord into pieces (docs/mathematics.md, section 2), or None.
    transfer: (p, 2) int64 pairs (from, to) of neurons of layer `transfer_layer` whose outgoing weights are handed over, or None.
        Only needed in networks with more than one hidden layer; elsewhere a transfer is a head move.
    factors: (m,) numbers c_i > 0 of a rescaling, neuron i going along (c_i^t wt_i, theta_i / c_i^t) to about its end in `to`; None for segments.
    segment: of the theorem's path, counted from 1 as the paper does, or None.
    program: name of the convex program (`verifier.programs`) whose solution `to` holds, or None.
    """

    to: Network
    label: str
    breakpoints: np.ndarray | None = None
    transfer: np.ndarray | None = None
    transfer_layer: int | None = None
    program: str | None = None
    factors: np.ndarray | None = None
    segment: int | None = None


@dataclass(frozen=True, eq=False)
class Path:
    """A path from `start`; `method` names the construction (theorem2, exchange, halves, line, dss).

    literal: under weight decay the stored segments themselves are meant (a line, somebody's string), not their image under the balancing map.
    permutation: None for a path to B itself. Else, per hidden layer, the (n_l,) int64 permutation with which B's neurons were permuted at the end:
        the same function, other parameters, so the path is none between A and B.
    """

    method: str
    start: Network
    moves: tuple[Move, ...]
    notes: dict[str, object] = field(default_factory=dict)
    literal: bool = False
    permutation: tuple[np.ndarray, ...] | None = None

    @property
    def end(self) -> Network:
        return self.moves[-1].to if self.moves else self.start

    def vertices(self) -> Iterator[Network]:
        yield self.start
        for move in self.moves:
            yield move.to

    def reversed(self) -> Path:
        """The same polyline walked backwards; breakpoints are mirrored exactly (1 - t is exact for dyadic t of at most 52 bits)."""
        if self.permutation is not None:
            raise ValueError(f"Path.reversed: {self.method} ends in a permuted copy, where no path to A starts")
        vertices = list(self.vertices())
        moves = []
        for k in range(len(self.moves) - 1, -1, -1):
            m = self.moves[k]
            cuts = None if m.breakpoints is None else (1.0 - m.breakpoints)[::-1].copy()
            swap = None if m.transfer is None else m.transfer[:, ::-1].copy()
            back = None if m.factors is None else 1.0 / m.factors
            moves.append(Move(vertices[k], m.label, cuts, swap, m.transfer_layer, m.program, back, m.segment))
        return Path(self.method, self.end, tuple(moves), dict(self.notes), self.literal)

    def without_still_moves(self) -> Path:
        """The same polyline without moves that change no number."""
        moves, at = [], self.start
        for m in self.moves:
            if not m.to.same_parameters(at):
                moves.append(m)
            at = m.to
        return Path(self.method, self.start, tuple(moves), dict(self.notes), self.literal, self.permutation)

    def then(self, other: Path) -> Path:
        """Concatenation; `other` must start where this path ends."""
        if self.permutation is not None:
            raise ValueError(f"Path.then: {self.method} ends in a permuted copy, where {other.method} does not start")
        if not self.end.same_parameters(other.start):
            raise ValueError(f"Path.then: {other.method} does not start where {self.method} ends")
        return Path(
            self.method,
            self.start,
            self.moves + other.moves,
            {**self.notes, **other.notes},
            self.literal and other.literal,
            other.permutation,
        )
