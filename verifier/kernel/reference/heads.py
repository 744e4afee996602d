"""The second evaluation of `head_optimum`: weak duality with exact dual domains (docs/mathematics.md, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb, arb_mat

from verifier.kernel.reference.forward import preactivations, predictions, relu_columns
from verifier.kernel.reference.numbers import (
    ONE,
    ZERO,
    ball_list,
    ball_matrix,
    ball_rows,
    mean,
    norm,
    plogp,
    positive,
    rational,
    require_certain,
)
from verifier.kernel.reference.objective import interior_penalty, row_price, sample_loss, sample_targets
from verifier.kernel.statements import HeadOptimum, Objective, Problem, require, validate_head


def check_head(problem: Problem, claim: HeadOptimum) -> dict[str, float]:
    validate_head(claim, problem)
    o, (N, _) = problem.objective, problem.X.shape
    Z = relu_columns(preactivations(ball_matrix(problem.X), claim.rows, claim.row_bias), problem.negative_slope)
    rows, theta, c = ball_rows(claim.rows, claim.row_bias), ball_rows(claim.head, None), ball_list(claim.head_bias)
    f = predictions(Z, theta, c, N)
    primal = mean([sample_loss(o, row, y) for row, y in zip(f, sample_targets(problem))]) + arb(
        o.kappa
    ) * interior_penalty(o, rows, theta, c)
    G = arb_mat(Z) * ball_matrix(claim.dual)
    violation = ZERO
    kappa = arb(o.kappa)
    certain = True
    for i, row in enumerate(G.tolist()):
        sizes = [norm(row)] if o.penalty == "weight_decay" else [abs(g) for g in row]
        room = kappa * row_price(o, rows[i]) if o.penalty != "none" else ZERO
        for size in sizes:
            over = size / N - room
            if not bool(over <= 0):
                # Entries at most H leave |h_i|_2 at most H sqrt(K).
                cost = arb(len(row)).sqrt() if o.penalty == "weight_decay" else ONE
                certain, violation = False, violation + cost * positive(over)
    if c is not None:
        for column in claim.dual.T.tolist():
            s = abs(sum(map(Fraction, column), Fraction(0))) / N - (Fraction(o.kappa) if o.penalise_output_bias else 0)
            if s > 0:
                certain, violation = False, violation + rational(s)
    below = -mean([conjugate(o, row, y) for row, y in zip(claim.dual.tolist(), sample_targets(problem))])
    if claim.head_limit is None:
        require(certain, "the dual does not certainly meet its constraints and no head_limit is claimed")
    else:
        below -= arb(claim.head_limit) * violation
    below = below.max(ZERO)
    require_certain(arb(claim.lower) <= below, "the lower end is not certain")
    require_certain(primal <= arb(claim.upper), "the upper end is not certain")
    return {"lower": float(below.lower()), "upper": float(primal.upper())}


def conjugate(o: Objective, nu: Sequence[float | Fraction], y: object) -> arb:
    """loss_j^*(nu_j); the domain is checked in exact rationals."""
    if o.loss == "cross_entropy":
        p = [Fraction(v) + (k == y) for k, v in enumerate(nu)]
        require(sum(p) == 1 and all(q >= 0 for q in p), "a dual row of cross-entropy leaves the simplex")
        return sum((plogp(q) for q in p), ZERO)
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    total = ZERO
    for v, t in zip(nu, y):
        q, target = Fraction(v), Fraction(t)
        if o.loss in ("logistic", "hinge"):
            a = -q * target
            require(0 <= a <= 1, f"a dual of {o.loss} leaves [0, 1]")
            total += -rational(a) if o.loss == "hinge" else plogp(a) + plogp(1 - a)
        elif o.loss == "squared":
            total += rational(q * q / 4 + q * target)
        elif o.loss == "huber":
            require(o.delta is not None and abs(q) <= Fraction(o.delta), "a dual of Huber's loss exceeds delta")
            total += rational(q * q / 2 + q * target)
        else:
            require(o.loss == "absolute" and abs(q) <= 1, "a dual of the absolute loss exceeds 1")
            total += rational(q * target)
    return total
