"""The largest F on straight segments of u: F is convex between the points at which a pre-activation changes its sign."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from verifier.landscape.coarse.newton import heights_on
from verifier.landscape.coarse.relaxed import terms
from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
# u (m, n) and the output bias.
Point = tuple[Array, float]
# Points of a segment whose predictions are held at a time.
BLOCK = 64


def heights(s: Narrow, a: Point, b: Point, times: Array) -> Array:
    """F at these points of the segment from a to b."""
    (u, c), (v, d) = a, b
    return heights_on(terms(s), s.sign_column, s.inputs, u, v, float(c), float(d), times)


def highest(s: Narrow, a: Point, b: Point, times: Array) -> float:
    """The largest F at these points of the segment; -inf for none."""
    blocks = [times[k : k + BLOCK] for k in range(0, len(times), BLOCK)]
    return max((float(heights(s, a, b, block).max()) for block in blocks), default=-np.inf)


def kinks(s: Narrow, u: Array, v: Array) -> Array:
    """Times at which a pre-activation is 0 on the way from u to v."""
    here, there = s.inputs @ u.T, s.inputs @ v.T
    crosses = here * there < 0.0
    return np.unique(here[crosses] / (here[crosses] - there[crosses]))


def highest_of(s: Narrow, points: Sequence[Point]) -> float:
    """The largest F on the path through these points in straight segments; -inf where there is none."""
    tops = (highest(s, a, b, np.union1d([0.0, 1.0], kinks(s, a[0], b[0]))) for a, b in pairwise(points))
    return max(tops, default=-np.inf)
