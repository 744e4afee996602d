"""Descend, then exchange: exact ends, F below the target along sampled chords, and never worse by construction's own count."""

import itertools

import numpy as np
import pytest

from tests.paths.path_checks import bitwise_equal, kinds, random_network, random_targets, sampled_maximum
from verifier.networks.network import linear_combination
from verifier.objective import Risk, make_objective
from verifier.paths.exchange.descent import descend, descend_then_exchange, value_and_gradient

CASES = [
    ("squared", 0.0, None, 1),
    ("logistic", 0.01, "path", 1),
    ("cross_entropy", 0.01, "l1", 3),
    ("huber", 0.01, "weight_decay", 2),
]


def setting(loss, kappa, penalty, K, bias=True):
    rng = np.random.default_rng(2)
    A, B = (random_network(rng, 4, K=K, b=bias, c=bias) for _ in range(2))
    X = rng.normal(size=(30, 2))
    return A, B, make_objective(loss, kappa=kappa, penalty=penalty), X, random_targets(loss, rng, 30, K)


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), CASES)
@pytest.mark.parametrize("bias", [True, False])
def test_gradient_is_that_of_the_objective(loss, kappa, penalty, K, bias):
    """Value up to smoothing, and central differences."""
    A, _, objective, X, targets = setting(loss, kappa, penalty, K, bias)
    inputs = np.hstack([X, np.ones((30, 1))]) if bias else X
    rows = np.hstack([A.W, A.b[:, None]]) if bias else A.W
    x = np.concatenate([rows.ravel(), A.theta.ravel(), *([A.c] if bias else [])])
    value, gradient = value_and_gradient(x, A, objective, inputs, targets)
    assert value == pytest.approx(objective.path_value(A, X, targets), abs=1e-6)
    for i in range(len(x)):
        e = np.zeros(len(x))
        e[i] = 1e-6
        up, down = (value_and_gradient(x + s * e, A, objective, inputs, targets)[0] for s in (1, -1))
        assert gradient[i] == pytest.approx((up - down) / 2e-6, abs=1e-5)


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), CASES)
def test_descent_falls_and_stays_below_the_target(loss, kappa, penalty, K):
    A, _, objective, X, targets = setting(loss, kappa, penalty, K)
    target = objective.value(A, X, targets)
    path = descend(A, Risk(objective, X, targets), target, iterations=40)
    assert kinds(path)[0] == "head"
    assert objective.path_value(path.end, X, targets) < target
    vertices = list(path.vertices())
    for v, w in itertools.pairwise(vertices):
        for t in np.linspace(0, 1, 9):
            assert objective.path_value(linear_combination(v, w, float(t)), X, targets) <= target + 1e-9


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), CASES)
def test_descend_then_exchange_joins_the_exact_networks(loss, kappa, penalty, K):
    A, B, objective, X, targets = setting(loss, kappa, penalty, K)
    path = descend_then_exchange(A, B, Risk(objective, X, targets), iterations=40)
    assert path.start is A
    assert bitwise_equal(path.end, B)
    E = max(objective.value(n, X, targets) for n in (A, B))
    if path.notes["max_value"] <= path.notes["target"]:
        assert sampled_maximum(path, objective, X, targets, 9, path_form=True) <= E + 1e-9


def test_no_room_means_no_descent():
    A, _, objective, X, targets = setting("squared", 0.0, None, 1)
    assert descend(A, Risk(objective, X, targets), -1.0).moves == ()
