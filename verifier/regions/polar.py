"""Facets and rays of a neuron's cone from a point inside it, in floats: the fast route for dimension at most 3.

With u inside, the inward normals g_j = (2 a_j - 1) xt_j satisfy g_j . u > 0, so they cut the plane {g : g . u = 1}; the convex hull there has the
facets' normals as its vertices, and neighbours on the hull meet in a ray. `rays` gives the same exactly, a hundred times slower.
"""

from __future__ import annotations

import numpy as np

from verifier.regions.arrangement import Arrangement
from verifier.regions.rays import rays

Array = np.ndarray


def facets_and_rays(arrangement: Arrangement, pattern: Array, inside: Array) -> tuple[Array, Array]:
    """(classes (F,) that carry facets, unit rays (k, n)) of the cone of a pattern (N,) with the point `inside` (n,), n <= 3.

    Cones that hold a line take the exact route, with every class named. Nearly parallel inputs may be named in excess or left out by rounding:
    what is made of the result has to be verified.
    """
    n = arrangement.n
    signs = arrangement.signs(np.asarray(pattern)[None])[0]
    reps = arrangement.representatives
    normals = signs[:, None] * arrangement.inputs[reps]
    if arrangement.rank < n or n > 3:
        found = rays(arrangement, pattern)
        return np.arange(len(reps)), found / np.linalg.norm(found, axis=1, keepdims=True)
    if n == 1:
        return np.zeros(1, dtype=np.int64), normals[:1] / np.abs(normals[:1])
    u = inside / np.linalg.norm(inside)
    plane = _complement(u)
    cut = (normals @ plane.T) / (normals @ u)[:, None]
    if n == 2:
        ends = np.array([int(np.argmin(cut[:, 0])), int(np.argmax(cut[:, 0]))])
        found = np.stack([-normals[ends, 1], normals[ends, 0]], axis=1)
        found = _inwards(found, normals)
        classes = np.unique(ends)
    else:
        hull = _hull(cut)
        if hull is None:
            found = rays(arrangement, pattern)
            return np.arange(len(reps)), found / np.linalg.norm(found, axis=1, keepdims=True)
        around = normals[hull]
        found = np.cross(around, np.roll(around, -1, axis=0))
        found = _inwards(found, normals)
        classes = np.sort(hull)
    return classes, found / np.linalg.norm(found, axis=1, keepdims=True)


def _inwards(found: Array, normals: Array) -> Array:
    """Each direction or its opposite, whichever has the larger product with the normals."""
    products = found @ normals.T
    return found * np.where(products.max(axis=1) >= -products.min(axis=1), 1.0, -1.0)[:, None]


def _complement(u: Array) -> Array:
    """Rows that complete the unit vector u to an orthonormal basis."""
    if len(u) == 2:
        return np.array([[-u[1], u[0]]])
    axis = np.eye(3)[int(np.argmin(np.abs(u)))]
    first = np.cross(u, axis)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(u, first)])


def _hull(points: Array) -> Array | None:
    """Vertices of the convex hull of (C, 2), in order around it; None when the points are too few or too flat."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return ConvexHull(points).vertices.astype(np.int64)
    except (QhullError, ValueError):
        return None
