"""Facets and rays of a neuron's cone from a point inside it, in floats: the fast route for dimension at most 3.

With u inside, the inward normals g_j = (2 a_j - 1) xt_j satisfy g_j . u > 0, so they cut the plane {g : g . u = 1}; the convex hull there has the
facets' normals as its vertices, and neighbours on the hull meet in a ray. `rays` gives the same exactly, a hundred times slower.
"""

from __future__ import annotations

import numpy as np

from verifier.regions.arrangement import Arrangement
from verifier.regions.rays import rays

Array = np.ndarray


def facets_and_rays(arrangement: Arrangement, signs: Array, inside: Array) -> list[tuple[Array, Array]]:
    """Per cone (classes (F,) that carry facets, unit rays (k, n)), for signs (G, C) of the classes' representatives and points inside (G, n).

    n <= 3. Cones that hold a line take the exact route, with every class named. Nearly parallel inputs may be named in excess or left out by
    rounding: what is made of the result has to be verified.
    """
    n = arrangement.n
    rows = arrangement.inputs[arrangement.representatives]
    if arrangement.rank < n or n > 3:
        return [_exact(arrangement, s) for s in signs]
    normals = signs[:, :, None] * (rows / np.linalg.norm(rows, axis=1, keepdims=True))
    if n == 1:
        return [(np.zeros(1, dtype=np.int64), cone[:1]) for cone in normals]
    u = inside / np.linalg.norm(inside, axis=1, keepdims=True)
    cut = np.einsum("gcn,gkn->gck", normals, _complements(u)) / np.einsum("gcn,gn->gc", normals, u)[:, :, None]
    if n == 2:
        ends = np.stack([cut[:, :, 0].argmin(axis=1), cut[:, :, 0].argmax(axis=1)], axis=1)
        at = np.take_along_axis(normals, ends[:, :, None], axis=1)
        found = _inwards(np.stack([-at[:, :, 1], at[:, :, 0]], axis=2), normals)
        return [(np.sort(e), f) for e, f in zip(ends, found)]
    out = []
    for s, cone, points in zip(signs, normals, cut):
        hull = _hull(points)
        if hull is None:
            out.append(_exact(arrangement, s))
            continue
        found = _inwards(_cross_with_next(cone[hull])[None], cone[None])[0]
        out.append((np.sort(hull), found / np.linalg.norm(found, axis=1, keepdims=True)))
    return out


def _exact(arrangement: Arrangement, signs: Array) -> tuple[Array, Array]:
    found = rays(arrangement, arrangement.patterns(signs[None])[0])
    return np.arange(len(signs)), found / np.linalg.norm(found, axis=1, keepdims=True)


def _inwards(found: Array, normals: Array) -> Array:
    """Each direction (G, k, n) or its opposite, whichever has the larger product with the normals (G, C, n) of its cone."""
    products = np.einsum("gkn,gcn->gkc", found, normals)
    return found * np.where(products.max(axis=2) >= -products.min(axis=2), 1.0, -1.0)[:, :, None]


def _complements(u: Array) -> Array:
    """(G, n - 1, n): rows that complete each unit vector (G, n) to an orthonormal basis: Householder's reflections that take u to an axis."""
    v = u.copy()
    v[:, 0] += np.where(u[:, 0] >= 0, 1.0, -1.0)
    squares = np.einsum("gn,gn->g", v, v)[:, None, None]
    return (np.eye(u.shape[1]) - 2.0 * v[:, :, None] * v[:, None, :] / squares)[:, 1:]


def _cross_with_next(a: Array) -> Array:
    """Cross products (F, 3) of each row with the next, the last with the first; np.cross spends its time on axes."""
    b = a[np.arange(1, len(a) + 1) % len(a)]
    out = np.empty_like(a)
    out[:, 0] = a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1]
    out[:, 1] = a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2]
    out[:, 2] = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return out


def _hull(points: Array) -> Array | None:
    """Vertices of the convex hull of (C, 2), in order around it; None when the points are too few or too flat."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return ConvexHull(points).vertices.astype(np.int64)
    except (QhullError, ValueError):
        return None
