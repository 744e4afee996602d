"""Non-negative least squares over rays that may repeat or oppose each other: the nearest point of a cone that holds lines.

Neighbouring cones share rays, and with heads of both signs a column and its opposite occur together. An active-set method breaks down on such
pairs (scipy 1.17's `nnls` then returns coefficients that do not belong to the residual it reports), so opposite columns become free directions,
which are projected out first, and the optimality conditions are checked afterwards.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray

# Unit columns that agree to this many decimals count as one.
DECIMALS = 9


def cone_fit(V: Array, y: Array, tolerance: float = 1e-10) -> Array | None:
    """c >= 0 (R,) that minimises |V c - y| for V (N, R); None unless the optimality conditions hold to `tolerance` times |y|."""
    lengths = np.linalg.norm(V, axis=0)
    used = np.flatnonzero(lengths > 0)
    out = np.zeros(V.shape[1])
    unit = V[:, used] / lengths[used]
    if len(used):
        plus, minus = _lines(unit)
        free = unit[:, plus[minus >= 0]]
        single = unit[:, plus[minus < 0]]
        basis = _orthonormal(free)
        weights = _nnls(single - basis @ (basis.T @ single), y - basis @ (basis.T @ y))
        if weights is None:
            return None
        along = np.linalg.lstsq(free, y - single @ weights, rcond=1e-12)[0] if free.shape[1] else np.zeros(0)
        c = np.zeros(len(used))
        c[plus[minus < 0]] = weights
        c[plus[minus >= 0]] = np.maximum(along, 0.0)
        c[minus[minus >= 0]] = np.maximum(-along, 0.0)
        out[used] = c / lengths[used]
    residual = y - V @ out
    limit = tolerance * max(float(np.linalg.norm(y)), 1e-300)
    slack = unit.T @ residual
    optimal = slack.max(initial=0.0) <= limit and abs(float(residual @ (V @ out))) <= limit * float(np.linalg.norm(y))
    return out if optimal else None


def _lines(unit: Array) -> tuple[Array, Array]:
    """Per line among the unit columns: one column, and one of the opposite direction or -1."""
    rounded = np.round(unit, DECIMALS) + 0.0
    lead = np.abs(rounded).argmax(axis=0)
    signs = np.sign(rounded[lead, np.arange(unit.shape[1])])
    _, place = np.unique((rounded * signs).T, axis=0, return_inverse=True)
    place = place.ravel()
    count = int(place.max()) + 1
    found = np.full((2, count), -1, dtype=np.int64)
    for side, sign in enumerate((1.0, -1.0)):
        members = np.flatnonzero(signs == sign)
        found[side, place[members][::-1]] = members[::-1]
    plus = np.where(found[0] >= 0, found[0], found[1])
    return plus, np.where(found[0] >= 0, found[1], -1)


def _orthonormal(columns: Array) -> Array:
    if not columns.shape[1]:
        return columns
    left, values, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, values > 1e-12 * values[0]]


def _nnls(V: Array, y: Array) -> Array | None:
    from scipy.optimize import nnls

    keep = np.linalg.norm(V, axis=0) > 1e-12
    out = np.zeros(V.shape[1])
    if keep.any() and y.any():
        try:
            out[keep] = nnls(V[:, keep], y, maxiter=30 * max(10, int(keep.sum())))[0]
        except RuntimeError:
            return None
    return out
