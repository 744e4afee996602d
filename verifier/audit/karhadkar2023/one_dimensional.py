"""Theorem 10 and Lemma 11: one-dimensional inputs with a bias, shares of regions as exact rationals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import combinations
from math import ceil, comb, log

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.karhadkar2023.shares import surjections

PAPER = "karhadkar2023"


@cache
def deficient_sets(n: int) -> list[int]:
    """For k = 0..2n the number of sets of k step vectors on n distinct inputs (x_j, 1) whose Jacobian lacks rank n; exact.

    Coefficients c with sum_j c_j a_j (x_j, 1) = 0 for all rows a have prefix sums S of c_j (x_j, 1) that are 0 where a row ends, and the total T where one
    begins. The rank is n where c = 0 is the only one: no more than two neighbouring samples without a cut between them, and T = 0, which follows from the row
    of ones, from a cut where one row ends and another begins, or from two samples between cuts alone with S changing from 0 to T or back: T is then
    parallel to both (x_j, 1).
    """
    ends: Counter[tuple[int, bool]] = Counter()
    # (rows, samples since the last cut, S there is T, T = 0 for certain, single samples with a change)
    states = Counter({(0, 1, False, False, 0): 1, (1, 1, False, True, 0): 1})
    for _ in range(n - 1):
        after: Counter[tuple[int, int, bool, bool, int]] = Counter()
        for (rows, length, total, zero, singles), number in states.items():
            if length < 2:
                after[rows, length + 1, total, zero, singles] += number
            for new in (False, True):
                after[rows + 1, 1, new, zero, min(2, singles + (length == 1 and new != total))] += number
            after[rows + 2, 1, False, True, 0] += number
        states = after
    for (rows, length, total, zero, singles), number in states.items():
        ends[rows, zero or singles + (length == 1 and not total) >= 2] += number
    # The row of zeros makes no difference.
    full = [ends[k, True] + ends[k - 1, True] for k in range(2 * n + 1)]
    return [comb(2 * n, k) - full[k] for k in range(2 * n + 1)]


def deficient_share(sets: list[int], d1: int) -> Fraction:
    """Share of the (2n)^d1 regions without full rank: the rank depends on the set of rows alone."""
    total = sum(number * surjections(d1, k) for k, number in enumerate(sets))
    return Fraction(total, (len(sets) - 1) ** d1)


def _theorem10(instance: Instance) -> Trial:
    x, epsilon = instance.values["x"], instance.values["epsilon"]
    n = len(x)
    d1 = max(1, ceil(2 * n * log(n / epsilon)))
    share = float(deficient_share(deficient_sets(n), d1))
    return compared(share, epsilon, met=len(set(x.tolist())) == n, text=f"n = {n}, d1 = {d1}")


def _lines(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 11 if k % 2 else 5))
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
        "At d1 = ceil(2 n log(n/eps)) the exact share of regions whose Jacobian lacks rank n, counted over sets of step vectors, is at most eps; n <= 10.",
        Word.HOLDS, _lines, _theorem10, hypotheses=("distinct inputs", "d1 >= 2 n log(n/eps)"),
    ),
    Statement(
        "lemma11", PAPER, "Lemma 11", "if d >= (1/delta) log(n/eps) then [n] is in {C_1, ..., C_d} with probability at least 1 - eps",
        "The exact probability that one of n coupons is missing after d = ceil(log(n/eps) / delta) draws is at most eps.",
        Word.HOLDS, _coupons, _lemma11, hypotheses=("P(C_1 = j) >= delta > 0 for j in [n]",),
    ),
]  # fmt: skip
