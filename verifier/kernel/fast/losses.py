"""Losses and their convex conjugates, bounded over boxes of predictions: fast evaluation.

`upper`/`lower` take a box [a, b] of predictions per sample and output, shape (N, K), and return one bound per sample, shape (N,).
All losses are convex, so their maximum over a box sits at a corner, and that corner is known in closed form.
Logistic and cross-entropy are enclosed by `exponentials.py`, conjugates by Arb balls; no exp or log comes from numpy.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from verifier.kernel.fast.balls import INFLATE, TINY, down, finite, sum_lower, sum_upper, up
from verifier.kernel.fast.balls import lower as ball_lower
from verifier.kernel.fast.balls import upper as ball_upper
from verifier.kernel.fast.blocks import mass
from verifier.kernel.fast.exponentials import log1p_sum_exp
from verifier.kernel.statements import Objective, require

Array = np.ndarray


def arb_upper(x: arb) -> float:
    """A float at or above the whole ball. The conversion rounds to nearest, so it moves one float up."""
    return up(float(x.upper()))


def arb_lower(x: arb) -> float:
    return down(float(x.lower()))


def _residuals(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
    """Largest (rounded up) and smallest (rounded down) |f - y| for f in [a, b]."""
    far = finite(np.maximum(np.abs(a - y), np.abs(b - y)) * INFLATE + TINY)
    near = np.maximum(np.maximum(a - y, y - b), 0.0) / INFLATE
    return far, np.maximum(near - TINY, 0.0)


def _huber(r: Array, delta: float) -> Array:
    """Huber's loss of |residual| r, in plain float64; both branches agree at delta."""
    return np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta))


def upper(o: Objective, a: Array, b: Array, y: Array) -> Array:
    """(N,) bounds at or above the loss anywhere in the box."""
    if o.loss == "logistic":
        return ball_upper(log1p_sum_exp(-_margins(a, b, y)[0][:, None]))
    if o.loss == "cross_entropy":
        return ball_upper(log1p_sum_exp(_exponents(b, a, y, np.inf)))
    if o.loss == "hinge":
        return np.maximum(np.nextafter(1.0 - _margins(a, b, y)[0], np.inf), 0.0)
    far = _residuals(a, b, y)[0]
    if o.loss == "squared":
        each = far * far
    elif o.loss == "huber":
        assert o.delta is not None  # guaranteed by `validate`; only for the type checker
        each = _huber(far, o.delta)
    else:
        require(o.loss == "absolute", f"no enclosure for loss {o.loss!r}")
        each = far
    return finite(each.sum(axis=1) * INFLATE + TINY)


def lower(o: Objective, a: Array, b: Array, y: Array) -> Array:
    """(N,) bounds at or below the loss everywhere in the box."""
    if o.loss == "logistic":
        return np.maximum(ball_lower(log1p_sum_exp(-_margins(a, b, y)[1][:, None])), 0.0)
    if o.loss == "cross_entropy":
        return np.maximum(ball_lower(log1p_sum_exp(_exponents(a, b, y, -np.inf))), 0.0)
    if o.loss == "hinge":
        return np.maximum(np.nextafter(1.0 - _margins(a, b, y)[1], -np.inf), 0.0)
    near = _residuals(a, b, y)[1]
    if o.loss == "squared":
        each = near * near
    elif o.loss == "huber":
        assert o.delta is not None  # guaranteed by `validate`; only for the type checker
        each = _huber(near, o.delta)
    else:
        require(o.loss == "absolute", f"no enclosure for loss {o.loss!r}")
        each = near
    return np.maximum(each.sum(axis=1) / INFLATE - TINY, 0.0)


def _margins(a: Array, b: Array, y: Array) -> tuple[Array, Array]:
    """Smallest and largest y f for f in [a, b], y = +1 or -1; exact. Shapes (N,)."""
    positive = y[:, 0] > 0.0
    return np.where(positive, a[:, 0], -b[:, 0]), np.where(positive, b[:, 0], -a[:, 0])


def _exponents(others: Array, own: Array, y: Array, direction: float) -> Array:
    """Per sample the differences `others_k - own_y`, k != y, each rounded towards `direction`; (N, K - 1)."""
    N, K = others.shape
    gaps = finite(np.nextafter(others - own[np.arange(N), y][:, None], direction))
    keep = np.ones((N, K), dtype=bool)
    keep[np.arange(N), y] = False
    return gaps[keep].reshape(N, K - 1)


def _negative_entropy(p: arb) -> arb:
    """p log p, and 0 at exactly 0."""
    return arb(0) if p == 0 else p * p.log()


def conjugate_mean_upper(o: Objective, nu: Array, y: Array, weights: Array | None = None) -> float:
    """A float at or above the mean of `loss_j^*(nu_j)` over samples, weighted by `weights`; rejects duals outside the conjugate's domain, exactly.

    nu: (N, K). Conjugates: docs/mathematics.md, section 5.
    """
    shares = [arb(1)] * len(nu) if weights is None else [arb(w) for w in weights.tolist()]
    whole, total = sum(shares, arb(0)), arb(0)
    if o.loss == "cross_entropy":
        for share, row, label in zip(shares, nu.tolist(), y.tolist(), strict=True):
            require(math.fsum(row) == 0.0, "a dual row of cross-entropy does not sum to 0")
            for k, v in enumerate(row):
                p = arb(v) + 1 if k == label else arb(v)
                require(bool(p >= 0), "a dual row of cross-entropy leaves the simplex")
                total += share * _negative_entropy(p)
        return up(arb_upper(total / whole))
    for share, row, target in zip(shares, nu.tolist(), y.tolist(), strict=True):
        for v, t in zip(row, target):
            if o.loss in ("logistic", "hinge"):
                a = -v * t  # exact: t is +1 or -1
                require(0.0 <= a <= 1.0, f"a dual of {o.loss} leaves [0, 1]")
                each = -arb(a) if o.loss == "hinge" else _negative_entropy(arb(a)) + _negative_entropy(1 - arb(a))
            elif o.loss == "squared":
                each = arb(v) * arb(v) / 4 + arb(v) * arb(t)
            elif o.loss == "huber":
                assert o.delta is not None  # guaranteed by `validate`; only for the type checker
                require(abs(v) <= o.delta, "a dual of Huber's loss exceeds delta")
                each = arb(v) * arb(v) / 2 + arb(v) * arb(t)
            else:
                require(o.loss == "absolute" and abs(v) <= 1.0, "a dual of the absolute loss exceeds 1")
                each = arb(v) * arb(t)
            total += share * each
    return arb_upper(total / whole)


def mean_upper(values: Array, weights: Array | None = None) -> float:
    """Upper bound of the mean, weighted by `weights`, of non-negative numbers bounded above by `values`."""
    if weights is None:
        return up(up(math.fsum(values.tolist())) / values.size)
    return up(sum_upper((np.nextafter(values * weights, np.inf)).tolist()) / mass(weights)[0])


def mean_lower(values: Array, weights: Array | None = None) -> float:
    """Lower bound of the mean of non-negative numbers bounded below by the non-negative `values`."""
    if weights is None:
        return down(sum_lower(values.tolist()) / values.size)
    return down(sum_lower(np.maximum(np.nextafter(values * weights, -np.inf), 0.0).tolist()) / mass(weights)[1])
