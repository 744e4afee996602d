"""Statistics on gaps of pairs (docs/constructions.md, section 3). Pairs that share networks are not independent: intervals resample networks.

x and y are samples of gaps, shape (n,) and (m,); in comparisons x belongs to the wider networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Interval:
    """Percentile bootstrap interval of the given confidence. networks: whether networks were resampled, or independent pairs."""

    lower: float
    upper: float
    confidence: float
    networks: bool


@dataclass(frozen=True)
class Comparison:
    """Whether the gaps x tend to be smaller than the gaps y.

    U, p_U, p_less: Mann-Whitney statistic of x (pairs with x above y, ties half), two-sided p, and one-sided p (x tends to be smaller).
    cliffs_delta: P(x > y) - P(x < y). p_max: one-sided permutation p for max y - max x, (k + 1) / (permutations + 1); share_max: k / permutations,
    which is no p-value, as it can be 0. independent: no pair shares a network with another.
    """

    U: float
    p_U: float
    p_less: float
    cliffs_delta: float
    p_max: float
    share_max: float
    permutations: int
    independent: bool


def mann_whitney(x: Array, y: Array, *, alternative: str = "two-sided") -> tuple[float, float]:
    """(U, p). alternative: "two-sided", or "less": x tends to be smaller.

    Exact p without ties in small samples, else the normal approximation with ties; all equal: p = 1."""
    from scipy.stats import mannwhitneyu

    if np.ptp(np.concatenate([x, y])) == 0:
        return len(x) * len(y) / 2, 1.0
    found = mannwhitneyu(x, y, alternative=alternative)
    return float(found.statistic), float(found.pvalue)


def cliffs_delta(x: Array, y: Array) -> float:
    """(#{x > y} - #{x < y}) / (n m), in [-1, 1]."""
    ordered = np.sort(y)
    above = np.searchsorted(ordered, x, side="left").sum()
    below = len(x) * len(y) - np.searchsorted(ordered, x, side="right").sum()
    return float(above - below) / (len(x) * len(y))


def permutation_max(x: Array, y: Array, *, permutations: int = 9999, seed: int = 0) -> tuple[float, float]:
    """(p, share): one-sided p that max y - max x is as large as seen when labels mean nothing, (k + 1) / (permutations + 1), never 0; and k / permutations.

    Each permutation gives the labels of x to n of the n + m values at random; k counts those at least as large. Where there are no more
    labellings than permutations, all are counted, both are exact and the same (scipy.stats.permutation_test). One value on a side decides nothing: 1.
    """
    from scipy.stats import permutation_test

    if min(len(x), len(y)) < 2:
        return 1.0, 1.0
    larger = lambda y, x, axis: y.max(axis=axis) - x.max(axis=axis)
    found = permutation_test(
        (y, x),
        larger,
        vectorized=True,
        n_resamples=permutations,
        alternative="greater",
        rng=np.random.default_rng(seed),
    )
    # As scipy compares: a difference within rounding of the one seen counts as equal to it.
    share = np.mean(found.null_distribution >= found.statistic - 1e-14 * abs(found.statistic))
    return float(found.pvalue), float(share)


def compare(x: Array, y: Array, *, independent: bool, permutations: int = 9999, seed: int = 0) -> Comparison:
    (U, p), (_, less) = mann_whitney(x, y), mann_whitney(x, y, alternative="less")
    p_max, share = permutation_max(x, y, permutations=permutations, seed=seed)
    return Comparison(U, p, less, cliffs_delta(x, y), p_max, share, permutations, independent)


def shares_networks(pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether a network is part of two pairs."""
    names = [n for pair in pairs for n in pair]
    return len(set(names)) < len(names)


def weighted_mean(values: Array, weights: Array) -> float:
    """values, weights (n,); weights are counts, not all 0."""
    return float(values @ weights / weights.sum())


def weighted_median(values: Array, weights: Array) -> float:
    """The median of the sample in which each value is repeated as often as its weight says."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    total = int(reached[-1])
    low = values[order][np.searchsorted(reached, (total + 1) // 2)]
    high = values[order][np.searchsorted(reached, total // 2 + 1)]
    return float(low + (high - low) / 2)


def bootstrap(
    values: Array,
    pairs: Sequence[tuple[int, int]],
    statistic: Callable[[Array, Array], float],
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval | None:
    """Percentile interval of a statistic of (values, weights); None for fewer than two pairs.

    Where pairs share networks, networks are drawn with replacement and the pair (i, j) counts as often as i was drawn times j was
    drawn (the pigeonhole bootstrap); draws without any pair are repeated. Disjoint pairs are drawn themselves.
    """
    if len(values) < 2:
        return None
    shared = shares_networks(pairs)
    rng = np.random.default_rng(seed)
    names = {n: k for k, n in enumerate(dict.fromkeys(n for pair in pairs for n in pair))}
    first, second = (np.array([names[pair[side]] for pair in pairs]) for side in (0, 1))
    units = len(names) if shared else len(values)
    found: list[float] = []
    for _ in range(100 * resamples):
        drawn = np.bincount(rng.integers(units, size=units), minlength=units)
        weights = drawn[first] * drawn[second] if shared else drawn
        if weights.any():
            found.append(statistic(values, weights))
            if len(found) == resamples:
                break
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(found, [tail, 1 - tail])
    return Interval(float(lower), float(upper), confidence, shared)


def mean_down(values: Sequence[float]) -> float:
    """The mean of lower bounds that are at least 0, rounded down, so that it is a lower bound of the mean."""
    if not any(values):
        return 0.0
    total = math.nextafter(math.fsum(values), 0.0)
    return math.nextafter(total / len(values), 0.0)


def mean_up(values: Sequence[float]) -> float:
    """The mean of upper bounds, rounded up, so that it is an upper bound of the mean."""
    if not any(values):
        return 0.0
    total = math.nextafter(math.fsum(values), math.inf)
    return math.nextafter(total / len(values), math.inf)
