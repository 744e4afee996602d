"""Where to cut a chord or `layer` move: adaptive bisection on the kernel's own bound of each piece."""

from __future__ import annotations

import heapq

import numpy as np

from verifier.kernel.fast.chord import Chord, Point


def cut_chord(chord: Chord, *, target: float, relative: float, most: int) -> np.ndarray | None:
    """Dyadic times in (0, 1), increasing, or None for no cut.

    Halves the piece with the largest bound until every bound is at most `target`, or exceeds the largest value met at a
    cut by at most the factor `1 + relative`, or there are `most` pieces.
    """
    points: dict[float, Point] = {t: chord.at(t) for t in (0.0, 1.0)}
    sampled = max(chord.value(p) for p in points.values())
    heap = [(-chord.piece_upper(points[0.0], points[1.0]), 0.0, 1.0)]
    while len(heap) < most:
        bound = -heap[0][0]
        if bound <= max(target, sampled * (1.0 + relative)):
            break
        _, a, b = heapq.heappop(heap)
        t = 0.5 * (a + b)
        points[t] = chord.at(t)
        sampled = max(sampled, chord.value(points[t]))
        for x, y in ((a, t), (t, b)):
            heapq.heappush(heap, (-chord.piece_upper(points[x], points[y]), x, y))
        # Only the ends of live pieces are needed again.
        live = {x for _, x, _ in heap} | {y for _, _, y in heap}
        points = {x: p for x, p in points.items() if x in live}
    cuts = sorted({x for _, x, _ in heap} - {0.0})
    return np.array(cuts) if cuts else None
