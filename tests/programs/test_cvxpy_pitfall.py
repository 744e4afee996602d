"""CVXPY 1.9.3 returns a silent wrong optimum for `pos(1 - multiply(y, Z @ h))` with some solvers (numerics.md).

Our hinge program folds the label signs into the matrix; it must agree across solvers on the data that trip the other form.
"""

import cvxpy as cp
import numpy as np
import pytest

from verifier.objective import make_objective
from verifier.programs import solve_head


def data():
    rng = np.random.default_rng(0)
    Z = np.maximum(rng.normal(size=(80, 5)) @ rng.normal(size=(5, 12)), 0)
    y = rng.choice([-1.0, 1.0], (80, 1))
    return Z, y


@pytest.mark.parametrize("solver", ["CLARABEL", "HIGHS", "SCIPY"])
def test_hinge_program_is_right_with_every_solver(solver):
    if solver not in cp.installed_solvers():
        pytest.skip(f"{solver} is not installed")
    Z, y = data()
    result = solve_head(Z, y, make_objective("hinge"), np.zeros(12), bias=True, name="hinge", solver=solver)
    assert result.gap <= 1e-6
    assert 0.01 < result.primal_value < 0.9


@pytest.mark.parametrize("solver", ["CLARABEL", "HIGHS", "SCIPY"])
def test_loss_expression_is_right_with_every_solver(solver):
    """The expression of `Hinge.cvxpy` itself, the form the pitfall is about."""
    if solver not in cp.installed_solvers():
        pytest.skip(f"{solver} is not installed")
    Z, y = data()
    objective = make_objective("hinge")
    reference = solve_head(Z, y, objective, np.zeros(12), bias=True, name="hinge").primal_value
    head, bias = cp.Variable((12, 1)), cp.Variable((1, 1))
    problem = cp.Problem(cp.Minimize(objective.loss.cvxpy(Z, head, bias, y) / len(Z)))
    with np.errstate(invalid="ignore"):  # CVXPY multiplies infinite bounds by zero when a solver knows bounds
        assert problem.solve(solver=solver) == pytest.approx(reference, abs=1e-6)
