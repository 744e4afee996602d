"""From row sets with heads to the exact moves of Proposition X (docs/constructions.md, section 1): a chain of one-layer towers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.paths.exchange.problem import Waypoint
from verifier.paths.path import Move
from verifier.paths.towers.moves import Tower
from verifier.paths.towers.tower_path import moves_through_towers


def moves_through(
    A: Network, B: Network, waypoints: Sequence[Waypoint], programs: Sequence[str | None] | None = None
) -> tuple[Move, ...]:
    """Head, idle and transfer moves from A through the waypoints to B's exact arrays.

    waypoints: row sets R_k with heads; R_0 among A's rows 0..m-1, R_n among B's m..2m-1, `|R_k u R_{k+1}| <= m`, and R_n with
    fewer than m rows when re-ordering needs a free slot. programs: the program each waypoint's head solves.
    """
    m = A.W.shape[0]
    rows = np.vstack([A.W, B.W])
    bias = None if A.b is None or B.b is None else np.concatenate([A.b, B.b])
    towers = []
    for k, w in enumerate(waypoints):
        from_A = int((w.rows < m).sum())
        label = f"waypoint {k}: head on {plural(from_A, 'row')} of A and {len(w.rows) - from_A} of B"
        b = None if bias is None else bias[w.rows]
        program = None if programs is None else programs[k]
        towers.append(Tower((rows[w.rows],), (b,), w.head, w.bias, label, program))
    return moves_through_towers(A, B, towers)
