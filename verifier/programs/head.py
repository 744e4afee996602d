"""The head program in CVXPY: best last layer on fixed rows, with a repaired dual vector (docs/mathematics.md, section 5)."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from verifier.errors import UsageError
from verifier.objective import Objective
from verifier.programs.dual import dual_value, repair_dual
from verifier.programs.fast_head import fast_head
from verifier.programs.result import ProgramResult

Array = np.ndarray

# Losses with kinks are not polished afterwards, so their multipliers must come out of the solver accurate.
# Clarabel takes 40 s on 18,000 exponential cones where Newton takes one; above this many the direct method serves alone.
MOST_EXPONENTIAL_CONES = 6000
TIGHT = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}


def _solve_cvxpy(
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


def _require_solver(solver: str, objective: Objective) -> None:
    if solver == "NEWTON":
        if not objective.loss.smooth:
            raise UsageError(
                f"head program: NEWTON needs a smooth loss, and {objective.loss.name} has kinks; use CLARABEL"
            )
        return
    import cvxpy as cp

    if solver not in cp.installed_solvers():
        raise UsageError(f"head program: solver {solver!r} is not installed; have {', '.join(cp.installed_solvers())}")


def solve_head(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    *,
    bias: bool,
    name: str,
    solver: str = "auto",
    outputs: int | None = None,
) -> ProgramResult:
    """`min_h,c (1/N) sum_j loss_j(Z_j h + c) + kappa sum_i r_i |h_i|` for Z (N, r), prices (r,).

    The solver's point is polished by Newton steps where the loss is smooth; the better of the two is kept and its value
    recomputed. The dual vector is the loss's gradient there (or the solver's multipliers at kinks), repaired. Without
    kappa the minimum may not be attained (separable classes): the status says what the solver thought.

    solver: a CVXPY solver, "NEWTON" for the direct method alone (smooth losses), or "auto": Clarabel, and Newton above
    MOST_EXPONENTIAL_CONES. outputs: K, needed when the labels alone do not give it.

    Raises UsageError when no solver of that name is installed, or for NEWTON with a loss that has kinks.
    """
    N, r = Z.shape
    K = outputs or objective.loss.outputs(targets)
    if solver == "auto":
        exponential = objective.loss.name in ("logistic", "cross_entropy")
        solver = "NEWTON" if exponential and N * K > MOST_EXPONENTIAL_CONES else "CLARABEL"
    _require_solver(solver, objective)
    if solver == "NEWTON":
        h, c, nu, compiling, solving = np.full((K, r), np.nan), np.full(K, np.nan) if bias else None, None, 0.0, 0.0
        status = f"direct Newton method; CVXPY is used up to {MOST_EXPONENTIAL_CONES} exponential cones"
    else:
        h, c, nu, status, compiling, solving = _solve_cvxpy(Z, targets, objective, prices, bias, K, solver)
    solved = bool(np.isfinite(h).all()) and (c is None or bool(np.isfinite(c).all()))
    value = objective.head_value(Z, targets, prices, h, c) if solved else np.inf
    start = time.perf_counter()
    candidates = [nu] if nu is not None else []
    if nu is None and solved:
        candidates.append(objective.loss.gradient(Z @ h.T + (0.0 if c is None else c), targets))
    if objective.loss.smooth:
        warm = (h, c) if solved and np.isfinite(value) else None
        h2, c2, value2 = fast_head(Z, targets, objective, prices, bias, warm=warm, tolerance=1e-12)
        candidates.append(objective.loss.gradient(Z @ h2.T + (0.0 if c2 is None else c2), targets))
        if not value <= value2:
            h, c, value = h2, c2, value2
    limit = 2.0 * max(1.0, float(np.abs(h).max(initial=0.0)), 0.0 if c is None else float(np.abs(c).max()))
    best, best_value = np.zeros((N, K)), -np.inf
    for candidate in candidates:
        repaired = repair_dual(candidate, Z, targets, objective, prices, bias)
        lower = dual_value(repaired, Z, targets, objective, prices, bias, limit)
        if lower > best_value:
            best, best_value = repaired, lower
    return ProgramResult(
        name=name,
        N=N,
        r=r,
        K=K,
        head=h,
        head_bias=c,
        dual=best,
        primal_value=value,
        dual_value=best_value,
        head_limit=limit,
        status=status,
        solver=solver,
        compile_seconds=compiling,
        solve_seconds=solving + time.perf_counter() - start,
    )
