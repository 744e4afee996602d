"""Shares of singular 0/1 matrices and of rank-deficient activation patterns: exact where they can be enumerated, otherwise with bounds."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import product
from math import comb

import numpy as np
from flint import fmpz_mat

from verifier.regions.experiment import clopper_pearson

Array = np.ndarray
# One-sided risk of a sampled bound: a few thousand of them are looked at in an audit.
RISK = 1e-9


def binary_matrices(rows: int, columns: int) -> Array:
    """All 0/1 matrices (2^(rows columns), rows, columns) int64."""
    bits = np.arange(2 ** (rows * columns))[:, None] >> np.arange(rows * columns) & 1
    return bits.reshape(-1, rows, columns)


def singular(matrices: Array) -> Array:
    """Which integer matrices (p, d, d) are singular, exactly.

    Determinants are integers: an elimination in floats that gives less than 0.5 only proposes, and integers settle. For d <= 24 (determinants below
    2^53) nothing singular is missed; for larger d something could be, which makes the share smaller.
    """
    size = np.abs(np.linalg.det(matrices.astype(np.float64)))
    out = size < 0.5
    for k in np.flatnonzero(out):
        out[k] = fmpz_mat(matrices[k].tolist()).det() == 0
    return out


def bounds(hits: int, trials: int) -> tuple[float, float]:
    """Clopper-Pearson bounds of a probability, each wrong with probability RISK at most."""
    return clopper_pearson(hits, trials, 1 - 2 * RISK)


@cache
def singular_share(d: int) -> tuple[float, float]:
    """(lower, upper) of the share of singular d x d 0/1 matrices: equal for d <= 4, of 40,000 random ones otherwise."""
    if d <= 4:
        share = float(singular(binary_matrices(d, d)).mean())
        return share, share
    matrices = np.random.default_rng(d).integers(0, 2, size=(40_000, d, d))
    return bounds(int(singular(matrices).sum()), len(matrices))


def khatri_rao(pattern: Array, X: Array) -> list[list[int]]:
    """Rows a^(j) kron x^(j), one per sample, for pattern (d1, n) and integer inputs X (n, d0)."""
    return [[int(a) * int(x) for a in pattern[:, j] for x in X[j]] for j in range(len(X))]


def full_rank(pattern: Array, X: Array) -> bool:
    """Whether the n vectors a^(j) kron x^(j) are linearly independent; integers, exact."""
    if not pattern.any(axis=0).all():
        return False
    return int(fmpz_mat(khatri_rao(pattern, X)).rank()) == len(X)


def surjections(d: int, k: int) -> int:
    """Maps of d rows onto k given values."""
    return sum((-1) ** i * comb(k, i) * (k - i) ** d for i in range(k + 1))


@cache
def deficient_row_sets(n: int, d0: int) -> list[int]:
    """For k = 0..2^n - 1 the number of sets of k rows of patterns, none 0, without full rank, n <= 4; exact, on one data set of large random integers.

    Full rank stays when a row is added, so that a rank is taken only where the set without its last row lacks it.
    """
    X = np.random.default_rng([n, d0]).integers(-(10**6), 10**6, size=(n, d0))
    rows = np.array(every_pattern(n)[1:])
    out, full = [0] * (len(rows) + 1), np.zeros(2 ** len(rows), dtype=bool)
    for mask in range(len(full)):
        chosen = [i for i in range(len(rows)) if mask >> i & 1]
        full[mask] = bool(chosen) and (full[mask & (mask - 1)] or full_rank(rows[chosen], X))
        out[len(chosen)] += not full[mask]
    return out


def deficient_share(n: int, d0: int, d1: int, rng: np.random.Generator, samples: int = 100) -> tuple[float, float, str]:
    """(lower, upper, how) of the share of patterns (d1, n) without full rank, for inputs in general position.

    d0 >= n: inputs are independent, so the rank is full unless a column of the pattern is 0: a formula. Otherwise, for n <= 4 and any d1, by counting
    sets of rows; by enumeration up to 2^12 patterns; or by sampling, on one data set of large random integers (an unlucky one could only raise the share).
    """
    if d0 >= n:
        share = float(-np.expm1(n * np.log1p(-(2.0**-d1)))) if d1 < 1000 else 0.0
        return share, share, "1 - (1 - 2^-d1)^n"
    if n <= 4:
        # A pattern's rank depends on which rows it has; a row of zeros adds nothing.
        sets = deficient_row_sets(n, d0)
        bad = sum(number * (surjections(d1, k) + surjections(d1, k + 1)) for k, number in enumerate(sets))
        share = float(Fraction(bad, 2 ** (n * d1)))
        return share, share, "sets of rows, counted"
    X = rng.integers(-(10**6), 10**6, size=(n, d0))
    if n * d1 <= 12:
        patterns = binary_matrices(d1, n)
        share = sum(not full_rank(A, X) for A in patterns) / len(patterns)
        return share, share, "enumeration"
    hits = sum(not full_rank(rng.integers(0, 2, size=(d1, n)), X) for _ in range(samples))
    return *bounds(hits, samples), f"{hits} of {samples} sampled"


def every_pattern(n: int) -> list[tuple[int, ...]]:
    """All 0/1 vectors of length n."""
    return list(product((0, 1), repeat=n))
