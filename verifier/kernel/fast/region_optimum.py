"""Interval for the least F on an activation region: fast evaluation of `region_optimum` (docs/mathematics.md, section 11).

Above: F at a stored member. Below, by duality: with shares q_j, multipliers mu_ij >= 0, sides sigma_ij = 2 a_ij - 1 and nu in the conjugates' domain,

    F >= -sum_j q_j loss_j^*(nu_j) + sum_i (w_i . r_i + price_i(w_i)) + c . sum_j q_j nu_j + kappa_c |c|_1,
    r_i = sum_j q_j (theta_i . nu_j) a_ij xt_j - sum_j mu_ij sigma_ij xt_j

for all rows w and biases c of the region. The code's numbers are these times the sum of the weights.
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import (
    INFLATE,
    TINY,
    Ball,
    down,
    exact,
    lower,
    magnitude,
    matmul,
    multiply,
    row_norms,
    row_sums_of_magnitudes,
    subtract,
    sum_lower,
    sum_upper,
    transpose,
    up,
)
from verifier.kernel.fast.forward import objective_at, weight_decay
from verifier.kernel.fast.heads import bias_sums, pulls, sum_of_weights
from verifier.kernel.fast.rational import ZERO, dot, fraction, integer_row
from verifier.kernel.statements import (
    Parameters,
    Problem,
    RegionOptimum,
    augmented_inputs,
    augmented_rows,
    region_network,
    require,
)

Array = np.ndarray


def signs(rows: Array, X: Array) -> Array:
    """The exact sign of every rows_i . X_j, (m, N): by balls, and in integers where these leave it open."""
    u = matmul(exact(rows), exact(X.T))
    found = np.where(u.mid > u.rad, 1, np.where(u.mid < -u.rad, -1, 0))
    open_ = (found == 0) & np.reshape(rows.any(axis=1), (-1, 1)) & X.any(axis=1)
    inputs = {j: integer_row(X[j].tolist()) for j in np.flatnonzero(open_.any(axis=0)).tolist()}
    for i in np.flatnonzero(open_.any(axis=1)).tolist():
        row = integer_row(rows[i].tolist())
        for j in np.flatnonzero(open_[i]).tolist():
            s = dot(row, inputs[j])
            found[i, j] = (s > 0) - (s < 0)
    return found


def pattern(p: Parameters, X: Array, active: Array) -> Array:
    """a (m, N) of the network's region, as booleans; rejects where a pair said to be on the boundary is not."""
    s = signs(augmented_rows(p.weights[0], p.biases[0]), X)
    require(bool((s[active[:, 0], active[:, 1]] == 0).all()), "an active pair has a pre-activation that is not 0")
    a = s > 0
    a[active[:, 0], active[:, 1]] = True
    return a


def member(problem: Problem, claim: RegionOptimum, p: Parameters, a: Array, X: Array) -> Parameters:
    """The network at the stored point; rejects points outside the closed region or beyond a row limit."""
    inside = np.where(a, 1, -1) * signs(claim.point, X) >= 0
    require(bool(inside.all()), "the point lies outside the region")
    if claim.row_limits is not None:
        size = magnitude(row_norms(exact(claim.point)))
        for i in np.flatnonzero(~(size <= claim.row_limits)).tolist():
            square = sum((fraction(v) ** 2 for v in claim.point[i].tolist()), ZERO)
            short = bool(square <= fraction(float(claim.row_limits[i])) ** 2)
            require(short, "a row of the point is longer than its limit")
    d = problem.X.shape[1]
    row_bias = None if p.biases[0] is None else claim.point[:, d]
    c = p.biases[1] if claim.point_bias is None else claim.point_bias
    return Parameters((claim.point[:, :d], p.weights[1]), (row_bias, c))


def residuals(problem: Problem, claim: RegionOptimum, p: Parameters, a: Array, X: Array) -> Array:
    """|r_i|_2 times the sum of weights, from above, (m,). Exactly 0.0 for neurons without a head, whose multipliers count as 0."""
    low, high = sum_of_weights(problem)
    nu = matmul(exact(p.weights[1].T), transpose(pulls(problem, claim.nu)))
    pull = matmul(Ball(nu.mid * a, nu.rad * a), exact(X))
    mu = np.zeros(a.shape)
    i, j = claim.tight.T
    mu[i, j] = np.where(a[i, j], claim.multipliers, -claim.multipliers)
    push = matmul(exact(mu), exact(X))
    push = multiply(push, Ball(np.full_like(push.mid, low), np.full_like(push.mid, up(high - low))))
    return np.where(p.weights[1].any(axis=0), magnitude(row_norms(subtract(pull, push))), 0.0)


def cost_of_rows(problem: Problem, claim: RegionOptimum, p: Parameters, size: Array, level: float) -> float:
    """From above, what rows can gain from their residuals `size` (m,), where F <= level; without the head's own share of the penalty."""
    o, low = problem.objective, sum_of_weights(problem)[0]
    if o.penalty == "path":
        # sum_i |theta_i|_1 |w_i|_2 <= level / kappa, losses being at least 0.
        heads = np.maximum(lower(row_sums_of_magnitudes(exact(p.weights[1].T))), 0.0)
        allowed = heads * down(o.kappa * low) / INFLATE / INFLATE
        over = np.where(size <= allowed, 0.0, np.nextafter(size - allowed, np.inf))
        require(bool(((over == 0.0) | (heads > 0.0)).all()), "a head is too small to tell from 0")
        worst = float((over / np.where(heads > 0.0, heads, 1.0)).max()) * INFLATE
        return up(up(up(worst / low) * level) / o.kappa) if worst > 0.0 else 0.0
    if o.penalty == "weight_decay":
        # w . r + kappa |w|^2 / 2 >= -|r|^2 / (2 kappa).
        each = size / low * INFLATE
        return up(sum_upper((each * each * INFLATE + TINY).tolist()) / down(2.0 * o.kappa))
    assert claim.row_limits is not None  # guaranteed by `validate_region_optimum`; only for the type checker
    return up(sum_upper((size * claim.row_limits * INFLATE + TINY).tolist()) / low)


def cost_of_biases(problem: Problem, claim: RegionOptimum, level: float) -> float:
    """From above, what free output biases can gain from column sums of nu, where F <= level."""
    o, low = problem.objective, sum_of_weights(problem)[0]
    room = down(o.kappa * low) if o.penalise_output_bias else 0.0
    over = [0.0 if s <= room else up(s - room) for s in bias_sums(problem, claim.nu)]
    if not any(over):
        return 0.0
    if o.penalise_output_bias:
        return up(up(up(max(over) / low) * level) / o.kappa)
    require(claim.bias_limit is not None, "the dual pulls at a free output bias and no bias_limit is claimed")
    assert claim.bias_limit is not None  # for the type checker
    return up(up(sum_upper(over) / low) * claim.bias_limit)


def kept_share(problem: Problem, claim: RegionOptimum, p: Parameters) -> float:
    """From below, what does not depend on rows and free biases: the head's own penalty, and c . sum_j q_j nu_j + kappa_c |c|_1 of a kept bias c."""
    o, (low, high) = problem.objective, sum_of_weights(problem)
    head, c = p.weights[1], p.biases[1]
    terms = []
    if o.penalty == "l1":
        terms.append(down(o.kappa * max(0.0, sum_lower(np.abs(head).ravel().tolist()))))
    if o.penalty == "weight_decay":
        terms.append(down(o.kappa * weight_decay(Parameters((np.zeros((1, 1)), head), (None, None))).lower))
    if c is not None and claim.output_bias == "kept":
        sums = matmul(transpose(pulls(problem, claim.nu)), exact(np.ones((len(problem.X), 1))))
        term = float(lower(matmul(exact(c[None, :]), sums))[0, 0])
        terms.append(down(term / (high if term >= 0.0 else low)))
        if o.penalise_output_bias:
            terms.append(down(o.kappa * max(0.0, sum_lower(np.abs(c).tolist()))))
    return sum_lower(terms) if terms else 0.0


def check_region_optimum(problem: Problem, claim: RegionOptimum) -> dict[str, float]:
    """Numbers found for the claim; rejects unless they confirm both ends of the interval."""
    p, X = region_network(problem, claim), augmented_inputs(problem)
    a = pattern(p, X, claim.active)
    primal = objective_at(problem, member(problem, claim, p, a, X)).upper
    # The least F is at most `primal`, so that points above it need no bound.
    cost = cost_of_rows(problem, claim, p, residuals(problem, claim, p, a, X), primal)
    if claim.output_bias == "free":
        other = cost_of_biases(problem, claim, primal)
        # Under the path penalty rows and biases share one budget.
        cost = (
            max(cost, other)
            if problem.objective.penalise_output_bias and problem.objective.penalty == "path"
            else up(cost + other)
        )
    dual = -losses.conjugate_mean_upper(problem.objective, claim.nu, problem.targets, problem.weights)
    # Every loss and penalty is at least 0.
    dual = max(0.0, down(down(dual + kept_share(problem, claim, p)) - cost))
    require(claim.lower <= dual, f"lower end: found at least {dual!r}, claimed {claim.lower!r}")
    require(primal <= claim.upper, f"upper end: found at most {primal!r}, claimed {claim.upper!r}")
    return {"lower": dual, "upper": primal, "cost": cost}
