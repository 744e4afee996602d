"""Beside each segment of Theorem 2's path: the sampled maximum of the part of an estimate's string that lies nearest to it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.networks.network import Network
from verifier.outcomes import SampledEstimate
from verifier.pipeline.work import Work

Array = np.ndarray


def nearest_maxima(work: Work, e: SampledEstimate) -> None:
    """Record them, where there are both. For each vertex of a segment the nearest piece of the string is taken; of these pieces the largest maximum."""
    path = work.segmented
    if path is None or e.string is None or e.maxima is None:
        return
    pieces = [(_flat(v), _flat(w)) for v, w in pairwise(e.string.vertices())]
    found: dict[int, float] = {}
    for move, (v, w) in zip(path.moves, pairwise(path.vertices())):
        if move.segment is None:
            continue
        for vertex in (v, w):
            point = _flat(vertex)
            k = int(np.argmin([_distance(point, a, b) for a, b in pieces]))
            found[move.segment] = max(found.get(move.segment, -np.inf), e.maxima[k])
    work.record["paths"][path.method]["nearest"] = {
        "construction": e.construction, "maxima": {str(k): v for k, v in sorted(found.items())},
    }  # fmt: skip


def _flat(network: Network) -> Array:
    return np.concatenate([a.ravel() for _, a in network.arrays()])


def _distance(point: Array, a: Array, b: Array) -> float:
    """Squared, to the segment from a to b."""
    along = b - a
    length = float(along @ along)
    t = min(1.0, max(0.0, float((point - a) @ along) / length)) if length > 0 else 0.0
    off = point - a - t * along
    return float(off @ off)
