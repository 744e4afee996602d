"""What the neurons of the last hidden layer read, without rounding: samples, or features of the layers below (docs/mathematics.md, section 8)."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.kernel.fast.balls import INFLATE, TINY, Ball, U, finite
from verifier.kernel.fast.rational import ZERO, Row, fraction
from verifier.kernel.statements import Problem

ONE = fmpq(1)


def last_inputs(problem: Problem) -> list[list[fmpq]]:
    """xt_j, (N, n), a 1 last where that layer has biases; of A, and of B where it has the same layers below."""
    A, table = problem.A, [[fraction(v) for v in row] for row in problem.X.tolist()]
    for W, b in zip(A.weights[:-2], A.biases[:-2]):
        h, w = fmpq_mat(table), fmpq_mat([[fraction(v) for v in row] for row in W.tolist()])
        moved = [ZERO] * len(W) if b is None else [fraction(v) for v in b.tolist()]
        table = [[max(z + c, ZERO) for z, c in zip(row, moved)] for row in (h * w.transpose()).tolist()]
    return table if A.biases[-2] is None else [[*row, ONE] for row in table]


def whole_row(row: list[fmpq]) -> Row:
    """The shortest integer vector that is a positive multiple of the row; zeros for a zero row."""
    common = math.lcm(*(int(v.q) for v in row))
    whole = [int(v.p) * (common // int(v.q)) for v in row]
    shared = math.gcd(*whole)
    return tuple(v // shared for v in whole) if shared else tuple(whole)


def enclosed(rows: list[list[fmpq]]) -> Ball:
    """Nearest floats, with radii that are 0 where all of them are the numbers themselves."""
    whole = [[Fraction(int(v.p), int(v.q)) for v in row] for row in rows]
    mid = np.array([[float(v) for v in row] for row in whole]).reshape(len(rows), -1)
    same = all(Fraction(m) == v for near, row in zip(mid.tolist(), whole) for m, v in zip(near, row))
    return Ball(mid, np.zeros_like(mid) if same else finite(U * np.abs(mid) * INFLATE + TINY))
