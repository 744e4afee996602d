"""A bound over all widths in any dimension: dual and matrices in one semidefinite program (docs/mathematics.md, section 13), through CVXPY."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from verifier.objective import Objective
from verifier.programs.dual import into_domain, on_grid
from verifier.programs.every_width.result import Matrices

Array = np.ndarray

# Shares by which prices exceed what the repaired matrices need, and by which factors stay below them.
SLACK, DIAGONAL, ROUNDING = 1e-8, 1e-10, 3e-11


def _conjugates(objective: Objective, nu: Any, targets: Array, shares: Array) -> tuple[Any, list[Any]]:
    """(-sum_j q_j loss_j^*(nu_j) as a concave expression, constraints of its domain); shares q_j sum to 1."""
    import cvxpy as cp

    loss, q = objective.loss.plain, shares[:, None]
    if loss.name == "cross_entropy":
        p = nu + np.eye(nu.shape[1])[targets]
        return cp.sum(cp.multiply(np.broadcast_to(q, p.shape), cp.entr(p))), [cp.sum(nu, axis=1) == 0]
    linear = cp.sum(cp.multiply(q * targets, nu))
    if loss.name in ("logistic", "hinge"):
        a = -cp.multiply(targets, nu)
        if loss.name == "hinge":
            return -linear, [a >= 0, a <= 1]
        return cp.sum(cp.multiply(np.broadcast_to(q, a.shape), cp.entr(a) + cp.entr(1 - a))), []
    if loss.name == "absolute":
        return -linear, [cp.abs(nu) <= 1]
    root = np.broadcast_to(np.sqrt(q), nu.shape)
    square = cp.sum_squares(cp.multiply(root, nu))
    if loss.name == "squared":
        return -square / 4 - linear, []
    return -square / 2 - linear, [cp.abs(nu) <= loss.delta]


def solve_matrix(
    objective: Objective, inputs: Array, targets: Array, outputs: int, *, room: float, biased: bool
) -> tuple[Array, list[Array], str]:
    """(nu (N, K), [lowered, e, curved] each (2 K, N), the solver's word). inputs (N, n); room: price of a neuron of length 1."""
    import cvxpy as cp

    N, n = inputs.shape
    size = np.linalg.norm(inputs, axis=1)
    size = np.where(size > 0.0, size, 1.0)
    unit = inputs / size[:, None]
    shares = objective.loss.scaled(np.ones(N)) / N
    nu = cp.Variable((N, outputs))
    value, constraints = _conjugates(objective, nu, targets, shares)
    if biased:
        sums = shares @ nu
        price = objective.kappa * objective.bias_price
        constraints.append(sums == 0 if price == 0 else cp.abs(sums) <= price)
    products = (unit[:, :, None] * unit[:, None, :]).reshape(N, n * n)
    kept = []
    for k in range(outputs):
        for sign in (1.0, -1.0):
            e, fall, rho, q = (
                cp.Variable(N),
                cp.Variable(N, nonneg=True),
                cp.Variable(N, nonneg=True),
                cp.Variable(N, nonneg=True),
            )
            tau, M = cp.Variable(nonneg=True), cp.Variable((n + 1, n + 1), PSD=True)
            constraints += [
                e >= cp.multiply(size * shares * (sign / room), nu[:, k]) + fall,
                cp.SOC(rho + q, cp.vstack([e, rho - q])),
                M[0, 0] == 1 - tau - cp.sum(q),
                M[1:, 0] == (unit.T @ fall - unit.T @ e / 2) / 2,
                cp.vec(M[1:, 1:], order="C") == tau * np.eye(n).ravel() - products.T @ rho / 4,
            ]
            kept.append((fall, e, rho))
    problem = cp.Problem(cp.Maximize(value), constraints)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            problem.solve(solver="CLARABEL")
            status = str(problem.status)
        except cp.error.SolverError as error:
            status = f"failed: {error}"
    if nu.value is None or not np.isfinite(nu.value).all():
        return np.zeros((N, outputs)), [np.zeros((2 * outputs, N))] * 3, status
    # In units of the inputs as they are and of summed losses: p_j = N q_j nu_j.
    scale = N * room
    fall, e, rho = (np.array([np.asarray(v[i].value) for v in kept]) * scale for i in range(3))
    return np.asarray(nu.value), [fall / size, e / size, rho / size**2], status


def repaired(
    objective: Objective,
    inputs: Array,
    targets: Array,
    found: tuple[Array, list[Array], str],
    *,
    room: float,
    zero_sums: bool,
) -> tuple[Array, Matrices]:
    """A dual on the grid of certificates with matrices that hold with a little room; everything shrunk together where the solver was too bold."""
    nu, (lowered, e, curved), _ = found
    N, K = nu.shape
    exact = zero_sums and objective.weights is None
    nu = on_grid(into_domain(nu, targets, objective, zero_sums), targets, objective, exact)
    weights = np.ones(N) if objective.weights is None else objective.weights
    total = float(weights.sum())
    unit = total / N  # kept arrays are in units of N q_j, the kernel's in those of the weights
    lowered, e, curved = (np.maximum(a, 0.0) * unit if a is not e else a * unit for a in (lowered, e, curved))
    signs = [(k, i, s) for k in range(K) for i, s in enumerate((1.0, -1.0))]
    sides: list[_Side] = []
    for _ in range(4):
        sides = [
            _side(inputs, s * weights * nu[:, k], lowered[2 * k + i], e[2 * k + i], curved[2 * k + i])
            for k, i, s in signs
        ]
        worst = max(side.need for side in sides) * (1.0 + SLACK) / (room * total)
        if worst <= 1.0:
            break
        nu = on_grid(into_domain(nu / worst, targets, objective, zero_sums), targets, objective, exact)
        lowered, e, curved = lowered / worst, e / worst, curved / worst
    factors = np.concatenate([_factor(inputs, side, room * total) for side in sides])
    raised, lowered, curved = (
        np.array([getattr(side, name) for side in sides]) for name in ("raised", "lowered", "curved")
    )
    return nu, Matrices(raised, lowered, curved, np.array([side.tau for side in sides]), factors)


@dataclass(frozen=True, eq=False)
class _Side:
    """One side of one output. e = p + lowered + raised. need: the least price at which its matrix is semidefinite, at tau."""

    raised: Array
    lowered: Array
    curved: Array
    e: Array
    need: float
    tau: float


def _side(inputs: Array, p: Array, lowered: Array, e: Array, curved: Array) -> _Side:
    raised = np.maximum(e - p - lowered, 0.0)
    e = p + lowered + raised
    curved = np.maximum(curved, 1e-9 * max(float(np.abs(curved).max()), float(np.abs(e).max()), 1e-300))
    values, vectors = np.linalg.eigh((inputs * (curved / 4.0)[:, None]).T @ inputs)
    along = (vectors.T @ (inputs.T @ (lowered - e / 2.0))) ** 2 / 4.0
    top = max(float(values[-1]), 1e-300)

    def need(log_excess: float) -> float:
        tau = top * (1.0 + np.exp(log_excess))
        return float(tau + (along / (tau - values)).sum())

    best = minimize_scalar(need, bounds=(-18.0, 18.0), method="bounded", options={"xatol": 1e-10})
    fixed = float((e * e / (4.0 * curved)).sum())
    return _Side(raised, lowered, curved, e, fixed + need(float(best.x)), top * (1.0 + float(np.exp(best.x))))


def _factor(inputs: Array, side: _Side, price: float) -> Array:
    """A factor of the side's matrix at this price, of a little less than it, so that rounding leaves something on the diagonal."""
    n = inputs.shape[1]
    M = np.zeros((n + 1, n + 1))
    M[0, 0] = price - side.tau - float((side.e**2 / (4.0 * side.curved)).sum())
    M[0, 1:] = M[1:, 0] = inputs.T @ (side.lowered - side.e / 2.0) / 2.0
    M[1:, 1:] = side.tau * np.eye(n) - (inputs * (side.curved / 4.0)[:, None]).T @ inputs
    # What rounding may take from a diagonal entry is a share of the numbers that it is the difference of.
    scale = np.append(price, np.full(n, side.tau))
    M[np.diag_indices(n + 1)] -= DIAGONAL * np.diag(M) + ROUNDING * scale
    try:
        return np.asarray(np.linalg.cholesky(M))
    except np.linalg.LinAlgError:
        return np.zeros_like(M)
