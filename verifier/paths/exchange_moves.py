"""From row sets with heads to the exact moves of Proposition X (theory.md section 3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verifier.networks.network import Network
from verifier.paths.exchange_problem import Waypoint
from verifier.paths.path import Move
from verifier.paths.slots import SlotBuilder


def moves_through(
    A: Network, B: Network, waypoints: Sequence[Waypoint], programs: Sequence[str | None] | None = None
) -> tuple[Move, ...]:
    """Head, idle and transfer moves from A through the waypoints to B's exact arrays.

    waypoints: row sets R_k with heads; R_0 among A's rows 0..m-1, R_n among B's m..2m-1, `|R_k u R_{k+1}| <= m`, and R_n with
    fewer than m rows when re-ordering needs a free slot. programs: the program each waypoint's head solves.
    """
    m = A.W.shape[0]
    builder = SlotBuilder(A)
    slot_of: dict[int, int] = {i: i for i in range(m)}
    for k, waypoint in enumerate(waypoints):
        wanted = {int(i) for i in waypoint.rows}
        new = sorted(wanted - set(slot_of))
        if new:
            active = {slot_of[i] for i in slot_of if i in wanted} | {
                int(s) for s in np.flatnonzero(builder.network.theta.any(axis=0))
            }
            free = [s for s in range(m) if s not in active]
            own = [i for i in new if i - m in free]
            taken = {i: i - m for i in own}
            rest = [s for s in free if s not in taken.values()]
            # Slots whose owner is not coming now are given away first.
            taken.update(zip([i for i in new if i not in taken], rest))
            slots = np.array([taken[i] for i in new])
            source = np.array(new) - m
            b = None if B.b is None else B.b[source]
            builder.write(slots, B.W[source], b, f"idle: write {len(new)} of B's rows into free slots")
            overwritten = set(slots.tolist())
            slot_of = {i: s for i, s in slot_of.items() if s not in overwritten}
            slot_of.update(taken)
        theta = np.zeros_like(A.theta)
        for column, i in enumerate(waypoint.rows):
            theta[:, slot_of[int(i)]] = waypoint.head[:, column]
        from_A = int((waypoint.rows < m).sum())
        label = f"waypoint {k}: head on {from_A} rows of A and {len(waypoint.rows) - from_A} of B"
        builder.head(theta, waypoint.bias, label, None if programs is None else programs[k])
    last = waypoints[-1]
    alive = {int(s) for s in np.flatnonzero(builder.network.theta.any(axis=0))}
    places = {slot_of[int(i)]: int(i) - m for i in last.rows if slot_of[int(i)] in alive}
    builder.relocate(places, "re-order")
    builder.rows_of(B, "idle: write B's remaining rows")
    builder.moves.append(Move(B, "head move to B"))
    return tuple(builder.moves)
