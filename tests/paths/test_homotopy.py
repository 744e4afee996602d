"""Homotopy drop: the neuron ends dead, the path stays where the kernel can bound it, and F at the end beats a drop at fixed rows."""

import numpy as np
import pytest

from tests.paths.path_checks import random_network, random_targets
from verifier.objective import Risk, augmented_rows, make_objective
from verifier.paths.exchange.homotopy import best_drop, drop, homotopy_exchange, rescaled
from verifier.paths.polish import polish
from verifier.programs import fast_head

CASES = [("squared", 0.0, None, 1), ("logistic", 0.01, "path", 1), ("huber", 0.01, "l1", 2)]


def setting(loss, kappa, penalty, K):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 2))
    o = make_objective(loss, delta=0.5 if loss == "huber" else None, kappa=kappa, penalty=penalty)
    y = random_targets(loss, rng, 40, K)
    A, B = (polish(random_network(rng, 5, K=K), Risk(o, X, y), rounds=3).network for _ in range(2))
    return A, B, o, X, y


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), CASES)
def test_the_neuron_ends_dead_and_the_others_adapted(loss, kappa, penalty, K):
    A, _, o, X, y = setting(loss, kappa, penalty, K)
    path = best_drop(A, Risk(o, X, y), target=-np.inf, tries=5)
    dead = np.flatnonzero(~path.end.theta.any(axis=0))
    assert len(dead) >= 1
    fixed = []
    for i in range(5):
        keep = np.delete(np.arange(5), i)
        value = fast_head(A.features(X)[:, keep], y, o, o.row_prices(A)[keep], A.c is not None)[2]
        fixed.append(value)
    # Without a penalty the search is smooth and must win; kinks of l1 leave it within a few per cent.
    slack = 1e-9 if kappa == 0 else 0.03 * min(fixed)
    assert o.path_value(path.end, X, y) <= min(fixed) + slack, "trained rows against the best drop at fixed rows"
    if penalty == "l1":
        lengths = [np.linalg.norm(augmented_rows(n), axis=1) for n in (A, path.end)]
        assert np.allclose(*lengths, rtol=1e-9), "growing rows would void the penalty"


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), CASES)
def test_homotopy_exchange_joins_the_very_networks(loss, kappa, penalty, K):
    A, B, o, X, y = setting(loss, kappa, penalty, K)
    path = homotopy_exchange(A, B, Risk(o, X, y))
    assert path.start is A
    assert path.end.sha256() == B.sha256()
    assert path.notes["drop_moves"] > 2


def test_rescaling_keeps_the_function():
    rng = np.random.default_rng(1)
    n = random_network(rng, 4, K=2)
    lengths = rng.uniform(0.5, 2.0, size=4)
    again = rescaled(n, lengths)
    X = rng.normal(size=(20, 2))
    assert np.allclose(again.predict(X), n.predict(X), rtol=1e-12)
    assert np.allclose(np.linalg.norm(augmented_rows(again), axis=1), lengths)


def test_only_the_named_neuron_is_pressed():
    A, _, o, X, y = setting("squared", 0.0, None, 1)
    for i in (0, 3):
        assert not drop(A, i, Risk(o, X, y)).end.theta[:, i].any()
