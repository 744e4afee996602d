"""Interval for the optimal value of a head program: fast evaluation of `head_optimum`.

Above: F at the stored head. Below, by duality (theory.md section 5): for nu in the domain of the conjugates,

    F(h, c) >= -(1/N) sum_j loss_j^*(nu_j) - sum_ik |h_ik| (|(1/N) Z_i^T nu_k| - kappa r_i)_+ - sum_k |c_k| (|(1/N) sum_j nu_jk| - kappa_c)_+

(Euclidean norms over k under weight decay): a dual without violation bounds every head, and one with violation v bounds heads
with entries at most H up to H v.
"""

from __future__ import annotations

import math

import numpy as np

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import (
    INFLATE,
    Ball,
    down,
    exact,
    lower,
    magnitude,
    matmul,
    relu,
    row_norms,
    sum_upper,
    transpose,
    up,
)
from verifier.kernel.fast.forward import affine, head_norms, head_prices, interior_penalty, loss_at, total
from verifier.kernel.statements import HeadOptimum, Problem, augmented_rows, require, validate_head

Array = np.ndarray


def violation(problem: Problem, claim: HeadOptimum, Z: Ball, prices: Ball) -> float:
    """Upper bound of what heads with entries at most 1 can gain from dual constraint violations; exactly 0.0 when all certainly hold."""
    o, N = problem.objective, problem.X.shape[0]
    G = matmul(transpose(Z), exact(claim.dual))  # (r, K), N times the gradient
    reach = row_norms(G) if o.penalty == "weight_decay" else None
    size = magnitude(reach) if reach is not None else magnitude(G)
    if o.penalty == "none":
        allowed = np.zeros_like(size)
    else:
        allowed = np.maximum(lower(prices), 0.0) * (o.kappa * N) / INFLATE / INFLATE
        if size.ndim == 2:
            allowed = np.broadcast_to(allowed[:, None], size.shape)
    over = np.where(size <= allowed, 0.0, np.nextafter(size - allowed, np.inf))
    if reach is not None:
        # Entries at most H leave |h_i|_2 at most H sqrt(K): a violated group constraint costs that much more.
        over = over * up(math.sqrt(problem.A.weights[1].shape[0])) * INFLATE
    terms = over.ravel().tolist()
    if problem.A.biases[1] is not None:
        free = o.kappa if o.penalise_output_bias else 0.0
        for column in claim.dual.T.tolist():
            s = abs(math.fsum(column))  # correctly rounded, and 0.0 only when the sum is exactly 0
            room = down(free * N) if free > 0.0 else 0.0
            terms.append(0.0 if s == 0.0 or up(s) <= room else up(up(s) - room))
    return 0.0 if not any(terms) else up(sum_upper(terms) / N)


def check_head(problem: Problem, claim: HeadOptimum) -> dict[str, float]:
    """Numbers found for the claim; rejects unless they confirm both ends of the interval."""
    validate_head(claim, problem)
    o = problem.objective
    rows = exact(augmented_rows(claim.rows, claim.row_bias))
    row_bias = None if claim.row_bias is None else exact(claim.row_bias)
    Z = relu(affine(exact(problem.X), exact(claim.rows), row_bias), problem.negative_slope)
    prices = head_prices(rows, o.penalty)
    theta, c = exact(claim.head), None if claim.head_bias is None else exact(claim.head_bias)
    loss = loss_at(problem, affine(Z, theta, c))
    P = interior_penalty(o, prices, head_norms(theta, o.penalty), c)
    primal = total(o, loss.lower, loss.upper, P).upper
    v = violation(problem, claim, Z, prices)
    dual = -losses.conjugate_mean_upper(o, claim.dual, problem.targets)
    if claim.head_limit is None:
        require(v == 0.0, f"the dual violates its constraints by up to {v!r} and no head_limit is claimed")
    else:
        dual = down(dual - up(claim.head_limit * v))
    # Every loss and penalty is at least 0, so 0 is a lower bound that needs no dual.
    dual = max(dual, 0.0)
    require(claim.lower <= dual, f"lower end: found at least {dual!r}, claimed {claim.lower!r}")
    require(primal <= claim.upper, f"upper end: found at most {primal!r}, claimed {claim.upper!r}")
    return {"lower": dual, "upper": primal, "violation": v}
