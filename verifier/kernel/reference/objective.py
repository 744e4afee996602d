"""F in Arb balls, for the second evaluation: losses, penalties, and the value at an endpoint or a vertex (docs/certificate-v2.md)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
from flint import arb, arb_mat

from verifier.kernel.reference.blocks import means
from verifier.kernel.reference.forward import outputs, without_dead
from verifier.kernel.reference.maps import readers_of, sample_maps
from verifier.kernel.reference.numbers import (
    ONE,
    ZERO,
    Floats,
    ball_list,
    ball_matrix,
    ball_rows,
    l1_norm,
    mean,
    norm,
    require_at_most,
    rounded_down,
    rounded_up,
)
from verifier.kernel.statements import EndpointValue, Objective, Parameters, Problem, require

# Below this a sum of exponentials needs no shift.
LARGE = arb(2) ** 64


def sample_loss(o: Objective, f: list[arb], y: object) -> arb:
    """Ball containing the loss at one sample; y is a label, or a list of K floats."""
    if o.loss == "cross_entropy":
        assert isinstance(y, int)  # guaranteed by `validate`; only for the type checker
        return _softmax_loss([f[k] - f[y] for k in range(len(f)) if k != y])
    assert isinstance(y, list)  # guaranteed by `validate`; only for the type checker
    loss, margin = _entry_loss(o)
    return sum([loss(arb(t) * a if margin else a - arb(t)) for a, t in zip(f, y)], ZERO)


def _entry_loss(o: Objective) -> tuple[Callable[[arb], arb], bool]:
    """The loss at one entry: of its margin, target times prediction, or else of its residual, prediction less target."""
    if o.loss == "logistic":
        return (lambda m: _softmax_loss([-m])), True
    if o.loss == "hinge":
        return (lambda m: (ONE - m).max(ZERO)), True
    if o.loss == "squared":
        return (lambda r: r * r), False
    if o.loss == "absolute":
        return abs, False
    require(o.loss == "huber" and o.delta is not None, f"no reference for loss {o.loss!r}")
    delta = arb(o.delta)
    return (lambda r: _huber(abs(r), delta)), False


def _softmax_loss(gaps: list[arb]) -> arb:
    """log(1 + sum exp(gap))."""
    total = sum([g.exp() for g in gaps], ZERO)
    if total < LARGE:
        return total.log1p()
    # Any gap may be the shift; the largest avoids overflow. It is the whole ball: a rounded one would leave differences far too wide for exp at 1e40 and
    # beyond.
    k = max(range(len(gaps)), key=lambda i: float(gaps[i].mid()))
    top = gaps[k]
    return top + sum([(g - top).exp() for i, g in enumerate(gaps) if i != k], (-top).exp()).log1p()


def _huber(r: arb, delta: arb) -> arb:
    """r >= 0. Both branches where the ball straddles delta."""
    inner, outer = r * r / 2, delta * (r - delta / 2)
    if bool(r <= delta):
        return inner
    return outer if bool(r >= delta) else inner.union(outer)


def sample_targets(problem: Problem) -> list:
    return problem.targets.tolist()


def mean_loss(problem: Problem, f: arb_mat) -> arb:
    """Of predictions (samples, K)."""
    return mean_worst_loss(problem, f, f)


def mean_worst_loss(problem: Problem, low: arb_mat, high: arb_mat) -> arb:
    """Mean over samples of the largest loss over the box [low, high] of predictions (samples, K): at a corner, by convexity."""
    o, y = problem.objective, sample_targets(problem)
    if o.loss == "cross_entropy":
        # It falls in the label's own prediction and rises in all others.
        own = [low[j, k] for j, k in enumerate(y)]
        gaps = (high - arb_mat(len(own), 1, own) * arb_mat(1, high.ncols(), [ONE] * high.ncols())).tolist()
        return weighted_mean(problem, [_softmax_loss(row[:k] + row[k + 1 :]) for row, k in zip(gaps, y, strict=True)])
    loss, margin = _entry_loss(o)
    targets = list(itertools.chain.from_iterable(y)) if margin else ball_matrix(problem.targets)

    def losses(f: arb_mat) -> list[arb]:
        if isinstance(targets, list):
            return [loss(-a if t < 0.0 else a) for a, t in zip(f.entries(), targets, strict=True)]
        return list(map(loss, (f - targets).entries()))

    each, K = losses(low), low.ncols()
    if low is not high:
        each = list(map(arb.max, each, losses(high)))
    return weighted_mean(problem, each if K == 1 else [sum(each[k : k + K], ZERO) for k in range(0, len(each), K)])


def row_price(o: Objective, row: list[arb]) -> arb:
    return ONE if o.penalty == "l1" else norm(row)


def head_size(o: Objective, column: list[arb]) -> arb:
    return norm(column) if o.penalty == "weight_decay" else l1_norm(column)


def weighted_mean(problem: Problem, values: list[arb]) -> arb:
    """The mean over samples, by their weights where they have some."""
    if problem.weights is None:
        return mean(values)
    w = [arb(v) for v in problem.weights.tolist()]
    return sum((a * v for a, v in zip(w, values, strict=True)), ZERO) / sum(w, ZERO)


def interior_penalty(
    o: Objective, rows: list[list[arb]], theta: list[list[arb]], c: list[arb] | None, form: str
) -> arb:
    """P at a point of a path, or at its image under the balancing map (docs/mathematics.md, proposition 4)."""
    if o.penalty == "none":
        return ZERO
    if o.penalty == "weight_decay" and form == "literal":
        return sum((v * v for row in [*rows, *theta] for v in row), ZERO) / 2
    total = ZERO
    for i, column in enumerate(zip(*theta, strict=True)):
        if any(not v.is_zero() for v in column):
            # Under l1 every column of the head counts alike, also of channels with several.
            price = ONE if o.penalty == "l1" else row_price(o, rows[i])
            total += price * head_size(o, list(column))
    return total + l1_norm(c) if o.penalise_output_bias and c is not None else total


def vertex_value(problem: Problem, p: Parameters, f: arb_mat, form: str) -> arb:
    """F at a vertex of a path, from its outputs (samples, K)."""
    o = problem.objective
    theta, c = ball_rows(p.weights[-1], None), ball_list(p.biases[-1])
    rows = [] if o.penalty in ("none", "l1") else ball_rows(p.weights[-2], p.biases[-2])
    penalty = interior_penalty(o, rows, theta, c, form)
    return mean_loss(problem, f) + arb(o.kappa) * penalty


def inputs(problem: Problem) -> Floats:
    """The samples, one row per position."""
    return Floats(np.array(sample_maps(problem.geometry, problem.X.tolist())))


def network_value(problem: Problem, X: Floats, p: Parameters, form: str) -> arb:
    """F at any network on the inputs X. What is dead adds nothing to its outputs, but may to weight decay."""
    readers = readers_of(problem.geometry, len(p.weights))
    return vertex_value(problem, p, outputs(X, without_dead(p, p)[0], problem.negative_slope, readers), form)


def endpoint_value(problem: Problem, p: Parameters) -> arb:
    """F at A or B, with weight decay as it is."""
    return means(problem, partial(_endpoint, p=p))[0][0]


def _endpoint(problem: Problem, p: Parameters) -> list[list[arb]]:
    return [[network_value(problem, inputs(problem), p, "literal")]]


def check_endpoint(problem: Problem, claim: EndpointValue) -> dict[str, float]:
    # Every loss and penalty is at least 0, which the ball around a loss of exactly 0 does not know.
    F = endpoint_value(problem, problem.A if claim.network == "A" else problem.B)
    if claim.lower > 0.0:
        require_at_most(arb(claim.lower), F, "the lower end is not certain")
    require_at_most(F, arb(claim.upper), "the upper end is not certain")
    return {"lower": max(0.0, rounded_down(F)), "upper": rounded_up(F)}
