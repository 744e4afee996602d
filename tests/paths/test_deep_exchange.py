"""Exchange in depth: exact paths, never above Theorem 4.1's chain, blocks refined only where the target fails."""

import numpy as np
import pytest

from tests.paths.tower_checks import check_path, deep_network, problem
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.exchange.deep import deep_exchange


def values(notes):
    return [*(s["value"] for s in notes["stages"]), *(p[2] for p in notes["passages"] if p[2] is not None)]


@pytest.mark.parametrize(("loss", "K"), [("squared", 2), ("cross_entropy", 3), ("logistic", 1)])
@pytest.mark.parametrize("hidden", [(4, 5), (5, 3, 6), (2, 3, 2, 4, 3)])
def test_certified_maximum_is_the_largest_value(loss, K, hidden):
    """A target out of reach drives every refinement."""
    rng = np.random.default_rng(len(hidden))
    A, B = (deep_network(rng, (2, *hidden, K)) for _ in range(2))
    objective, X, y = problem(rng, 2, loss, K, N=15)
    path = deep_exchange(A, B, Risk(objective, X, y), target=0.0, draws=1, steps=10, levels=3)
    assert path.method == "exchange"
    assert path.notes["max_value"] == max(values(path.notes))
    assert path.notes["held_by"]
    check_path(path, A, B, objective, X, y, values(path.notes), reference=loss == "logistic" and len(hidden) == 2)


@pytest.mark.parametrize(("bias", "slope"), [(False, 0.0), (True, 0.1)])
def test_without_biases_and_with_leaky_relu(bias, slope):
    rng = np.random.default_rng(1)
    A, B = (deep_network(rng, (2, 4, 4, 1), bias=bias, slope=slope) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    path = deep_exchange(A, B, Risk(objective, X, y), target=0.0, steps=10)
    check_path(path, A, B, objective, X, y, values(path.notes), reference=True)


def test_l1_on_the_last_layer():
    rng = np.random.default_rng(2)
    A, B = (deep_network(rng, (2, 4, 5, 1)) for _ in range(2))
    _, X, y = problem(rng, 2, K=1)
    objective = make_objective("squared", kappa=0.01, penalty="l1")
    path = deep_exchange(A, B, Risk(objective, X, y), target=0.0, steps=10)
    check_path(path, A, B, objective, X, y, values(path.notes))


def test_half_blocks_suffice_where_there_is_room():
    """Wide networks: no waypoint between the stages, halves of layer 1, gap 0."""
    rng = np.random.default_rng(3)
    A, B = (deep_network(rng, (2, 30, 30, 2)) for _ in range(2))
    objective, X, y = problem(rng, 2, N=20)
    path = deep_exchange(A, B, Risk(objective, X, y))
    assert path.notes["held_by"] is None
    assert path.notes["portions"] == 2
    assert [p[1] for p in path.notes["passages"]] == [0, 0, 0]
    found = check_path(path, A, B, objective, X, y, values(path.notes))
    assert found.claim.gap == 0.0


def test_blocks_of_one_half_are_never_left_for_something_worse():
    rng = np.random.default_rng(4)
    for _ in range(3):
        A, B = (deep_network(rng, (2, 6, 6, 1)) for _ in range(2))
        objective, X, y = problem(rng, 2, K=1, N=30)
        settings = {"target": 0.0, "draws": 1, "steps": 10}
        plain = deep_exchange(A, B, Risk(objective, X, y), levels=1, portions=(2,), **settings)
        fine = deep_exchange(A, B, Risk(objective, X, y), **settings)
        assert fine.notes["max_value"] <= plain.notes["max_value"] + 1e-12


def test_one_hidden_layer_is_proposition_x():
    rng = np.random.default_rng(5)
    A, B = (deep_network(rng, (2, 6, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    assert "schedule" in deep_exchange(A, B, Risk(objective, X, y)).notes


def test_width_one_and_identical_endpoints():
    rng = np.random.default_rng(6)
    A, B = (deep_network(rng, (2, 1, 1, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    path = deep_exchange(A, B, Risk(objective, X, y), steps=5)
    check_path(path, A, B, objective, X, y, values(path.notes))
    same = deep_exchange(A, Network(A.weights, A.biases), Risk(objective, X, y))
    assert len(same.moves) == 1
    with pytest.raises(UsageError, match="exchange: networks of different architecture"):
        deep_exchange(A, deep_network(rng, (2, 2, 1, 1)), Risk(objective, X, y))


def test_rows_trained_together_lower_the_bottleneck():
    """In a narrow pair waypoints hold the bound up; their rows are then trained for all heads at once, which is only kept when it helps."""
    rng = np.random.default_rng(7)
    A, B = (deep_network(rng, (2, 8, 6, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1, N=40)
    settings = {"target": 0.0, "draws": 1, "levels": 2, "portions": (2,)}
    short = deep_exchange(A, B, Risk(objective, X, y), steps=0, **settings)
    long = deep_exchange(A, B, Risk(objective, X, y), steps=40, **settings)
    assert not short.notes["together"]
    assert long.notes["max_value"] <= short.notes["max_value"]
    check_path(long, A, B, objective, X, y, values(long.notes))
