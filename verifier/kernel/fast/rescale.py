"""Rescale moves of one hidden layer: along the curve (c_i^t wt_i, theta_i / c_i^t), t from 0 to 1, then straight to the stored end.

The curve changes no output; its true end is (c_i wt_i, theta_i / c_i), of which the stored end is usually a rounding. A box around the stored end
holds the whole straight part. Docs/mathematics.md, section 7.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.balls import INFLATE, TINY, Ball, U, exact, finite, relu
from verifier.kernel.fast.forward import affine, head_norms, head_prices, interior_penalty, loss_at, total
from verifier.kernel.statements import Parameters, Problem, augmented_rows

Array = np.ndarray


def around(end: Array, computed: Array) -> Ball:
    """A ball about the stored end that holds the true end, of which `computed` is a correctly rounded value, and all between."""
    distance = np.abs(end - computed) + U * np.abs(computed)
    return Ball(end, finite(distance * INFLATE + TINY))


def rescale_upper(problem: Problem, v: Parameters, w: Parameters, c: Array, form: str) -> float:
    """Bound of F between the true end of the rescaling of v by the factors c and the stored end w. Along the curve before it the loss is constant and
    the penalty is convex in t, so that F(v) and this bound cover the whole move."""
    o = problem.objective
    rows = around(augmented_rows(w.weights[0], w.biases[0]), augmented_rows(v.weights[0], v.biases[0]) * c[:, None])
    theta = around(w.weights[1], v.weights[1] / c)
    d = problem.X.shape[1]
    bias = None if w.biases[0] is None else Ball(rows.mid[:, d], rows.rad[:, d])
    S = relu(affine(exact(problem.X), Ball(rows.mid[:, :d], rows.rad[:, :d]), bias), problem.negative_slope)
    out_bias = None if w.biases[1] is None else exact(w.biases[1])
    loss = loss_at(problem, affine(S, theta, out_bias))
    P = interior_penalty(o, head_prices(rows, o.penalty), head_norms(theta, o.penalty), out_bias, form)
    return total(o, loss.lower, loss.upper, P).upper
