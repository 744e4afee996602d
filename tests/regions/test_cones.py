"""Cones of one neuron: counts, patterns against brute force, facets, supports, rays; everything in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

from verifier.errors import DataError, UsageError
from verifier.regions.arrangement import generic_count, make_arrangement
from verifier.regions.cones import enumerate_cones
from verifier.regions.exact import solve_exactly
from verifier.regions.rays import integer_rays, rays


def exact_dot(u, x) -> Fraction:
    return sum((Fraction(a) * Fraction(b) for a, b in zip(u, x)), Fraction(0))


def degenerate(seed: int, N: int, d: int) -> np.ndarray:
    """Small integers, so that duplicates, parallel rows, zeros and dependent triples abound."""
    return np.random.default_rng(seed).integers(-2, 3, size=(N, d)).astype(float)


def realisable(rows: np.ndarray, pattern) -> bool:
    """By a linear program with margin 1, for small integers."""
    signs = 2.0 * np.asarray(pattern) - 1
    keep = rows.any(axis=1)
    if not keep.any():
        return True
    solved = linprog(
        np.zeros(rows.shape[1]), A_ub=-(signs[:, None] * rows)[keep], b_ub=-np.ones(keep.sum()), bounds=(None, None)
    )
    return solved.status == 0


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("bias", [False, True])
def test_counts_equal_proposition_6_in_general_position(d, bias):
    for N in range(1, 13):
        X = np.random.default_rng(100 * d + N).standard_normal((N, d))
        cones = enumerate_cones(make_arrangement(X, bias))
        classes = 1 if d == 1 and not bias else N
        assert len(cones.patterns) == generic_count(classes, d + bias)
        assert len(np.unique(cones.patterns, axis=0)) == len(cones.patterns)


@pytest.mark.parametrize("seed", range(12))
def test_degenerate_data_give_exactly_the_realisable_patterns(seed):
    d = 1 + seed % 3
    X = degenerate(seed, 6, d)
    arrangement = make_arrangement(X, bias=seed % 2 == 1)
    cones = enumerate_cones(arrangement)
    rows = arrangement.inputs
    expected = {p for p in product((0, 1), repeat=6) if realisable(rows, p) and not any(p[j] for j in arrangement.zero)}
    assert {tuple(p) for p in cones.patterns.tolist()} == expected


def test_patterns_come_in_lexicographic_order():
    cones = enumerate_cones(make_arrangement(np.random.default_rng(0).standard_normal((7, 2)), True))
    rows = [tuple(p) for p in cones.patterns.tolist()]
    assert rows == sorted(rows)


@pytest.mark.parametrize("seed", range(8))
def test_interiors_facets_neighbours_and_supports_hold_exactly(seed):
    rng = np.random.default_rng(seed)
    X = degenerate(seed, 7, 1 + seed % 4) if seed % 2 else rng.standard_normal((7, 1 + seed % 4))
    arrangement = make_arrangement(X, bias=True)
    cones = enumerate_cones(arrangement)
    nonzero = np.setdiff1d(np.arange(len(X)), arrangement.zero)
    for i, (pattern, u) in enumerate(zip(cones.patterns, cones.interiors)):
        assert all((2 * pattern[j] - 1) * exact_dot(u, arrangement.inputs[j]) > 0 for j in nonzero)
        for c, k in enumerate(cones.neighbours[i]):
            samples = arrangement.classes[c]
            assert (int(samples[0]) in cones.facets[i]) == (k >= 0)
            if k >= 0:
                assert cones.neighbours[k, c] == i
                assert set(np.flatnonzero(cones.patterns[k] != pattern)) == set(samples)
    class_of = arrangement.class_of
    for (i, j), row in zip(cones.redundant, cones.supports):
        chosen = row[row >= 0]
        assert (class_of[chosen] != class_of[j]).all()
        signed = (2 * cones.patterns[i].astype(object) - 1)[:, None] * arrangement.integers
        solution = solve_exactly([signed[k] for k in chosen], signed[j])
        assert solution is not None
        assert all(v >= 0 for v in solution)
    assert len(cones.redundant) == (cones.neighbours < 0).sum()


@pytest.mark.parametrize("seed", range(6))
def test_every_ray_is_extreme_and_the_rays_span_the_cone(seed):
    n = 1 + seed % 3
    X = degenerate(seed, 5, n) if seed % 2 else np.random.default_rng(seed).standard_normal((6, n))
    arrangement = make_arrangement(X, bias=False)
    cones = enumerate_cones(arrangement)
    for pattern, u in zip(cones.patterns, cones.interiors):
        generators = integer_rays(arrangement, pattern)
        for g in generators:
            margins = [(2 * a - 1) * exact_dot(g, x) for a, x in zip(pattern, arrangement.inputs) if x.any()]
            assert min(margins) >= 0
            assert seed % 2 or margins.count(0) == n - 1
        solved = linprog(np.zeros(len(generators)), A_eq=rays(arrangement, pattern).T, b_eq=u, bounds=(0, None))
        assert solved.status == 0


def test_cones_that_hold_lines_have_both_directions_as_rays():
    arrangement = make_arrangement(np.array([[1.0, 2.0, 0.0]]), False)
    generators = {tuple(g) for g in integer_rays(arrangement, np.array([1])).tolist()}
    assert generators == {(-2, 1, 0), (2, -1, 0), (0, 0, 1), (0, 0, -1), (1, 2, 0)}


def test_parallel_duplicate_and_zero_inputs_are_grouped_exactly():
    X = np.array([[1.0, 2.0], [0.0, 0.0], [-0.5, -1.0], [3.0, 6.0], [1.0, np.nextafter(2.0, 3.0)], [1.0, 2.0]])
    arrangement = make_arrangement(X, False)
    assert [c.tolist() for c in arrangement.classes] == [[0, 2, 3, 5], [4]]
    assert arrangement.zero.tolist() == [1]
    assert arrangement.orientation.tolist() == [1, 0, -1, 1, 1, 1]
    assert len(enumerate_cones(arrangement).patterns) == 4


def test_inputs_one_rounding_error_apart_are_not_parallel():
    x = np.random.default_rng(0).standard_normal(5)
    X = np.concatenate([x, np.nextafter(x, 9)])[:, None]
    arrangement = make_arrangement(X, True)
    cones = enumerate_cones(arrangement)
    assert len(cones.patterns) == 20
    for pattern, u in zip(cones.patterns, cones.interiors):
        assert all((2 * a - 1) * exact_dot(u, row) > 0 for a, row in zip(pattern, arrangement.inputs))


def test_no_usable_sample_leaves_one_cone():
    cones = enumerate_cones(make_arrangement(np.zeros((2, 3)), False))
    assert cones.patterns.tolist() == [[0, 0]]
    assert cones.facets == ((),)


def test_callers_mistakes_say_what_to_do():
    with pytest.raises(UsageError, match=r"up to 134 .* more than the limit 100; use fewer samples or raise the limit"):
        enumerate_cones(make_arrangement(np.random.default_rng(0).standard_normal((12, 2)), True), limit=100)
    with pytest.raises(DataError, match="finite"):
        make_arrangement(np.array([[np.nan]]), True)
    with pytest.raises(UsageError, match="contradicts itself"):
        rays(make_arrangement(np.array([[1.0], [2.0]]), False), np.array([1, 0]))
    with pytest.raises(UsageError, match="dimension at most 3"):
        rays(make_arrangement(np.ones((1, 4)), False), np.array([1]))
