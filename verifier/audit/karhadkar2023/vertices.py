"""The polyline of Proposition 13 on n points of a line, by its vertices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

Array = np.ndarray


def vertices(x: Array) -> Array:
    """The polyline's vertices (2n, n) in order: xbar^(i) X_{<=i}, i = 1..n, then -xbar^(i) X_{>=i}; xbar^(i) = [x_i, -1], samples (1, x_j)."""
    n = len(x)
    differences = x[:, None] - x[None, :]
    return np.vstack([differences * np.tri(n), -differences * np.tri(n).T])


def vertex_units(x: Array) -> Array:
    """(w, b) of ReLUs whose values on x are the polyline's vertices, (2n, 2): -+(1, -x_i). On a piece they combine as the vertices do."""
    n = len(x)
    return np.vstack([np.column_stack([-np.ones(n), x]), np.column_stack([np.ones(n), -x])])


def pieces(x: Array) -> list[tuple[Array, Array]]:
    """Pairs of consecutive vertices."""
    V = vertices(x)
    return list(pairwise(V))
