"""Exchange: exact kinds, exact ends, suprema at vertices, and zero gap where there is room."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.paths.path_checks import bitwise_equal, kinds, random_network, random_targets, sampled_maximum
from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.paths.exchange.proposition_x import exchange
from verifier.paths.towers.halves import halves_with_programs
from verifier.theory import halves_bound

SETTINGS = [
    ("squared", 0.0, None, 1),
    ("squared", 0.01, "path", 2),
    ("logistic", 0.0, None, 1),
    ("logistic", 0.01, "l1", 1),
    ("huber", 0.01, "weight_decay", 2),
    ("cross_entropy", 0.01, "path", 3),
    ("hinge", 0.01, "l1", 1),
]


def check(path, A, B, objective, X, targets):
    """What every path of head and idle moves has to satisfy."""
    assert path.start is A
    assert path.end is B or bitwise_equal(path.end, B)
    assert set(kinds(path)) <= {"head", "idle"}
    vertices = list(path.vertices())
    inner = [objective.path_value(v, X, targets) for v in vertices[1:-1]]
    ends = [objective.value(v, X, targets) for v in (A, B)]
    assert sampled_maximum(path, objective, X, targets, 9, path_form=True) <= max(inner + ends) + 1e-9
    return max(inner, default=-np.inf), max(ends)


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), SETTINGS)
@settings(max_examples=6)
@given(m=st.integers(1, 7), seed=st.integers(0, 1000), b=st.booleans(), c=st.booleans())
def test_exchange_is_exact_and_its_maximum_is_at_a_vertex(loss, kappa, penalty, K, m, seed, b, c):
    rng = np.random.default_rng(seed)
    A, B = (random_network(rng, m, K=K, b=b, c=c) for _ in range(2))
    X = rng.normal(size=(25, 2))
    targets = random_targets(loss, rng, 25, K)
    objective = make_objective(loss, kappa=kappa, penalty=penalty)
    path = exchange(A, B, Risk(objective, X, targets))
    top, _ = check(path, A, B, objective, X, targets)
    assert path.notes["max_value"] == pytest.approx(top, abs=1e-9)
    if path.notes["max_value"] <= path.notes["target"]:
        assert path.notes["held_up"] is None
    else:
        assert "waypoint" in path.notes["held_up"]


@pytest.mark.parametrize(("loss", "kappa", "penalty", "K"), SETTINGS)
def test_untrained_wide_networks_have_gap_zero(loss, kappa, penalty, K):
    """Random heads leave so much room that a path at or below E must be found."""
    rng = np.random.default_rng(1)
    A, B = (random_network(rng, 10, K=K) for _ in range(2))
    X, targets = rng.normal(size=(30, 2)), random_targets(loss, rng, 30, K)
    objective = make_objective(loss, kappa=kappa, penalty=penalty)
    path = exchange(A, B, Risk(objective, X, targets))
    top, E = check(path, A, B, objective, X, targets)
    assert top <= path.notes["target"] < E


def fitted(m, seed, X, y, objective):
    """Rows from a seed with the best head, so that only a fine schedule or none can stay below E."""
    from verifier.programs import fast_head

    rng = np.random.default_rng(seed)
    A = random_network(rng, m)
    h, c, _ = fast_head(A.features(X), y, objective, objective.row_prices(A), True)
    return A.replace(-1, h, c)


@pytest.mark.parametrize("exhaustive", [False, True])
@pytest.mark.parametrize("kappa", [0.0, 0.01])
def test_optimal_heads_are_reported_honestly(exhaustive, kappa):
    """At the best head there is no slack on the worse side: a positive gap is returned, named, and still a valid path."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = rng.normal(size=(40, 1))
    objective = make_objective("squared", kappa=kappa)
    A, B = fitted(5, 1, X, y, objective), fitted(5, 2, X, y, objective)
    path = exchange(A, B, Risk(objective, X, y), exhaustive=exhaustive)
    check(path, A, B, objective, X, y)
    plain = exchange(A, B, Risk(objective, X, y)).notes["max_value"]
    assert path.notes["max_value"] <= plain + 1e-12


def test_a_reachable_target_is_met():
    """A higher target is met although E itself is not."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=(40, 1))
    objective = make_objective("squared")
    A, B = fitted(5, 1, X, y, objective), fitted(5, 2, X, y, objective)
    target = 1.5 * max(objective.value(v, X, y) for v in (A, B))
    path = exchange(A, B, Risk(objective, X, y), target=target)
    assert path.notes["max_value"] <= target


def test_permuted_copy_needs_re_ordering_only():
    """B is A with its neurons in reversed order: cycles are opened through a free slot, nothing is lost."""
    rng = np.random.default_rng(4)
    A = random_network(rng, 6)
    B = Network((A.W[::-1], A.theta[:, ::-1]), (A.b[::-1], A.c))
    X, y = rng.normal(size=(30, 2)), rng.normal(size=(30, 1))
    objective = make_objective("squared", kappa=0.01)
    path = exchange(A, B, Risk(objective, X, y))
    top, E = check(path, A, B, objective, X, y)
    assert top <= E


def test_identical_networks_and_equal_rows():
    rng = np.random.default_rng(5)
    A = random_network(rng, 4)
    B = A.replace(-1, A.theta + 1)
    X, y = rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    objective = make_objective("squared")
    for other in (A, B):
        path = exchange(A, other, Risk(objective, X, y))
        assert kinds(path) == ["head"]
        assert path.end is other


def test_refusals():
    rng = np.random.default_rng(6)
    A, B = random_network(rng, 3), random_network(rng, 4)
    X, y = rng.normal(size=(9, 2)), rng.normal(size=(9, 1))
    with pytest.raises(UsageError, match="different architecture"):
        exchange(A, B, Risk(make_objective("squared"), X, y))
    deep = Network((np.ones((2, 2)), np.ones((2, 2)), np.ones((1, 2))), (None, None, None))
    with pytest.raises(UsageError, match="one hidden layer"):
        exchange(deep, deep, Risk(make_objective("squared"), X, y))


@pytest.mark.parametrize("m", [1, 2, 5, 8])
@pytest.mark.parametrize(("loss", "kappa"), [("squared", 0.0), ("logistic", 0.01)])
def test_halves(m, loss, kappa):
    """N21: the maximum is one of F(A), F(B), Q_A, Q_B."""
    rng = np.random.default_rng(m)
    A, B = random_network(rng, m), random_network(rng, m)
    X, targets = rng.normal(size=(30, 2)), random_targets(loss, rng, 30, 1)
    objective = make_objective(loss, kappa=kappa)
    path, programs = halves_with_programs(A, B, Risk(objective, X, targets))
    top, E = check(path, A, B, objective, X, targets)
    assert top == pytest.approx(max(r.primal_value for r in programs.values()), rel=1e-9)
    assert {move.program for move in path.moves} - {None} == set(programs)
    assert all(r.gap <= 1e-6 for r in programs.values())
    bound = halves_bound(A, B, Risk(objective, X, targets), path)
    assert bound.value == pytest.approx(max(top, E))
