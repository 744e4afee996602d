"""Midpoint-radius arithmetic in float64 over plain BLAS: the fast evaluation's only arithmetic (numerics.md).

`Ball(mid, rad)` encloses every real array x with |x - mid| <= rad entrywise. Radii are computed in floating point from
non-negative terms and then blown up by a factor that covers that computation; `TINY` covers underflow, also under
flush-to-zero. Whatever is not finite rejects.

Contract of every function here: if the inputs enclose, the output encloses (`Ball`) or bounds from the named side (`upper`, `lower`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements import Rejected, require

Array = np.ndarray
U = 2.0**-53  # unit roundoff of float64, round to nearest
TINY = 2.0**-1000  # more than any sum of 2^20 underflows of 2^-1022
NORM_TINY = 2.0**-490  # the same under a square root
INFLATE = 1.0 + 2.0**-40  # covers a few thousand roundings of non-negative terms


@dataclass(frozen=True)
class Ball:
    mid: Array
    rad: Array

    def columns(self, index: Array | slice) -> Ball:
        return Ball(self.mid[:, index], self.rad[:, index])


@dataclass(frozen=True)
class Cloud:
    """Every real x (N, n) with |x_j - mid_j - low_j|_2 <= rad_j for each sample j; low, where there is one, continues mid below its last bit."""

    mid: Array
    rad: Array
    low: Array | None = None


def finite(x: Array) -> Array:
    """The array itself; rejects NaN and infinity, which matmul produces silently."""
    if not np.isfinite(x).all():
        raise Rejected("overflow in the fast evaluation")
    return x


def exact(x: Array) -> Ball:
    return Ball(x, np.zeros_like(x))


def upper(x: Ball) -> Array:
    """Entrywise numbers at or above every enclosed value."""
    return np.nextafter(finite(x.mid + x.rad), np.inf)


def lower(x: Ball) -> Array:
    """Entrywise numbers at or below every enclosed value."""
    return np.nextafter(finite(x.mid - x.rad), -np.inf)


def magnitude(x: Ball) -> Array:
    """Entrywise upper bound of the absolute value."""
    return finite((np.abs(x.mid) + x.rad) * INFLATE)


def add(x: Ball, y: Ball) -> Ball:
    m = finite(x.mid + y.mid)
    return Ball(m, finite((x.rad + y.rad + U * np.abs(m)) * INFLATE + TINY))


def subtract(x: Ball, y: Ball) -> Ball:
    return add(x, Ball(-y.mid, y.rad))


def multiply(x: Ball, y: Ball) -> Ball:
    m = finite(x.mid * y.mid)
    return Ball(m, finite((np.abs(x.mid) * y.rad + x.rad * (np.abs(y.mid) + y.rad) + U * np.abs(m)) * INFLATE + TINY))


def between(x: Ball, y: Ball, t: float) -> Ball:
    """The point `x + t (y - x)` of the exact segment, 0 <= t <= 1."""
    if t == 0.0:
        return x
    if t == 1.0:
        return y
    return add(x, multiply(subtract(y, x), exact(np.full_like(x.mid, t))))


def _growth(n: int) -> float:
    """Factor above (1 + gamma_n) that also covers the few operations around an n-term sum."""
    require(n < 2**26, "too many terms in one sum")
    return 1.0 + 4.0 * n * U + 2.0**-40


def upper_product(P: Array, Q: Array) -> Array:
    """Entrywise upper bound of P @ Q for non-negative P (p, n) and Q (n, q)."""
    n = P.shape[1]
    return finite((P @ Q) * _growth(n) + n * TINY)


def matmul(x: Ball, y: Ball) -> Ball:
    """x @ y. |fl(a.b) - a.b| <= gamma_n |a|.|b| in any order of summation, with or without FMA (Higham 2002, section 3.1)."""
    n = x.mid.shape[1]
    gamma = (n + 2) * U * INFLATE
    m = finite(x.mid @ y.mid)
    size, absolute = np.abs(x.mid), np.abs(y.mid)
    # gamma multiplies the product and not one factor: gamma |y| may underflow where |x| is huge.
    r = gamma * upper_product(size, absolute)
    if y.rad.any():
        r = r + upper_product(size, y.rad)
    if x.rad.any():
        r = r + upper_product(x.rad, (absolute + y.rad) * INFLATE)
    return Ball(m, finite(r * INFLATE + n * TINY))


def transpose(x: Ball) -> Ball:
    return Ball(x.mid.T, x.rad.T)


def relu(x: Ball, slope: float) -> Ball:
    """max(x, slope x), 0 <= slope < 1: 1-Lipschitz, and slope-Lipschitz where the whole ball is at or below 0, for slope 0 exactly 0."""
    dead = x.mid <= -x.rad
    if slope == 0.0:
        return Ball(np.maximum(x.mid, 0.0), np.where(dead, 0.0, x.rad))
    left = slope * x.mid
    r = np.where(dead, slope * x.rad, x.rad) + U * np.abs(left)
    return Ball(np.maximum(x.mid, left), np.where(x.mid < 0.0, r * INFLATE + TINY, x.rad))


def row_norms(x: Ball) -> Ball:
    """Euclidean norms of the rows, shape (n,)."""
    n = x.mid.shape[1]
    m = finite(np.sqrt(np.einsum("ij,ij->i", x.mid, x.mid)))
    spread = np.sqrt(np.einsum("ij,ij->i", x.rad, x.rad)) * _growth(n)
    return Ball(m, finite(((n + 4) * U * m + spread) * INFLATE + NORM_TINY))


def norms_above(x: Array) -> Array:
    """Upper bounds of the Euclidean norms of the rows of x (N, n), (N,)."""
    n = x.shape[1]
    with np.errstate(over="ignore"):
        squares = np.einsum("ij,ij->i", x, x)
    if not squares.max() <= 2.0**1000:
        e = int(np.frexp(np.abs(finite(x)).max())[1])
        return finite(np.ldexp(norms_above(np.ldexp(x, -e)), e))
    return np.sqrt(squares) * (1.0 + (n + 4) * U) * INFLATE + NORM_TINY


def norm_above(x: Array) -> float:
    """Of a vector or, as Frobenius norm, of a matrix."""
    rows = x if x.ndim == 1 else norms_above(x)
    return float(norms_above(rows[None, :])[0])


def row_sums_of_magnitudes(x: Ball) -> Ball:
    """l1 norms of the rows, shape (n,)."""
    n = x.mid.shape[1]
    m = finite(np.abs(x.mid).sum(axis=1))
    return Ball(m, finite(((n + 2) * U * m + x.rad.sum(axis=1)) * _growth(n) + n * TINY))


# Scalars: math.fsum is correctly rounded, so one nextafter is a bound.
def sum_upper(values: Iterable[float]) -> float:
    return math.nextafter(math.fsum(values), math.inf)


def sum_lower(values: Iterable[float]) -> float:
    return math.nextafter(math.fsum(values), -math.inf)


def up(x: float) -> float:
    return math.nextafter(x, math.inf)


def down(x: float) -> float:
    return math.nextafter(x, -math.inf)
