"""Descent by convex programs: F falls at every vertex, no move rises above its ends, and the kernel certifies all of it."""

from itertools import pairwise

import numpy as np
import pytest

from tests.programs.test_region_programs import instance
from verifier.data import load_data
from verifier.elaboration.claims import elaborate_path, kernel_problem
from verifier.errors import VerifierError
from verifier.kernel import check
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.regions.descent import region_descent
from verifier.paths.regions.seeds import seeds
from verifier.programs.region import solve_region
from verifier.training import train_network


def judged(path, objective, X, y):
    """The path certified with gap 0 over its start, no move above its ends by more than rounding, F falling; returns F at the vertices."""
    literal = objective.value
    values = [literal(v, X, y) for v in path.vertices()]
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(values))
    problem = kernel_problem(path.start, path.end, Risk(objective, X, y))
    found = elaborate_path(problem, path)
    for evaluation in ("fast", "reference"):
        verdict = check(problem, found.claim, evaluation=evaluation)
        assert verdict.accepted, verdict.sentence
    assert found.claim.gap == 0.0
    ends = [Risk(objective, X, y).value_in(found.claim.form, v) for v in path.vertices()]
    # The path begins and ends in the networks themselves.
    ends[0], ends[-1] = values[0], values[-1]
    for upper, (a, b) in zip(found.bounds.uppers, pairwise(ends), strict=True):
        assert upper <= max(a, b) * (1 + 1e-7), "a move rises above its ends"
    assert set(found.kinds) <= {"head", "chord", "idle"}
    return values


@pytest.mark.parametrize(
    ("loss", "penalty"),
    [
        ("squared", "path"),
        ("logistic", "path"),
        ("cross_entropy", "path"),
        ("squared", "none"),
        ("logistic", "weight_decay"),
        ("huber", "l1"),
    ],
)
def test_every_vertex_falls_and_every_move_is_certified(loss, penalty):
    rng = np.random.default_rng(11)
    network, o, X, y = instance(rng, loss, penalty, N=30)
    path = region_descent(network, Risk(o, X, y), most_programs=6)
    values = judged(path, o, X, y)
    assert len(path.moves) >= 2
    assert values[-1] < values[0]
    assert path.notes["programs"] <= 6


def test_a_stationary_point_is_the_best_of_its_region():
    """A point that is called stationary is best in the region that holds it, and no single facet or seed lowers F there."""
    network, o, X, y = instance(np.random.default_rng(2), "squared", "path", N=12, m=3, d=1)
    path = region_descent(network, Risk(o, X, y), most_programs=60)
    judged(path, o, X, y)
    assert path.notes["stationary"]
    end = path.end
    program = solve_region(end, Risk(o, X, y))
    assert program.F - program.dual <= 1e-5 * program.F


def test_real_data_ends_below_the_trained_network():
    """Breast Cancer, width 6: a few programs go below where training stopped, and below the best of the first region."""
    d = load_data("paper-breast-cancer")
    trained = train_network(d, 6, "logistic", seed=0, epochs=60, kappa=1e-3, penalty="path")
    y = trained.objective.loss.encode(d)
    path = region_descent(trained.network, Risk(trained.objective, d.X, y), most_programs=4)
    values = judged(path, trained.objective, d.X, y)
    first = solve_region(trained.network, Risk(trained.objective, d.X, y))
    assert values[-1] < first.dual < values[0]


def test_seeds_lower_F_to_first_order():
    """Each direction found pulls harder than the price, recomputed from its definition; none where the price is too high."""
    rng = np.random.default_rng(3)
    nu, inputs = rng.normal(size=(20, 2)), rng.normal(size=(20, 3))
    found = seeds(nu, inputs, 0.05, 4, np.zeros((0, 3)), rng)
    assert len(found) > 1
    for s in found:
        pull = float(np.maximum(inputs @ s.row, 0.0) @ nu[:, s.output]) / 20
        assert abs(pull) > 0.05
        assert np.sign(pull) == -s.sign
        assert np.linalg.norm(s.row) == pytest.approx(1.0)
    assert seeds(nu, inputs, 1e3, 4, np.zeros((0, 3)), rng) == []


def test_deep_networks_are_refused():
    deep = Network((np.ones((2, 1)), np.ones((2, 2)), np.ones((1, 2))), (None, None, None))
    _, o, X, y = instance(np.random.default_rng(0), "squared", "none")
    with pytest.raises(VerifierError, match="one hidden layer"):
        region_descent(deep, Risk(o, X[:, :1], y))
