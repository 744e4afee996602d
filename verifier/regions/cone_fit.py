"""The nearest point of a cone given by its rays: Lawson and Hanson's active-set method for non-negative least squares.

Neighbouring cones share rays, and with heads of both signs a column and its opposite occur together. scipy 1.17's `nnls` breaks down on such cones
(its coefficients then do not belong to the residual it reports), so the method is written out: the column that enters is the one most in line with the
residual, hence never in the span of those in use, and each step is a least-squares solve. The optimality conditions are checked at the end.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

# Slope along a unit column, over |y|, from which on it enters; residual over |y| that counts as 0.
ENTERS, NOTHING = 1e-11, 1e-13


def cone_fit(V: Array, y: Array, tolerance: float = 1e-10) -> Array | None:
    """c >= 0 (R,) that minimises |V c - y| for V (N, R); None unless the optimality conditions hold to `tolerance` times |y|."""
    lengths = np.linalg.norm(V, axis=0)
    used = np.flatnonzero(lengths > 0)
    unit = np.asfortranarray(V[:, used] / lengths[used])
    size = float(np.linalg.norm(y))
    out = np.zeros(V.shape[1])
    if len(used) == 0 or size == 0.0:
        return out
    found = _active_set(unit, y, size)
    if found is None:
        return None
    chosen, x = found
    fit = unit[:, chosen] @ x
    residual = y - fit
    if float((unit.T @ residual).max()) > tolerance * size or abs(float(residual @ fit)) > tolerance * size**2:
        return None
    out[used[chosen]] = x / lengths[used[chosen]]
    return out


def _active_set(unit: Array, y: Array, size: float) -> tuple[list[int], Array] | None:
    """(columns in use, their positive coefficients); None when it does not come to an end."""
    chosen: list[int] = []
    x = np.zeros(0)
    barred: list[int] = []
    for _ in range(10 * unit.shape[1]):
        residual = y - unit[:, chosen] @ x
        if float(np.linalg.norm(residual)) <= NOTHING * size:
            return chosen, x
        slopes = unit.T @ residual
        slopes[chosen] = slopes[barred] = -np.inf
        j = int(slopes.argmax())
        if slopes[j] <= ENTERS * size:
            return chosen, x
        chosen.append(j)
        moved = _descend(unit, y, chosen, np.append(x, 0.0))
        if moved is None:
            # Rounding made a column look useful that is not: it waits until something else has moved.
            chosen.pop()
            barred.append(j)
        else:
            chosen, x = moved
            barred = []
    return None


def _descend(unit: Array, y: Array, chosen: list[int], x: Array) -> tuple[list[int], Array] | None:
    """From feasible x to the least-squares solution on a subset of the chosen columns; None when the newest would leave at once."""
    from scipy.linalg.lapack import dgels

    while chosen:
        if len(chosen) > len(y):
            return None
        _, solution, info = dgels(unit[:, chosen], y)
        s = solution[: len(chosen)]
        if info != 0 or not np.isfinite(s).all() or (x[-1] == 0.0 and s[-1] <= 0.0):
            return None
        negative = np.flatnonzero(s <= 0.0)
        if len(negative) == 0:
            return chosen, s
        ratios = x[negative] / (x[negative] - s[negative])
        x = x + ratios.min() * (s - x)
        x[negative[int(ratios.argmin())]] = 0.0
        keep = np.flatnonzero(x > 0.0)
        chosen, x = [chosen[k] for k in keep], x[keep]
    return chosen, x
