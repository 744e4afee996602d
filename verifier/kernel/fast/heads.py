"""Interval for the optimal value of a head program: fast evaluation of `head_optimum` and `subnetwork_head_optimum`.

Above: F at the stored head. Below, by duality (docs/mathematics.md, section 5): with shares p_j = 1/N (or w_j / sum w) and nu in the domain of the conjugates,

    F(h, c) >= -sum_j p_j loss_j^*(nu_j) - sum_ik |h_ik| (|sum_j p_j Z_ij nu_jk| - kappa r_i)_+ - sum_k |c_k| (|sum_j p_j nu_jk| - kappa_c)_+

(Euclidean norms over k under weight decay): a dual without violation bounds every head, and one with violation v bounds heads
with entries at most H up to H v.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

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
    multiply,
    relu,
    row_norms,
    sum_upper,
    transpose,
    up,
)
from verifier.kernel.fast.blocks import mass
from verifier.kernel.fast.forward import (
    affine,
    head_norms,
    head_prices,
    hidden,
    interior_penalty,
    loss_at,
    objective_at,
    total,
)
from verifier.kernel.statements import HeadOptimum, Problem, SubnetworkHeadOptimum, augmented_rows, require

Array = np.ndarray
# Products of an exact look at constraints that balls leave open.
MOST_PRODUCTS = 2**20
Holds = Callable[[int], bool]


def pulls(problem: Problem, nu: Array) -> Ball:
    """Enclosure of w_j nu_jk, exact without weights."""
    if problem.weights is None:
        return exact(nu)
    return multiply(exact(np.broadcast_to(problem.weights[:, None], nu.shape)), exact(nu))


def sum_of_weights(problem: Problem) -> tuple[float, float]:
    N = float(len(problem.X))
    return (N, N) if problem.weights is None else mass(problem.weights)


def violation(
    problem: Problem, claim: HeadOptimum | SubnetworkHeadOptimum, Z: Ball, prices: Ball, holds: Holds | None = None
) -> float:
    """Upper bound of what heads with entries at most 1 can gain from dual constraint violations; exactly 0.0 when all certainly hold.

    holds: whether neuron i's constraint holds exactly, where that can be decided.
    """
    o, (low, _) = problem.objective, sum_of_weights(problem)
    G = matmul(transpose(Z), pulls(problem, claim.dual))  # (r, K), the gradient times the sum of weights
    reach = row_norms(G) if o.penalty == "weight_decay" else None
    size = magnitude(reach)[:, None] if reach is not None else magnitude(G)
    if o.penalty == "none":
        allowed = np.zeros_like(size)
    else:
        least = np.maximum(lower(prices), 0.0) * down(o.kappa * low) / INFLATE / INFLATE
        allowed = np.broadcast_to(least[:, None], size.shape)
    over = np.where(size <= allowed, 0.0, np.nextafter(size - allowed, np.inf))
    open_ = np.flatnonzero((over > 0.0).any(axis=1))
    if holds is not None and claim.head_limit is None and 0 < open_.size * problem.X.size <= MOST_PRODUCTS:
        over[[i for i in open_.tolist() if holds(i)]] = 0.0
    if reach is not None:
        # Entries at most H leave |h_i|_2 at most H sqrt(K): a violated group constraint costs that much more.
        over = over * up(math.sqrt(problem.A.weights[1].shape[0])) * INFLATE
    terms = over.ravel().tolist()
    if problem.A.biases[-1] is not None:
        room = down(o.kappa * low) if o.penalise_output_bias else 0.0
        for s in bias_sums(problem, claim.dual):
            terms.append(0.0 if s <= room else up(s - room))
    return 0.0 if not any(terms) else up(sum_upper(terms) / low)


def bias_sums(problem: Problem, nu: Array) -> list[float]:
    """|sum_j w_j nu_jk| from above for every output; exactly 0.0 where the sum is."""
    if problem.weights is None:
        sums = [abs(math.fsum(column)) for column in nu.T.tolist()]  # correctly rounded
        return [0.0 if s == 0.0 else up(s) for s in sums]
    w = list(map(Fraction, problem.weights.tolist()))
    exact_sums = [abs(sum(a * Fraction(v) for a, v in zip(w, column, strict=True))) for column in nu.T.tolist()]
    return [0.0 if s == 0 else up(float(s)) for s in exact_sums]


def _holds_exactly(problem: Problem, claim: HeadOptimum, i: int) -> bool:
    """Whether neuron i's constraint holds in rationals: |sum_j w_j Z_ij nu_j| <= kappa r_i sum_j w_j, squared where norms are in it."""
    o, N = problem.objective, len(problem.X)
    row = list(map(Fraction, claim.rows[i].tolist()))
    shift = Fraction(0) if claim.row_bias is None else Fraction(float(claim.row_bias[i]))
    weights = [Fraction(1)] * N if problem.weights is None else list(map(Fraction, problem.weights.tolist()))
    slope, pull = Fraction(problem.negative_slope), [Fraction(0)] * claim.dual.shape[1]
    for x, nu, w in zip(problem.X.tolist(), claim.dual.tolist(), weights, strict=True):
        u = sum((a * Fraction(b) for a, b in zip(row, x, strict=True)), shift)
        z = w * max(u, slope * u)
        pull = [g + z * Fraction(v) for g, v in zip(pull, nu, strict=True)]
    room = (Fraction(o.kappa) * sum(weights)) ** 2
    if o.penalty not in ("none", "l1"):
        room *= sum((v * v for v in row), shift * shift)
    sizes = [sum((g * g for g in pull), Fraction(0))] if o.penalty == "weight_decay" else [g * g for g in pull]
    return all(s <= room for s in sizes) and len(sizes) > 0


def check_subnetwork_head(problem: Problem, claim: SubnetworkHeadOptimum) -> dict[str, float]:
    """Numbers found for the claim; rejects unless they confirm both ends of the interval."""
    p = claim.subnetwork(problem)
    Z = relu(hidden(p, problem.X, problem.negative_slope), problem.negative_slope)
    # In deeper networks nothing is priced but, by l1, the entries of the head.
    return _confirmed(problem, claim, Z, exact(np.ones(1)), objective_at(problem, p).upper)


def check_head(problem: Problem, claim: HeadOptimum) -> dict[str, float]:
    """Numbers found for the claim; rejects unless they confirm both ends of the interval."""
    o = problem.objective
    rows = exact(augmented_rows(claim.rows, claim.row_bias))
    row_bias = None if claim.row_bias is None else exact(claim.row_bias)
    Z = relu(affine(exact(problem.X), exact(claim.rows), row_bias), problem.negative_slope)
    prices = head_prices(rows, o.penalty)
    theta, c = exact(claim.head), None if claim.head_bias is None else exact(claim.head_bias)
    loss = loss_at(problem, affine(Z, theta, c))
    P = interior_penalty(o, prices, head_norms(theta, o.penalty), c, "balanced")
    primal = total(o, loss.lower, loss.upper, P).upper
    return _confirmed(problem, claim, Z, prices, primal, lambda i: _holds_exactly(problem, claim, i))


def _confirmed(
    problem: Problem,
    claim: HeadOptimum | SubnetworkHeadOptimum,
    Z: Ball,
    prices: Ball,
    primal: float,
    holds: Holds | None = None,
) -> dict[str, float]:
    """Z: what the head reads, (N, r). primal: F at the stored head, from above. holds: as of `violation`."""
    o = problem.objective
    v = violation(problem, claim, Z, prices, holds)
    dual = -losses.conjugate_mean_upper(o, claim.dual, problem.targets, problem.weights)
    if claim.head_limit is None:
        require(v == 0.0, f"the dual violates its constraints by up to {v!r} and no head_limit is claimed")
    else:
        dual = down(dual - up(claim.head_limit * v))
    # Every loss and penalty is at least 0, so 0 is a lower bound that needs no dual.
    dual = max(dual, 0.0)
    require(claim.lower <= dual, f"lower end: found at least {dual!r}, claimed {claim.lower!r}")
    require(primal <= claim.upper, f"upper end: found at most {primal!r}, claimed {claim.upper!r}")
    return {"lower": dual, "upper": primal, "violation": v}
