"""Statistics against brute force on small samples, and their properties."""

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.sweep.statistics import (
    bootstrap,
    cliffs_delta,
    compare,
    mann_whitney,
    mean_up,
    permutation_max,
    shares_networks,
    weighted_mean,
    weighted_median,
)

values = st.lists(st.sampled_from([0.0, 1e-9, 0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=7).map(np.array)


def splits(pooled, n):
    """Every way to give n of the pooled values to x."""
    for chosen in combinations(range(len(pooled)), n):
        rest = [k for k in range(len(pooled)) if k not in chosen]
        yield pooled[list(chosen)], pooled[rest]


def brute_U(x, y):
    above = np.subtract.outer(x, y)
    return float((above > 0).sum() + 0.5 * (above == 0).sum())


@given(st.permutations([0.1, 0.2, 0.35, 0.7, 1.1, 1.3, 2.0, 2.9]), st.integers(2, 6))
def test_mann_whitney_without_ties_is_the_exact_two_sided_test(pooled, n):
    pooled = np.array(pooled)
    x, y = pooled[:n], pooled[n:]
    U, p = mann_whitney(x, y)
    assert brute_U(x, y) == U
    far = max(U, n * len(y) - U)
    every = [brute_U(a, b) for a, b in splits(pooled, n)]
    assert p == pytest.approx(min(1.0, 2 * np.mean([u >= far for u in every])))


def test_mann_whitney_with_ties_is_near_the_permutation_test():
    x, y = np.array([0, 0, 0, 1e-4, 2e-4, 0, 3e-4, 0]), np.array([0, 1e-3, 2e-3, 1e-4, 4e-3, 0, 5e-3, 6e-3])
    U, p = mann_whitney(x, y)
    assert brute_U(x, y) == U
    centre = 32
    every = [abs(brute_U(a, b) - centre) for a, b in splits(np.concatenate([x, y]), 8)]
    assert p == pytest.approx(np.mean([u >= abs(U - centre) for u in every]), abs=0.03)


def test_all_gaps_equal_decides_nothing():
    c = compare(np.zeros(5), np.zeros(7), independent=True, permutations=99)
    assert (c.U, c.p_U, c.cliffs_delta, c.p_max) == (17.5, 1.0, 0.0, 1.0)


@given(values, values)
def test_cliffs_delta(x, y):
    d = cliffs_delta(x, y)
    assert d == sum(np.sign(a - b) for a in x for b in y) / (len(x) * len(y))
    assert d == -cliffs_delta(y, x)
    assert mann_whitney(x, y)[0] == pytest.approx(len(x) * len(y) * (1 + d) / 2)


@given(values, values)
def test_permutation_p_is_near_the_exact_one_and_never_zero(x, y):
    n = 400
    p, share = permutation_max(x, y, permutations=n, seed=1)
    assert 0 < p <= 1
    if min(len(x), len(y)) < 2:
        assert p == 1.0, "one value decides nothing"
        return
    exact = np.mean([b.max() - a.max() >= y.max() - x.max() for a, b in splits(np.concatenate([x, y]), len(x))])
    if math.comb(len(x) + len(y), len(x)) <= n:
        assert p == pytest.approx(exact), "all labellings are counted where they are no more than asked for"
        assert share == pytest.approx(p)
    else:
        k = p * (n + 1) - 1
        assert k == pytest.approx(round(k))
        assert share == pytest.approx(k / n)
        assert abs(p - exact) <= 6 * np.sqrt(exact * (1 - exact) / n) + 2 / n


def test_permutation_p_of_a_clear_case():
    """The five largest of ten values on one side: no other of the 252 labellings puts the maxima as far apart."""
    assert permutation_max(np.arange(5.0), np.arange(5.0, 10.0), permutations=9999)[0] == pytest.approx(
        1 / 252, abs=3e-3
    )
    assert permutation_max(np.zeros(200), np.r_[np.zeros(199), 1.0], permutations=999)[0] == pytest.approx(
        0.5, abs=0.08
    )
    assert permutation_max(np.full(60, 0.1), np.full(3, 5.0), permutations=999) == (1 / 1000, 0.0)


@given(
    st.lists(st.tuples(st.floats(-5, 5), st.integers(0, 4)), min_size=1, max_size=9).filter(
        lambda v: any(w for _, w in v)
    )
)
def test_weights_repeat_values(pairs):
    v, w = np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])
    repeated = np.repeat(v, w)
    assert weighted_median(v, w) == pytest.approx(np.median(repeated), abs=1e-12)
    assert weighted_mean(v, w) == pytest.approx(repeated.mean(), abs=1e-12)


def quantiles(found):
    return np.quantile(found, [0.025, 0.975])


def test_disjoint_pairs_are_resampled_themselves():
    gaps, pairs = np.array([0.0, 1.0, 5.0, 7.0]), [(0, 1), (2, 3), (4, 5), (6, 7)]
    every = [np.mean(gaps[list(k)]) for k in product(range(4), repeat=4)]
    found = bootstrap(gaps, pairs, weighted_mean, resamples=20_000)
    assert not found.networks
    assert (found.lower, found.upper) == pytest.approx(quantiles(every), abs=0.26)


def test_networks_are_resampled_where_pairs_share_them():
    """Against all 4^4 draws of networks; pairs count as often as both their networks were drawn together."""
    pairs = [(0, 1), (1, 2), (0, 2), (2, 3)]
    gaps = np.array([0.0, 1.0, 5.0, 7.0])
    every = []
    for drawn in product(range(4), repeat=4):
        repeated = [g for g, (i, j) in zip(gaps, pairs) for _ in range(drawn.count(i) * drawn.count(j))]
        if repeated:
            every.append(np.mean(repeated))
    found = bootstrap(gaps, pairs, weighted_mean, resamples=20_000)
    assert found.networks
    assert (found.lower, found.upper) == pytest.approx(quantiles(every), abs=0.26)


def test_sharing_networks_widens_the_interval():
    """Gaps that one network decides: resampling pairs would be far too sure."""
    pairs = [(0, k) for k in range(1, 20)] + [(20, k) for k in range(1, 20)]
    gaps = np.r_[np.zeros(19), np.ones(19)]
    shared = bootstrap(gaps, pairs, weighted_mean)
    alone = bootstrap(gaps, [(2 * k, 2 * k + 1) for k in range(38)], weighted_mean)
    assert shared.upper - shared.lower > 2 * (alone.upper - alone.lower)


@given(st.lists(st.floats(0, 1e3), min_size=2, max_size=8), st.integers(0, 3))
def test_intervals_lie_within_the_data(gaps, seed):
    gaps = np.array(gaps)
    i = bootstrap(gaps, [(k, k + 1) for k in range(len(gaps))], weighted_median, resamples=50, seed=seed)
    assert gaps.min() <= i.lower <= i.upper <= gaps.max()


def test_one_pair_has_no_interval():
    assert bootstrap(np.array([1.0]), [(0, 1)], weighted_mean) is None


@given(st.lists(st.floats(0, 1e300), min_size=1, max_size=20))
def test_mean_of_bounds_is_rounded_up(bounds):
    exact = sum(map(Fraction, bounds)) / len(bounds)
    assert Fraction(mean_up(bounds)) >= exact
    assert (mean_up(bounds) == 0) == (exact == 0)


def test_sharing():
    assert not shares_networks([(0, 1), (2, 3)])
    assert shares_networks([(0, 1), (1, 3)])
