"""Patterns of networks, step vectors (Lemma 9), counts (Proposition 6), membership with Gordan certificates, zonotope vertices (Proposition 7)."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.spatial import ConvexHull

from verifier.errors import DataError, UsageError
from verifier.networks.network import one_hidden_layer
from verifier.regions.arrangement import make_arrangement
from verifier.regions.cones import enumerate_cones
from verifier.regions.membership import membership, zonotope_vertex
from verifier.regions.patterns import (
    count_regions,
    in_general_position,
    network_pattern,
    proposition_6,
    step_patterns,
    step_vectors,
)


@pytest.mark.parametrize("n", range(1, 13))
def test_step_vectors_are_exactly_the_realisable_patterns(n):
    """Lemma 9: 2n of them, hence (2n)^m regions."""
    x = np.random.default_rng(n).standard_normal(n)
    arrangement = make_arrangement(x[:, None], True)
    cones = enumerate_cones(arrangement)
    assert np.array_equal(cones.patterns, step_patterns(x))
    assert len(step_vectors(n)) == 2 * n
    assert count_regions(arrangement, 3) == (2 * n) ** 3 == proposition_6(n, 2, 3)


def test_counts_of_generic_data_need_general_position():
    X = np.random.default_rng(0).standard_normal((6, 2))
    generic = make_arrangement(X, True)
    assert in_general_position(generic) is True
    assert count_regions(generic, 2) == proposition_6(6, 3, 2)
    X[3] = X[4]
    assert in_general_position(make_arrangement(X, True)) is False
    assert count_regions(make_arrangement(X, True), 2) < proposition_6(6, 3, 2)
    assert in_general_position(generic, limit=3) is None


def test_network_pattern_is_exact_at_hyperplanes():
    net = one_hidden_layer(np.array([[1.0], [0.1]]), np.ones((1, 2)), b=np.array([-0.5, -0.1 * 3]))
    pattern, interior = network_pattern(net, make_arrangement(np.array([[0.5], [3.0]]), True))
    # 0.1 * 3 in floats lies above the real number 3 * fl(0.1), so the second neuron is off at x = 3.
    assert pattern.tolist() == [[0, 1], [0, 0]]
    assert not interior


@pytest.mark.parametrize("seed", range(4))
def test_membership_and_zonotope_agree_with_the_enumeration(seed):
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, size=(6, 2)).astype(float) if seed % 2 else rng.standard_normal((6, 2))
    arrangement = make_arrangement(X, bias=seed > 1)
    known = {tuple(p) for p in enumerate_cones(arrangement).patterns.tolist()}
    for pattern in product((0, 1), repeat=6):
        found = membership(arrangement, np.array(pattern))
        assert found.realisable is (pattern in known)
        if found.realisable is False:
            total = sum(g * (2 * pattern[j] - 1) * arrangement.integers[j] for g, j in zip(found.gordan, found.samples))
            assert min(found.gordan) > 0
            assert not total.any()
        if not any(pattern[j] for j in arrangement.zero):
            assert zonotope_vertex(arrangement, np.array(pattern)) is (pattern in known)


@pytest.mark.parametrize("seed", range(3))
def test_vertices_of_the_zonotopes_hull_are_the_realisable_patterns(seed):
    """Proposition 7 by a convex hull of all subset sums, which knows nothing of cones."""
    X = np.random.default_rng(seed).standard_normal((7, 2 + seed % 2))
    patterns = np.array(list(product((0, 1), repeat=7)))
    vertices = ConvexHull(patterns @ X).vertices
    expected = {tuple(p) for p in patterns[vertices].tolist()}
    assert {tuple(p) for p in enumerate_cones(make_arrangement(X, False)).patterns.tolist()} == expected


def test_callers_mistakes():
    arrangement = make_arrangement(np.ones((2, 1)), True)
    with pytest.raises(UsageError, match="entries 0 or 1"):
        membership(arrangement, np.array([0, 2]))
    with pytest.raises(DataError, match="distinct"):
        step_patterns(np.array([1.0, 1.0]))
