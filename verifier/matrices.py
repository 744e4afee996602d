"""Choices on float64 matrices that several rooms make: hints, of which whoever needs certainty checks what follows from them."""

from __future__ import annotations

import numpy as np
from scipy.linalg import qr

Array = np.ndarray
# Columns whose pivot is below this share of the first count as dependent.
RANK = 1e-11


def independent_columns(
    F: Array, *, rank: int | None = None, most: int | None = None, tolerance: float = RANK
) -> Array:
    """Increasing indices of columns of F (N, n) that span its column space, by QR with pivoting.

    rank: how many, where it is known; else as many as have pivots above the tolerance. most: at most so many.
    """
    if rank == 0 or F.size == 0:
        return np.zeros(0, dtype=np.int64)
    R, order = qr(F, mode="r", pivoting=True)[-2:]
    if rank is None:
        pivots = np.abs(np.diag(R))
        rank = int((pivots > tolerance * pivots[0]).sum()) if pivots[0] > 0 else 0
    return np.sort(order[: rank if most is None else min(rank, most)])


def augmented_inputs(X: Array, biased: bool = True) -> Array:
    """Inputs xt_j = (x_j, 1), shape (N, d+1), which rows (w_i, b_i) act on; X (N, d) itself when the first layer has no bias."""
    return np.column_stack([X, np.ones(len(X))]) if biased else X
