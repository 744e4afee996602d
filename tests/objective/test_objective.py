"""Objective and penalties: values against plain loops, refusals, balanced form of weight decay."""

import math

import numpy as np
import pytest

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.networks.network import Network, one_hidden_layer
from verifier.objective import make_objective


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    return one_hidden_layer(rng.normal(size=(5, 2)), rng.normal(size=(3, 5)), rng.normal(size=5), rng.normal(size=3))


@pytest.mark.parametrize("penalty", ["l1", "path", "weight_decay"])
@pytest.mark.parametrize("bias", [True, False])
def test_penalties_equal_plain_loops(network, penalty, bias):
    if not bias:
        network = Network(network.weights, (None, None))
    total = 0.0
    for i in range(5):
        wt = [*network.W[i], *([] if network.b is None else [network.b[i]])]
        norm, theta = math.hypot(*wt), network.theta[:, i]
        total += {
            "l1": sum(map(abs, theta)),
            "path": norm * sum(map(abs, theta)),
            "weight_decay": 0.5 * (norm**2 + math.hypot(*theta) ** 2),
        }[penalty]
    objective = make_objective("squared", kappa=0.25, penalty=penalty)
    assert objective.penalty_value(network) == pytest.approx(0.25 * total, rel=1e-13)


def test_output_bias_is_added_once(network):
    plain = make_objective("squared", kappa=0.5, penalty="l1")
    priced = make_objective("squared", kappa=0.5, penalty="l1", penalise_output_bias=True)
    assert priced.penalty_value(network) - plain.penalty_value(network) == pytest.approx(0.5 * np.abs(network.c).sum())


def test_balanced_weight_decay_is_a_lower_bound_met_by_balanced_networks(network):
    """AM-GM; equality when |wt_i| = |theta_i|."""
    objective = make_objective("squared", kappa=1.0, penalty="weight_decay")
    assert objective.path_penalty_value(network) <= objective.penalty_value(network)
    scale = np.sqrt(np.linalg.norm(network.theta, axis=0) / objective.row_prices(network))
    balanced = one_hidden_layer(network.W * scale[:, None], network.theta / scale, network.b * scale, network.c)
    assert objective.penalty_value(balanced) == pytest.approx(objective.path_penalty_value(network), rel=1e-12)


@pytest.mark.parametrize("penalty", ["l1", "path", "weight_decay"])
def test_head_value_is_the_objective_in_path_form(network, penalty):
    rng = np.random.default_rng(1)
    X, targets = rng.normal(size=(9, 2)), rng.normal(size=(9, 3))
    objective = make_objective("squared", kappa=0.3, penalty=penalty)
    value = objective.head_value(network.features(X), targets, objective.row_prices(network), network.theta, network.c)
    assert value == pytest.approx(objective.path_value(network, X, targets), rel=1e-13)


@pytest.mark.parametrize("kappa", [-1.0, math.nan, math.inf])
def test_kappa_must_be_a_finite_number_at_least_zero(kappa):
    with pytest.raises(UsageError, match="kappa"):
        make_objective("squared", kappa=kappa)


def test_kappa_and_penalty_belong_together():
    with pytest.raises(UsageError, match="needs a penalty"):
        make_objective("squared", kappa=1.0, penalty="none")
    assert make_objective("squared", kappa=1.0).penalty == "path"
    assert make_objective("squared", kappa=0.0, penalty="l1").penalty == "none"
    with pytest.raises(UsageError, match="unknown"):
        make_objective("squared", kappa=1.0, penalty="l3")
    with pytest.raises(UsageError, match="output bias"):
        make_objective("squared", kappa=1.0, penalty="weight_decay", penalise_output_bias=True)


def test_path_penalty_needs_one_hidden_layer():
    deep = Network((np.ones((2, 2)), np.ones((2, 2)), np.ones((1, 2))), (None, None, None))
    assert make_objective("squared", kappa=1.0, penalty="l1").penalty_value(deep) == 2.0
    for penalty in ("path", "weight_decay"):
        with pytest.raises(UsageError, match="one hidden layer"):
            make_objective("squared", kappa=1.0, penalty=penalty).penalty_value(deep)


def test_accuracy_and_shape_errors(network):
    X = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]])
    labels = network.predict(X).argmax(axis=1)
    data = Dataset(X, labels, "toy", "multiclass")
    assert make_objective("cross_entropy").accuracy(network, data) == 1.0
    with pytest.raises(UsageError, match="outputs"):
        make_objective("logistic").value(network, X, np.ones((3, 1)))
    assert make_objective("squared").accuracy(network, Dataset(X, X[:, 0], "toy", "regression")) is None
