"""Rescale moves of one hidden layer: (wt_i, theta_i) -> (c_i wt_i, theta_i / c_i), c_i > 0, which changes no output (theory.md section 2).

The stored end is a rounding of the true one. The path follows the curve of scalings to the true end, then a straight segment to the stored one; a ball
around the stored end holds that whole segment.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.balls import INFLATE, TINY, Ball, U, exact, finite, relu
from verifier.kernel.fast.forward import affine, head_norms, head_prices, interior_penalty, loss_at, total
from verifier.kernel.statements import Parameters, Problem, augmented_rows

Array = np.ndarray
# A segment is read as a rescaling when its end is this near (relative to each neuron) to a true one. No proof depends on it.
NEAR = 2.0**-40


def factors(v: Parameters, w: Parameters) -> Array | None:
    """(m,) factors c_i > 0 that take v about to w, 1 for neurons that stay; None when the segment is no rescaling."""
    c, d = v.biases[1], w.biases[1]
    if len(v.weights) != 2 or (c is not None and d is not None and not np.array_equal(c, d)):
        return None
    rows, to = (augmented_rows(p.weights[0], p.biases[0]) for p in (v, w))
    theta, theta_to = v.weights[1], w.weights[1]
    moved = (rows != to).any(axis=1) | (theta != theta_to).any(axis=0)
    out = np.ones(len(rows))
    for i in np.flatnonzero(moved).tolist():
        k = int(np.argmax(np.abs(rows[i])))
        if rows[i, k] == 0.0:
            return None
        ratio = float(to[i, k]) / float(rows[i, k])
        if not 2.0**-500 < ratio < 2.0**500:
            return None
        out[i] = ratio
        row_off = np.abs(to[i] - ratio * rows[i]).max() <= NEAR * np.abs(to[i]).max()
        theta_off = np.abs(theta_to[:, i] - theta[:, i] / ratio).max() <= NEAR * np.abs(theta_to[:, i]).max()
        if not (row_off and theta_off):
            return None
    return out if moved.any() else None


def around(end: Array, computed: Array) -> Ball:
    """A ball about the stored end that holds the true end, of which `computed` is a correctly rounded value, and all between."""
    distance = np.abs(end - computed) + U * np.abs(computed)
    return Ball(end, finite(distance * INFLATE + TINY))


def rescale_upper(problem: Problem, v: Parameters, w: Parameters, c: Array) -> float:
    """Bound of F between the true end of the rescaling of v by the factors c and the stored end w. Along the curve before it
    F is constant, or moves monotonically under l1, so that F(v) and this bound cover the whole move."""
    o = problem.objective
    rows = around(augmented_rows(w.weights[0], w.biases[0]), augmented_rows(v.weights[0], v.biases[0]) * c[:, None])
    theta = around(w.weights[1], v.weights[1] / c)
    d = problem.X.shape[1]
    bias = None if w.biases[0] is None else Ball(rows.mid[:, d], rows.rad[:, d])
    S = relu(affine(exact(problem.X), Ball(rows.mid[:, :d], rows.rad[:, :d]), bias), problem.negative_slope)
    out_bias = None if w.biases[1] is None else exact(w.biases[1])
    loss = loss_at(problem, affine(S, theta, out_bias))
    P = interior_penalty(o, head_prices(rows, o.penalty), head_norms(theta, o.penalty), out_bias)
    return total(o, loss.lower, loss.upper, P).upper
