"""log(1 + sum_k exp(e_k)) for many samples at once, enclosed with + - * / alone (docs/mathematics.md, section 6).

No function of a mathematical library is trusted: frexp, ldexp and rint, which only look at bits, are all that is called.
"""

from __future__ import annotations

from math import factorial

import numpy as np

from verifier.kernel.fast.balls import INFLATE, Array, Ball, U

# ln 2 = LN2_HIGH + LN2_LOW to 2^-102; LN2_HIGH has 42 bits, so that its products with numbers up to 2^11 are exact.
LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fefa3800p-1"), float.fromhex("0x1.ef35793c76730p-45")
LN2 = float.fromhex("0x1.62e42fefa39efp-1")
PER_LN2 = float.fromhex("0x1.71547652b82fep+0")
TAYLOR = [1.0 / factorial(k) for k in range(14)]
ARTANH = [1.0 / (2 * k + 1) for k in range(11)]
SQRT_HALF = 0.7071067811865476
LEAST = -746.0  # exp of less rounds to 0
DENORMAL = 2.0**-1074


def _horner(coefficients: list[float], x: Array) -> Array:
    p = np.full_like(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        p *= x
        p += c
    return p


def exp(x: Array) -> Array:
    """exp(x) for x <= 0, off by at most 5 U of itself and one denormal number; exactly 1 at 0."""
    x = np.maximum(x, LEAST)
    k = np.rint(x * PER_LN2)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    return np.ldexp(_horner(TAYLOR, r), k.astype(np.intc))


def log1p(s: Array) -> Array:
    """log(1 + s) for s >= 0, off by at most 14 U of itself."""
    m, e = np.frexp(1.0 + s)
    small = m < SQRT_HALF
    m, e = np.where(small, 2.0 * m, m), e - small
    f = np.where(e == 0, s, m - 1.0)
    z = f / (2.0 + f)
    return 2.0 * z * _horner(ARTANH, z * z) + e * LN2


def log1p_sum_exp(exponents: Array) -> Ball:
    """log(1 + sum_k exp(e_k)) of every row of exponents (N, K); (N,)."""
    n = exponents.shape[1]
    top = np.maximum(exponents.max(axis=1), 0.0)
    with np.errstate(over="ignore"):  # -inf is below LEAST, as it should be
        shifted = exponents - top[:, None]
    s = exp(shifted).sum(axis=1)
    # With a largest exponent above 0 the sum holds a 1 for it, and exp(-top) stands for the 1 of the formula.
    value = np.where(top > 0.0, top + log1p(np.maximum(s + exp(-top) - 1.0, 0.0)), log1p(s))
    return Ball(value, (32 + 2.2 * n) * U * value * INFLATE + 2.0 * (n + 1) * DENORMAL)
