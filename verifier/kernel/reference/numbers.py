"""Arb balls, for the second evaluation: comparisons that hold only when certain, and the few functions of balls that it needs."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property

import numpy as np
from flint import arb, arb_mat, fmpq, fmpz, fmpz_mat

from verifier.kernel.statements import Rejected

Column = list[arb]
ZERO, ONE = arb(0), arb(1)
# Integers of at most WORD bits are made in a stroke; longer ones, up to MOST_BITS, pay where they meet at least LEAST columns. Sums of fewer than TERMS are
# left to balls.
WORD, MOST_BITS, LEAST, TERMS = 62, 160, 64, 8


# Bits of the balls; the next number is tried where balls overlap. The last holds sums of products of three float64 numbers exactly.
PRECISIONS = (128, 512, 8192)


class Uncertain(Rejected):
    """The balls overlap: neither the comparison nor its contrary is certain."""


def require_certain(condition: object, why: str) -> None:
    """Ball comparisons are True only when they hold for every point of both balls."""
    if condition is not True:
        raise Uncertain(why)


def require_at_most(a: arb, b: arb, why: str) -> None:
    """Reject unless a <= b is certain; as Uncertain unless a > b is."""
    if (a <= b) is True:
        return
    raise Rejected(why) if (a > b) is True else Uncertain(why)


def rounded_down(x: arb) -> float:
    """A float64 at or below every point of the ball; `float` alone rounds to nearest."""
    f = float(x.lower())
    return f if (arb(f) <= x) is True else float(np.nextafter(f, -np.inf))


def rounded_up(x: arb) -> float:
    f = float(x.upper())
    return f if (arb(f) >= x) is True else float(np.nextafter(f, np.inf))


def largest(values: list[arb]) -> arb:
    """A ball containing the maximum."""
    top = values[0]
    for v in values[1:]:
        top = top.max(v)
    return top


def mean(values: list[arb]) -> arb:
    return sum(values, ZERO) / len(values)


def norm(vector: list[arb]) -> arb:
    s = sum((v * v for v in vector), ZERO)
    # A sum of squares of wide balls may reach below 0, where a root is NaN; the number itself does not.
    return s.sqrt() if bool(s >= 0) else ZERO.union(s.abs_upper().sqrt())


def l1_norm(vector: list[arb]) -> arb:
    return sum((abs(v) for v in vector), ZERO)


def positive(x: arb) -> arb:
    return x.max(ZERO)


def signs(values: list[arb]) -> list[int]:
    """1 for a ball that is certainly >= 0, else -1 for one that is certainly <= 0, else 0; NaN compares as uncertain."""
    return [1 if v >= ZERO else -1 if v <= ZERO else 0 for v in values]


def rational(q: Fraction) -> arb:
    return arb(fmpq(q.numerator, q.denominator))


def exact(x: float | Fraction) -> fmpq:
    """The number itself, where arithmetic is many times faster than Fraction's; rejects NaN and infinity."""
    return fmpq(*x.as_integer_ratio())


def plogp(q: fmpq) -> arb:
    return ZERO if q == 0 else arb(q) * arb(q).log()


def ball_matrix(array: np.ndarray) -> arb_mat:
    return arb_mat(array.tolist())


class Floats:
    """A matrix of float64 numbers. Where they spread little, their products are those of integers: exact, and many times faster than those of balls."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        mantissas, exponents = np.frexp(array)
        whole = np.ldexp(mantissas, 53).astype(np.int64)
        used = whole != 0
        # A number is an odd integer times 2 to the power of its last bit.
        last = exponents + np.frexp((whole & -whole).astype(np.float64))[1] - 54
        self.exponent = int(last[used].min()) if used.any() else 0
        self.bits = int(exponents[used].max()) - self.exponent if used.any() else 0

    @cached_property
    def balls(self) -> arb_mat:
        return ball_matrix(self.array)

    @cached_property
    def integers(self) -> fmpz_mat:
        """Times 2^exponent the numbers: `int` and `ldexp` are exact here."""
        scaled = np.ldexp(self.array, -self.exponent)
        small = self.bits <= WORD
        return fmpz_mat(scaled.astype(np.int64).tolist() if small else [list(map(int, row)) for row in scaled.tolist()])

    def times(self, other: Floats) -> arb_mat:
        few = other.array.shape[1] < LEAST and self.bits > WORD
        if max(self.bits, other.bits) > MOST_BITS or few or len(other.array) < TERMS:
            return self.balls * other.balls
        return arb_mat(self.integers * other.integers) * arb((fmpz(1), fmpz(self.exponent + other.exponent)))


def ball_list(array: np.ndarray | None) -> list[arb] | None:
    return None if array is None else [arb(v) for v in array.tolist()]


def ball_rows(W: np.ndarray, b: np.ndarray | None) -> list[list[arb]]:
    return [[arb(v) for v in row] for row in (W if b is None else np.column_stack([W, b])).tolist()]
