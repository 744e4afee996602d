"""Corollaries 4.3 and 4.4 of N21: conditions that hold by construction, each failing in turn, decisions against brute force."""

from fractions import Fraction
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Matrix

from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.towers.theorem41 import theorem41
from verifier.theory import corollary43, corollary44, nguyen2021_bounds
from verifier.theory.corollary43 import free_neurons_needed
from verifier.theory.features import features
from verifier.theory.generic_position import distinct, generic_position
from verifier.theory.separability import separate, signs_of


def network(rng, widths, *, bias=True, slope=0.0, output_bias=True):
    weights = tuple(rng.normal(size=(n, m)) / np.sqrt(m) for m, n in pairwise(widths))
    biases = [rng.normal(size=n) if bias else None for n in widths[1:]]
    if not output_bias:
        biases[-1] = None
    return Network(weights, tuple(biases), slope)


def inputs(points):
    """The points as features: layer 0 of some network."""
    points = np.asarray(points, dtype=np.float64)
    return features(network(np.random.default_rng(0), (points.shape[1], 1)), points, 0)


def verdicts(bound):
    return {h.statement: h.met for h in bound.hypotheses}


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_exact_features_are_those_of_fractions_and_lie_within_the_errors(slope):
    rng = np.random.default_rng(1)
    n, X = network(rng, (3, 4, 5, 2), slope=slope), rng.normal(size=(6, 3))
    f = features(n, X, 2)
    whole, scale = f.exact
    for j, x in enumerate(X):
        h = [Fraction(v) for v in x]
        for W, b in zip(n.weights[:2], n.biases[:2]):
            z = [sum(Fraction(w) * v for w, v in zip(row, h)) + Fraction(c) for row, c in zip(W, b)]
            h = [v if v > 0 else Fraction(n.negative_slope) * v for v in z]
        assert [Fraction(int(v), scale) for v in whole[j]] == h
        assert all(abs(Fraction(v) - e) <= Fraction(r) for v, e, r in zip(f.values[j], h, f.errors[j]))
    assert np.array_equal(f.zeros & (whole != 0), np.zeros_like(f.zeros))
    assert np.array_equal(f.columns(np.array([1, 3])).exact[0], whole[:, [1, 3]])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 7), st.integers(1, 3))
def test_generic_position_agrees_with_affine_ranks(seed, N, d):
    points = np.random.default_rng(seed).integers(-3, 4, size=(N, d))
    table = Matrix(np.hstack([points, np.ones((N, 1), dtype=int)]).tolist())
    brute = d >= N or all(
        table.extract(list(s), list(range(d + 1))).rank() == d + 1 for s in combinations(range(N), d + 1)
    )
    assert generic_position(inputs(points)).met is brute


def test_generic_position_refuted_by_silent_neurons_without_exact_features(monkeypatch):
    monkeypatch.setattr("verifier.theory.features.MOST_PRODUCTS", 0.0)
    rng = np.random.default_rng(2)
    n = network(rng, (3, 4, 1))
    X = rng.normal(size=(40, 3))
    found = generic_position(features(n, X, 1))
    assert found.met is False
    assert "exact" in found.text
    # Always active: nothing to refute, nothing proved.
    always = n.replace(1, bias=np.full(4, 100.0))
    found = generic_position(features(always, X, 1))
    assert found.met is None
    assert "not decided" in found.text
    # Three inputs in four features: all points lie in a flat, which exact features show.
    monkeypatch.undo()
    assert generic_position(features(always, X, 1)).met is False


def test_distinct_exactly_and_with_equal_points():
    rng = np.random.default_rng(3)
    points = rng.normal(size=(50, 4))
    assert distinct(inputs(points)).met
    points[7] = points[31]
    assert distinct(inputs(points)).met is False
    n = network(rng, (4, 3, 1))
    assert distinct(features(n, rng.normal(size=(200, 4)), 1)).met is False  # silent on several samples
    near = np.array([[1.0, 0.0], [1.0 + 2**-52, 0.0]])
    assert distinct(inputs(near)).met
    # Differ by less than the rounding of the layer: told apart exactly.
    wide = Network((np.array([[1e8, 1.0]]), np.ones((1, 1))), (np.array([1e8]), None))
    close = features(wide, np.array([[1.0, 0.0], [1.0, 1e-9]]), 1)
    assert distinct(close).met
    assert "exact" in distinct(close).text


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(2, 7), st.integers(1, 3), st.booleans())
def test_separability_has_a_certificate_either_way(seed, N, d, affine):
    rng = np.random.default_rng(seed)
    points = rng.integers(-2, 3, size=(N, d)).astype(float)
    sides = rng.choice([-1.0, 1.0], size=(1, N))
    found = separate(inputs(points), sides, affine=affine)
    assert found.separable is not None
    one = np.ones((N, 1)) if affine else np.zeros((N, 0))
    rows = sides[0][:, None] * np.hstack([points, one])
    if found.separable:
        if (sides < 0).all():
            return
        for row, s in zip(points, sides[0]):
            value = sum(Fraction(w) * Fraction(z) for w, z in zip(found.w[0], row)) + Fraction(found.b[0])
            assert value * int(s) > 0
        assert affine or found.b[0] == 0
    else:
        assert min(found.weights) > 0
        total = [sum(w * int(rows[j, k]) for w, j in zip(found.weights, found.samples)) for k in range(rows.shape[1])]
        assert total == [0] * rows.shape[1]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.integers(12, 40), st.integers(1, 3), st.booleans())
def test_separability_from_a_part_of_the_samples_is_the_whole_ones(seed, N, d, affine):
    """Hyperplanes of a part are checked on all samples and a part's Farkas vector refutes all: no verdict differs, and some are None."""
    rng = np.random.default_rng(seed)
    points = rng.integers(-4, 5, size=(N, d)).astype(float)
    normal = rng.normal(size=d)
    sides = np.where(points @ normal + 0.3 * affine > 0, 1.0, -1.0)
    if seed % 2:
        sides[rng.integers(N)] *= -1
    whole = separate(inputs(points), sides[None, :], affine=affine)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("verifier.theory.separability.LARGEST", 6.0 * d)
        part = separate(inputs(points), sides[None, :], affine=affine)
    assert part.separable in (whole.separable, None)
    if part.separable is False:
        rows = sides[:, None] * np.hstack([points, np.ones((N, int(affine)))])
        total = [sum(w * int(rows[j, k]) for w, j in zip(part.weights, part.samples)) for k in range(rows.shape[1])]
        assert total == [0] * rows.shape[1]
    elif part.separable and not (sides < 0).all():
        exact = [sum(Fraction(w) * Fraction(z) for w, z in zip(part.w[0], row)) + Fraction(part.b[0]) for row in points]
        assert all(v * int(s) > 0 for v, s in zip(exact, sides))


def test_layers_in_blocks_are_the_layers(monkeypatch):
    rng = np.random.default_rng(4)
    n, X = network(rng, (3, 4, 5, 2), slope=0.1), rng.normal(size=(11, 3))
    whole = features(n, X, 2)
    monkeypatch.setattr("verifier.theory.features.BLOCK", 4)
    blocks = features(n, X, 2)
    assert np.all(np.abs(blocks.values - whole.values) <= whole.errors + blocks.errors)
    np.testing.assert_allclose(blocks.errors, whole.errors, rtol=1e-12)


def test_one_ray_is_separable_but_not_through_the_origin():
    f, sides = inputs([[1.0, 1.0], [2.0, 2.0]]), signs_of(np.array([0, 1]), 2)
    assert separate(f, sides).separable
    assert separate(f, sides, affine=False).separable is False


def test_cardinalities_of_a1():
    for n, outputs, N in [(16, 1, 8), (8, 2, 5), (40, 3, 21)]:
        need = free_neurons_needed(n, outputs, N)
        value = lambda free, n=n, outputs=outputs: 4 * (n // 8) * (free // (4 * outputs))
        assert value(need) >= N > value(need - 1)
    assert free_neurons_needed(7, 1, 1) is None


@pytest.fixture
def memorising():
    """N = 4 samples, L = 4: n_2 = 8 and n_3 = 16 meet (A1), and no more points than features meet (A2)."""
    rng = np.random.default_rng(0)
    A, B = (network(rng, (3, 8, 8, 16, 1)) for _ in range(2))
    return A, B, rng.normal(size=(4, 3)), rng.normal(size=(4, 1))


def test_corollary43_applies_by_construction_and_its_path_exists(memorising):
    A, B, X, y = memorising
    o = make_objective("squared")
    bound = corollary43(A, B, Risk(o, X, y))
    E = max(o.value(n, X, y) for n in (A, B))
    assert bound.applies
    assert bound.value >= E
    path = theorem41(A, B, Risk(o, X, y))
    assert path.notes["max_value"] <= bound.value + 1e-9
    rows = nguyen2021_bounds(A, B, Risk(o, X, y), path)
    assert [r.name for r in rows] == ["theorem 4.1", "corollary 4.3", "corollary 4.4"]
    assert rows[0].value == pytest.approx(max(E, path.notes["max_value"]))


@pytest.mark.parametrize(
    ("change", "violated"),
    [
        ("samples", "(A1)"), ("narrow", "(A1)"), ("silent top", "(A2) half of layer L - 2 of A"), ("silent first", "(A3) layer 1 of A"),
        ("twice", "distinct inputs"), ("leaky", "ReLU"), ("penalty", "no penalty"),
    ],
)  # fmt: skip
def test_each_condition_of_corollary43_fails(memorising, change, violated):
    A, B, X, y = memorising
    o = make_objective("squared")
    rng = np.random.default_rng(5)
    if change == "samples":
        X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
    elif change == "narrow":
        A, B = (network(rng, (3, 8, 7, 16, 1)) for _ in range(2))
    elif change == "silent top":
        # More points than features, all silent at one of any four neurons.
        A, X, y = A.replace(2, bias=np.full(8, -100.0)), rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
    elif change == "silent first":
        A = A.replace(1, bias=np.full(8, -100.0))
    elif change == "twice":
        X = X[[0, 0, 1, 2]]
    elif change == "leaky":
        A, B = (Network(n.weights, n.biases, 0.1) for n in (A, B))
    else:
        o = make_objective("squared", kappa=0.1, penalty="l1")
    bound = corollary43(A, B, Risk(o, X, y))
    assert bound.applies is False
    assert any(met is False and statement.startswith(violated) for statement, met in verdicts(bound).items())


def test_corollary43_never_applies_to_one_hidden_layer():
    rng = np.random.default_rng(6)
    for d in (1, 16):
        A, B = (network(rng, (d, 32, 1)) for _ in range(2))
        bound = corollary43(A, B, Risk(make_objective("squared"), rng.normal(size=(2, d)), rng.normal(size=(2, 1))))
        assert bound.applies is False
        assert "cannot apply with one hidden layer" in bound.note


@pytest.fixture
def classes():
    """Two far clusters, three layers."""
    rng = np.random.default_rng(7)
    y = np.arange(12) % 2
    X = rng.normal(size=(12, 3)) * 0.2 + np.where(y[:, None] == 0, 2.0, -2.0)
    A, B = (network(rng, (3, 16, 16, 2)) for _ in range(2))
    return A, B, X, y


def test_corollary44_applies_by_construction(classes):
    A, B, X, y = classes
    o = make_objective("cross_entropy")
    written, repaired = corollary44(A, B, Risk(o, X, y))
    assert written.applies
    assert repaired.applies
    assert written.value == pytest.approx(max(o.value(n, X, y) for n in (A, B)))
    assert theorem41(A, B, Risk(o, X, y)).notes["max_value"] <= written.value


def test_each_condition_of_corollary44_fails(classes):
    A, B, X, y = classes
    o = make_objective("cross_entropy")
    dead = A.replace(2, bias=np.full(16, -100.0))
    found = verdicts(corollary44(dead, B, Risk(o, X, y))[0])
    assert [s for s, met in found.items() if met is False] == ["layer 2 of A: separable features"]
    crossed = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])
    rng = np.random.default_rng(8)
    A2, B2 = (network(rng, (2, 40, 16, 2)) for _ in range(2))
    written, repaired = corollary44(A2, B2, Risk(o, crossed, np.array([0, 0, 1, 1])))
    # Not the data, but the features: as written it does not apply, repaired it does.
    assert [s for s, met in verdicts(written).items() if met is False] == ["layer 0: separable data"]
    assert repaired.applies
    thin = [network(rng, (3, 3, 16, 2)) for _ in range(2)]
    assert verdicts(corollary44(*thin, Risk(o, X, y))[0])["hidden widths n_l >= 4"] is False
    squared = corollary44(A, B, Risk(make_objective("squared"), X, np.zeros((12, 2))))
    assert verdicts(squared[0])["a loss with infimum 0 on separable outputs"] is False
    with_l1 = corollary44(A, B, Risk(make_objective("cross_entropy", kappa=0.1, penalty="l1"), X, y))
    assert verdicts(with_l1[0])["no penalty"] is False


def test_without_an_output_bias_the_repaired_corollary_asks_for_hyperplanes_through_the_origin():
    """All features of the last hidden layer on one ray: separable, not through 0."""
    W = np.ones((4, 1))
    rows = []
    for bias in (None, np.zeros(2)):
        n = Network((W, np.eye(4), np.zeros((2, 4))), (np.zeros(4), np.zeros(4), bias))
        rows.append(
            corollary44(n, n, Risk(make_objective("cross_entropy"), np.array([[1.0], [2.0]]), np.array([0, 1])))
        )
    assert rows[0][0].applies
    assert rows[0][1].applies is False
    assert rows[1][0].applies
    assert rows[1][1].applies


def test_one_output_without_a_bias_needs_two_free_neurons():
    """One free ReLU neuron gives outputs of one sign: two are asked for."""
    rng = np.random.default_rng(9)
    X, y = np.array([[1.0], [2.0], [-1.0], [-2.0]]), np.array([[1.0], [1.0], [-1.0], [-1.0]])
    A, B = (network(rng, (1, 3, 3, 1), output_bias=False) for _ in range(2))
    written, repaired = corollary44(A, B, Risk(make_objective("logistic"), X, y))
    assert verdicts(written)["hidden widths n_l >= 2"]
    assert verdicts(repaired)["hidden widths n_l >= 4"] is False
    assert "one ReLU neuron" in written.note


def test_corollaries_of_many_samples_are_decided(monkeypatch):
    """Many by a limit set lower: cardinalities, silent neurons and hyperplanes checked on all samples need no exact features; what stays open says why."""
    monkeypatch.setattr("verifier.theory.separability.LARGEST", 1e5)
    rng = np.random.default_rng(10)
    y = np.arange(4_000) % 3
    X = rng.normal(size=(4_000, 8)) * 0.3 + 2.0 * np.eye(3, 8)[y]
    A, B = (network(rng, (8, 30, 30, 3)) for _ in range(2))
    o = make_objective("cross_entropy")
    memorised = verdicts(corollary43(A, B, Risk(o, X, y)))
    assert {s[:4] for s, met in memorised.items() if met is False} == {"(A1)", "(A2)"}
    assert None not in memorised.values()
    _, repaired = corollary44(A, B, Risk(o, X, y))
    assert repaired.applies
    assert any("of 4000 samples and checked on all" in h.detail for h in repaired.hypotheses)
    # Labels drawn at random: a Farkas vector on few samples refutes the data and every layer.
    _, mixed = corollary44(A, B, Risk(o, X, rng.integers(3, size=4_000)))
    refuted = [h for h in mixed.hypotheses if h.met is False]
    assert [h.met for h in mixed.hypotheses if "separable features" in h.statement] == [False] * 4
    assert all("Farkas vector" in h.detail for h in refuted)
    assert mixed.hypotheses[-1].met is False
