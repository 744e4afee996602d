"""The ways of large problems with sample weights: L-BFGS heads, minibatches, screening on some of the samples."""

import numpy as np
import pytest
import torch

from verifier.networks.above import dense_above
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.towers import dropout_stability, subnetwork_training, subnetworks
from verifier.paths.towers.subnetworks import Subnetwork


def setting(seed=0, N=60):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 3))
    y = (X[:, :1] > 0) + 0.3 * rng.normal(size=(N, 1))
    w = rng.integers(1, 5, N)
    return X, y, w.astype(float), np.repeat(X, w, axis=0), np.repeat(y, w, axis=0), rng


def test_a_large_head_is_that_of_repeated_samples(monkeypatch):
    monkeypatch.setattr(subnetworks, "LARGE_HEAD", 0)
    X, y, w, X2, y2, _ = setting()
    o, warm = make_objective("huber"), (np.zeros((1, 3)), np.zeros(1))
    weighted = subnetworks.solve_head(X, y, o.weighted(w), warm)
    repeated = subnetworks.solve_head(X2, y2, o, warm)
    assert weighted[2] == pytest.approx(repeated[2], rel=1e-6)
    assert weighted[2] == pytest.approx(o.weighted(w).head_value(X, y, np.zeros(3), *weighted[:2]), rel=1e-12)


def test_all_batches_together_are_the_weighted_mean():
    X, y, w, _, _, rng = setting()
    o = make_objective("squared").weighted(w)
    n = Network((rng.normal(size=(4, 3)), rng.normal(size=(1, 4))), (rng.normal(size=4), rng.normal(size=1)))
    weights, biases = [torch.tensor(W) for W in n.weights], [torch.tensor(b) for b in n.biases]
    T, t = torch.tensor(X), torch.tensor(y)
    total = sum(
        len(index)
        * float(subnetwork_training.torch_value(o, weights, biases, T[index], t[index], dense_above(0.0, 2), index))
        for index in torch.randperm(len(X)).split(7)
    )
    assert total / len(X) == pytest.approx(o.value(n, X, y), rel=1e-12)


@pytest.mark.parametrize("large", [False, True])
def test_sub_networks_are_trained_for_the_weighted_mean(large, monkeypatch):
    monkeypatch.setattr(subnetwork_training, "LARGE_TRAINING", 0.0 if large else np.inf)
    X, y, w, _, _, rng = setting()
    o = make_objective("squared").weighted(w)
    start = Subnetwork(((rng.normal(size=(4, 3)), np.zeros(4)),), np.zeros((1, 4)), np.zeros(1))
    found = subnetwork_training.trained(X, y, o, start, dense_above(0.0, 2), stop_at=0.0)
    assert found.value == pytest.approx(
        o.head_value(found.features(X, dense_above(0.0, 2)), y, np.zeros(4), found.head, found.head_bias), rel=1e-9
    )


def test_screening_on_some_samples_ends_in_the_value_on_all(monkeypatch):
    monkeypatch.setattr(dropout_stability, "SCREENING_SAMPLES", 20)
    X, y, w, _, _, rng = setting()
    o = make_objective("squared").weighted(w)
    n = Network((rng.normal(size=(6, 3)), rng.normal(size=(1, 6))), (rng.normal(size=6), rng.normal(size=1)))
    path = dropout_stability.dropout_path(n, n.replace(-1, -n.theta), Risk(o, X, y))
    assert path.end.same_parameters(n.replace(-1, -n.theta))
