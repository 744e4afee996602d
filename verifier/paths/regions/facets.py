"""Across the facets of an activation region: which rows name the next one (docs/mathematics.md, section 11)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

# A sign constraint is tight below this share of |w_i| |xt_j|; crossing pays when the multiplier on the other side is negative by this share of the pull.
TIGHT, PAYS = 1e-6, 1e-3
# How far into the next cone, in units of the row, the point lies that names it.
STEPS = (1e-2, 1e-3, 1e-4, 1e-5)


@dataclass(frozen=True, eq=False)
class Facets:
    """tight (m, N): sign constraints on which the rows lie. wanted (m, N): those of them whose crossing lowers F to first order; beyond (m, N): its slope."""

    tight: Array
    wanted: Array
    beyond: Array


def facets(rows: Array, inputs: Array, pull: Array, multipliers: Array) -> Facets:
    """Of rows (m, n) that are best in their region; inputs (N, n), pull (m, N) theta_i . nu_j q_j / N, multipliers (m, N) of the sign constraints."""
    sizes, norms = np.linalg.norm(inputs, axis=1), np.linalg.norm(rows, axis=1, keepdims=True)
    beyond = (pull - multipliers) * sizes
    scale = np.abs(pull * sizes).max(axis=1, keepdims=True, initial=0.0)
    tight = (np.abs(rows @ inputs.T) <= TIGHT * norms * sizes) & (norms > 0.0) & (sizes > 0.0)
    return Facets(tight, tight & (beyond < -PAYS * scale), beyond)


def rows_beyond(rows: Array, inputs: Array, active: Array, found: Facets) -> tuple[dict[int, Array], int]:
    """Per neuron that crosses facets a row (n,) strictly inside its next cone, and how many facets are crossed; active (m, N) is the region's pattern.

    All wanted facets of a neuron are crossed together where the new cone has an interior, else the one that pays most.
    """
    out, crossed = dict[int, Array](), 0
    for i in np.flatnonzero(found.wanted.any(axis=1)).tolist():
        order = np.argsort(found.beyond[i])
        every = order[found.wanted[i, order]]
        for flipped in (every, every[:1]):
            pattern = active[i].copy()
            pattern[flipped] ^= True
            moved = _into_cone(rows[i], inputs, pattern, np.flatnonzero(found.tight[i]))
            if moved is not None:
                out[i], crossed = moved, crossed + len(flipped)
                break
    return out, crossed


def _into_cone(row: Array, inputs: Array, pattern: Array, tight: Array) -> Array | None:
    """A point near the row strictly inside the cone of the pattern (N,), which differs from the row's own at tight samples only; None where none is found."""
    G = inputs[tight] / np.linalg.norm(inputs[tight], axis=1, keepdims=True)
    sides = np.where(pattern[tight], 1.0, -1.0)
    direction = np.linalg.lstsq(G, sides, rcond=1e-10)[0]
    if not ((G @ direction) * sides > 1e-6).all():
        return None
    for step in STEPS:
        point = row + step * np.linalg.norm(row) * direction
        if np.array_equal(inputs @ point > 0.0, pattern):
            return np.asarray(point)
    return None
