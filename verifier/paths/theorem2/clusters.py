"""Rows merged by angle: the perturbed atoms of T2's segments 2 and 5."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.networks.network import Network
from verifier.objective import augmented_rows

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class MergedRows:
    """One slot per cluster and its representative row.

    slots: (q,) indices of A's rows that carry a representative. rows: (q, d+1) augmented, each within `alpha` of the
    slot's own row and of the slot's own length. labels: (m,) cluster of each row. largest_angle: over the slots, measured.
    """

    slots: Array
    rows: Array
    labels: Array
    largest_angle: float


def merge_rows(network: Network, head: Array, alpha: float) -> MergedRows:
    """Greedy clusters of angular radius alpha between augmented rows wt = (w, b); alpha >= 0 in radians.

    A cluster grows around the unassigned row of largest mass |wt_i||theta_i|; its representative is the mass-weighted mean
    direction, carried by the member closest to it. alpha = 0 gives one cluster per row.
    """
    rows = augmented_rows(network)
    norms = np.linalg.norm(rows, axis=1)
    m = len(rows)
    unit = rows / np.where(norms > 0, norms, 1.0)[:, None]
    mass = norms * np.abs(head).sum(axis=0)
    labels = np.full(m, -1)
    slots: list[int] = []
    directions: list[Array] = []
    cosine = np.cos(alpha)
    for seed in np.argsort(-mass, kind="stable"):
        if labels[seed] >= 0:
            continue
        members = np.array([seed])
        if alpha > 0 and norms[seed] > 0:
            near = np.flatnonzero((unit @ unit[seed] >= cosine) & (labels < 0) & (norms > 0))
            members = np.union1d(near, members)
        labels[members] = len(slots)
        mean = (mass[members, None] * unit[members]).sum(axis=0)
        length = float(np.linalg.norm(mean))
        slot, direction = int(seed), unit[seed]
        if len(members) > 1 and length > 0:
            mean /= length
            closest = int(members[np.argmax(unit[members] @ mean)])
            if unit[closest] @ mean >= cosine:
                slot, direction = closest, mean
        slots.append(slot)
        directions.append(direction)
    chosen = np.array(slots)
    picked = np.array(directions)
    new_rows = picked * norms[chosen, None]
    unmoved = (picked == unit[chosen]).all(axis=1)
    new_rows[unmoved] = rows[chosen[unmoved]]
    angles = np.arccos(np.clip((picked * unit[chosen]).sum(axis=1), -1.0, 1.0))
    angles[unmoved] = 0.0
    return MergedRows(chosen, new_rows, labels, float(angles.max(initial=0.0)))
