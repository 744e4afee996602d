"""Dual vectors of head programs: exact repair and lower values (docs/mathematics.md, section 5).

`min_h,c (1/N) sum_j loss_j(Z_j h + c) + kappa sum_i r_i |h_i|  >=  -(1/N) sum_j loss_j^*(nu_j)`
whenever `|(1/N) Z_i^T nu| <= kappa r_i` (dual norm over the K outputs), and `sum_j nu_j = 0` for a free bias or
`|(1/N) sum_j nu_jk| <= kappa` for a penalised one. With sample weights all sums over j are weighted by the shares q_j, and nu is the dual of the plain
losses, as certificates hold it; column sums are then 0 up to rounding only, as no grid holds q_j nu_jk.
"""

from __future__ import annotations

import math

import numpy as np

from verifier.objective import Objective
from verifier.programs.zero_sum import domain

Array = np.ndarray

GRID_BITS = 44
MARGIN = 1e-10


def _dual_norm(columns: Array, group: int) -> Array:
    """Norm dual to |h_i| over the outputs, per row of (r, K): max for l1, 2-norm for weight decay."""
    return np.abs(columns).max(axis=1) if group == 1 else np.linalg.norm(columns, axis=1)


def _rows_on_simplex(p: Array, counts: Array) -> Array:
    """Non-negative rows divided by their sums; empty rows become the class frequencies."""
    sums = p.sum(axis=1, keepdims=True)
    return np.where(sums > 0, p / np.where(sums > 0, sums, 1.0), counts / counts.sum())


def into_domain(nu: Array, targets: Array, objective: Objective, zero_sums: bool) -> Array:
    """nu moved into the conjugate's domain, with column sums zero up to rounding when asked."""
    loss = objective.loss
    if loss.name == "cross_entropy":
        onehot = np.eye(nu.shape[1])[targets]
        q = loss.scaled(np.ones(len(nu)))
        counts = q @ onehot
        p = _rows_on_simplex(np.maximum(nu + onehot, 0.0), counts)
        if zero_sums:
            # Iterative proportional fitting: rows on the simplex, columns with the class counts; what is left of the
            # columns' error is made up by mixing in equal rows.
            for _ in range(20):
                p = _rows_on_simplex(p * (counts / np.maximum(q @ p, 1e-300)), counts)
            sums = q @ p
            t = min(1.0, float(np.min(counts[sums > 0] / sums[sums > 0])))
            p = _rows_on_simplex(t * p + np.maximum(counts - t * sums, 0.0) / q.sum(), counts)
        return p - onehot
    nu = np.clip(nu, *domain(targets, loss.name, loss.delta))
    if not zero_sums:
        return nu
    if loss.name == "squared":
        return nu - loss.scaled(nu).mean(axis=0)
    # Shrinking the heavier sign keeps every entry between 0 and where it was, hence inside the domain.
    plus, minus = np.maximum(nu, 0.0), np.maximum(-nu, 0.0)
    P, M = loss.scaled(plus).sum(axis=0), loss.scaled(minus).sum(axis=0)
    least = np.minimum(P, M)
    return plus * (least / np.where(P > 0, P, 1.0)) - minus * (least / np.where(M > 0, M, 1.0))


def _null_space_part(nu: Array, Z: Array, bias: bool) -> Array:
    """nu minus its projection on the columns of [Z, 1], so that Z^T nu vanishes up to rounding."""
    basis = np.hstack([Z, np.ones((len(Z), 1))]) if bias else Z
    for _ in range(2):
        nu = nu - basis @ np.linalg.lstsq(basis, nu, rcond=1e-13)[0]
    return nu


def _settle_intervals(q: Array, lo: Array, hi: Array) -> Array:
    """Integers q (N, K) with column sums zero and lo <= q <= hi, by moving units where there is slack."""
    for k in range(q.shape[1]):
        excess = int(q[:, k].sum(dtype=object))
        while excess:
            step = -1 if excess > 0 else 1
            slack = (q[:, k] - lo[:, k]) if step < 0 else (hi[:, k] - q[:, k])
            order = np.argsort(-slack, kind="stable")
            share = max(1, -(-abs(excess) // len(order)))
            before = excess
            for j in order:
                move = int(min(share, slack[j], abs(excess)))
                if move <= 0:
                    break
                q[j, k] += step * move
                excess += step * move
                if not excess:
                    break
            if excess == before:
                raise ArithmeticError("repair_dual: no slack left to make the column sums zero")
    return q


def _settle_simplex(p: Array, counts: Array, one: int) -> Array:
    """Non-negative integers p (N, K) with row sums `one` and column sums `counts * one`."""
    rows = np.arange(len(p))
    p[rows, p.argmax(axis=1)] += one - p.sum(axis=1)
    excess = np.array([int(s) - int(c) * one for s, c in zip(p.sum(axis=0, dtype=object), counts)], dtype=object)
    while any(excess):
        k, other = int(np.argmax(excess)), int(np.argmin(excess))
        amount = int(min(excess[k], -excess[other]))
        share = max(1, -(-amount // len(p)))
        for j in np.argsort(-p[:, k], kind="stable"):
            move = int(min(share, p[j, k], amount))
            p[j, k] -= move
            p[j, other] += move
            amount -= move
            excess[k] -= move
            excess[other] += move
            if not amount:
                break
    return p


def on_grid(nu: Array, targets: Array, objective: Objective, zero_sums: bool) -> Array:
    """nu rounded to a dyadic grid so that the domain and the zero column sums hold in real arithmetic."""
    if objective.loss.name == "cross_entropy":
        one = 1 << GRID_BITS
        onehot = np.eye(nu.shape[1], dtype=np.int64)[targets]
        p = np.maximum(np.rint((nu + onehot) * one).astype(np.int64), 0)
        if zero_sums:
            p = _settle_simplex(p, onehot.sum(axis=0), one)
        else:
            p[np.arange(len(p)), p.argmax(axis=1)] += one - p.sum(axis=1)
        return np.ldexp((p - onehot * one).astype(np.float64), -GRID_BITS)
    lo, hi = domain(targets, objective.loss.name, objective.loss.delta)
    top = float(np.abs(nu).max(initial=0.0))
    if top == 0.0:
        return np.zeros_like(nu)
    exponent = math.frexp(top)[1] - GRID_BITS
    q = np.trunc(np.ldexp(nu, -exponent)).astype(np.int64)
    if zero_sums:
        limit = float(1 << (GRID_BITS + 2))
        low = np.ceil(np.maximum(np.ldexp(lo, -exponent), -limit)).astype(np.int64)
        high = np.floor(np.minimum(np.ldexp(hi, -exponent), limit)).astype(np.int64)
        q = _settle_intervals(q, low, high)
    return np.ldexp(q.astype(np.float64), exponent)


def repair_dual(nu: Array, Z: Array, targets: Array, objective: Objective, prices: Array, bias: bool) -> Array:
    """Feasible dual vector close to nu (N, K), for features Z (N, r) and prices (r,).

    nu: of the objective's own losses, such as its gradient. The result is one of the plain losses, which without sample weights are the same.
    Holding exactly in real arithmetic: the loss-conjugate's domain (cross-entropy: row sums 0 and nu + onehot >= 0),
    and, without sample weights, column sums 0 when the bias is free. Holding with relative margin 1e-10 in floating point, when kappa > 0:
    `|(1/N) Z_i^T nu| <= kappa r_i`. When kappa = 0 the residual `Z^T nu` is only made small.
    """
    loss = objective.loss
    nu = loss.unscaled(np.array(nu, dtype=np.float64))
    zero_sums = bias and objective.bias_price == 0
    exact_sums = zero_sums and objective.weights is None
    N = len(Z)
    nu = into_domain(nu, targets, objective, zero_sums)
    if objective.kappa == 0:
        across = loss.unscaled(_null_space_part(loss.scaled(nu), Z, bias))
        return on_grid(into_domain(across, targets, objective, zero_sums), targets, objective, exact_sums)
    limits = objective.kappa * prices
    columns, mass = Z.T @ loss.scaled(nu) / N, loss.scaled(np.abs(Z)).sum(axis=0) / N
    ratio = _dual_norm(columns, objective.group)
    if bias and not zero_sums:
        limits = np.append(limits, objective.kappa * objective.bias_price)
        ratio = np.append(ratio, np.abs(loss.scaled(nu).sum(axis=0)).max() / N)
        mass = np.append(mass, 1.0)
    used = limits > 0
    # The grid moves an entry by at most a few units, hence a column by a few units times its mean absolute feature.
    unit = 4 * math.ldexp(max(1.0, float(np.abs(nu).max(initial=0.0))), -GRID_BITS) * math.sqrt(nu.shape[1])
    worst = float(np.max((ratio[used] + unit * mass[used]) / limits[used], initial=0.0)) * (1 + MARGIN)
    if worst > 1:
        nu = nu / worst
    return on_grid(nu, targets, objective, exact_sums)


def dual_value(
    nu: Array,
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    bias: bool,
    head_limit: float | None = None,
) -> float:
    """Lower estimate of the head program's minimum from any nu (N, K) of the plain losses: -inf outside the conjugate's domain.

    A violation of a constraint costs head_limit times its size, and the value then holds for heads whose entries are
    at most head_limit; without a head_limit a violation gives -inf.
    """
    N = len(Z)
    value = -float(np.mean(objective.loss.scaled(objective.loss.plain.conjugate(nu, targets))))
    nu = objective.loss.scaled(nu)
    columns = Z.T @ nu / N
    limits = objective.kappa * prices
    if objective.group == 1:
        violation = float(np.maximum(np.abs(columns) - limits[:, None], 0.0).sum())
    else:
        excess = np.maximum(np.linalg.norm(columns, axis=1) - limits, 0.0)
        violation = float(excess.sum()) * math.sqrt(nu.shape[1])
    if bias:
        sums = np.array([abs(math.fsum(column)) / N for column in nu.T])
        violation += float(np.maximum(sums - objective.kappa * objective.bias_price, 0.0).sum())
    if violation == 0.0:
        return value
    return -math.inf if head_limit is None else value - head_limit * violation
