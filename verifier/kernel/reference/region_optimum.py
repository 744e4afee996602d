"""The second evaluation of `region_optimum`: weak duality neuron by neuron, signs in balls or fractions (docs/mathematics.md, section 11)."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.numbers import (
    ZERO,
    ball_rows,
    l1_norm,
    norm,
    positive,
    rational,
    require_at_most,
    rounded_down,
    rounded_up,
)
from verifier.kernel.reference.objective import endpoint_value, sample_targets, weighted_mean
from verifier.kernel.statements import Parameters, Problem, RegionOptimum, region_network, require

Signs = list[list[int]]


def _signs(rows: list[list[float]], X: list[list[float]]) -> Signs:
    """-1, 0 or 1 of every row's product with every input."""
    products = (arb_mat(rows) * arb_mat(X).transpose()).tolist()
    return [[_sign(u, w, x) for u, x in zip(line, X, strict=True)] for line, w in zip(products, rows, strict=True)]


def _sign(u: arb, w: list[float], x: list[float]) -> int:
    if (u > 0) is True:
        return 1
    if (u < 0) is True:
        return -1
    if not any(w) or not any(x):
        return 0
    exact = sum((Fraction(p) * Fraction(q) for p, q in zip(w, x, strict=True)), Fraction(0))
    return (exact > 0) - (exact < 0)


def _region(rows: list[list[float]], X: list[list[float]], active: list[list[int]]) -> Signs:
    """sigma_ij = +1 or -1: the sides that the network's rows are on, those on a boundary as stored."""
    sides = [[1 if s > 0 else 0 if s == 0 else -1 for s in line] for line in _signs(rows, X)]
    for i, j in active:
        require(sides[i][j] == 0, "an active pair is not on the boundary")
        sides[i][j] = 2
    return [[1 if s > 0 else -1 for s in line] for line in sides]


def _augmented(W: np.ndarray, b: np.ndarray | None) -> list[list[float]]:
    shifts = [[]] * len(W) if b is None else [[s] for s in b.tolist()]
    return [[*row, *shift] for row, shift in zip(W.tolist(), shifts, strict=True)]


def check_region_optimum(problem: Problem, claim: RegionOptimum) -> dict[str, float]:
    p, d = region_network(problem, claim), problem.X.shape[1]
    X = _augmented(problem.X, None if p.biases[0] is None else np.ones(len(problem.X)))
    sides = _region(_augmented(p.weights[0], p.biases[0]), X, claim.active.tolist())
    point = claim.point.tolist()
    for line, side in zip(_signs(point, X), sides, strict=True):
        require(all(s * t >= 0 for s, t in zip(line, side, strict=True)), "the point leaves the closed region")
    if claim.row_limits is not None:
        for row, limit in zip(ball_rows(claim.point, None), claim.row_limits.tolist(), strict=True):
            require_at_most(sum((v * v for v in row), ZERO), arb(limit) ** 2, "a row of the point is over its limit")
    shift = None if p.biases[0] is None else claim.point[:, d]
    c = claim.point_bias if claim.output_bias == "free" else p.biases[1]
    above = endpoint_value(problem, Parameters((claim.point[:, :d], p.weights[1]), (shift, c)))
    below = _lower(problem, claim, p, sides, X, above)
    if claim.lower > 0.0:
        require_at_most(arb(claim.lower), below, "the lower end is not certain")
    require_at_most(above, arb(claim.upper), "the upper end is not certain")
    return {"lower": max(0.0, rounded_down(below)), "upper": rounded_up(above)}


def _lower(
    problem: Problem, claim: RegionOptimum, p: Parameters, sides: Signs, X: list[list[float]], least: arb
) -> arb:
    """Ball whose lower end bounds F on the region, F being at most `least` where it is least."""
    o, kappa = problem.objective, arb(problem.objective.kappa)
    shares = [Fraction(1)] * len(X) if problem.weights is None else list(map(Fraction, problem.weights.tolist()))
    whole = sum(shares, Fraction(0))
    nu = [[s / whole * Fraction(v) for v in row] for s, row in zip(shares, claim.nu.tolist(), strict=True)]
    each = [conjugate(o, row, y) for row, y in zip(claim.nu.tolist(), sample_targets(problem), strict=True)]
    below = -weighted_mean(problem, each)
    heads = [[arb(v) for v in column] for column in zip(*p.weights[1].tolist(), strict=True)]
    leftover = _residuals(claim, heads, nu, sides, X)
    over = ZERO  # of what path and bias penalties share: |u|_1 <= least / kappa for u = (|theta_i|_1 |w_i|, c)
    for i, (head, r) in enumerate(zip(heads, leftover, strict=True)):
        if o.penalty == "l1":
            below += kappa * l1_norm(head)
        if o.penalty == "weight_decay":
            below += kappa * sum((v * v for v in head), ZERO) / 2
        if all(v.is_zero() for v in head):
            continue
        if o.penalty == "path":
            over = over.max(norm(r) / l1_norm(head) - kappa)
        elif o.penalty == "weight_decay":
            below -= sum((v * v for v in r), ZERO) / (2 * kappa)
        else:
            assert claim.row_limits is not None  # guaranteed by `validate_region_optimum`; only for the type checker
            below -= norm(r) * arb(float(claim.row_limits[i]))
    c = p.biases[1]
    if c is not None:
        sums = [sum(column, Fraction(0)) for column in zip(*nu, strict=True)]
        if claim.output_bias == "kept":
            below += sum((rational(s * Fraction(v)) for s, v in zip(sums, c.tolist(), strict=True)), ZERO)
            below += kappa * l1_norm([arb(v) for v in c.tolist()]) if o.penalise_output_bias else ZERO
        elif o.penalise_output_bias:
            for s in sums:
                over = over.max(rational(abs(s) - Fraction(o.kappa)))
        elif claim.bias_limit is not None:
            below -= arb(claim.bias_limit) * rational(sum(map(abs, sums), Fraction(0)))
        else:
            require(not any(sums), "the dual pulls at a free output bias and no bias_limit is claimed")
    return below - positive(over) * least / kappa if not over.is_zero() else below


def _residuals(
    claim: RegionOptimum, heads: list[list[arb]], nu: list[list[Fraction]], sides: Signs, X: list[list[float]]
) -> list[list[arb]]:
    """r_i = sum_j (theta_i . nu_j) a_ij xt_j - sum_j mu_ij sigma_ij xt_j, nu weighted by the shares."""
    pulls = (arb_mat(heads) * arb_mat([[rational(v) for v in row] for row in nu]).transpose()).tolist()
    for line, side in zip(pulls, sides, strict=True):
        for j, s in enumerate(side):
            line[j] = line[j] if s > 0 else ZERO
    for (i, j), mu in zip(claim.tight.tolist(), claim.multipliers.tolist(), strict=True):
        pulls[i][j] -= arb(mu) * sides[i][j]
    return [list(r) for r in (arb_mat(pulls) * arb_mat(X)).tolist()]
