"""The least relaxed F on a face of cones: a convex program in a few variables.

On the cone of rays g_k a neuron is u = sum_k lambda_k g_k, lambda >= 0, and `a u . xt_j <= relu(u . xt_j) <= sum_k lambda_k relu(g_k . xt_j)` for every
slope a in [0, 1]: f lies between two functions linear in lambda, and the loss is that of the point between them nearest to its least (section 12).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from verifier.landscape.coarse.compiled import compiled
from verifier.landscape.coarse.newton import (
    LOGISTIC,
    LOSSES,
    SQUARED,
    STEPS,
    Square,
    Terms,
    descend,
    loss_gradient,
    no_square,
    terms_of,
)
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Solved

__all__ = ["LOSSES", "Relaxed", "relaxed_minimum", "scaled"]

Array = np.ndarray
# How often slopes are moved in one program.
SLOPES = 10
# |u| is rounded off below this share of the size of data and targets.
ROUND = 1e-9
# Newton steps end when the next one promises no more than this share of F: while slopes move, and before the value counts.
ROUGH, FINE = 1e-7, 1e-14


@dataclass(frozen=True, eq=False)
class Relaxed:
    """value: the least that was met, above the relaxed minimum by little. solved: where, with approximate duals. u (m, n), c, true: a network near it
    and its F."""

    value: float
    solved: Solved
    u: Array
    c: float
    true: float


def relaxed_minimum(s: Narrow, fan: Fan, face: Sequence[Sequence[int]], cut: float) -> Relaxed:
    """The relaxed minimum of F where neuron i is a combination of the rays face[i], none: 0.

    Slopes are improved until the value exceeds `cut`, or a network on the face lies below it, which no slopes can change.
    """
    rays = [g for mine in face for g in mine]
    starts = np.cumsum([0, *(len(mine) for mine in face)])
    n = s.inputs.shape[1]
    dots = np.array([fan.dots[g] for g in rays]).reshape(len(rays), s.N)
    G = np.array([fan.rays[g] for g in rays]).reshape(len(rays), n)
    value, z, slopes, u, nu, pulls, loose, at, true = _solve(
        terms(s), s.sign_column, dots, G, starts, s.inputs, float(cut)
    )
    solved = Solved(u, float(z[-1]) if s.output_bias else 0.0, nu, slopes, pulls, loose)
    near, bias = at[: len(face) * n].reshape(len(face), n), float(at[-1])
    return Relaxed(float(value), solved, near, bias, float(true))


def scaled(s: Narrow, u: Array, c: float) -> tuple[Array, float, float]:
    """(u, c, F): every neuron times a number >= 0, and the output bias, where F is least: a convex problem in a few variables."""
    t = terms(s)
    value, z = _scale(t, s.sign_column, s.inputs, np.ascontiguousarray(u), c)
    return u * z[: len(u), None], float(z[-1]) if s.output_bias else 0.0, float(value)


class _Cones(NamedTuple):
    """signs of the neurons; rays (R, n), those of neuron i from starts[i] on; inputs (N, n); D (R, N): rays' products with the samples that count one by
    one, over: their positive parts; opened (k, N): where a cone lies on both sides of a sample."""

    signs: Array
    rays: Array
    starts: Array
    inputs: Array
    D: Array
    over: Array
    opened: Array


@lru_cache(maxsize=4)
def terms(s: Narrow) -> Terms:
    """F of this problem, for programs."""
    o, y = s.objective, np.ascontiguousarray(s.targets[:, 0])
    size = max(1e-300, float(np.abs(y).max()))
    return terms_of(o.loss.name, o.loss.delta, o.kappa, s.bias_price, s.output_bias, y, ROUND * size)


@compiled
def _scale(t: Terms, signs: Array, inputs: Array, u: Array, c: float) -> tuple[float, Array]:
    """(F, factors and output bias)."""
    k, N = len(u), len(inputs)
    rows = np.ones((k + int(t.output_bias), N))
    for i in range(k):
        rows[i] = signs[i] * np.maximum(inputs @ u[i], 0.0)
    z = np.ones(len(rows))
    if t.output_bias:
        z[-1] = c
    return descend(t, no_square(len(rows)), rows, rows, u, np.arange(k + 1), z, 8, 1e-10)


@compiled
def _solve(
    t: Terms, signs: Array, dots: Array, G: Array, starts: Array, inputs: Array, cut: float
) -> tuple[float, Array, Array, Array, Array, Array, Array, Array, float]:
    """(value, z, slopes (k, N), u (k, n), nu (N,), pulls (k, n), loose (k,), network near with its output bias behind it, its F).

    Lambda are in units in which the products of rays with the inputs have size 1.
    """
    R, N = dots.shape
    k, n = len(starts) - 1, G.shape[1]
    D, rays = dots.copy(), G.copy()
    for r in range(R):
        unit = np.sqrt((dots[r] * dots[r]).mean())
        if unit > 0.0:
            D[r] /= unit
            rays[r] /= unit
    over = np.maximum(D, 0.0)
    size = t.rounded / ROUND
    slopes = np.zeros((k, N))
    opened = np.zeros((k, N), dtype=np.bool_)
    for i in range(k):
        top, least, total = np.zeros(N), np.zeros(N), np.zeros(N)
        for r in range(starts[i], starts[i + 1]):
            top, least, total = np.maximum(top, D[r]), np.minimum(least, D[r]), total + D[r]
        opened[i] = (top > 0.0) & (least < 0.0)
        slopes[i] = np.where(opened[i], total > 0.0, top > 0.0)
    V = R + int(t.output_bias)
    low, high = np.ones((V, N)), np.ones((V, N))
    _bounds_of_relu(signs, starts, slopes, D, over, low, high)
    # Of the squared loss, samples on one side of all cones make one square.
    some = np.zeros(N, dtype=np.bool_) if t.loss == SQUARED else np.ones(N, dtype=np.bool_)
    for i in range(k):
        some |= opened[i]
    at, rest = np.flatnonzero(some), np.flatnonzero(~some)
    fixed, y = np.ascontiguousarray(low[:, rest]), t.y[rest]
    square = Square(fixed @ fixed.T, fixed @ y, y @ y)
    few = Terms(
        t.y[at], t.best[at], t.loss, t.delta, t.kappa, t.bias_price, t.output_bias, t.rounded, t.samples
    )  # fmt: skip
    z = np.zeros(V)
    z[:R] = 1e-3 * size
    if t.output_bias:
        z[-1] = 0.0 if t.loss == LOGISTIC else t.y.mean()
    cones = _Cones(
        signs, rays, starts, inputs, np.ascontiguousarray(D[:, at]), np.ascontiguousarray(over[:, at]), np.ascontiguousarray(opened[:, at])
    )  # fmt: skip
    value, z, lean, near, true = _climb(
        few, t, square, cones, np.ascontiguousarray(slopes[:, at]), np.ascontiguousarray(low[:, at]),
        np.ascontiguousarray(high[:, at]), z, size, cut,
    )  # fmt: skip
    for i in range(k):
        slopes[i][at] = lean[i]
    _bounds_of_relu(signs, starts, slopes, D, over, low, high)
    f = np.minimum(np.maximum(t.best, z @ low), z @ high)
    nu = loss_gradient(t, f)
    u, pulls, loose = np.zeros((k, n)), np.zeros((k, n)), np.zeros(k)
    # Looseness counts where the network at z is wrong: a relaxation that reaches y there pulls at nothing.
    pre, true_f = np.zeros((k, N)), np.zeros(N) + (z[-1] if t.output_bias else 0.0)
    for i in range(k):
        pre[i] = z[starts[i] : starts[i + 1]] @ D[starts[i] : starts[i + 1]]
        true_f += signs[i] * np.maximum(pre[i], 0.0)
    wrong = loss_gradient(t, true_f)
    for i in range(k):
        a, b = starts[i], starts[i + 1]
        if a == b:
            continue
        u[i] = z[a:b] @ rays[a:b]
        if t.kappa > 0.0:
            pulls[i] = -t.kappa * u[i] / np.sqrt(u[i] @ u[i] + t.rounded**2)
        signed = signs[i] * wrong
        above, truth = z[a:b] @ over[a:b], np.maximum(pre[i], 0.0)
        under = truth - slopes[i] * pre[i]
        gap = np.where(signed < 0.0, -signed * (above - truth), signed * (under + 0.05 * (above - truth)))
        # A minimiser on rays alone shows no looseness where the cone has some.
        most, least = np.zeros(N), np.zeros(N)
        for r in range(a, b):
            most, least = np.maximum(most, D[r]), np.maximum(least, -D[r])
        gap += 0.02 * np.abs(wrong) * np.minimum(most, least) * z[a:b].max()
        loose[i] = gap[opened[i]].sum()
    return value, z, slopes, u, nu, pulls, loose, near, true


@compiled
def _bounds_of_relu(signs: Array, starts: Array, slopes: Array, D: Array, over: Array, low: Array, high: Array) -> None:
    """Fill the coefficients of the functions below and above f."""
    for i in range(len(signs)):
        for r in range(starts[i], starts[i + 1]):
            if signs[i] > 0.0:
                low[r], high[r] = slopes[i] * D[r], over[r]
            else:
                low[r], high[r] = -over[r], -slopes[i] * D[r]


@compiled
def _climb(
    t: Terms, whole: Terms, square: Square, cones: _Cones, slopes: Array, low: Array, high: Array, z: Array, size: float, cut: float
) -> tuple[float, Array, Array, Array, float]:  # fmt: skip
    """(value, z, slopes, network near, its F): slopes move to where relu lies at z, by halves where they went too far, while that raises the minimum."""
    signs, rays, starts, inputs, D, over, opened = cones
    k = len(signs)
    reach, way = np.ones(slopes.shape), np.zeros(slopes.shape)
    best, best_z, best_slopes, last = -np.inf, z, slopes.copy(), -np.inf
    near, true, known = np.zeros(k * inputs.shape[1] + 1), np.inf, False
    for turn in range(SLOPES):
        value, z = descend(t, square, low, high, rays, starts, z, STEPS, ROUGH)
        if value >= cut or cut == np.inf or not opened.any():
            value, z = descend(t, square, low, high, rays, starts, z, STEPS, FINE)
        if value > best:
            best, best_z, best_slopes, known = value, z.copy(), slopes.copy(), False
        if value >= cut or not opened.any() or (turn > 2 and value < last + 1e-6 * abs(last)):
            break
        last = best
        if turn >= 1 and cut < np.inf:
            near, true = _near(whole, signs, inputs, rays, starts, z)
            if true <= cut:
                best, best_z, best_slopes, known = value, z.copy(), slopes.copy(), True
                break
        changed = False
        for i in range(k):
            pre = z[starts[i] : starts[i + 1]] @ D[starts[i] : starts[i + 1]]
            tiny = 1e-12 * size
            to = np.where(pre > tiny, 1.0, np.where(pre < -tiny, -1.0, 0.0)) * opened[i]
            to = np.where((to > 0.0) & (slopes[i] >= 1.0) | (to < 0.0) & (slopes[i] <= 0.0), 0.0, to)
            reach[i] = np.where(way[i] * to < 0.0, 0.5 * reach[i], reach[i])
            way[i] = np.where(to != 0.0, to, way[i])
            moved = np.minimum(np.maximum(slopes[i] + to * reach[i], 0.0), 1.0)
            changed = changed or (moved != slopes[i]).any()
            slopes[i] = moved
        if not changed:
            break
        _bounds_of_relu(signs, starts, slopes, D, over, low, high)
    if not known:
        near, true = _near(whole, signs, inputs, rays, starts, best_z)
    return best, best_z, best_slopes, near, true


@compiled
def _near(t: Terms, signs: Array, inputs: Array, rays: Array, starts: Array, z: Array) -> tuple[Array, float]:
    """(u and output bias in one row, F): the neurons at z, scaled where F is least."""
    k, n = len(starts) - 1, rays.shape[1]
    u = np.zeros((k, n))
    for i in range(k):
        u[i] = z[starts[i] : starts[i + 1]] @ rays[starts[i] : starts[i + 1]]
    value, factors = _scale(t, signs, inputs, u, z[-1] if t.output_bias else 0.0)
    out = np.zeros(k * n + 1)
    for i in range(k):
        out[i * n : (i + 1) * n] = factors[i] * u[i]
    if t.output_bias:
        out[-1] = factors[-1]
    return out, value
