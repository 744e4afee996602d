"""The head program: best last layer on fixed rows, with a repaired dual vector (docs/mathematics.md, section 5)."""

from __future__ import annotations

import time

import numpy as np

from verifier.errors import UsageError
from verifier.objective import Objective
from verifier.programs.cvxpy_head import cvxpy_head
from verifier.programs.dual import dual_value, repair_dual
from verifier.programs.fast_head import fast_head
from verifier.programs.result import ProgramResult

Array = np.ndarray

# Clarabel takes 40 s on 18,000 exponential cones where Newton takes one; above this many the direct method serves alone.
MOST_EXPONENTIAL_CONES = 6000


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
        status = f"direct Newton method (above {MOST_EXPONENTIAL_CONES} exponential cones, CVXPY with --exhaustive)"
    else:
        h, c, nu, status, compiling, solving = cvxpy_head(Z, targets, objective, prices, bias, K, solver)
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
