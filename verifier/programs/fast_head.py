"""Damped Newton for head programs: the hot loop of the path constructions (docs/mathematics.md, section 5).

`min_h,c (1/N) sum_j loss_j(Z_j h + c) + kappa sum_i r_i |h_i|`. The norm is smoothed to sqrt(|h|^2 + eps^2), eps
falls while the iteration runs, and the Newton matrix takes a dual estimate u of h / |h| (Chan, Golub, Mulet 1999), which
keeps full steps when eps is tiny. Values returned are those of the unsmoothed objective. CVXPY (`head.solve_head`) is the
reference tests hold this against.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, lstsq

from verifier.objective import Objective
from verifier.objective.loss import Loss
from verifier.programs.cvxpy_head import cvxpy_head
from verifier.programs.newton_matrix import NewtonMatrix

Array = np.ndarray
Head = tuple[Array, Array | None, float]

RCOND = 1e-9
FLOOR = 1e-11
ROUGH = 1e-9


def _split(x: Array, r: int, bias: bool) -> tuple[Array, Array | None]:
    return x[:, :r].copy(), (x[:, r].copy() if bias else None)


def _least_squares(Zb: Array, targets: Array, normal: Array | None) -> Array:
    """Minimiser x (K, p) of the squared loss; by Cholesky of the normal matrix when it is well conditioned."""
    if normal is not None:
        try:
            diagonal = np.sqrt(np.maximum(np.diag(normal), 1e-300))
            scaled = normal / diagonal[:, None] / diagonal
            factor = cho_factor(scaled, lower=True, check_finite=False)
            # Squares of the factor's diagonal are the columns' distances to their predecessors' span.
            if np.diag(factor[0]).min() > 1e-4:
                right = (Zb.T @ targets) / diagonal[:, None]
                x = cho_solve(factor, right, check_finite=False)
                x += cho_solve(factor, right - scaled @ x, check_finite=False)
                return (x / diagonal[:, None]).T
        except np.linalg.LinAlgError:
            pass
    return lstsq(Zb, targets, cond=RCOND, lapack_driver="gelsy", check_finite=False)[0].T


def fast_head(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    bias: bool,
    *,
    warm: tuple[Array, Array | None] | None = None,
    stop_at: float | None = None,
    max_iter: int = 80,
    tolerance: float = 1e-9,
) -> Head:
    """Head (K, r), bias (K,) or None, and their value, for features Z (N, r) and prices (r,).

    warm: head and bias to start from. stop_at: return as soon as the value is at or below this number.
    tolerance: relative accuracy aimed at. Hinge and absolute losses go to CVXPY. The result is a proposal: its value is
    what the objective is at the head returned, whatever the iteration did.
    """
    N, r = Z.shape
    K = targets.shape[1] if targets.ndim == 2 else objective.loss.outputs(targets)
    if warm is not None:
        K = warm[0].shape[0]
    if not objective.loss.smooth:
        h, c, *_ = cvxpy_head(Z, targets, objective, prices, bias, K, "CLARABEL")
        return h, c, objective.head_value(Z, targets, prices, h, c)
    Zb = np.hstack([Z, np.ones((N, 1))]) if bias else Z
    p = Zb.shape[1]
    x = np.zeros((K, p))
    if warm is not None:
        x[:, :r] = warm[0]
        if bias and warm[1] is not None:
            x[:, r] = warm[1]
    if p == 0:
        return x, None, objective.head_value(Z, targets, prices, x, None)

    def value_of(x: Array) -> float:
        return objective.head_value(Z, targets, prices, *_split(x, r, bias))

    value = value_of(x)
    if warm is not None and not value <= (zero := value_of(np.zeros_like(x))):
        x, value = np.zeros_like(x), zero
    if stop_at is not None and value <= stop_at:
        return *_split(x, r, bias), value
    if objective.loss.name == "squared" and objective.kappa == 0:
        root = np.sqrt(objective.loss.scaled(np.ones(N)))[:, None]
        Zw, yw = (Zb, targets) if (root == 1.0).all() else (root * Zb, root * targets)
        best = _least_squares(Zw, yw, Zw.T @ Zw if p <= N else None)
        best_value = value_of(best)
        return (*_split(best, r, bias), best_value) if best_value <= value else (*_split(x, r, bias), value)
    if objective.kappa == 0 and objective.loss.name in ("logistic", "cross_entropy"):
        # Separable classes: the infimum 0 is not attained and heads would grow for nothing.
        stop_at = max(stop_at or 0.0, FLOOR)
    price = np.append(prices, objective.bias_price) if bias else np.asarray(prices, dtype=np.float64)
    program = _Program(Zb, targets, objective.loss, objective.kappa * price, objective.group if K > 1 else 1)
    x, value = _newton(program, x, stop_at=stop_at, max_iter=max_iter, tolerance=tolerance)
    return *_split(x, r, bias), value


def _norms(x: Array, group: int) -> Array:
    """|h_ik| per entry, or |h_i|_2 repeated over the outputs; shape of x (K, p)."""
    return np.abs(x) if group == 1 else np.broadcast_to(np.linalg.norm(x, axis=0), x.shape)


@dataclass(frozen=True, eq=False)
class _Program:
    """The smoothed program. Zb (N, p); price (p,) holds kappa; group: norm of a column of x (K, p)."""

    Zb: Array
    targets: Array
    loss: Loss
    price: Array
    group: int

    @property
    def penalised(self) -> bool:
        return bool((self.price > 0).any())

    @property
    def total_price(self) -> float:
        return float(self.price.sum())

    def sizes(self, x: Array, eps: float) -> Array:
        """sqrt(|h|^2 + eps^2), shape of x; ones where nothing is penalised."""
        return np.sqrt(_norms(x, self.group) ** 2 + eps * eps) if self.penalised else np.ones_like(x)

    def value(self, x: Array, predictions: Array, eps: float = 0.0) -> float:
        total = float(np.mean(self.loss.values(predictions, self.targets)))
        if self.penalised:
            s = self.sizes(x, eps)
            total += float(self.price @ (s.sum(axis=0) if self.group == 1 else s[0]))
        return total

    def gradient(self, x: Array, predictions: Array, s: Array) -> Array:
        gradient = (self.Zb.T @ self.loss.gradient(predictions, self.targets)).T / len(self.Zb)
        return gradient + self.price * x / s if self.penalised else gradient

    def dual_after(self, u: Array, x: Array, step: Array, s: Array) -> Array:
        """The estimate of h / |h| after a step, kept in the unit ball."""
        if self.group == 1:
            change = (1 - u * x / s) / s * step
        else:
            change = step / s - u * ((x * step).sum(axis=0) / s[0] ** 2)
        u = u + (x / s - u) + change
        return u / np.maximum(_norms(u, self.group), 1.0)

    def sparsified(self, x: Array, value: float, tolerance: float) -> tuple[Array, float]:
        """Entries at the smoothing's size are zeros of the true optimum."""
        for cut in (1e-5, 1e-7):
            sparse = np.where(_norms(x, self.group) > cut * max(float(np.abs(x).max()), 1e-300), x, 0.0)
            sparse[:, self.price == 0] = x[:, self.price == 0]
            found = self.value(sparse, self.Zb @ sparse.T)
            if found <= value + 0.1 * tolerance * abs(value):
                return sparse, found
        return x, value


def _line_search(
    program: _Program, x: Array, step: Array, predictions: Array, eps: float, current: float, slope: float
) -> tuple[float, float, Array]:
    """(t, value, predictions) at the first halving that falls enough; t = 0 when none of 30 does, with the last value tried."""
    moved = program.Zb @ step.T
    t, trial, at = 1.0, current, predictions
    for _ in range(30):
        at = predictions + t * moved
        trial = program.value(x + t * step, at, eps)
        if trial <= current + 1e-4 * t * slope:
            return t, trial, at
        t *= 0.5
    return 0.0, trial, at


def _newton(
    program: _Program, x: Array, *, stop_at: float | None, max_iter: int, tolerance: float
) -> tuple[Array, float]:
    """Iterate from x (K, p). Returns the best true iterate and its value."""
    matrix = NewtonMatrix(program.Zb, program.loss, program.targets, program.group, program.price)
    penalised = program.penalised
    predictions = program.Zb @ x.T
    best, best_value = x, program.value(x, predictions)
    scale = max(float(np.abs(x).max(initial=0.0)), 1.0 / max(float(np.abs(program.Zb).mean()), 1e-12) * 0.1)
    total_price = program.total_price * (x.shape[0] if program.group == 1 else 1)
    eps = 0.1 * scale if penalised else 0.0
    eps_end = tolerance * max(best_value, 1e-12) / max(total_price, 1e-300) / 4 if penalised else 0.0
    # A search's heads lose 1e-11 of their value; a certified program's, solved closer, would have a dual bound three times further off (64-200-10).
    rough = tolerance >= ROUGH
    u = x / program.sizes(x, eps) if penalised else np.zeros_like(x)
    damping, current = 1e-12, program.value(x, predictions, eps)
    for _ in range(max_iter):
        s = program.sizes(x, eps)
        gradient = program.gradient(x, predictions, s)
        step = matrix.solve(predictions, x, u, s, -gradient, damping, rough=rough and eps > eps_end)
        slope = float((gradient * step).sum())
        if not np.isfinite(slope) or slope >= 0:
            damping = max(damping * 100, 1e-10)
            if damping > 1e3:
                break
            continue
        t, trial, there = _line_search(program, x, step, predictions, eps, current, slope)
        if t == 0.0 and damping < 1.0 and eps <= eps_end:
            damping = max(damping * 1e3, 1e-6)
            continue
        if t > 0:
            if penalised:
                u = program.dual_after(u, x, t * step, s)
            x, predictions = x + t * step, there
            damping = max(damping * 0.1, 1e-14) if t > 0.5 else min(damping * 10, 1.0)
        value = program.value(x, predictions)
        if value < best_value:
            best, best_value = x, value
            if stop_at is not None and best_value <= stop_at:
                break
        decrement, current = (current - trial, trial) if t > 0 else (0.0, current)
        if not penalised or eps <= eps_end:
            if -slope < tolerance * max(abs(current), 1e-300) or decrement <= 1e-15 * abs(current):
                break
            continue
        small = -slope < 0.1 * eps * total_price or -slope < tolerance * abs(current) * 1e-2
        if small or t == 0.0 or decrement < 0.3 * eps * total_price:
            eps = max(eps * (0.1 if t > 0.5 or small else 0.3), eps_end)
            current = program.value(x, predictions, eps)
    return program.sparsified(best, best_value, tolerance) if penalised else (best, best_value)
