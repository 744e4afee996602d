"""F along a segment between networks of one hidden layer, without a forward pass per point: what a forward pass gives."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk, make_objective
from verifier.paths.curves import dss_runner
from verifier.paths.curves.chord_predictions import chord_predictions
from verifier.paths.curves.dss import PRESETS
from verifier.paths.curves.dss_runner import PublishedRunner
from verifier.paths.curves.torch_objective import TorchObjective

scales = st.integers(-30, 30)


def ends(rng, d, m, K, biases, near=1.0):
    """Two networks; near: by how much the second differs from the first."""

    def draw(*shape):
        return rng.normal(size=shape)

    shapes = [(m, d), (K, m), (m,) if biases[0] else None, (K,) if biases[1] else None]
    first = [None if s is None else draw(*s) for s in shapes]
    second = [None if a is None else (1 - near) * a + near * draw(*a.shape) for a in first]
    return [Network((W, theta), (b, c)) for W, theta, b, c in (first, second)]


@given(biases=st.tuples(st.booleans(), st.booleans()), N=st.integers(1, 9), m=st.integers(1, 7),
       near=st.sampled_from([0.0, 0.01, 1.0, 2.0]), at=st.tuples(scales, scales, scales), seed=st.integers(0, 10**6))  # fmt: skip
def test_predictions_are_forward_passes(biases, N, m, near, at, seed):
    """at: powers of two of inputs, rows and head. Errors are of the size of what is summed, times a few roundings."""
    rng = np.random.default_rng(seed)
    inputs, rows, head = (np.ldexp(1.0, k) for k in at)
    A, B = (
        n.with_parameters((rows * n.W, head * n.theta), (None if n.b is None else inputs * rows * n.b, n.c))
        for n in ends(rng, 3, m, 1, biases, near)
    )
    X, times = inputs * rng.normal(size=(N, 3)), np.array([0.0, 1.0, *rng.uniform(size=5)])
    found = chord_predictions(A, B, X, times)
    assert found.shape == (7, N, 1)
    for t, f in zip(times, found):
        at_t = linear_combination(A, B, float(t))
        size = (
            sum(np.abs(X) @ np.abs(n.W).T + (0.0 if n.b is None else np.abs(n.b)) for n in (A, B))
            @ (np.abs(A.theta) + np.abs(B.theta)).T
        )
        size += 0.0 if A.c is None else np.abs(A.c) + np.abs(B.c)
        assert (np.abs(f - at_t.predict(X)) <= 1e-14 * size).all()


def test_kinks_and_dead_neurons_are_exact():
    """Small integers at t = 0, 1/4, 1/2, 3/4, 1: nothing is rounded, and pre-activations are 0 at ends and in between."""
    rng = np.random.default_rng(0)
    small = lambda *shape: rng.integers(-2, 3, shape).astype(float)
    X, times = small(40, 2), np.arange(5) / 4
    for _ in range(20):
        A, B = (Network((small(6, 2), small(1, 6)), (small(6), small(1))) for _ in range(2))
        for t, f in zip(times, chord_predictions(A, B, X, times)):
            np.testing.assert_array_equal(f, linear_combination(A, B, float(t)).predict(X))


@pytest.mark.parametrize("biases", [(True, True), (False, True), (True, False), (False, False)])
@pytest.mark.parametrize(
    ("loss", "penalty", "K"), [("squared", "l1", 1), ("huber", "path", 2), ("absolute", "weight_decay", 1)]
)
def test_values_are_those_of_each_network(biases, loss, penalty, K):
    rng = np.random.default_rng(1)
    A, B = ends(rng, 2, 6, K, biases)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=(30, K))
    o = make_objective(loss, delta=0.5 if loss == "huber" else None, kappa=0.01, penalty=penalty)
    for weights in (None, rng.uniform(0.1, 3.0, 30)):
        risk = Risk(o.weighted(weights), X, y)
        expected = [risk.value(linear_combination(A, B, float(t))) for t in np.linspace(0, 1, 31)]
        assert TorchObjective(risk, like=A).segment_values(A, B, 31) == pytest.approx(expected, rel=1e-13)
        assert TorchObjective(risk, like=A, single=True).segment_values(A, B, 31) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("near", [1e-3, 0.1, 1.0])
def test_the_published_search_sees_float32_where_it_decides(seed, near, monkeypatch):
    """The largest value, where it is, and both ends: those of a grid that is float32 everywhere, to the bit."""
    rng = np.random.default_rng(seed)
    A, B = ends(rng, 2, 40, 1, (True, True), near)
    X, y = rng.normal(size=(100, 2)), rng.normal(size=(100, 1))
    o = make_objective("squared", kappa=0.001, penalty="l1", penalise_output_bias=True)
    runner = PublishedRunner(Risk(o, X, y), PRESETS["paper"], 0, "cpu", A, math.inf)
    assert runner.grid_values(A, B) == pytest.approx(runner.single_values(A, B, runner.times(200)), rel=0, abs=0)
    monkeypatch.setattr(dss_runner, "FEW", 0)
    found = runner.grid_values(A, B)
    everywhere = runner.single_values(A, B, runner.times(200))
    assert found.argmax() == everywhere.argmax()
    assert [found.max(), found[0], found[-1]] == [everywhere.max(), everywhere[0], everywhere[-1]]
    assert found == pytest.approx(everywhere, rel=1e-5)
    assert (everywhere != runner.exact.segment_values(A, B, 200)).mean() > 0.5, "float32"
