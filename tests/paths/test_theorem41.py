"""Theorem 4.1 for any depth: the certified maximum is the largest of the ends and the Q_l; sizes below one half are refused."""

from itertools import pairwise

import numpy as np
import pytest

from tests.paths.tower_checks import check_path, deep_network, problem
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.endpoints import default_target
from verifier.paths.towers import subnetwork_training, subnetworks
from verifier.paths.towers.halves import halves
from verifier.paths.towers.theorem41 import theorem41

LOSSES = [("squared", 2), ("cross_entropy", 3), ("logistic", 1), ("huber", 1), ("hinge", 1)]


def values(notes):
    return [*notes["A"]["Q"], *notes["B"]["Q"], *([] if notes["Q_0"] is None else [notes["Q_0"]])]


@pytest.mark.parametrize(("loss", "K"), LOSSES)
@pytest.mark.parametrize("hidden", [(4,), (5, 4), (3, 6, 2), (2, 3, 2, 4, 3)])
def test_certified_maximum_is_the_largest_value(loss, K, hidden):
    rng = np.random.default_rng(len(hidden))
    A, B = (deep_network(rng, (2, *hidden, K)) for _ in range(2))
    objective, X, y = problem(rng, 2, loss, K, N=15)
    path = theorem41(A, B, Risk(objective, X, y), draws=2, steps=20)
    assert path.method == "theorem41"
    found = check_path(path, A, B, objective, X, y, values(path.notes), reference=loss == "squared")
    assert path.notes["max_value"] == max(values(path.notes))
    assert (path.notes["held_by"] is None) == (path.notes["max_value"] <= path.notes["target"])
    if path.notes["held_by"] is None:
        assert found.claim.gap == 0.0


@pytest.mark.parametrize(("bias", "slope"), [(False, 0.0), (True, 0.1), (False, 0.1)])
def test_without_biases_and_with_leaky_relu(bias, slope):
    rng = np.random.default_rng(6)
    A, B = (deep_network(rng, (2, 4, 4, 4, 1), bias=bias, slope=slope) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    path = theorem41(A, B, Risk(objective, X, y), steps=20)
    check_path(path, A, B, objective, X, y, values(path.notes), reference=True)


def test_l1_on_the_last_layer():
    rng = np.random.default_rng(7)
    A, B = (deep_network(rng, (2, 4, 5, 1)) for _ in range(2))
    _, X, y = problem(rng, 2, K=1)
    objective = make_objective("squared", kappa=0.01, penalty="l1")
    path = theorem41(A, B, Risk(objective, X, y), steps=20)
    check_path(path, A, B, objective, X, y, values(path.notes), reference=True)


@pytest.mark.parametrize(("kappa", "penalty"), [(0.0, None), (0.01, "path"), (0.01, "l1")])
@pytest.mark.parametrize("sizes", [None, (4,)])
def test_one_hidden_layer_is_halves(kappa, penalty, sizes):
    """Same theorem as `halves`; with sizes that leave no room side by side the path passes xi_0."""
    rng = np.random.default_rng(8)
    A, B = (deep_network(rng, (2, 6, 1)) for _ in range(2))
    _, X, y = problem(rng, 2, K=1)
    objective = make_objective("squared", kappa=kappa, penalty=penalty)
    path = theorem41(A, B, Risk(objective, X, y), sizes=sizes, target=0.0, draws=8, steps=20, rounds=0)
    assert (path.notes["Q_0"] is None) == (sizes is None)
    check_path(path, A, B, objective, X, y, values(path.notes))
    if sizes is None:
        other = halves(A, B, Risk(objective, X, y))
        assert path.notes["max_value"] <= 1.5 * max(other.notes["Q_A"], other.notes["Q_B"]) + 1e-9


def test_sizes_that_need_the_common_network():
    """K_1 above one half on both sides: Q_0 appears, and its value is in the certified maximum."""
    rng = np.random.default_rng(9)
    A, B = (deep_network(rng, (2, 6, 4, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    path = theorem41(A, B, Risk(objective, X, y), sizes=(4, 2), steps=20)
    assert path.notes["Q_0"] is not None
    check_path(path, A, B, objective, X, y, values(path.notes), reference=True)


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ((1, 2), r"K_1 = 1, but Theorem 4.1 needs at least half of layer 1, ceil\(5/2\) = 3, and at most 5"),
        ((3, 5), "K_2 = 5"),
        ((3,), "1 sizes K_l for 2 hidden layers"),
    ],
)
def test_less_than_half_is_refused(sizes, text):
    """N21 states |I_l| >= n_l / 2."""
    rng = np.random.default_rng(10)
    A, B = (deep_network(rng, (2, 5, 4, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    with pytest.raises(UsageError, match=text):
        theorem41(A, B, Risk(objective, X, y), sizes=sizes)


def test_width_one_layers_leave_the_constant():
    """floor(1/2) = 0 neurons remain for a sub-network: its value is the best constant's, and the path is still exact."""
    rng = np.random.default_rng(11)
    A, B = (deep_network(rng, (2, 1, 1, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1)
    path = theorem41(A, B, Risk(objective, X, y), target=0.0, steps=5)
    check_path(path, A, B, objective, X, y, values(path.notes), reference=True)
    assert path.notes["B"]["Q"][0] == pytest.approx(float(np.var(y)))


def test_identical_endpoints_and_equal_hidden_layers():
    rng = np.random.default_rng(12)
    A = deep_network(rng, (2, 3, 3, 1))
    objective, X, y = problem(rng, 2, K=1)
    for B in (Network(A.weights, A.biases), A.replace(-1, A.theta + 1.0)):
        path = theorem41(A, B, Risk(objective, X, y))
        assert len(path.moves) == 1
        check_path(path, A, B, objective, X, y, [-np.inf])


def test_wide_networks_meet_the_target_with_the_first_choice():
    """Room for a perfect fit in every half: gap 0, one draw per layer, repeatable."""
    rng = np.random.default_rng(13)
    A, B = (deep_network(rng, (2, 30, 30, 2)) for _ in range(2))
    objective, X, y = problem(rng, 2, N=20)
    path, again = (theorem41(A, B, Risk(objective, X, y)) for _ in range(2))
    assert path.notes["held_by"] is None
    assert path.notes["A"]["draws"] == [1, 1]
    assert all(v.same_parameters(w) for v, w in zip(path.vertices(), again.vertices(), strict=True))
    assert path.notes["target"] == default_target(A, B, Risk(objective, X, y))


def test_widths_are_searched_when_a_half_is_too_little():
    """A head on half of the last hidden layer misses the target, a wider K_2 does better than one half can."""
    rng = np.random.default_rng(14)
    A, B = (deep_network(rng, (2, 24, 8, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1, N=40)
    plain = theorem41(A, B, Risk(objective, X, y), target=0.0, rounds=0, draws=1, steps=30)
    searched = theorem41(A, B, Risk(objective, X, y), target=0.0, rounds=3, draws=1, steps=30)
    for letter in "AB":
        assert max(searched.notes[letter]["Q"]) <= max(plain.notes[letter]["Q"])
    check_path(searched, A, B, objective, X, y, values(searched.notes))


@pytest.mark.parametrize("hidden", [(5,), (5, 7), (9, 5, 3), (3, 5, 4, 5)])
def test_widths_found_fit_side_by_side(hidden):
    """In every layer the sizes of neighbouring sparse points add up to at most its width, and the bound only falls."""
    rng = np.random.default_rng(17)
    A, B = (deep_network(rng, (2, *hidden, 1)) for _ in range(2))
    objective, X, y = problem(rng, 2, K=1, N=40)
    plain, path = (theorem41(A, B, Risk(objective, X, y), target=0.0, rounds=r, steps=30, draws=1) for r in (0, 6))
    assert path.notes["max_value"] <= plain.notes["max_value"]
    down = list(enumerate(path.notes["A"]["widths"], start=1))[::-1]
    up = list(enumerate(path.notes["B"]["widths"], start=1))
    for p, n in enumerate(hidden, start=1):
        held = [widths[p - l] for l, widths in [*down, *up] if l <= p]
        assert all(s + t <= n for s, t in pairwise(held))
        assert min(held) >= (1 if n > 1 else 0)
    check_path(path, A, B, objective, X, y, values(path.notes))


def test_layer_one_is_shared_unevenly_where_one_endpoint_needs_more():
    """One neuron of A does what three of B do: halves of four miss the target, one and three meet it."""
    X = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    y = np.array([[1.0], [1.0], [2.0]])
    A = Network(
        (np.array([[1.0, 1.0], [3.0, 1.0], [1.0, 2.0], [2.0, 5.0]]), np.array([[1.0, 0.0, 0.0, 0.0]])), (None, None)
    )
    rows = np.array([[1.0, -2.0], [-2.0, 1.0], [1.0, 2.0], [1.0, 4.0]])
    B = Network((rows, np.ones((1, 4))), (None, None))
    B = B.replace(-1, np.append(np.linalg.solve(np.maximum(X @ rows[:3].T, 0.0), y), 0.0)[None, :])
    objective = make_objective("squared")
    halved, found = (theorem41(A, B, Risk(objective, X, y), target=1e-12, rounds=r) for r in (0, 2))
    assert halved.notes["max_value"] > 1e-3
    assert found.notes["max_value"] <= 1e-12
    assert [found.notes[k]["K"] for k in "AB"] == [[1], [3]]
    check_path(found, A, B, objective, X, y, values(found.notes))


@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_large_head_agrees_with_newton(loss, monkeypatch):
    rng = np.random.default_rng(15)
    objective, Z, y = problem(rng, 6, loss, 3, N=200)
    warm = np.zeros((3, 6)), np.zeros(3)
    _, _, newton = subnetworks.solve_head(Z, y, objective, warm)
    monkeypatch.setattr(subnetworks, "LARGE_HEAD", 0)
    h, c, value = subnetworks.solve_head(Z, y, objective, warm)
    assert value == pytest.approx(newton, rel=1e-4)
    assert value == objective.head_value(Z, y, np.zeros(6), h, c)
    _, _, stopped = subnetworks.solve_head(Z, y, objective, warm, stop_at=2 * value)
    assert value < stopped <= 2 * value


def test_minibatches_train(monkeypatch):
    """The large-data trainer is used when asked for, lowers F, and repeats itself."""
    rng = np.random.default_rng(16)
    A, B = (deep_network(rng, (2, 12, 12, 3)) for _ in range(2))
    objective, X, y = problem(rng, 2, "cross_entropy", 3, N=80)
    monkeypatch.setattr(subnetwork_training, "LARGE_TRAINING", 0)
    none = theorem41(A, B, Risk(objective, X, y), target=0.0, steps=0, draws=1, rounds=0)
    path, again = (theorem41(A, B, Risk(objective, X, y), target=0.0, steps=300, draws=1, rounds=0) for _ in range(2))
    assert path.notes["A"]["Q"][0] < none.notes["A"]["Q"][0]
    assert path.notes["A"]["Q"] == again.notes["A"]["Q"]
    check_path(path, A, B, objective, X, y, values(path.notes))
