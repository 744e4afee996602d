"""Lemma 4.4: rank N from shifted copies of a vector with distinct entries; here also well conditioned."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from verifier.networks.above import leaky_relu

Array = np.ndarray


def shifted_copies(v: Array) -> Array:
    """Biases b (N,) for which [sigma(v + b_k 1)]_k has rank N, for v (N,) with distinct entries and ReLU or Leaky ReLU.

    One kink left of all entries and one between each two neighbours: with the entries sorted, differences of neighbouring
    columns vanish (Leaky ReLU: are constant) on one side, and the matrix is triangular up to column operations.
    """
    s = np.sort(v)
    width = s[-1] - s[0] if len(s) > 1 else 1.0
    return -np.concatenate([[s[0] - max(width, 1.0) / len(s)], (s[1:] + s[:-1]) / 2])


def candidate_neurons(X: Array, slope: float, rng: np.random.Generator, directions: int = 60) -> tuple[Array, Array]:
    """Rows (w, b) that span R^N: W (d, M), b (M,), scaled so that max |sigma(X W + b)| = 1 per column.

    For random directions u (and -u) the shifted copies of X u; directions with equal projections are left out.
    """
    centre = X.mean(axis=0)
    spread = np.abs(X - centre).max(axis=0)
    # Columns that are constant but for rounding are left out; a single sample has no others.
    scale = np.where(spread > 1e-12 * spread.max(), spread, np.inf) if spread.any() else np.ones(X.shape[1])
    columns: list[Array] = []
    biases: list[Array] = []
    while len(columns) < directions:
        u = rng.normal(size=X.shape[1]) / scale
        for sign in (1.0, -1.0):
            v = X @ (sign * u)
            if len(np.unique(v)) < len(v):
                continue
            b = shifted_copies(v)
            columns.append(np.repeat(sign * u[:, None], len(b), axis=1))
            biases.append(b)
    W, b = np.concatenate(columns, axis=1), np.concatenate(biases)
    size = np.abs(leaky_relu(X @ W + b, slope)).max(axis=0)
    keep = size > 0
    return W[:, keep] / size[keep], b[keep] / size[keep]


def best_candidates(X: Array, slope: float, count: int, given: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """The `count` candidates that are farthest from each other's span and from that of `given` (N, r): W (d, count), b (count,).

    QR with pivoting of what the projection orthogonal to `given` leaves.
    """
    W, b = candidate_neurons(X, slope, rng)
    F = leaky_relu(X @ W + b, slope)
    if given.shape[1]:
        Q = np.linalg.qr(given)[0]
        F = F - Q @ (Q.T @ F)
    order = qr(F, mode="r", pivoting=True)[-1][:count]
    return W[:, order], b[order]


def spanning_neurons(X: Array, slope: float, tries: int = 4) -> tuple[Array, Array]:
    """N neurons W (d, N), b (N,) with sigma(X W + b) invertible and well conditioned, the same for the same X and slope."""
    best: tuple[float, Array, Array] | None = None
    for seed in range(tries):
        W, b = best_candidates(X, slope, len(X), np.zeros((len(X), 0)), np.random.default_rng(seed))
        condition = float(np.linalg.cond(leaky_relu(X @ W + b, slope)))
        if best is None or condition < best[0]:
            best = condition, W, b
    assert best is not None  # tries >= 1
    return best[1], best[2]
