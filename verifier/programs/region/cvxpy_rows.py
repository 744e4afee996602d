"""Rows programs in CVXPY: any loss, any penalty, any number of outputs; sign constraints are added as they are violated."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from verifier.programs.cvxpy_head import TIGHT
from verifier.programs.region.interior_point import Proposal
from verifier.programs.region.repair import COLLAPSED, lengths
from verifier.programs.region.rows_program import RowsProgram

Array = np.ndarray

# A sign constraint is violated below this share of |u_i| |xt_j|.
VIOLATED = 1e-8
MOST_ROUNDS = 20


def state(P: RowsProgram, imposed: Array) -> tuple[Any, Any, Any, Any, Any]:
    """(problem, U (r, n), c (1, K) or None, the sign constraints of the pairs `imposed` (r, N), a function giving nu at kinks or None)."""
    import cvxpy as cp

    N, n, r, K = P.shape
    U = cp.Variable((r, n))
    c = cp.Variable((1, K)) if P.free else None
    # f = Z V + c with V_(i,e),k = TH_ki u_ie: the losses' own expressions take it from there.
    Z = (P.active.T[:, :, None] * P.inputs[:, None, :]).reshape(N, r * n)
    flat = cp.reshape(U, (r * n, 1), order="C")
    V = cp.multiply(np.repeat(P.heads.T, n, axis=0), flat @ np.ones((1, K)))
    loss, read = P.objective.loss, None
    constraints: list[Any] = []
    shift = c if P.free else (P.bias[None, :] if P.network.c is not None else None)
    if loss.smooth:
        total = loss.cvxpy(Z, V, shift, P.targets)
    else:
        total, constraints, read = loss.cvxpy_dual(Z, V, shift, P.targets)
    total = total / N
    if P.kappa:
        total = total + P.kappa * cp.sum(cp.norm(U, 2, axis=1))
    if P.decay is not None:
        total = total + 0.5 * cp.sum_squares(cp.multiply(np.repeat(np.sqrt(P.decay)[:, None], n, axis=1), U))
    if P.limits is not None:
        constraints = [*constraints, cp.norm(U, 2, axis=1) <= P.limits]
    if P.cones is not None:
        turned = cp.sum(cp.multiply(P.cones.axes, U), axis=1)
        constraints = [*constraints, turned >= P.cones.cosine * cp.norm(U, 2, axis=1)]
    if c is not None and P.bias_price:
        total = total + P.bias_price * cp.sum(cp.abs(c))
    i, j = np.nonzero(imposed)
    # Unit inputs, label signs folded into the matrix.
    values = (P.sides[i, j] / lengths(P)[j])[:, None] * P.inputs[j]
    at = (np.repeat(np.arange(len(i)), n), (i[:, None] * n + np.arange(n)).ravel())
    signs = csr_matrix((values.ravel(), at), shape=(len(i), r * n)) @ cp.reshape(U, (r * n,), order="C") >= 0
    return cp.Problem(cp.Minimize(total), [*constraints, signs]), U, c, signs, read


def first_constraints(P: RowsProgram) -> Array:
    """The 2n samples per neuron nearest to its boundary, at the network's own rows; (r, N)."""
    N, n, r, _ = P.shape
    size = np.where(lengths(P) > 0.0, lengths(P), np.inf)
    nearest = np.argsort(P.margins(P.start) / size, axis=1)[:, : min(2 * n, N)]
    out = np.zeros((r, N), dtype=bool)
    out[np.arange(r)[:, None], nearest] = True
    return out & np.isfinite(size)


def _solve(problem: Any, solver: str) -> str:
    import cvxpy as cp

    # CVXPY multiplies infinite bounds by zero for solvers that know bounds; "may be inaccurate" is said by the status.
    with warnings.catch_warnings(), np.errstate(invalid="ignore", over="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem.solve(solver=solver, **(TIGHT if solver == "CLARABEL" else {}))
        except cp.error.SolverError as error:
            return f"failed: {error}"
    return str(problem.status)


def cvxpy_rows(P: RowsProgram, *, solver: str = "CLARABEL") -> Proposal:
    """The program's optimum as the solver sees it; where it fails, the network's own rows with the solver's word for it."""
    (N, _, r, _), loss = P.shape, P.objective.loss
    imposed, size = first_constraints(P), lengths(P)
    u, c, nu, mu, status, rounds = P.start, P.bias, None, np.zeros((r, N)), "", 0
    while rounds < MOST_ROUNDS:
        rounds += 1
        problem, U, shift, signs, read = state(P, imposed)
        status = _solve(problem, solver)
        if U.value is None or not np.isfinite(U.value).all():
            break
        u = np.asarray(U.value)
        c = P.bias if shift is None else np.asarray(shift.value)[0]
        i, j = np.nonzero(imposed)
        mu = np.zeros((r, N))
        mu[i, j] = np.maximum(np.asarray(signs.dual_value), 0.0) / size[j]
        nu = None if read is None else N * np.asarray(read())
        norms = np.linalg.norm(u, axis=1)[:, None]
        violated = (P.margins(u) < -VIOLATED * norms * size) & (norms > COLLAPSED * norms.max(initial=0.0)) & ~imposed
        if not violated.any():
            break
        imposed |= violated
    gradient = P.plain_dual(P.predictions(u, c))
    return Proposal(
        u, c, [gradient] if nu is None else [P.into_domain(loss.unscaled(nu)), gradient], mu, status, rounds
    )
