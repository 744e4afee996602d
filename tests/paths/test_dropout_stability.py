"""Dropout stability: consistent biases, one convex program in the scale, certified chain; forgotten biases are another experiment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths.tower_checks import check_path, deep_network, problem
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.towers import dropout_stability
from verifier.paths.towers.dropout_stability import dropout_losses, dropout_path


@pytest.mark.parametrize(("loss", "K"), [("squared", 2), ("cross_entropy", 3), ("logistic", 1)])
@pytest.mark.parametrize("hidden", [(4,), (5, 4), (3, 6, 2), (2, 3, 2, 4, 3)])
def test_certified_maximum_is_the_largest_loss(loss, K, hidden):
    rng = np.random.default_rng(len(hidden))
    A, B = (deep_network(rng, (2, *hidden, K)) for _ in range(2))
    objective, X, y = problem(rng, 2, loss, K)
    path = dropout_path(A, B, Risk(objective, X, y), draws=5)
    assert path.method == "dropout"
    losses = [*path.notes["A"]["D"], *path.notes["B"]["D"]]
    check_path(path, A, B, objective, X, y, losses, reference=loss == "squared")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), bias=st.booleans(), slope=st.sampled_from([0.0, 0.2]))
def test_dropped_network_is_the_masked_one(seed, bias, slope):
    """Setting the dropped neurons' outputs to zero and scaling the last layer gives the same loss; at most half of each layer stays."""
    rng = np.random.default_rng(seed)
    A = deep_network(rng, (2, 5, 4, 3, 1), bias=bias, slope=slope)
    objective, X, y = problem(rng, 2, K=1)
    for d in dropout_losses(A, Risk(objective, X, y), draws=4, seed=seed):
        weights = list(A.weights)
        for p, kept in enumerate(d.kept, start=d.layer):
            mask = np.zeros(A.widths[p])
            mask[kept] = 1.0
            assert len(kept) == A.widths[p] // 2
            weights[p] = weights[p] * mask
        weights[-1] = d.scale * weights[-1]
        masked = Network(tuple(weights), A.biases, slope)
        assert objective.value(masked, X, y) == pytest.approx(d.value, rel=1e-9)
        assert d.tower(A, "A").value(Risk(objective, X, y), A.above(0)) == pytest.approx(d.value, rel=1e-9)


def test_scale_is_the_least_squares_scale():
    """Squared loss without output bias: r = <f, y> / <f, f>."""
    rng = np.random.default_rng(1)
    A = deep_network(rng, (2, 6, 1), bias=False)
    objective, X, y = problem(rng, 2, K=1)
    d = dropout_losses(A, Risk(objective, X, y), draws=3)[0]
    f = A.features(X)[:, d.kept[-1]] @ A.theta[:, d.kept[-1]].T
    assert d.scale == pytest.approx(float((f * y).sum() / (f * f).sum()), rel=1e-6)


def test_l1_is_scaled_with_the_head():
    rng = np.random.default_rng(2)
    A, B = (deep_network(rng, (2, 4, 4, 1)) for _ in range(2))
    _, X, y = problem(rng, 2, K=1)
    objective = make_objective("squared", kappa=0.05, penalty="l1")
    path = dropout_path(A, B, Risk(objective, X, y), draws=5)
    check_path(path, A, B, objective, X, y, [*path.notes["A"]["D"], *path.notes["B"]["D"]], reference=True)


def test_forgotten_biases_change_the_experiment():
    """Neurons cancel in pairs through their biases. Own biases keep one of each pair right; the first biases of the layer do not."""
    W = np.ones((4, 1))
    b = np.array([0.0, 0.0, -1.0, -1.0])
    A = Network((W, np.array([[1.0, 1.0, -1.0, -1.0]])), (b, np.zeros(1)))
    X = np.linspace(0.0, 3.0, 20)[:, None]
    y = A.predict(X)
    objective = make_objective("squared")
    right = dropout_losses(A, Risk(objective, X, y), draws=50)[0]
    wrong = dropout_losses(A, Risk(objective, X, y), draws=50, forgotten_biases=True)[0]
    assert right.value < 1e-12
    assert sorted(b[right.kept[0]]) == [-1.0, 0.0]
    assert right.scale == pytest.approx(2.0)
    assert wrong.value > 0.1


def test_screening_ranks_on_a_part_and_measures_on_all(monkeypatch):
    rng = np.random.default_rng(3)
    A = deep_network(rng, (2, 6, 6, 1))
    objective, X, y = problem(rng, 2, K=1, N=60)
    full = dropout_losses(A, Risk(objective, X, y), draws=20)
    monkeypatch.setattr(dropout_stability, "SCREENING_SAMPLES", 30)
    for d, best in zip(dropout_losses(A, Risk(objective, X, y), draws=20), full, strict=True):
        assert d.tower(A, "A").value(Risk(objective, X, y)) == pytest.approx(d.value, rel=1e-9)
        assert d.value >= best.value - 1e-12


def test_more_draws_are_never_worse_and_repeat_themselves():
    rng = np.random.default_rng(4)
    A = deep_network(rng, (2, 6, 6, 1))
    objective, X, y = problem(rng, 2, K=1)
    few, many, again = (dropout_losses(A, Risk(objective, X, y), draws=n) for n in (5, 40, 40))
    assert all(m.value <= f.value for f, m in zip(few, many, strict=True))
    assert [d.value for d in many] == [d.value for d in again]
    assert [d.layer for d in dropout_losses(A, Risk(objective, X, y), draws=1, layers=[2])] == [2]


def test_mistakes_are_named_and_degenerate_cases_work():
    rng = np.random.default_rng(5)
    A, B = (deep_network(rng, (2, 1, 1, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    path = dropout_path(A, B, Risk(objective, X, y), draws=2)
    check_path(path, A, B, objective, X, y, [*path.notes["A"]["D"], *path.notes["B"]["D"]], reference=True)
    assert len(dropout_path(A, Network(A.weights, A.biases), Risk(objective, X, y)).moves) == 1
    with pytest.raises(UsageError, match="draws must be at least 1, got 0"):
        dropout_losses(A, Risk(objective, X, y), draws=0, by_importance=False)
    with pytest.raises(UsageError, match="layer 3 is not hidden"):
        dropout_losses(A, Risk(objective, X, y), layers=[3])
    with pytest.raises(UsageError, match="at least one hidden layer"):
        dropout_losses(deep_network(rng, (2, 1)), Risk(objective, X, y))
