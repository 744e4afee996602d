"""Head programs by their conditions: duality gap, exact dual feasibility, KKT, Newton against CVXPY."""

import math
import sys

import numpy as np
import pytest

from verifier.errors import UsageError
from verifier.objective import LOSSES, make_objective
from verifier.programs import dual_value, fast_head, repair_dual, solve_head

PENALTIES = [(0.0, None, False), (1e-3, "l1", True), (1e-2, "path", False), (1e-2, "weight_decay", False)]
CASES = [(loss, *penalty) for loss in sorted(LOSSES) for penalty in PENALTIES]


def instance(loss, N=60, r=9, seed=0):
    """Features of random ReLU rows and targets with no perfect fit; K = 3 where the loss allows."""
    rng = np.random.default_rng(seed)
    Z = np.maximum(rng.normal(size=(N, 4)) @ rng.normal(size=(4, r)) + rng.normal(size=r), 0)
    if loss in ("logistic", "hinge"):
        return Z, rng.choice([-1.0, 1.0], (N, 1)), rng.uniform(0.5, 1.5, r), 1
    if loss == "cross_entropy":
        return Z, rng.integers(0, 3, N), rng.uniform(0.5, 1.5, r), 3
    return Z, rng.normal(size=(N, 3)), rng.uniform(0.5, 1.5, r), 3


def objective_of(loss, kappa, penalty, priced):
    return make_objective(loss, kappa=kappa, penalty=penalty, penalise_output_bias=priced)


@pytest.mark.parametrize(("loss", "kappa", "penalty", "priced"), CASES)
@pytest.mark.parametrize("bias", [True, False])
def test_duality_gap_and_newton_agreement(loss, kappa, penalty, priced, bias):
    """Primal and dual values meet, so both are optimal; Newton reaches the same value from zero."""
    objective = objective_of(loss, kappa, penalty, priced)
    Z, y, prices, K = instance(loss)
    result = solve_head(Z, y, objective, prices, bias=bias, name="test", outputs=K)
    assert result.status in ("optimal", "optimal_inaccurate")
    assert result.head.shape == (K, 9)
    assert (result.head_bias is not None) is bias
    recomputed = objective.head_value(Z, y, prices, result.head, result.head_bias)
    assert result.primal_value == pytest.approx(recomputed, rel=1e-14)
    assert -1e-9 <= result.gap <= 2e-6 * max(1.0, result.primal_value)
    warm = np.zeros((K, 9)), (np.zeros(K) if bias else None)
    head, c, value = fast_head(Z, y, objective, prices, bias, warm=warm)
    assert value == pytest.approx(objective.head_value(Z, y, prices, head, c), rel=1e-12)
    assert value <= result.primal_value * (1 + 1e-6) + 1e-12


@pytest.mark.parametrize(("loss", "kappa", "penalty", "priced"), CASES)
def test_repaired_duals_are_exactly_feasible_and_weak_duality_holds(loss, kappa, penalty, priced):
    """From any vector: domain and zero column sums exact, |Z^T nu|/N <= kappa r, and the value below F everywhere."""
    objective = objective_of(loss, kappa, penalty, priced)
    Z, y, prices, K = instance(loss)
    rng = np.random.default_rng(3)
    for scale in (0.1, 1.0, 30.0):
        nu = repair_dual(scale * rng.normal(size=(len(Z), K)), Z, y, objective, prices, True)
        assert np.isfinite(objective.loss.conjugate(nu, y)).all()
        if not priced:
            assert [math.fsum(column) for column in nu.T] == [0.0] * K
        if loss == "cross_entropy":
            assert all(math.fsum(row) == 0.0 for row in nu)
            assert (nu + np.eye(K)[y] >= 0).all()
        if kappa > 0:
            columns = Z.T @ nu / len(Z)
            size = np.abs(columns).max(axis=1) if objective.group == 1 else np.linalg.norm(columns, axis=1)
            assert (size <= kappa * prices).all()
        limit = 5.0
        lower = dual_value(nu, Z, y, objective, prices, True, limit)
        for _ in range(20):
            head, c = rng.uniform(-limit, limit, (K, 9)), rng.uniform(-limit, limit, K)
            assert lower <= objective.head_value(Z, y, prices, head, c) + 1e-9


def test_a_violated_constraint_needs_a_head_limit():
    Z, y, prices, _ = instance("squared")
    objective = make_objective("squared")
    nu = np.ones_like(y)
    assert dual_value(nu, Z, y, objective, prices, False) == -math.inf
    assert dual_value(nu, Z, y, objective, prices, False, 1.0) > -math.inf


@pytest.mark.parametrize("loss", ["logistic", "squared", "huber", "cross_entropy"])
def test_kkt_residual(loss):
    """|(1/N) Z_i^T grad| <= kappa r_i, with equality and opposite sign on the support."""
    objective = make_objective(loss, kappa=0.01, penalty="path")
    Z, y, prices, K = instance(loss)
    result = solve_head(Z, y, objective, prices, bias=True, name="kkt", outputs=K)
    gradient = (Z.T @ objective.loss.gradient(Z @ result.head.T + result.head_bias, y)).T / len(Z)
    assert (np.abs(gradient) <= 0.01 * prices * (1 + 1e-4)).all()
    support = np.abs(result.head) > 1e-4
    np.testing.assert_allclose(gradient[support], (-0.01 * prices * np.sign(result.head))[support], rtol=1e-3)


def test_stop_at_and_warm_start_return_early():
    Z, y, prices, _ = instance("logistic")
    objective = make_objective("logistic", kappa=0.01)
    head, c, best = fast_head(Z, y, objective, prices, True)
    again = fast_head(Z, y, objective, prices, True, warm=(head, c), stop_at=best + 1e-12)
    np.testing.assert_array_equal(again[0], head)
    _, _, value = fast_head(Z, y, objective, prices, True, stop_at=best + 0.05)
    assert value <= best + 0.05


def test_separable_classes_without_penalty_approach_zero():
    Z = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    y = np.array([[1.0], [1.0], [-1.0], [-1.0]])
    result = solve_head(Z, y, make_objective("logistic"), np.zeros(2), bias=True, name="separable")
    assert 0 <= result.primal_value < 1e-6
    assert result.dual_value <= result.primal_value


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_no_rows_at_all(loss, bias):
    """The head on the empty set is the output bias alone."""
    Z, y, _, K = instance(loss)
    objective = make_objective(loss)
    start = np.zeros((K, 0)), (np.zeros(K) if bias else None)
    head, c, value = fast_head(Z[:, :0], y, objective, np.zeros(0), bias, warm=start)
    assert head.shape == (K, 0)
    assert value <= objective.loss.value_at_zero(y, K) + 1e-12
    assert (c is not None) is bias


def test_many_outputs_take_the_conjugate_gradient_route():
    rng = np.random.default_rng(5)
    N, r, K = 150, 71, 10
    Z = np.maximum(rng.normal(size=(N, 6)) @ rng.normal(size=(6, r)), 0)
    y = rng.integers(0, K, N)
    objective = make_objective("cross_entropy", kappa=0.01, penalty="l1")
    _, _, value = fast_head(Z, y, objective, np.ones(r), True, warm=(np.zeros((K, r)), np.zeros(K)))
    result = solve_head(Z, y, objective, np.ones(r), bias=True, name="cg", outputs=K)
    assert value <= result.primal_value * (1 + 1e-6)
    assert result.gap <= 1e-5


@pytest.mark.parametrize("penalty", ["l1", "path", "weight_decay"])
def test_float32_on_the_way_reaches_the_float64_head(penalty, monkeypatch):
    """Searches take conjugate gradients in float32 while the smoothing falls; closer than 1e-9 all steps are float64."""
    matrix = sys.modules["verifier.programs.newton_matrix"].NewtonMatrix
    kinds, plain = [], matrix._conjugate_gradients
    monkeypatch.setattr(matrix, "_conjugate_gradients", lambda self, *a: (kinds.append(a[-1]), plain(self, *a))[1])
    rng = np.random.default_rng(4)
    Z, labels = np.maximum(rng.normal(size=(300, 90)), 0), rng.integers(0, 8, 300)
    objective = objective_of("cross_entropy", 1e-2, penalty, False)
    prices = rng.uniform(0.5, 1.5, 90)
    _, _, value = fast_head(Z, labels, objective, prices, True)
    assert True in kinds
    kinds.clear()
    _, _, close = fast_head(Z, labels, objective, prices, True, tolerance=1e-12)
    assert set(kinds) == {False}
    assert value == pytest.approx(close, rel=1e-8)


def test_unknown_solver_is_a_usage_error():
    Z, y, prices, _ = instance("logistic")
    with pytest.raises(UsageError, match="NOSUCH"):
        solve_head(Z, y, make_objective("logistic"), prices, bias=True, name="x", solver="NOSUCH")


@pytest.mark.parametrize(
    ("loss", "kappa"), [("logistic", 0.01), ("cross_entropy", 0.01), ("squared", 0.0), ("huber", 0.01)]
)
def test_newton_alone_agrees_with_clarabel_and_says_so(loss, kappa):
    """Above a number of exponential cones the direct method serves alone; its interval must be as tight."""
    rng = np.random.default_rng(5)
    Z = np.maximum(rng.normal(size=(60, 4)), 0.0)
    K = 3 if loss == "cross_entropy" else 1
    targets = rng.integers(0, 3, size=60) if loss == "cross_entropy" else np.where(rng.random((60, 1)) < 0.5, 1.0, -1.0)
    objective = make_objective(loss, delta=0.5 if loss == "huber" else None, kappa=kappa)
    found = {
        s: solve_head(Z, targets, objective, np.ones(4), bias=True, name="t", solver=s, outputs=K)
        for s in ("NEWTON", "CLARABEL")
    }
    assert found["NEWTON"].primal_value == pytest.approx(found["CLARABEL"].primal_value, rel=1e-7)
    assert found["NEWTON"].gap <= 1e-6 * max(1.0, found["NEWTON"].primal_value)
    assert found["NEWTON"].status.startswith("direct Newton method")
    assert found["NEWTON"].solver == "NEWTON"


def test_newton_is_refused_for_kinks():
    with pytest.raises(UsageError, match="NEWTON needs a smooth loss, and hinge has kinks"):
        solve_head(
            np.ones((2, 1)), np.ones((2, 1)), make_objective("hinge"), np.ones(1), bias=True, name="t", solver="NEWTON"
        )


def test_auto_leaves_clarabel_when_there_are_too_many_exponential_cones(monkeypatch):
    monkeypatch.setattr("verifier.programs.head.MOST_EXPONENTIAL_CONES", 10)
    rng = np.random.default_rng(6)
    Z, y = np.maximum(rng.normal(size=(12, 2)), 0.0), np.where(rng.random((12, 1)) < 0.5, 1.0, -1.0)
    assert solve_head(Z, y, make_objective("logistic", kappa=0.1), np.ones(2), bias=True, name="t").solver == "NEWTON"
    assert solve_head(Z, y, make_objective("squared"), np.ones(2), bias=True, name="t").solver == "CLARABEL"
