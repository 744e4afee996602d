"""Enclosures of features, predictions, penalties and F at a vertex: fast evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import (
    TINY,
    Ball,
    add,
    down,
    exact,
    finite,
    lower,
    magnitude,
    matmul,
    multiply,
    relu,
    row_norms,
    row_sums_of_magnitudes,
    sum_lower,
    sum_upper,
    transpose,
    up,
    upper,
)
from verifier.kernel.fast.blocks import blocks, mean_above, mean_below
from verifier.kernel.fast.liveness import live_part
from verifier.kernel.fast.maps import Maps, maps_of, multiplications
from verifier.kernel.fast.normwise import exact_layers, last_image
from verifier.kernel.mapping import over_blocks
from verifier.kernel.statements import EndpointValue, Objective, Parameters, Problem, augmented_rows, require

Array = np.ndarray
# Constructions aim at values some 1e-6 below a limit; where enclosures of F are wider than that, they decide.
TOO_WIDE = 2.0**-19
# Multiplications per forward pass up to which products are split at once: a few milliseconds.
SPLIT_AT_ONCE = 2**22
# Pre-activations of one hidden layer that are held at once: a mebibyte.
ENTRIES = 2**17


@dataclass(frozen=True)
class Interval:
    """lower <= the real number <= upper."""

    lower: float
    upper: float


def affine(h: Ball, W: Ball, b: Ball | None) -> Ball:
    """h W^T + b, shapes (N, n), (p, n), (p,) -> (N, p)."""
    z = matmul(h, transpose(W))
    if b is None:
        return z
    return add(z, Ball(np.broadcast_to(b.mid, z.mid.shape), np.broadcast_to(b.rad, z.rad.shape)))


def pre_activations(p: Parameters, X: Array, l: int, slope: float, maps: Maps | None = None) -> Ball:
    """u_l of hidden layer l (1-based), (N, n_l). The first layer reads exact inputs: its radii are entrywise, and smallest so. Others are split."""
    if l > 1:
        return last_image(X, exact_layers(p)[:l], slope, True, maps)
    b = p.biases[0]
    x = exact(X) if maps is None else maps.readers[0].ball(exact(maps.rows(X)))
    return affine(x, exact(p.weights[0]), None if b is None else exact(b))


def hidden(p: Parameters, X: Array, slope: float) -> Ball:
    """Pre-activations of the last hidden layer, (N, n_{L-1})."""
    return pre_activations(p, X, len(p.weights) - 1, slope)


def outputs(p: Parameters, X: Array, slope: float, u: Ball | None = None) -> Ball:
    """f of one hidden layer, (N, K); u: its pre-activations, where they are known. A few samples at a time, so that what they need stays in the cache."""
    theta, c, parts = exact(p.weights[-1]), None if p.biases[-1] is None else exact(p.biases[-1]), []
    together = max(1, ENTRIES // len(p.weights[0]))
    for k in range(0, len(X), together):
        here = slice(k, k + together)
        z = hidden(p, X[here], slope) if u is None else Ball(u.mid[here], u.rad[here])
        parts.append(affine(relu(z, slope), theta, c))
    return Ball(np.concatenate([f.mid for f in parts]), np.concatenate([f.rad for f in parts]))


def head_norms(theta: Ball, penalty: str) -> Ball:
    """Per neuron |theta_i|_1, or |theta_i|_2 under weight decay; theta (K, m) -> (m,)."""
    columns = transpose(theta)
    return row_norms(columns) if penalty == "weight_decay" else row_sums_of_magnitudes(columns)


def head_prices(rows: Ball, penalty: str) -> Ball:
    """Per neuron factor of its head norm in P: 1 for l1, for all columns of the head (1,); |wt_i|_2 for path and weight decay, (m,)."""
    return exact(np.ones(1)) if penalty == "l1" else row_norms(rows)


def interior_penalty(o: Objective, prices: Ball, heads: Ball, c: Ball | None, form: str) -> Interval:
    """P at a point of a path, or of its image under the balancing map, which turns weight decay into `sum_i |wt_i|_2 |theta_i|_2`
    and keeps f (docs/mathematics.md, proposition 4)."""
    if o.penalty == "none":
        return Interval(0.0, 0.0)
    if o.penalty == "weight_decay" and form == "literal":
        half = exact(np.full_like(prices.mid, 0.5))
        terms = multiply(half, add(multiply(prices, prices), multiply(heads, heads)))
    else:
        terms = multiply(prices, heads)
    above, below = upper(terms).tolist(), np.maximum(lower(terms), 0.0).tolist()
    if o.penalise_output_bias and c is not None:
        above += magnitude(c).tolist()
        below += np.maximum(np.nextafter(np.abs(c.mid) - c.rad, -np.inf), 0.0).tolist()
    return Interval(sum_lower(below), sum_upper(above))


def weight_decay(p: Parameters) -> Interval:
    """1/2 sum_i (|wt_i|^2 + |theta_i|^2) of one hidden layer; the output bias is free."""
    entries = [p.weights[0], p.weights[1], *([p.biases[0]] if p.biases[0] is not None else [])]
    total = sum(0.5 * float(np.einsum("i,i->", e.ravel(), e.ravel())) for e in entries)
    size = sum(e.size for e in entries)
    slack = (size + 8) * 2.0**-52
    return Interval(max(0.0, total * (1.0 - slack) - TINY), total * (1.0 + slack) + TINY)


def check_endpoint(problem: Problem, claim: EndpointValue) -> dict[str, float]:
    """Numbers found for the claim; rejects unless the enclosure of F lies inside the claimed interval, that of split products if need be."""
    p = problem.A if claim.network == "A" else problem.B
    F = objective_at(problem, p)
    if not problem.shallow and not (claim.lower <= F.lower and F.upper <= claim.upper):
        F = objective_at(problem, p, finer=True)
    require(claim.lower <= F.lower, f"lower end: found at least {F.lower!r}, claimed {claim.lower!r}")
    require(F.upper <= claim.upper, f"upper end: found at most {F.upper!r}, claimed {claim.upper!r}")
    return {"lower": F.lower, "upper": F.upper}


def total(o: Objective, least: float, largest: float, penalty: Interval) -> Interval:
    """mean loss in [least, largest] + kappa P, at least 0 like every loss and penalty."""
    below = down(least + down(o.kappa * penalty.lower)) if o.kappa else least
    above = up(largest + up(o.kappa * penalty.upper)) if o.kappa else largest
    return Interval(max(0.0, below), above)


def loss_at(problem: Problem, f: Ball) -> Interval:
    """Enclosure of the mean loss at enclosed predictions f (N, K)."""
    a, b = lower(f), upper(f)
    o, y = problem.objective, problem.targets
    w = problem.weights
    return Interval(losses.mean_lower(losses.lower(o, a, b, y), w), losses.mean_upper(losses.upper(o, a, b, y), w))


def objective_at(
    problem: Problem, p: Parameters, *, u: Ball | None = None, form: str = "literal", finer: bool = False
) -> Interval:
    """Enclosure of F at a vertex, with weight decay as it is or in its balanced form; u: pre-activations of the only hidden layer, where they are known.

    Deep networks have norm-wise radii, and split products where these leave F wider than TOO_WIDE of it, or where that is nothing; `finer` asks for them.
    """
    parts = blocks(problem)
    if u is None and len(parts) > 1:
        each = over_blocks(partial(objective_at, p=p, form=form, finer=finer), [part.problem for part in parts])
        return Interval(mean_below(parts, [e.lower for e in each]), mean_above(parts, [e.upper for e in each]))
    o, slope, deep = problem.objective, problem.negative_slope, not problem.shallow
    if deep:
        p = live_part(p, p)[0]
        finer = finer or len(problem.X) * multiplications(problem.geometry, p) <= SPLIT_AT_ONCE
    theta, c = exact(p.weights[-1]), None if p.biases[-1] is None else exact(p.biases[-1])
    if deep:
        f = last_image(problem.X, exact_layers(p), slope, finer, maps_of(problem.geometry, len(p.weights)))
    else:
        f = outputs(p, problem.X, slope, u)
    loss = loss_at(problem, f)
    if o.penalty == "none":
        P = Interval(0.0, 0.0)
    elif o.penalty == "weight_decay" and form == "literal":
        P = weight_decay(p)
    else:
        rows = exact(augmented_rows(p.weights[-2], p.biases[-2]))
        P = interior_penalty(o, head_prices(rows, o.penalty), head_norms(theta, o.penalty), c, form)
    finite(np.array([loss.lower, loss.upper, P.lower, P.upper]))
    F = total(o, loss.lower, loss.upper, P)
    if deep and not finer and F.upper - F.lower > TOO_WIDE * F.upper:
        return objective_at(problem, p, form=form, finer=True)
    return F
