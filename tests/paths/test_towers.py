"""Proposition T: chains of towers become exact paths whose supremum is the largest tower."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths.tower_checks import check_path, deep_network, problem, random_tower
from verifier.errors import UsageError
from verifier.kernel.fast.normwise import exact_layers, last_image
from verifier.kernel.statements import Parameters
from verifier.networks.above import dense_above
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.endpoints import require_same_architecture
from verifier.paths.path import Path
from verifier.paths.towers.moves import Tower, compatible, live_slots, mixed, tower_of
from verifier.paths.towers.subnetworks import rounding
from verifier.paths.towers.tower_path import moves_through_towers


def half_chain(rng, A, B, count):
    """Random towers of at most half of each width, so that neighbours fit."""
    widths, bias = A.widths, A.biases[0] is not None
    return [
        random_tower(rng, widths[0], [int(rng.integers(0, n // 2 + 1)) for n in widths[1:-1]], widths[-1], bias)
        for _ in range(count)
    ]


def subset_of_B(rng, B):
    """All of B's lower layers and half of its top rows."""
    tower = tower_of(B)
    keep = rng.permutation(tower.sizes[-1])[: tower.sizes[-1] // 2]
    return mixed(tower, np.sort(keep), tower, np.zeros(0, dtype=int)).with_head(tower.head[:, np.sort(keep)], B.c)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    hidden=st.lists(st.integers(2, 6), min_size=1, max_size=5),
    bias=st.booleans(),
    sparsity=st.sampled_from([0.0, 0.5]),
    slope=st.sampled_from([0.0, 0.1]),
    count=st.integers(1, 4),
)
def test_random_chains(seed, hidden, bias, sparsity, slope, count):
    """Depth 2 to 6: random small towers, then half of B's top rows over all of B's lower layers."""
    rng = np.random.default_rng(seed)
    widths = (2, *hidden, 2)
    A, B = (deep_network(rng, widths, bias=bias, slope=slope, sparsity=sparsity) for _ in range(2))
    objective, X, y = problem(rng, 2)
    # All of A beside any other neuron does not fit, so the chain first leaves A for the bias alone.
    empty = random_tower(rng, 2, [0] * len(hidden), 2, bias)
    towers = [empty, *half_chain(rng, A, B, count), replace(empty, label="empty again"), subset_of_B(rng, B)]
    path = Path("towers", A, moves_through_towers(A, B, towers))
    values = [t.value(Risk(objective, X, y), dense_above(slope, len(t.weights) + 1)) for t in towers]
    check_path(path, A, B, objective, X, y, values, reference=seed % 8 == 0)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), depth=st.integers(2, 6), n=st.integers(2, 6), data=st.data())
def test_permuted_copies_are_brought_home(seed, depth, n, data):
    """B is A with one hidden layer in another order: its neurons travel through one free slot, whatever the layer."""
    rng = np.random.default_rng(seed)
    p = data.draw(st.integers(1, depth - 1))
    A = deep_network(rng, (2, *[n] * (depth - 1), 2))
    order = rng.permutation(n)
    weights, biases = list(A.weights), list(A.biases)
    weights[p - 1], biases[p - 1], weights[p] = weights[p - 1][order], biases[p - 1][order], weights[p][:, order]
    B = Network(tuple(weights), tuple(biases))
    objective, X, y = problem(rng, 2)
    # All below layer p, all but one neuron of it, nothing above.
    kept = [np.arange(2), *[np.arange(n)] * (p - 1), np.arange(n - 1), *[np.arange(0)] * (depth - 1 - p)]
    part = Tower(
        tuple(W[np.ix_(q, r)] for W, r, q in zip(A.weights, kept, kept[1:], strict=False)),
        tuple(b[q] for b, q in zip(A.biases, kept[1:], strict=False)), A.theta[:, kept[-1]], A.c,
    )  # fmt: skip
    path = Path("towers", A, moves_through_towers(A, B, [part]))
    found = check_path(path, A, B, objective, X, y, [part.value(Risk(objective, X, y))], reference=seed % 8 == 0)
    assert ("transfer" in found.kinds) == any(order[: n - 1] != np.arange(n - 1)) or n - 1 in order[: n - 1]


def permuted_pair(order):
    rng = np.random.default_rng(0)
    A = deep_network(rng, (2, 3, 3, 1))
    B = Network(
        (A.weights[0], A.weights[1][order], A.weights[2][:, order]), (A.biases[0], A.biases[1][order], A.biases[2])
    )
    return A, B


def test_re_ordering_needs_a_free_slot():
    """The exact exception: a full layer with the same neurons in all towers, in another order in B."""
    A, B = permuted_pair([1, 2, 0])
    with pytest.raises(ValueError, match="layer 2 of A and B holds the same neurons in another order"):
        moves_through_towers(A, B, [])


def test_one_free_slot_opens_a_cycle_with_transfers():
    A, B = permuted_pair([1, 2, 0])
    objective, X, y = problem(np.random.default_rng(1), 2, K=1)
    full = tower_of(A)
    part = mixed(full, np.array([0, 1]), full, np.zeros(0, dtype=int)).with_head(full.head[:, :2], A.c)
    path = Path("towers", A, moves_through_towers(A, B, [part]))
    found = check_path(path, A, B, objective, X, y, [part.value(Risk(objective, X, y))], reference=True)
    assert found.kinds.count("transfer") >= 2


def test_towers_that_do_not_fit_are_refused():
    rng = np.random.default_rng(2)
    A, B = (deep_network(rng, (2, 3, 3, 1)) for _ in range(2))
    tower = random_tower(rng, 2, [2, 2], 1, True)
    assert not compatible(tower_of(A), tower, (3, 3))
    with pytest.raises(ValueError, match="layer 1 needs 2 free slots for the next tower and has 0"):
        moves_through_towers(A, B, [tower])


def test_keys_see_numbers_and_readers_only():
    """A zero weight, a sign of zero and the order of neurons do not matter; a neuron that reads something else is another neuron."""
    rng = np.random.default_rng(3)
    a = random_tower(rng, 2, [3, 2], 1, True)
    order = [2, 0, 1]
    b = replace(a, weights=(a.weights[0][order], a.weights[1][:, order]), biases=(a.biases[0][order], a.biases[1]))
    assert a.keys[1] == b.keys[1]
    assert sorted(a.keys[0]) == sorted(b.keys[0])
    without = replace(a, weights=(a.weights[0], a.weights[1] * np.array([1.0, 1.0, 0.0])))
    negative = replace(a, weights=(a.weights[0], a.weights[1] * np.array([1.0, 1.0, -0.0])))
    fewer = replace(a, weights=(a.weights[0][:2], a.weights[1][:, :2]), biases=(a.biases[0][:2], a.biases[1]))
    assert without.keys[1] == negative.keys[1] == fewer.keys[1] != a.keys[1]
    twice = replace(a, weights=(a.weights[0][[0, 0, 1]], a.weights[1]), biases=(a.biases[0][[0, 0, 1]], a.biases[1]))
    assert len(set(twice.keys[0])) == 3


def test_dead_neurons_of_the_ends_cost_nothing():
    """A's dead neurons are free slots; B's dead rows are written last, bit for bit."""
    rng = np.random.default_rng(4)
    A = deep_network(rng, (2, 4, 4, 1))
    B = deep_network(rng, (2, 4, 4, 1))
    dead = B.theta.copy()
    dead[:, 1] = -0.0
    B = B.replace(-1, dead)
    assert list(live_slots(B)[1]) == [0, 2, 3]
    objective, X, y = problem(rng, 2, K=1)
    towers = [random_tower(rng, 2, [0, 0], 1, True)]
    path = Path("towers", A, moves_through_towers(A, B, towers))
    check_path(path, A, B, objective, X, y, [t.value(Risk(objective, X, y)) for t in towers], reference=True)


def test_architectures_must_agree():
    rng = np.random.default_rng(5)
    with pytest.raises(UsageError, match="different architecture"):
        require_same_architecture("x", deep_network(rng, (2, 3, 1)), deep_network(rng, (2, 4, 1)))
    with pytest.raises(UsageError, match="at least one hidden layer"):
        require_same_architecture("x", deep_network(rng, (2, 1)), deep_network(rng, (2, 1)))


def test_the_judgement_of_rounding_survives_depth():
    """Above what float64 is off a deep network's outputs, and far below them; sums of absolute products exceed them at 25 layers."""
    rng = np.random.default_rng(6)
    net, X = deep_network(rng, (5, *[64] * 25, 2)), rng.normal(size=(40, 5))
    weights = tuple(W * np.sqrt(2.0 / W.shape[1]) / W.std() for W in net.weights)
    layers = exact_layers(Parameters(weights, net.biases))
    h = X
    for W, b in zip(weights[:-1], net.biases[:-1]):
        h = np.maximum(h @ W.T + (0.0 if b is None else b), 0.0)
    f = h @ weights[-1].T + (0.0 if net.biases[-1] is None else net.biases[-1])
    off = np.abs(f - last_image(X, layers, 0.0, finer=True).mid).max()
    judged = rounding(X, list(zip(weights[:-1], net.biases[:-1])), weights[-1], net.biases[-1], net.above(0))
    assert off <= judged <= 0.1 * np.abs(f).max()
