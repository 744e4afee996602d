"""The head program as CVXPY states and solves it; what comes out is a hint (docs/mathematics.md, section 5)."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from verifier.objective import Objective

Array = np.ndarray
# Losses with kinks are not polished afterwards, so their multipliers must come out of the solver accurate.
TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}


def cvxpy_head(
    Z: Array, targets: Array, objective: Objective, prices: Array, bias: bool, K: int, solver: str
) -> tuple[Array, Array | None, Array | None, str, float, float]:
    """Head (K, r), bias (K,), dual vector for losses with kinks, status, and compile and solve seconds."""
    import cvxpy as cp

    start = time.perf_counter()
    N, r = Z.shape
    head: Any = cp.Variable((r, K)) if r else None
    shift = cp.Variable((1, K)) if bias else None
    body, features = (head, Z) if r else (np.zeros((1, K)), np.zeros((N, 1)))
    constraints: list[Any] = []
    read_dual: Any = None
    if objective.loss.smooth:
        total = objective.loss.cvxpy(features, body, shift, targets)
    else:
        total, constraints, read_dual = objective.loss.cvxpy_dual(features, body, shift, targets)
    total = total / N
    if objective.kappa > 0 and r:
        # Folded into one constant vector: CVXPY sees a plain weighted norm.
        weights = objective.kappa * np.asarray(prices)
        if objective.group == 1:
            total = total + cp.sum(cp.multiply(np.repeat(weights[:, None], K, axis=1), cp.abs(head)))
        else:
            total = total + weights @ cp.norm(head, 2, axis=1)
    if objective.kappa > 0 and shift is not None and objective.bias_price:
        total = total + objective.kappa * objective.bias_price * cp.sum(cp.abs(shift))
    problem: Any = cp.Problem(cp.Minimize(total), constraints)
    # CVXPY multiplies infinite bounds by zero for solvers that know bounds.
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # "Solution may be inaccurate" is said by the status, which the result carries.
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem.solve(solver=solver, **(TIGHT if solver == "CLARABEL" and not objective.loss.smooth else {}))
            status = str(problem.status)
        except cp.error.SolverError as error:
            status = f"failed: {error}"
    wall = time.perf_counter() - start
    solve = float(getattr(problem.solver_stats, "solve_time", None) or 0.0)
    h = np.zeros((K, r)) if head is None or head.value is None else np.ascontiguousarray(head.value.T)
    c = None if shift is None else (np.zeros(K) if shift.value is None else np.asarray(shift.value)[0].copy())
    nu = None
    if read_dual is not None and constraints[0].dual_value is not None:
        nu = N * read_dual()
    return h, c, nu, status, wall - solve, solve
