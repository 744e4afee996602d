"""Nguyen 2019's lemmas on their own: what stays constant along the way, and what holds at the end."""

import numpy as np
import pytest

from tests.paths.nguyen2019_checks import one_layer_at_a_time, outputs, random_network
from verifier.elaboration import kernel_problem, path_upper_bound
from verifier.elaboration.moves import parameters
from verifier.kernel.fast.chord import chord_between
from verifier.matrices import independent_columns
from verifier.networks.network import leaky_relu, linear_combination
from verifier.objective import Risk, make_objective
from verifier.paths.nguyen2019.lemma33 import Curves, inverse_activation, map_h
from verifier.paths.nguyen2019.lemma34 import free_rows
from verifier.paths.nguyen2019.lemma43 import supported_on
from verifier.paths.nguyen2019.lemma44 import shifted_copies, spanning_neurons
from verifier.paths.nguyen2019.lemma52 import to_full_rank
from verifier.paths.nguyen2019.lemma53 import to_neurons
from verifier.paths.nguyen2019.polyline import Polyline
from verifier.paths.nguyen2019.proposition35 import align, common_matrix

N = 6


def line_with_data(widths, slope=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return Polyline(random_network(rng, widths, slope), rng.normal(size=(N, widths[0]))), rng


def deviation(v, w, X):
    """How far the outputs on the segment may lie from their chord, by the kernel's lemma."""
    o = make_objective("squared")
    chord = chord_between(kernel_problem(v, w, Risk(o, X, v.predict(X))), parameters(v), parameters(w))
    return chord.deviation(chord.at(0.0), chord.at(1.0))


def curves_of(line):
    return Curves(line, 1, line.X, np.linalg.pinv(line.X))


def test_lemma43_keeps_the_product_and_drops_the_dependent_columns():
    rng = np.random.default_rng(0)
    F = rng.normal(size=(5, 3)) @ rng.normal(size=(3, 9))
    W = rng.normal(size=(9, 4))
    I = independent_columns(F)
    V = supported_on(F, W, I)
    assert len(I) == np.linalg.matrix_rank(F) == 3
    assert np.allclose(F @ V, F @ W)
    assert not V[np.setdiff1d(np.arange(9), I)].any()


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5])
def test_lemma44_shifted_copies_have_full_rank(slope):
    rng = np.random.default_rng(1)
    for n in (1, 2, 7):
        v = rng.normal(size=n) + 3.0
        F = leaky_relu(v[:, None] + shifted_copies(v), slope)
        assert np.linalg.matrix_rank(F) == n
    X = rng.normal(size=(20, 3))
    W, b = spanning_neurons(X, slope)
    assert np.linalg.cond(leaky_relu(X @ W + b, slope)) < 1e3


def test_lemma33_the_map_h_meets_any_output():
    line, rng = line_with_data((7, 6, 4, 2))
    R = np.linalg.pinv(line.X)
    for k, n in ((2, 4), (3, 2)):
        A = rng.normal(size=(N, n))
        W, b = map_h(line, 1, k, A, R)
        net = line.network.replace(1, W.T, b)
        got = net.predict(line.X) if k == 3 else net.features(line.X, 2)
        assert np.allclose(got, A)


def test_lemma33_features_go_straight_and_the_polyline_crosses_no_kink():
    line, rng = line_with_data((7, 6, 4, 2))
    curves = curves_of(line)
    before = len(line.moves)
    start, goal = line.features(2), inverse_activation(rng.normal(size=(N, 4)), 0.1)
    curves.move_features(2, goal, "test")
    assert np.allclose(line.features(2), goal)
    path = line.path("test")
    direction = goal - start
    last = 0.0
    for v, w in zip(list(path.vertices())[before:], list(path.vertices())[before + 1 :]):
        d = deviation(v, w, line.X)
        assert max(d.below.max(), d.above.max()) < 1e-10
        for t in (0.4, 1.0):
            F = linear_combination(v, w, t).features(line.X, 2)
            s = float(((F - start) * direction).sum() / (direction**2).sum())
            assert np.allclose(F, start + s * direction)
            assert s >= last - 1e-12
            last = s


def test_lemma34_frees_rows_of_a_deficient_matrix():
    line, rng = line_with_data((7, 6, 4, 2))
    low = rng.normal(size=(6, 2)) @ rng.normal(size=(2, 4))
    line = Polyline(line.network.replace(2, low.T), line.X)
    f = line.network.predict(line.X)
    curves = curves_of(line)
    rest = free_rows(curves, 2)
    assert len(rest) == 4
    assert not line.features(1)[:, rest].any()
    assert all(np.allclose(g, f) for g in outputs(line.path("test"), line.X))


@pytest.mark.parametrize(
    ("widths", "rank"), [((7, 6, 4, 2), 4), ((7, 6, 5, 1), 5), ((7, 6, 4, 2), 2), ((7, 6, 4, 1), 0)]
)
def test_proposition35_reaches_the_common_matrix_at_constant_output(widths, rank):
    line, rng = line_with_data(widths)
    n, k = widths[1], widths[2]
    W = rng.normal(size=(n, rank)) @ rng.normal(size=(rank, k))
    line = Polyline(line.network.replace(2, W.T), line.X)
    f = line.network.predict(line.X)
    align(curves_of(line), 2)
    path = line.path("test")
    assert one_layer_at_a_time(path)
    assert all(np.allclose(g, f) for g in outputs(path, line.X))
    assert np.array_equal(line.weight(2), common_matrix(n, k))
    assert not line.bias(2).any()
    assert (line.features(1) > 0).all()


def test_any_rows_of_the_common_matrix_are_independent():
    C = common_matrix(5, 3)
    rng = np.random.default_rng(0)
    assert np.allclose(C.sum(axis=0), 0.0)
    for _ in range(20):
        assert np.linalg.matrix_rank(C[rng.choice(5, 3, replace=False)]) == 3


@pytest.mark.parametrize("slope", [0.0, 0.1])
def test_lemma52_raises_the_rank_at_constant_output(slope):
    line, rng = line_with_data((2, 8, 3), slope)
    W = np.repeat(line.network.weights[0][:2], 4, axis=0)
    line = Polyline(line.network.replace(1, W, np.repeat(rng.normal(size=2), 4)), line.X)
    assert np.linalg.matrix_rank(line.features(1)) < N
    f = line.network.predict(line.X)
    assert to_full_rank(line, 1, N) < 1e4
    assert all(np.allclose(g, f) for g in outputs(line.path("test"), line.X))


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("start", ["random", "zero", "rank one"])
def test_lemma53_needs_no_rank_at_the_start(slope, start):
    """The paper assumes rank N on both sides; 2N neurons make that unnecessary."""
    line, _ = line_with_data((2, 2 * N, 3), slope)
    if start != "random":
        W = np.zeros((2 * N, 2)) if start == "zero" else np.ones((2 * N, 2))
        line = Polyline(line.network.replace(1, W, np.zeros(2 * N)), line.X)
    W, b = spanning_neurons(line.X, slope)
    f = line.network.predict(line.X)
    to_neurons(line, 1, W, b)
    assert np.array_equal(line.weight(1)[:, :N], W)
    assert not line.weight(1)[:, N:].any()
    path = line.path("test")
    assert one_layer_at_a_time(path)
    assert all(np.allclose(g, f) for g in outputs(path, line.X))
    y = np.zeros_like(f)
    o = make_objective("squared")
    assert path_upper_bound(path, Risk(o, line.X, y)) <= o.loss_of(f, y) * (1 + 1e-10)
