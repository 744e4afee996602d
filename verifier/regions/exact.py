"""Exact signs and solutions: float64 numbers are dyadic rationals, so rows become integers after scaling by a power of two."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
from flint import fmpq, fmpz_mat

from verifier.errors import UsageError

Array = np.ndarray


def integer_rows(rows: Array) -> Array:
    """Rows (N, n) float64 as coprime Python integers (object array), each row scaled by a positive rational: signs are kept.

    Raises UsageError for numbers that are not finite: products of large inputs and weights overflow.
    """
    rows = np.asarray(rows, dtype=np.float64)
    if not np.isfinite(rows).all():
        j = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise UsageError(
            f"exact signs: expected rows of finite numbers, got {rows[j].tolist()}: inputs and weights of such sizes leave float64 no room; "
            "scale the inputs, or the networks"
        )
    out = np.zeros(rows.shape, dtype=object)
    for j, row in enumerate(rows.tolist()):
        pairs = [value.as_integer_ratio() for value in row]
        top = max((q for _, q in pairs), default=1)
        out[j] = reduced([p * (top // q) for p, q in pairs])
    return out


def reduced(vector: Sequence[int]) -> list[int]:
    """Integers divided by their greatest common divisor; zeros stay."""
    g = gcd(*vector)
    return [v // g for v in vector] if g > 1 else list(vector)


def direction(vector: Sequence[int]) -> tuple[tuple[int, ...], int]:
    """(key, sign): the line through a vector that is not 0, its first entry that is not 0 made positive; sign: of the vector on it."""
    v = reduced(vector)
    sign = 1 if next(x for x in v if x) > 0 else -1
    return tuple(sign * x for x in v), sign


def to_floats(vector: Sequence[int]) -> Array:
    """A vector of integers, scaled by a power of two so that its largest entry is about 1, rounded to float64."""
    top = max((abs(v) for v in vector), default=0)
    shift = top.bit_length()
    return np.array([v / (1 << shift) for v in vector], dtype=np.float64)


def exact_signs(points: Array, rows: Array, integers: Array) -> Array:
    """sign(u . xt_j) as int8 (p, N), exact, for points (p, n) float64, rows (N, n) float64 and the same rows as integers.

    Floats decide wherever the rounding error allows; the rest is computed in integers.
    """
    points = np.asarray(points, dtype=np.float64)
    n = rows.shape[1]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        value = points @ rows.T
        bound = (n + 2) * 2.0**-52 * (np.abs(points) @ np.abs(rows).T) + 1e-290
        sure = (np.abs(value) > bound) & np.isfinite(bound)
    signs = np.where(sure, np.sign(np.where(sure, value, 0.0)), 0.0).astype(np.int8)
    doubtful = np.argwhere(~sure)
    if len(doubtful):
        whole: dict[int, Any] = {}
        for i, j in doubtful.tolist():
            if i not in whole:
                whole[i] = integer_rows(points[i : i + 1])[0].tolist()
            exact = sum(a * b for a, b in zip(whole[i], integers[j].tolist()))
            signs[i, j] = (exact > 0) - (exact < 0)
    return signs


def solve_exactly(columns: Sequence[Sequence[int]], target: Sequence[int]) -> list[Any] | None:
    """Rationals c with sum_k c_k columns_k = target, when the columns are linearly independent and it has a solution; else None."""
    s, n = len(columns), len(target)
    if s == 0:
        return [] if not any(target) else None
    table = fmpz_mat([[*(int(c[i]) for c in columns), int(target[i])] for i in range(n)])
    reduced_table, den, rank = table.rref()
    if rank != s or any(int(reduced_table[k, k]) == 0 for k in range(s)):
        return None
    return [fmpq(int(reduced_table[k, s]), int(den)) for k in range(s)]


def exact_rank(rows: Array) -> int:
    """Rank of an integer matrix (object array)."""
    if rows.size == 0:
        return 0
    return int(fmpz_mat([[int(v) for v in row] for row in rows.tolist()]).rank())


def null_space(columns: Sequence[Sequence[int]]) -> list[list[int]]:
    """Basis of the integer vectors c with sum_k c_k columns_k = 0, each coprime; columns of equal length, at least one."""
    if not columns:
        return []
    table = fmpz_mat([[int(c[i]) for c in columns] for i in range(len(columns[0]))])
    basis, nullity = table.nullspace()
    return [reduced([int(basis[k, l]) for k in range(len(columns))]) for l in range(int(nullity))]
