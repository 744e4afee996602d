"""Nguyen 2019's theorems as polylines: one layer per move, end to end, no excess over the larger end but rounding."""

import numpy as np
import pytest

from tests.paths.nguyen2019_checks import one_layer_at_a_time, random_network, sampled
from verifier.elaboration import path_upper_bound
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.nguyen2019.theorem32 import theorem32
from verifier.paths.nguyen2019.theorem42 import theorem42
from verifier.paths.nguyen2019.theorem51 import theorem51
from verifier.paths.nguyen2019.theorem61 import theorem61, theorem61_descent

PAIRS = [
    (theorem32, (9, 7, 4, 2), 0.2),
    (theorem32, (9, 12, 5, 4, 1), 0.05),
    (theorem51, (2, 12, 7, 4, 1), 0.1),
    (theorem51, (3, 14, 5, 4, 3), 0.5),
    (theorem51, (2, 12, 2), 0.1),
    (theorem61, (2, 12, 13, 1), 0.0),
    (theorem61, (2, 12, 12, 12, 2), 0.1),
]
DESCENTS = [
    (theorem42, (3, 5, 8, 4, 2), 0.1),
    (theorem42, (3, 5, 7, 1), 0.3),
    (theorem61_descent, (2, 6, 9, 2), 0.0),
]


def setting(widths, slope, N=6, seed=0):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(N, widths[0])), rng.normal(size=(N, widths[-1]))
    A, B = (random_network(rng, widths, slope) for _ in range(2))
    return A, B, X, y


def check_pair(theorem, A, B, o, X, y, tolerance=1e-10):
    path = theorem(A, B, Risk(o, X, y))
    E = max(o.value(A, X, y), o.value(B, X, y))
    assert path.start is A
    assert path.end.sha256() == B.sha256()
    assert one_layer_at_a_time(path)
    assert sampled(path, o, X, y).max() <= E + tolerance
    assert path_upper_bound(path, Risk(o, X, y)) <= E + tolerance
    return path


@pytest.mark.parametrize(("theorem", "widths", "slope"), PAIRS)
def test_pairs_are_joined_below_the_larger_end(theorem, widths, slope):
    A, B, X, y = setting(widths, slope)
    check_pair(theorem, A, B, make_objective("squared"), X, y)


@pytest.mark.parametrize(("theorem", "widths", "slope"), PAIRS)
def test_degenerate_networks_are_joined_too(theorem, widths, slope):
    """B all zero; A with equal neurons in every layer, so that all ranks are one."""
    A, _, X, y = setting(widths, slope)
    A = Network(tuple(np.ones_like(W) for W in A.weights), tuple(np.full_like(b, 0.5) for b in A.biases), slope)
    B = Network(tuple(np.zeros_like(W) for W in A.weights), tuple(np.zeros_like(b) for b in A.biases), slope)
    check_pair(theorem, A, B, make_objective("absolute"), X, y, 1e-8)


@pytest.mark.parametrize("loss", ["cross_entropy", "logistic", "huber"])
def test_other_losses(loss):
    widths = (2, 12, 7, 4, 3 if loss == "cross_entropy" else 1)
    A, B, X, y = setting(widths, 0.1)
    rng = np.random.default_rng(5)
    targets = {"cross_entropy": rng.integers(0, 3, 6), "logistic": rng.choice([-1.0, 1.0], (6, 1)), "huber": y}[loss]
    o = make_objective(loss, delta=0.5 if loss == "huber" else None)
    check_pair(theorem51, A, B, o, X, targets)
    goal = 1e-4
    path = theorem42(A, Risk(o, X, targets), goal)
    assert o.value(path.end, X, targets) <= goal * 1.01


@pytest.mark.parametrize(("theorem", "widths", "slope"), DESCENTS)
def test_descents_never_rise_and_reach_the_infimum(theorem, widths, slope):
    A, _, X, y = setting(widths, slope)
    o = make_objective("squared")
    path = theorem(A, Risk(o, X, y), goal=1e-6)
    values = sampled(path, o, X, y)
    assert one_layer_at_a_time(path)
    assert np.diff(values).max() <= 1e-10
    assert values[-1] <= 1e-6
    assert path_upper_bound(path, Risk(o, X, y)) <= values[0] + 1e-10


REFUSALS = [
    (theorem32, (5, 7, 4, 2), 0.2, "rank N = 6, got rank 5"),
    (theorem32, (9, 7, 7, 2), 0.2, "widths that decrease from layer 1"),
    (theorem32, (9, 7, 4, 2), 0.0, "Assumption 2.1"),
    (theorem51, (2, 11, 7, 1), 0.1, "at least 12 neurons in layer 1, got 11"),
    (theorem51, (2, 12, 7, 7), 0.1, "widths that decrease from layer 2"),
    (theorem51, (2, 12, 7, 1), 0.0, "Assumption 2.1"),
    (theorem61, (2, 12, 11, 1), 0.0, "at least 12 neurons in layer 2, got 11"),
]


@pytest.mark.parametrize(("theorem", "widths", "slope", "text"), REFUSALS)
def test_failing_hypotheses_are_refused(theorem, widths, slope, text):
    A, B, X, y = setting(widths, slope)
    with pytest.raises(UsageError, match=text):
        theorem(A, B, Risk(make_objective("squared"), X, y))


def test_duplicates_penalties_and_missing_biases_are_refused():
    A, B, X, y = setting((2, 12, 7, 1), 0.1)
    o = make_objective("squared")
    with pytest.raises(UsageError, match="equal rows"):
        theorem51(A, B, Risk(o, X[[0, 0, 1, 2, 3, 4]], y))
    with pytest.raises(UsageError, match="without penalty"):
        theorem51(A, B, Risk(make_objective("squared", kappa=0.1, penalty="l1"), X, y))
    with pytest.raises(UsageError, match=r"layers \[1\] have none"):
        theorem51(*(Network(n.weights, (None, *n.biases[1:]), 0.1) for n in (A, B)), Risk(o, X, y))
    with pytest.raises(UsageError, match="one architecture"):
        theorem51(A, setting((2, 13, 7, 1), 0.1)[0], Risk(o, X, y))
    narrow, _, X, y = setting((2, 5, 4, 1), 0.1)
    with pytest.raises(UsageError, match="hidden layer of at least N = 6"):
        theorem42(narrow, Risk(o, X, y))
    wide, _, X, y = setting((2, 1, 8, 1), 0.1)
    with pytest.raises(UsageError, match="outputs of layer 1 hold equal rows"):
        theorem42(wide.replace(1, np.zeros((1, 2))), Risk(o, X, y))
    with pytest.raises(UsageError, match="above the infimum"):
        theorem42(setting((2, 8, 1), 0.1)[0], Risk(o, *setting((2, 8, 1), 0.1)[2:]), goal=0.0)


@pytest.mark.slow
@pytest.mark.parametrize(("theorem", "widths", "slope"), [(theorem51, (5, 60, 20, 10, 1), 0.1), (theorem61, (5, 60, 60, 1), 0.0)])  # fmt: skip
def test_thirty_samples(theorem, widths, slope):
    """The issue's sizes: N = 30."""
    A, B, X, y = setting(widths, slope, N=30)
    check_pair(theorem, A, B, make_objective("squared"), X, y, 1e-10)
