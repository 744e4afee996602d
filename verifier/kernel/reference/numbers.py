"""Arb balls, for the second evaluation: comparisons that hold only when certain, and the few functions of balls that it needs."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb, arb_mat, fmpq

from verifier.kernel.statements import Rejected

Column = list[arb]
ZERO, ONE = arb(0), arb(1)


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


def plogp(q: Fraction) -> arb:
    return ZERO if q == 0 else rational(q) * rational(q).log()


def ball_matrix(array: np.ndarray) -> arb_mat:
    return arb_mat(array.tolist())


def ball_list(array: np.ndarray | None) -> list[arb] | None:
    return None if array is None else [arb(v) for v in array.tolist()]


def ball_rows(W: np.ndarray, b: np.ndarray | None) -> list[list[arb]]:
    return [[arb(v) for v in row] for row in (W if b is None else np.column_stack([W, b])).tolist()]
