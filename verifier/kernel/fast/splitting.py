"""Matrix products to about 80 bits by error-free splitting (Ozaki, Ogita, Oishi, Rump 2012; docs/mathematics.md, section 6).

Leading parts A1 of A and B1, B2 of B are so short that A1 B1 and A1 B2 are exact in float64, in any order of summation, with or without FMA. Only the
rest, some 2^-29 of the whole, is computed with rounding errors. Numbers are unevaluated sums of two floats.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.balls import INFLATE, Array, U, finite, norms_above
from verifier.kernel.statements import require

Terms = list[tuple[Array, Array]]


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b = s + e exactly, s the rounded sum (Knuth 1969), unless it overflows."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def _halves(x: Array) -> tuple[Array, Array]:
    """x = y + z exactly, both of at most 26 bits (Veltkamp)."""
    c = x * (2.0**27 + 1.0)
    y = c - (c - x)
    return y, x - y


def two_product(a: float, x: Array) -> tuple[Array, Array]:
    """a x = p + e exactly (Dekker 1971), up to 2^-1070 where it underflows; |a| <= 1."""
    require(bool((np.abs(x) <= 2.0**990).all()), "overflow in the fast evaluation")
    p, (a1, a2), (x1, x2) = a * x, _halves(np.array(a)), _halves(x)
    return p, ((a1 * x1 - p) + a1 * x2 + a2 * x1) + a2 * x2


def leading(x: Array, bits: int) -> Array:
    """Each row rounded to multiples of 2^(e - bits), 2^e a power of two above its magnitudes; x less it is exact in float64."""
    e = np.frexp(np.abs(x).max(axis=1))[1]
    shift = np.ldexp(1.5, e - bits + 52)[:, None]
    return finite(x + shift) - shift


class Split:
    """W (p, n) in three parts, by rows: the first two are exact against `bits` bits of the other factor in sums of n terms."""

    def __init__(self, W: Array, b: Array | None) -> None:
        n = W.shape[1]
        room = 53 - (n - 1).bit_length()
        self.bits, self.W = room - room // 3, W
        self.b, self.one = np.zeros(len(W)) if b is None else b, float(b is not None)  # a bias reads a 1
        self.first = leading(W, room // 3)
        self.second = leading(W - self.first, room // 3)
        self.third = W - self.first - self.second
        gamma = (n + 8) * U * INFLATE
        self.errors = gamma * norms_above(self.third), gamma * norms_above(W)
        exact = np.column_stack([np.abs(self.first) + np.abs(self.second), self.b])
        self.last_bits = 8.0 * U * U * INFLATE * norms_above(exact)


def split_affine(high: Array, low: Array, B: Split) -> tuple[Array, Array, Terms]:
    """mid + low encloses (high + low) W^T + b: entry (j, i) is off by at most the sum of per_sample[j] per_neuron[i] over the terms."""
    lead = leading(high, B.bits)
    rest = (high - lead) + low
    s, e = two_sum(lead @ B.first.T, lead @ B.second.T)
    s, f = two_sum(s, np.broadcast_to(B.b, s.shape))
    mid, low = two_sum(s, (lead @ B.third.T + rest @ B.W.T) + (e + f))
    size = norms_above(lead)
    whole = norms_above(np.column_stack([size, np.full_like(size, B.one)]))
    return mid, low, [(size, B.errors[0]), (norms_above(rest), B.errors[1]), (whole, B.last_bits)]
