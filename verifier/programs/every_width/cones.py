"""The largest pull of a dual on one neuron, in few dimensions, by branch and bound over cones; float64, as the kernel bounds it with rounding."""

from __future__ import annotations

import itertools

import numpy as np

from verifier.kernel.fast.every_width import bisected

Array = np.ndarray

# Entries of one block, cones at most, and bisections at most.
BLOCK, MOST_CONES, DEEPEST = 2**20, 2**17, 48


def largest_pulls(inputs: Array, weighted: Array, known: float, *, tolerance: float = 1e-6) -> tuple[float, Array]:
    """(upper end, directions (w, n)) for `max over |w| = 1 of sum_j weighted_j relu(w . x_j)`: every direction within `tolerance` of `known`, or above it,
    lies in a cone whose middle is among the directions; the upper end bounds all others. weighted (N,)."""
    n = inputs.shape[1]
    cones = np.array([np.diag(s) for s in itertools.product((1.0, -1.0), repeat=n)])
    rising, falling = np.maximum(weighted, 0.0), np.minimum(weighted, 0.0)
    best, out, seen, size = known, [], 0, max(1, BLOCK // (n * len(inputs)))
    for _ in range(DEEPEST):
        seen += len(cones)
        if not len(cones) or seen > MOST_CONES:
            break
        left, highest = [], best
        for k in range(0, len(cones), size):
            g = cones[k : k + size]
            upper, middle = _upper(g, inputs, weighted, rising, falling)
            there = np.maximum(middle @ inputs.T, 0.0) @ weighted
            highest = max(highest, float(there.max()))
            open_ = upper > best * (1.0 + tolerance)
            left.append(g[open_])
            out.append(middle[open_ & (there > best * (1.0 - 1e-3))])
        best = highest
        cones = np.concatenate(left)
        if len(cones):
            cones = bisected(cones)
    upper_end = best * (1.0 + tolerance) if not len(cones) else float("inf")
    return upper_end, np.concatenate(out) if out else np.zeros((0, n))


def _upper(g: Array, X: Array, p: Array, rising: Array, falling: Array) -> tuple[Array, Array]:
    """(bounds of the pull per unit length on each cone, unit vectors in their middle)."""
    c, n, _ = g.shape
    Z = (g.reshape(c * n, n) @ X.T).reshape(c, n, -1)
    over, under = (Z >= 0.0).all(axis=1), (Z <= 0.0).all(axis=1)
    mixed = ~(over | under)
    up = np.maximum(Z, 0.0)
    base = np.where(over[:, None, :], Z, 0.0) @ p + np.where(mixed[:, None, :], up, 0.0) @ rising
    middle = g.sum(axis=1)
    middle /= np.linalg.norm(middle, axis=1)[:, None]
    share = up.sum(axis=1) / np.maximum(np.abs(Z).sum(axis=1), 1e-300)
    bound = np.full(c, np.inf)
    along = np.einsum("ckn,cn->ck", g, middle)
    for guess in ((middle @ X.T > 0.0).astype(float), share):
        top = base + (np.where(mixed, guess, 0.0)[:, None, :] * Z) @ falling
        v = np.linalg.solve(g, top[:, :, None])[:, :, 0]
        # h is at most the linear function v . w, and at most the largest ratio to the middle's.
        bound = np.minimum(bound, np.minimum(np.linalg.norm(v, axis=1), np.maximum(top / along, 0.0).max(axis=1)))
    return bound, middle
