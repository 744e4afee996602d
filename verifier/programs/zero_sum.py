"""Dual vectors whose sum is exactly 0: of one output over the samples, as a free output bias asks; of cross-entropy over each sample's outputs."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray


def domain(y: Array, loss: str, delta: float | None) -> tuple[Array, Array]:
    """(lowest, highest) entries of a dual of a separable loss, of the shape of the targets y (docs/mathematics.md, section 5)."""
    if loss in ("logistic", "hinge"):
        return np.where(y > 0.0, -1.0, 0.0), np.where(y > 0.0, 0.0, 1.0)
    bound = np.inf if loss == "squared" else 1.0 if delta is None else delta
    return np.full(y.shape, -bound), np.full(y.shape, bound)


def with_zero_sum(nu: Array, y: Array, loss: str, delta: float | None) -> Array:
    """nu on a dyadic grid, so fine that it hardly moves and so coarse that sums are exact, with the sum brought to exactly 0."""
    top = float(np.abs(nu).max(initial=0.0))
    if top == 0.0:
        return nu
    grid = 2.0 ** (math.frexp(top)[1] - 46)
    steps = np.rint(nu / grid)
    room = np.full(len(nu), 2.0**46)
    if loss in ("logistic", "hinge"):
        room = np.minimum(np.abs(steps), np.floor(1.0 / grid) - np.abs(steps))
    elif loss in ("huber", "absolute"):
        room = np.floor((delta if loss == "huber" and delta is not None else 1.0) / grid) - np.abs(steps)
    # Rounding may have left the domain by a step. Entries near 0 move last: their sign may matter.
    for j in np.argsort(-np.minimum(room, np.abs(steps)), kind="stable"):
        excess = float(steps.sum())
        if excess == 0.0:
            break
        steps[j] -= math.copysign(min(abs(excess), max(room[j], 0.0)), excess)
    out = steps * grid
    if loss in ("logistic", "hinge"):
        out = np.where(-out * y < 0.0, 0.0, out)
    return out


def on_simplex(nu: Array, labels: Array) -> Array:
    """nu (N, K), each row about `p - e_label` of a distribution p, on a dyadic grid on which it is exactly that."""
    grid, rows = 2.0**-50, np.arange(len(nu))
    p = np.floor(np.clip(nu, 0.0, 1.0) / grid)
    p[rows, labels] = 0.0
    # Masses that rounding took beyond 1 are brought back.
    p = np.floor(p / np.maximum(1.0, p.sum(axis=1, keepdims=True) * grid))
    p[rows, labels] = -p.sum(axis=1)
    return p * grid
