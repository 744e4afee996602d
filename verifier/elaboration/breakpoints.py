"""Where to cut a chord or `layer` move: adaptive bisection on the kernel's own bound of each piece."""

from __future__ import annotations

import heapq

import numpy as np

from verifier.kernel.fast.chord import Chord, Point


def cut_chord(
    chord: Chord, *, target: float, relative: float, most: int, times: np.ndarray | None = None
) -> np.ndarray | None:
    """Times in (0, 1), increasing, or None for no cut: dyadic, or of `times` (t,), increasing, while a piece holds some.

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
        inside = np.zeros(0) if times is None else times[np.searchsorted(times, a, "right") : np.searchsorted(times, b)]
        t = float(inside[len(inside) // 2]) if len(inside) else 0.5 * (a + b)
        if not a < t < b:
            heapq.heappush(heap, (-bound, a, b))
            break
        points[t] = chord.at(t)
        sampled = max(sampled, chord.value(points[t]))
        for x, y in ((a, t), (t, b)):
            heapq.heappush(heap, (-chord.piece_upper(points[x], points[y]), x, y))
        # Only the ends of live pieces are needed again.
        live = {x for _, x, _ in heap} | {y for _, _, y in heap}
        points = {x: p for x, p in points.items() if x in live}
    cuts = sorted({x for _, x, _ in heap} - {0.0})
    return np.array(cuts) if cuts else None


def kinks(chord: Chord) -> np.ndarray:
    """The times in (0, 1), increasing, at which a pre-activation of the first layer that changes is about 0: cut there, a segment of rows alone has
    affine predictions on each piece, and the chord lemma loses nothing."""
    u, v = chord.u.mid, chord.u_end.mid
    crosses = u * v < 0.0
    times = np.unique(u[crosses] / (u[crosses] - v[crosses]))
    return times[(times > 0.0) & (times < 1.0)]
