"""Exact arithmetic of the fast evaluation where balls cannot decide: signs, parallel inputs, and equations that duals must meet with equality.

Stored floats are dyadic rationals. Rows whose positive multiples will do (hyperplanes, points of cones) become integer rows, which Python
multiplies exactly.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb, fmpq, fmpq_mat

from verifier.kernel.statements import Objective, require

Array = np.ndarray
Row = tuple[int, ...]
ZERO = fmpq(0)


def integer_row(row: list[float]) -> Row:
    """The shortest integer vector that is a positive multiple of the row; zeros for a zero row."""
    ratios = [v.as_integer_ratio() for v in row]
    common = max(q for _, q in ratios)  # powers of two
    whole = [p * (common // q) for p, q in ratios]
    shared = math.gcd(*whole)
    return tuple(v // shared for v in whole) if shared else tuple(whole)


def integer_rows(M: Array) -> list[Row]:
    return [integer_row(row) for row in M.tolist()]


def dot(u: Row, v: Row) -> int:
    return sum(a * b for a, b in zip(u, v))


def line_of(row: Row) -> Row:
    """The same for parallel rows, whichever way they point: the first entry that is not 0 is positive."""
    lead = next((v for v in row if v), 0)
    return row if lead >= 0 else tuple(-v for v in row)


def fraction(x: float) -> fmpq:
    return fmpq(*x.as_integer_ratio())


def is_combination(target: Row, rows: list[Row]) -> bool:
    """Whether the linearly independent `rows` give `target` with non-negative coefficients."""
    s = len(rows)
    if s == 0:
        return not any(target)
    reduced, rank = fmpq_mat(len(target), s + 1, [fmpq(v) for line in zip(*rows, target) for v in line]).rref()
    if rank != s or any(reduced[k, k] != 1 for k in range(s)):
        return False  # dependent rows, or a target outside their span
    return all(reduced[k, s] >= 0 for k in range(s))


def solve_basis(equations: list[list[fmpq]], right: list[fmpq], values: list[fmpq], basis: list[int]) -> list[fmpq]:
    """The values with the entries `basis` replaced by the one solution of all `equations` (rows over all values); rejects if there is none, or more."""
    require(len(set(basis)) == len(basis), "a basis names an entry twice")
    require(all(0 <= k < len(values) for k in basis), "a basis names an entry that is not there")
    chosen, s = set(basis), len(basis)
    rest = [(k, v) for k, v in enumerate(values) if k not in chosen and v != 0]
    table = []
    for row, b in zip(equations, right):
        for k, v in rest:
            if row[k] != 0:
                b = b - row[k] * v
        table += [*(row[k] for k in basis), b]
    if not equations:
        require(s == 0, "a basis without equations")
        return list(values)
    reduced, rank = fmpq_mat(len(equations), s + 1, table).rref()
    # Pivots in the first s columns and nowhere else: one solution. A pivot in the last column: none.
    require(
        rank == s and all(reduced[k, k] == 1 for k in range(s)),
        "the equations have no solution in this basis, or more than one",
    )
    out = list(values)
    for k, index in enumerate(basis):
        out[index] = reduced[k, s]
    return out


def _entropy(p: fmpq) -> arb:
    """p log p, and 0 at 0."""
    return arb(0) if p == 0 else arb(p) * arb(p).log()


def conjugate_sum(o: Objective, nu: list[fmpq], y: list[float]) -> arb:
    """Ball containing `sum_j loss_j^*(nu_j)` for one output (docs/mathematics.md, section 5); rejects duals outside the conjugate's domain."""
    total = arb(0)
    for v, target in zip(nu, map(fraction, y)):
        if o.loss in ("logistic", "hinge"):
            a = -v * target
            require(bool(a >= 0) and bool(a <= 1), f"a dual of {o.loss} leaves [0, 1]")
            total += -arb(a) if o.loss == "hinge" else _entropy(a) + _entropy(1 - a)
        elif o.loss == "squared":
            total += arb(v * v / 4 + v * target)
        elif o.loss == "huber":
            assert o.delta is not None  # guaranteed by `validate`; only for the type checker
            require(bool(abs(v) <= fraction(o.delta)), "a dual of Huber's loss exceeds delta")
            total += arb(v * v / 2 + v * target)
        else:
            require(o.loss == "absolute" and bool(abs(v) <= 1), "a dual of the absolute loss exceeds 1")
            total += arb(v * target)
    return total


def simplex_sum(rows: list[list[fmpq]], labels: list[int]) -> arb:
    """Ball containing the sum of cross-entropy's conjugates, each row `p - e_label` with p a distribution; rejects others."""
    total = arb(0)
    for row, label in zip(rows, labels):
        p = [v + (k == label) for k, v in enumerate(row)]
        require(all(v >= 0 for v in p) and sum(p, ZERO) == 1, "a dual row of cross-entropy leaves the simplex")
        total += sum((_entropy(v) for v in p), arb(0))
    return total
