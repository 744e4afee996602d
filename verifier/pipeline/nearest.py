"""Beside each segment of Theorem 2's path: the sampled maximum of the part of an estimate's string that lies nearest to it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.networks.vector import flat
from verifier.outcomes import SampledEstimate
from verifier.pipeline.work import Work

Array = np.ndarray
# Parameters times vertices times pieces: figures beside a table must cost no more than a second or so.
MOST_NUMBERS = 10**8


def nearest_maxima(work: Work, e: SampledEstimate) -> None:
    """Record them, where there are both. For each vertex of a segment the nearest piece of the string is taken; of these pieces the largest maximum."""
    path = work.segmented
    if path is None or e.string is None or e.maxima is None:
        return
    size = sum(a.size for _, a in path.start.arrays())
    if (len(path.moves) + 1) * len(e.maxima) * size > MOST_NUMBERS:
        return
    string = [flat(v) for v in e.string.vertices()]
    nearest = [
        e.maxima[int(np.argmin([_distance(flat(v), a, b) for a, b in pairwise(string)]))] for v in path.vertices()
    ]
    found: dict[int, float] = {}
    for move, ends in zip(path.moves, pairwise(nearest)):
        if move.segment is not None:
            found[move.segment] = max(found.get(move.segment, -np.inf), *ends)
    work.record["paths"][path.method]["nearest"] = {
        "construction": e.construction, "maxima": {str(k): v for k, v in sorted(found.items())},
    }  # fmt: skip


def _distance(point: Array, a: Array, b: Array) -> float:
    """Squared, to the segment from a to b."""
    along = b - a
    length = float(along @ along)
    t = min(1.0, max(0.0, float((point - a) @ along) / length)) if length > 0 else 0.0
    off = point - a - t * along
    return float(off @ off)
