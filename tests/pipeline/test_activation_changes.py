"""Shares of changed activations along a path, taken on changed rows alone, are those of whole layers."""

import numpy as np
import pytest

from tests.paths.path_checks import random_network
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.path import Move, Path
from verifier.paths.theorem2 import theorem2
from verifier.pipeline.sampling import activation_changes


def plainly(path, X):
    start = path.start.features(X) > 0
    return [float(np.mean((v.features(X) > 0) != start)) for v in path.vertices()]


@pytest.mark.parametrize("biases", [True, False])
def test_one_hidden_layer(biases):
    rng = np.random.default_rng(0)
    A, B = (random_network(rng, 8, b=biases) for _ in range(2))
    X, y = rng.normal(size=(50, 2)), rng.normal(size=(50, 1))
    path, _ = theorem2(A, B, Risk(make_objective("squared", kappa=0.01, penalty="path"), X, y), l=3, alpha=0.0)
    found = activation_changes(path, X)
    assert found == plainly(path, X)
    assert max(found) > 0.0
    assert found[0] == 0.0


def test_a_bias_alone_and_deep_networks():
    rng = np.random.default_rng(1)
    A = random_network(rng, 6)
    path = Path("p", A, (Move(A.replace(1, None, A.b + 1.0), "a bias"), Move(A, "and back")))
    X = rng.normal(size=(40, 2))
    assert activation_changes(path, X) == plainly(path, X)
    assert activation_changes(path, X)[1] > 0.0
    deep = Network(
        (rng.normal(size=(5, 2)), rng.normal(size=(4, 5)), rng.normal(size=(1, 4))), (None, np.zeros(4), None)
    )
    moved = Path(
        "p", deep, (Move(deep.replace(2, None, np.ones(4)), "an upper bias"), Move(deep.replace(1, -deep.W), "rows"))
    )
    assert activation_changes(moved, X) == plainly(moved, X)
