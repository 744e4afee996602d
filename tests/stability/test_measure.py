"""Experiments (A) and (B): values are losses of explicit networks; dropout stability fails where Theorem 4.1 holds; what forgotten biases do."""

import numpy as np
import pytest

from tests.paths.tower_checks import deep_network, problem
from verifier.data.load import load_data
from verifier.errors import UsageError
from verifier.objective import Risk, make_objective
from verifier.paths.towers.dropout_stability import removed
from verifier.stability import measure
from verifier.stability.measure import Judge, experiment_a, experiment_b
from verifier.training.train import train_network


@pytest.fixture(scope="module")
def digits():
    """Two hidden layers of 60 neurons, pixels in [0, 1], trained until the data are separated."""
    data = load_data("digits-unit")
    trained = train_network(data, (60, 60), "cross_entropy", seed=0, epochs=300, lr=0.01)
    return trained.network, trained.objective, data.X, trained.objective.loss.encode(data)


def test_dropout_stability_fails_and_theorem_41_holds(digits):
    """N21, Figures 3 and 4, on a network of moderate width, with consistent biases."""
    network, objective, X, y = digits
    F = objective.value(network, X, y)
    assert F < 2e-3
    a = experiment_a(network, Risk(objective, X, y))
    b = experiment_b(network, Risk(objective, X, y), draws=200)
    assert [p.layer for p in a] == [0, 1, 2]
    assert [p.layer for p in b] == [1, 2]
    assert max(p.value for p in a) <= F
    assert b[0].value > 100 * F
    assert b[0].value > 2 * b[1].value  # the first layers are the ones that cannot be dropped
    assert [p.draws for p in b] == [200, 200]


def test_forgotten_biases_make_dropout_look_worse(digits):
    """Same subsets: with the first biases of the layer the figure of layer 1 rises by more than 0.05."""
    network, objective, X, y = digits
    right, wrong = (experiment_b(network, Risk(objective, X, y), draws=50, forgotten_biases=f) for f in (False, True))
    assert wrong[0].value > right[0].value + 0.05


def test_forgotten_biases_hide_dropout_stability():
    """Moons, 60 and 60 neurons: dropout stable from layer 1 on, and with forgotten biases not."""
    data = load_data("moons:n=300,noise=0.1,seed=1")
    trained = train_network(data, (60, 60), "logistic", seed=0, epochs=300, lr=0.003)
    objective, y = trained.objective, trained.objective.loss.encode(data)
    F = objective.value(trained.network, data.X, y)
    right, wrong = (
        experiment_b(trained.network, Risk(objective, data.X, y), draws=50, forgotten_biases=f) for f in (False, True)
    )
    assert right[0].value <= F
    assert wrong[0].value > 10 * F
    assert wrong[0].value > 0.1


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize(("hidden", "loss", "K"), [((5,), "squared", 1), ((5, 4), "cross_entropy", 3), ((3, 1, 4), "logistic", 1)])  # fmt: skip
def test_values_are_losses_of_networks_of_half_the_width(monkeypatch, hidden, loss, K, search):
    """Every sub-network handed back is n_p - K_p wide above layer l, and its loss is the value reported."""
    rng = np.random.default_rng(len(hidden))
    network = deep_network(rng, (2, *hidden, K))
    objective, X, y = problem(rng, 2, loss, K)
    seen = []
    solved = measure.Search.solved

    def spy(self, Z, *args):
        xi = solved(self, Z, *args)
        seen.append((Z, xi))
        return xi

    monkeypatch.setattr(measure.Search, "solved", spy)
    points = experiment_a(network, Risk(objective, X, y), draws=3, steps=20, search=search, exhaustive=True)
    for p in points:
        above = [n // 2 for n in hidden[p.layer :]]
        found = [(Z, xi) for Z, xi in seen if xi.value == p.value and [W.shape[0] for W, _ in xi.rows] == above]
        assert found
        Z, xi = found[0]
        assert Z.shape[1] == ((2, *hidden)[p.layer] + 1) // 2 if p.layer else 2
        f = xi.features(Z, network.above(p.layer)) @ xi.head.T + xi.head_bias
        assert objective.loss_of(f, y) == pytest.approx(p.value, rel=1e-9)


def test_draws_end_when_the_bound_cannot_improve(digits):
    network, objective, X, y = digits
    assert all(p.draws == 1 for p in experiment_a(network, Risk(objective, X, y), draws=20))
    further = experiment_a(network, Risk(objective, X, y), draws=2, steps=5, exhaustive=True)
    assert all(p.draws == 2 for p in further)


def test_best_of_more_draws_is_not_worse(digits):
    network, objective, X, y = digits
    few, many = (experiment_b(network, Risk(objective, X, y), draws=d, seed=3) for d in (5, 20))
    assert all(m.value <= f.value for m, f in zip(many, few))


def test_one_penalised_hidden_layer():
    """Path penalty: (A) at layer 0 keeps the network's own rows, and values hold the penalty."""
    rng = np.random.default_rng(1)
    network = deep_network(rng, (2, 6, 1))
    _, X, y = problem(rng, 2, K=1)
    free, dear = (make_objective("squared", kappa=k, penalty="path" if k else None) for k in (0.0, 0.1))
    values = [experiment_a(network, Risk(o, X, y), draws=2, exhaustive=True) for o in (free, dear)]
    assert values[1][0].how == "own rows"
    assert all(d.value >= f.value for f, d in zip(*values))


def test_refusals():
    rng = np.random.default_rng(0)
    objective, X, y = problem(rng, 2, K=1)
    with pytest.raises(UsageError, match="needs at least one hidden layer"):
        experiment_a(deep_network(rng, (2, 1)), Risk(objective, X, y))
    with pytest.raises(UsageError, match="at least 1 draw"):
        experiment_a(deep_network(rng, (2, 3, 1)), Risk(objective, X, y), draws=0)
    with pytest.raises(UsageError, match="draws must be at least 1"):
        experiment_b(deep_network(rng, (2, 3, 1)), Risk(objective, X, y), draws=0)


@pytest.mark.parametrize("search", [False, True])
def test_what_is_said_on_the_data_agrees_with_the_loss(digits, search):
    """Judged on the training data as if they were test data: the test loss is the value, of every series and layer, and errors are 0 where losses are small."""
    network, objective, X, y = digits
    data = load_data("digits-unit")
    judge = Judge(objective, data, data)
    points = experiment_a(network, Risk(objective, X, y), draws=2, steps=20, search=search, judge=judge)
    for forgotten in (False, True):
        points += experiment_b(network, Risk(objective, X, y), draws=5, forgotten_biases=forgotten, judge=judge)
    assert [p.layer for p in points] == [0, 1, 2, 1, 2, 1, 2]
    for p in points:
        assert p.test_loss == pytest.approx(p.value, rel=1e-9, abs=1e-12)
        assert p.error == p.test_error
        assert p.error <= p.value / np.log(2)  # a misclassified sample loses at least log 2
    alone = experiment_b(network, Risk(objective, X, y), draws=5, judge=Judge(objective, data, None))
    assert [(p.value, p.test_loss, p.test_error) for p in alone] == [(p.value, None, None) for p in points[3:5]]


def test_less_dropout_loses_less(digits):
    """Figures 7 and 8: the loss rises with the share that is removed; a half is the default."""
    network, objective, X, y = digits
    values = [experiment_b(network, Risk(objective, X, y), draws=20, ratio=r)[0].value for r in (0.05, 0.25, 0.5, 0.75)]
    assert values == sorted(values)
    assert values[2] == experiment_b(network, Risk(objective, X, y), draws=20)[0].value
    assert [removed(n, r) for n, r in ((5, 0.5), (4, 0.5), (10, 0.3), (7, 0.1))] == [3, 2, 3, 1]
    kept = experiment_a(network, Risk(objective, X, y), ratio=0.2, draws=1, steps=5)
    assert [p.layer for p in kept] == [0, 1, 2]
