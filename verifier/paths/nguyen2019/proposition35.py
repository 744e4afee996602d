"""Proposition 3.5 as an exchange of rows: W_q goes to a given matrix through matrices of full column rank, layer p compensating.

The paper takes any curve of full-rank matrices and lets (W_1, b_1) follow through h: all layers move together, along no polyline. Here
W_q only ever changes in rows whose features are zero, which n_{q-1} > n_q provides, and features only ever move in W_q's left kernel. Each
segment changes one layer and leaves Z_q where it is:

1. Lemma 3.4 frees n_{q-1} - rank(W_q) rows; one of them becomes a constant feature that takes over the bias b_q.
2. All free rows are set to their goal. If rows remain, n_q rows are chosen, goal rows first, that are independent, and the features go
   straight to the only ones on these rows with the same Z_q. The other rows are free now; repeat.

The goal has any n_q of its rows independent, so each repetition sets at least n_{q-1} - n_q further rows.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

from verifier.paths.nguyen2019.lemma33 import Curves
from verifier.paths.nguyen2019.lemma34 import free_rows, write_rows

Array = np.ndarray


def common_matrix(n: int, k: int) -> Array:
    """(n, k), k < n: orthonormal columns that sum to zero, any k rows independent; the same for the same n and k."""
    G = np.random.default_rng((n, k)).normal(size=(n, k))
    return np.linalg.qr(G - G.mean(axis=0))[0]


def _independent_rows(W: Array, first: Array, then: Array) -> Array:
    """rank many rows of W (n, k), as many as possible of `first`, the others of `then`, by QR with pivoting."""
    k = W.shape[1]
    chosen: list[int] = []
    for pool in (first, then):
        if len(pool) and len(chosen) < k:
            Q = np.linalg.qr(W[chosen].T)[0] if chosen else np.zeros((k, 0))
            left = W[pool].T - Q @ (Q.T @ W[pool].T)
            R, order = qr(left, mode="r", pivoting=True)[-2:]
            pivots = np.abs(np.diag(R))
            size = float(np.abs(W[pool]).max()) or 1.0
            count = min(int((pivots > 1e-6 * size).sum()), k - len(chosen))
            chosen += [int(i) for i in pool[order[:count]]]
    return np.array(sorted(chosen))


def align(curves: Curves, q: int) -> None:
    """(W_q, b_q) goes to (common_matrix, 0) while Z_q stays; layers p + 1..q - 1 have full column rank."""
    line = curves.line
    n, k = line.weight(q).shape
    goal = common_matrix(n, k)
    free = free_rows(curves, q)
    label = f"Proposition 3.5: layer {q}, rows without features"
    carrier = np.array([], dtype=int)
    if line.bias(q).any():
        carrier, free = free[:1], free[1:]
        write_rows(curves, q, carrier, np.zeros((1, k)), label)
    write_rows(curves, q, free, goal[free], label)
    if len(carrier):
        F = curves.features(q - 1)
        F[:, carrier] = 1.0
        curves.move_features(q - 1, F, f"a constant feature of layer {q - 1}")
        W, b = line.weight(q), line.bias(q)
        W[carrier] = b
        line.change(q, f"layer {q}: the constant feature takes over the bias", W, np.zeros(k))
        curves.refresh()
    done = np.zeros(n, dtype=bool)
    done[free] = True
    while not done.all():
        others = np.setdiff1d(np.flatnonzero(~done), carrier)
        rows = _independent_rows(line.weight(q), np.flatnonzero(done), others)
        F = np.zeros((len(line.X), n))
        F[:, rows] = np.linalg.solve(line.weight(q)[rows].T, (curves.Z[q] - line.bias(q)).T).T
        curves.move_features(q - 1, F, f"Lemma 3.3: features of layer {q - 1} onto {k} rows of layer {q}")
        curves.refresh()
        free = np.setdiff1d(np.arange(n), rows)
        write_rows(curves, q, free, goal[free], label)
        done[free] = True
        carrier = np.setdiff1d(carrier, free)
    curves.lift(q - 1)


def align_all(curves: Curves) -> None:
    """Layers p + 1..L, from below: each is aligned over layers that are aligned already and whose features are positive."""
    for q in range(curves.p + 1, curves.line.network.depth + 1):
        align(curves, q)
