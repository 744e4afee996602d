"""The second evaluation of `head_optimum` and `subnetwork_head_optimum`: weak duality with exact dual domains (docs/mathematics.md, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb, arb_mat, fmpq

from verifier.kernel.reference.forward import activation, layer_input, preactivations
from verifier.kernel.reference.maps import readers_of
from verifier.kernel.reference.numbers import (
    ONE,
    ZERO,
    ball_list,
    ball_rows,
    exact,
    norm,
    plogp,
    positive,
    require_at_most,
    rounded_down,
    rounded_up,
)
from verifier.kernel.reference.objective import (
    inputs,
    interior_penalty,
    mean_loss,
    row_price,
    sample_targets,
    vertex_value,
    weighted_mean,
)
from verifier.kernel.statements import HeadOptimum, Objective, Problem, SubnetworkHeadOptimum, require


def check_subnetwork_head(problem: Problem, claim: SubnetworkHeadOptimum) -> dict[str, float]:
    p, slope = claim.subnetwork(problem), problem.negative_slope
    below = layer_input(inputs(problem), p, len(p.weights) - 2, slope, readers_of(None, len(p.weights)))
    Z = activation(preactivations(below, p.weights[-2], p.biases[-2]), slope)
    primal = vertex_value(problem, p, preactivations(Z, p.weights[-1], p.biases[-1]), "literal")
    require(problem.objective.penalty in ("none", "l1"), "prices of rows in a deeper network")
    return _confirmed(problem, claim, Z, [ONE] * Z.ncols(), primal)


def check_head(problem: Problem, claim: HeadOptimum) -> dict[str, float]:
    o = problem.objective
    Z = activation(preactivations(inputs(problem), claim.rows, claim.row_bias), problem.negative_slope)
    rows, theta, c = ball_rows(claim.rows, claim.row_bias), ball_rows(claim.head, None), ball_list(claim.head_bias)
    primal = mean_loss(problem, preactivations(Z, claim.head, claim.head_bias))
    primal += arb(o.kappa) * interior_penalty(o, rows, theta, c, "balanced")
    prices = [row_price(o, row) if o.penalty != "none" else ZERO for row in rows]
    return _confirmed(problem, claim, Z, prices, primal)


def _confirmed(
    problem: Problem, claim: HeadOptimum | SubnetworkHeadOptimum, Z: arb_mat, prices: list[arb], primal: arb
) -> dict[str, float]:
    """Z: what the head reads, one column per neuron. primal: F at the stored head."""
    o, N = problem.objective, len(problem.X)
    shares = [fmpq(1)] * N if problem.weights is None else list(map(exact, problem.weights.tolist()))
    whole = sum(shares, fmpq(0))
    pulls = [[s * exact(v) for v in row] for s, row in zip(shares, claim.dual.tolist(), strict=True)]
    G = Z.transpose() * arb_mat([list(map(arb, row)) for row in pulls])
    # Violations times the sum of weights: a division would blur a constraint that holds with equality.
    violation, kappa, everyone = ZERO, arb(o.kappa), claim.head_limit is None
    for i, row in enumerate(G.tolist()):
        sizes = [norm(row)] if o.penalty == "weight_decay" else [abs(g) for g in row]
        room = kappa * prices[i] * arb(whole) if o.penalty != "none" else ZERO
        for size in sizes:
            if everyone:
                require_at_most(
                    size, room, "the dual does not certainly meet its constraints and no head_limit is claimed"
                )
            # Entries at most H leave |h_i|_2 at most H sqrt(K).
            cost = arb(len(row)).sqrt() if o.penalty == "weight_decay" else ONE
            violation += cost * positive(size - room)
    if claim.head_bias is not None:
        allowed = exact(o.kappa) * whole if o.penalise_output_bias else fmpq(0)
        for column in zip(*pulls, strict=True):
            over = abs(sum(column, fmpq(0))) - allowed
            require(over <= 0 or not everyone, "the dual pulls at a free output bias and no head_limit is claimed")
            violation += arb(max(over, fmpq(0)))
    conjugates = [conjugate(o, row, y) for row, y in zip(claim.dual.tolist(), sample_targets(problem), strict=True)]
    below = -weighted_mean(problem, conjugates)
    if claim.head_limit is not None:
        below -= arb(claim.head_limit) * violation / arb(whole)
    if claim.lower > 0.0:
        require_at_most(arb(claim.lower), below, "the lower end is not certain")
    require_at_most(primal, arb(claim.upper), "the upper end is not certain")
    return {"lower": max(0.0, rounded_down(below)), "upper": rounded_up(primal)}


def conjugate(o: Objective, nu: Sequence[float | Fraction], y: object) -> arb:
    """loss_j^*(nu_j); the domain is checked in exact rationals."""
    if o.loss == "cross_entropy":
        p = [exact(v) + (k == y) for k, v in enumerate(nu)]
        require(sum(p) == 1 and all(q >= 0 for q in p), "a dual row of cross-entropy leaves the simplex")
        return sum((plogp(q) for q in p), ZERO)
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    total = ZERO
    for v, t in zip(nu, y):
        q, target = exact(v), exact(t)
        if o.loss in ("logistic", "hinge"):
            a = -q * target
            require(0 <= a <= 1, f"a dual of {o.loss} leaves [0, 1]")
            total += -arb(a) if o.loss == "hinge" else plogp(a) + plogp(1 - a)
        elif o.loss == "squared":
            total += arb(q * q / 4 + q * target)
        elif o.loss == "huber":
            require(o.delta is not None and abs(q) <= exact(o.delta), "a dual of Huber's loss exceeds delta")
            total += arb(q * q / 2 + q * target)
        else:
            require(o.loss == "absolute" and abs(q) <= 1, "a dual of the absolute loss exceeds 1")
            total += arb(q * target)
    return total
