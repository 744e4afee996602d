"""The least of `(1/N) sum_j loss_j + penalty` in a few variables z, where f lies between two linear functions of z: Newton steps that keep the signs of z.

Arrays and numbers only, so that it can be compiled. low, high (V, N): coefficients of both functions, one row per variable; the last variable is the
output bias where there is one, all others are at least 0. rays (R, n), starts (k + 1,): neuron i is `sum of z_r rays_r over starts_i <= r < starts_i+1`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from verifier.landscape.coarse.compiled import compiled

Array = np.ndarray
LOSSES = ("squared", "huber", "logistic")
SQUARED, HUBER, LOGISTIC = range(3)
# Newton steps of one program, and halvings of one step.
STEPS, HALVINGS = 60, 30
# Curvatures up to this are none.
FLAT = 1e-250


class Terms(NamedTuple):
    """What F is made of. y, best (J,): targets, and where each loss is least. loss: a place in LOSSES. rounded: |u| is rounded off below, so that it has
    a gradient at 0, at most 1 long. samples: N, as sums are
    divided by; J may be fewer where the other losses are in a square."""

    y: Array
    best: Array
    loss: int
    delta: float
    kappa: float
    bias_price: float
    output_bias: bool
    rounded: float
    samples: int


class Square(NamedTuple):
    """`z Q z - 2 b z + rest`."""

    Q: Array
    b: Array
    rest: float


@compiled
def loss_values(terms: Terms, f: Array) -> Array:
    """Of predictions (N,) or (T, N)."""
    if terms.loss == SQUARED:
        r = f - terms.y
        return r * r
    if terms.loss == HUBER:
        r = np.abs(f - terms.y)
        return np.where(r <= terms.delta, 0.5 * r * r, terms.delta * (r - 0.5 * terms.delta))
    m = -terms.y * f
    return np.maximum(m, 0.0) + np.log1p(np.exp(-np.abs(m)))


@compiled
def loss_gradient(terms: Terms, f: Array) -> Array:
    if terms.loss == SQUARED:
        return 2.0 * (f - terms.y)
    if terms.loss == HUBER:
        return np.minimum(np.maximum(f - terms.y, -terms.delta), terms.delta)
    m = terms.y * f
    e = np.exp(-np.abs(m))
    return -terms.y * np.where(m >= 0.0, e, 1.0) / (1.0 + e)


@compiled
def loss_curvature(terms: Terms, f: Array, nu: Array) -> Array:
    """Huber's is that of the parabola above it which touches it there, since its tails have none."""
    if terms.loss == SQUARED:
        return 2.0 * np.ones_like(f)
    if terms.loss == HUBER:
        return np.minimum(1.0, np.abs(nu) / np.maximum(np.abs(f - terms.y), 1e-300))
    e = np.exp(-np.abs(f))
    return e / (1.0 + e) ** 2


@compiled
def value_at(terms: Terms, square: Square, low: Array, high: Array, rays: Array, starts: Array, z: Array) -> tuple[float, Array]:  # fmt: skip
    """(F, f)."""
    f = np.minimum(np.maximum(terms.best, z @ low), z @ high)
    value = (loss_values(terms, f).sum() + z @ (square.Q @ z) - 2.0 * (square.b @ z) + square.rest) / terms.samples
    if terms.kappa > 0.0:
        for i in range(len(starts) - 1):
            u = z[starts[i] : starts[i + 1]] @ rays[starts[i] : starts[i + 1]]
            value += terms.kappa * np.sqrt(u @ u + terms.rounded**2)
        if terms.output_bias and terms.bias_price > 0.0:
            value += terms.bias_price * np.sqrt(z[-1] ** 2 + terms.rounded**2)
    return value, f


@compiled
def slope_at(
    terms: Terms, square: Square, low: Array, high: Array, rays: Array, starts: Array, z: Array, f: Array
) -> tuple[Array, Array]:
    """Gradient and Hessian in z."""
    nu = loss_gradient(terms, f)
    rows = np.where(nu > 0.0, low, high)
    bend = np.where(nu != 0.0, loss_curvature(terms, f, nu), 0.0)
    g = (rows @ nu + 2.0 * (square.Q @ z - square.b)) / terms.samples
    H = ((rows * bend) @ rows.T + 2.0 * square.Q) / terms.samples
    if terms.kappa > 0.0:
        for i in range(len(starts) - 1):
            a, b = starts[i], starts[i + 1]
            mine = rays[a:b]
            u = z[a:b] @ mine
            size = np.sqrt(u @ u + terms.rounded**2)
            along = mine @ u
            g[a:b] += terms.kappa * along / size
            H[a:b, a:b] += terms.kappa * (mine @ mine.T / size - np.outer(along, along) / size**3)
        if terms.output_bias and terms.bias_price > 0.0:
            size = np.sqrt(z[-1] ** 2 + terms.rounded**2)
            g[-1] += terms.bias_price * z[-1] / size
            H[-1, -1] += terms.bias_price * terms.rounded**2 / size**3
    return g, H


@compiled
def descend(
    terms: Terms,
    square: Square,
    low: Array,
    high: Array,
    rays: Array,
    starts: Array,
    z: Array,
    steps: int,
    small: float,
) -> tuple[float, Array]:
    """(F, z) after at most so many steps, or when the next one promises no more than this share of F."""
    bounded = np.arange(len(z)) < starts[-1]
    if len(z) == 0:
        steps = 0
    value, f = value_at(terms, square, low, high, rays, starts, z)
    for _ in range(steps):
        g, H = slope_at(terms, square, low, high, rays, starts, z, f)
        step = least_of_model(H, g, z, bounded) - z
        if -(g @ step) <= small * value:
            break
        t, moved = 1.0, False
        for _ in range(HALVINGS):
            to = z + t * step
            to = np.where(bounded, np.maximum(to, 0.0), to)
            after, f_after = value_at(terms, square, low, high, rays, starts, to)
            if after < value:
                moved = True
                z, value, f = to, after, f_after
                break
            t *= 0.5
        if not moved:
            break
    return value, z


@compiled
def no_square(variables: int) -> Square:
    return Square(np.zeros((variables, variables)), np.zeros(variables), 0.0)


@compiled
def least_of_model(H: Array, g: Array, z: Array, bounded: Array) -> Array:
    """The v that minimises `g . (v - z) + (v - z) H (v - z) / 2` with v >= 0 where bounded, from v = z, which is feasible: an active-set method."""
    n = len(g)
    largest = np.diag(H).max()
    # Where losses are flat to the last digit a share of the curvature would underflow.
    H = H + (1e-12 * largest if largest > FLAT else 1.0) * np.eye(n)
    right = H @ z - g
    v = z.copy()
    moving = ~bounded | (z > 0.0)
    for _ in range(8 * n):
        at = np.flatnonzero(moving)
        if len(at) > 0:
            rest = np.where(moving, 0.0, v)
            inner = np.ascontiguousarray(H[at][:, at])
            to = np.linalg.solve(inner, (right - H @ rest)[at])
            low = bounded[at] & (to < 0.0)
            if low.any():
                now = v[at]
                ratios = np.where(low, now / np.where(low, now - to, 1.0), np.inf)
                k = np.argmin(ratios)
                v[at] = now + ratios[k] * (to - now)
                v[at[k]] = 0.0
                moving[at[k]] = False
                continue
            v[at] = to
        falling = np.where(moving, 0.0, H @ v - right)
        k = np.argmin(falling)
        if falling[k] >= -1e-13 * np.abs(right).max():
            break
        moving[k] = True
    return v


@compiled
def heights_on(
    terms: Terms, signs: Array, inputs: Array, u: Array, v: Array, c: float, d: float, times: Array
) -> Array:
    """F (T,) at these points of the segment from neurons u (m, n) and output bias c to v and d."""
    t = np.ascontiguousarray(times).reshape(-1, 1)
    f = (1.0 - t) * c + t * d + np.zeros(len(inputs))
    price = terms.bias_price * np.abs((1.0 - t) * c + t * d)[:, 0]
    for i in range(len(signs)):
        f += signs[i] * np.maximum((1.0 - t) * (inputs @ u[i]) + t * (inputs @ v[i]), 0.0)
        if terms.kappa > 0.0:
            row = (1.0 - t) * u[i] + t * v[i]
            price += terms.kappa * np.sqrt((row * row).sum(axis=1))
    return loss_values(terms, f).sum(axis=1) / len(inputs) + price


def terms_of(loss: str, delta: float | None, kappa: float, bias_price: float, output_bias: bool, y: Array, rounded: float) -> Terms:  # fmt: skip
    """y (N,)."""
    best = y * np.inf if loss == "logistic" else y
    return Terms(
        y, best, LOSSES.index(loss), 1.0 if delta is None else float(delta), float(kappa), float(bias_price), bool(output_bias), float(rounded), len(y)
    )  # fmt: skip
