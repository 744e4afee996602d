"""Theorem 10 and Lemma 11: one-dimensional inputs with a bias, shares of regions as exact rationals."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations
from math import ceil, comb, log

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.karhadkar2023.counts import step_rows
from verifier.audit.karhadkar2023.shares import full_rank

PAPER = "karhadkar2023"


def surjections(d: int, k: int) -> int:
    """Maps of d rows onto k given values."""
    return sum((-1) ** i * comb(k, i) * (k - i) ** d for i in range(k + 1))


def deficient_sets(x: np.ndarray) -> list[int]:
    """For k = 0..2n the number of sets of k step vectors on inputs (x_j, 1), x (n,) integers, whose Jacobian lacks rank n; exact."""
    rows = sorted(step_rows(len(x)))
    X = np.column_stack([x, np.ones(len(x), dtype=np.int64)])
    out = [1]
    for k in range(1, len(rows) + 1):
        out.append(sum(not full_rank(np.array(chosen), X) for chosen in combinations(rows, k)))
    return out


def deficient_share(sets: list[int], d1: int) -> Fraction:
    """Share of the (2n)^d1 regions without full rank: the rank depends on the set of rows alone."""
    total = sum(number * surjections(d1, k) for k, number in enumerate(sets))
    return Fraction(total, (len(sets) - 1) ** d1)


def _theorem10(instance: Instance) -> Trial:
    x, epsilon = instance.values["x"], instance.values["epsilon"]
    n = len(x)
    d1 = max(1, ceil(2 * n * log(n / epsilon)))
    share = float(deficient_share(deficient_sets(x), d1))
    return compared(share, epsilon, met=len(set(x.tolist())) == n, text=f"n = {n}, d1 = {d1}")


def _lines(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 4)) if k % 40 else 4
        spread = int(rng.choice((n, 10, 10**6)))
        x = np.sort(rng.choice(np.arange(-spread, spread + 1), n, replace=False))
        epsilon = float(rng.choice((0.999, 0.5, 10.0 ** rng.uniform(-4, 0))))
        yield Instance("random", f"n = {n}, epsilon = {epsilon:.3g}", {"x": x, "epsilon": epsilon})


def missing(shares: list[Fraction], d: int) -> Fraction:
    """P([n] not in {C_1, ..., C_d}) with P(C = j) = shares_j, by inclusion and exclusion."""
    total = Fraction(0)
    for k in range(1, len(shares) + 1):
        for chosen in combinations(shares, k):
            total -= (-1) ** k * (1 - sum(chosen)) ** d
    return total


def _lemma11(instance: Instance) -> Trial:
    shares, epsilon = instance.values["shares"], instance.values["epsilon"]
    least = min(shares)
    met = least > 0 and sum(shares) <= 1
    d = max(1, ceil(log(len(shares) / epsilon) / float(least))) if met else 1
    return compared(float(missing(shares, d)), epsilon, met=met, text=f"n = {len(shares)}, delta = {least}, d = {d}")


def _coupons(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 6))
        whole = rng.integers(1, 9, size=n).tolist() if k % 2 else [1] * n
        # What is left over belongs to coupons beyond n; none when k % 3 == 0.
        total = sum(whole) + (0 if k % 3 == 0 else int(rng.integers(1, 20)))
        epsilon = float(rng.choice((0.999, 0.5, 10.0 ** rng.uniform(-5, 0))))
        values = {"shares": [Fraction(w, total) for w in whole], "epsilon": epsilon}
        yield Instance("random", f"n = {n}, epsilon = {epsilon:.3g}", values)


STATEMENTS = [
    Statement(
        "t10", PAPER, "Theorem 10", "in all but at most a fraction eps of non-empty activation regions, grad F is full rank and every differentiable "
        "critical point of L is a global minimum",
        "At d1 = ceil(2 n log(n/eps)) the exact share of regions whose Jacobian lacks rank n, counted over sets of step vectors, is at most eps; n <= 4.",
        Word.HOLDS, _lines, _theorem10, hypotheses=("distinct inputs", "d1 >= 2 n log(n/eps)"),
    ),
    Statement(
        "lemma11", PAPER, "Lemma 11", "if d >= (1/delta) log(n/eps) then [n] is in {C_1, ..., C_d} with probability at least 1 - eps",
        "The exact probability that one of n coupons is missing after d = ceil(log(n/eps) / delta) draws is at most eps.",
        Word.HOLDS, _coupons, _lemma11, hypotheses=("P(C_1 = j) >= delta > 0 for j in [n]",),
    ),
]  # fmt: skip
