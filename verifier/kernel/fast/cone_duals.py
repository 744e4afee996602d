"""Bounds of F on products of cones, from duals: what `sign_count_barrier` and `cone_barrier` share (docs/mathematics.md, section 12).

A partition is a tree of cones cut in halves. On a product of cones a dual bounds F from below when it holds on every ray. Balls decide where they
can; what they leave open is decided in rationals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations, product

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import Ball, add, down, exact, lower, matmul, multiply, relu, subtract, up
from verifier.kernel.fast.last_inputs import enclosed, last_inputs
from verifier.kernel.fast.rational import ZERO, fraction
from verifier.kernel.statements import Parameters, Problem, last_rows, require
from verifier.kernel.statements.sign_count import DEEPEST

Array = np.ndarray
# The rays of one cone per neuron, as indices of rays.
Cones = tuple[tuple[int, ...], ...]


def live_neurons(p: Parameters) -> list[tuple[int, float, list[float]]]:
    """(neuron, head, row with its bias) of all neurons of the last hidden layer that are not 0: a head and a row that are not."""
    rows = last_rows(p).tolist()
    each = zip(range(len(rows)), p.weights[-1][0].tolist(), rows, strict=True)
    return [(i, head, row) for i, head, row in each if head != 0.0 and any(row)]


class Fan:
    """Rays by index: the n directions, then their opposites, then midpoints as they are asked for. dots: enclosures of g . xt_j for all samples."""

    def __init__(self, problem: Problem, directions: Array) -> None:
        self.n = n = len(directions)
        self.inputs = last_inputs(problem)
        rays = [[fraction(v) for v in row] for row in np.vstack([directions, -directions]).tolist()]
        require(fmpq_mat(n, n, [v for ray in rays[:n] for v in ray]).rank() == n, "the directions do not span")
        self.rays = rays
        D = matmul(exact(np.vstack([directions, -directions])), enclosed([list(row) for row in zip(*self.inputs)]))
        self.dots = [Ball(D.mid[k], D.rad[k]) for k in range(2 * n)]
        self.middles: dict[tuple[int, int], int] = {}
        self.rational_dots: dict[int, list[fmpq]] = {}

    def middle(self, a: int, b: int) -> int:
        """The ray half-way between two."""
        key = (min(a, b), max(a, b))
        if key not in self.middles:
            self.middles[key] = len(self.rays)
            self.rays.append([(x + y) / 2 for x, y in zip(self.rays[a], self.rays[b])])
            whole = add(self.dots[a], self.dots[b])
            self.dots.append(multiply(whole, exact(np.full_like(whole.mid, 0.5))))
        return self.middles[key]

    def exact_dots(self, k: int) -> list[fmpq]:
        if k not in self.rational_dots:
            self.rational_dots[k] = [sum((a * b for a, b in zip(self.rays[k], x)), ZERO) for x in self.inputs]
        return self.rational_dots[k]


def read_tree(fan: Fan, tree: list[int], neurons: int) -> list[Cones]:
    """The parts into which the tree cuts all of R^n for every neuron, in its order; rejects a tree that says too little or too much.

    It starts from all orthants of the directions, and lists per part, first half first, -1 (it stays whole) or the edge that is cut.
    """
    n = fan.n
    edges = list(combinations(range(n), 2))
    require(len(tree) >= 2 ** (n * neurons), "the tree does not reach all orthants")
    starts = [
        tuple(tuple(e + n * signs[i * n + e] for e in range(n)) for i in range(neurons))
        for signs in product((0, 1), repeat=n * neurons)
    ]
    waiting, leaves = [(start, 0) for start in starts[::-1]], []
    for code in tree:
        require(len(waiting) > 0, "the tree goes on after its last part")
        cones, depth = waiting.pop()
        if code == -1:
            leaves.append(cones)
            continue
        require(0 <= code < neurons * len(edges), "the tree cuts an edge that is not there")
        require(depth < DEEPEST, "the tree is too deep")
        i, (a, b) = code // len(edges), edges[code % len(edges)]
        mid = fan.middle(cones[i][a], cones[i][b])
        for end in (a, b):
            # The second half is pushed first.
            half = tuple(mid if slot == end else ray for slot, ray in enumerate(cones[i]))
            waiting.append(((*cones[:i], half, *cones[i + 1 :]), depth + 1))
    require(not waiting, "the tree leaves parts open")
    return leaves


def dual_bound(
    problem: Problem,
    fan: Fan,
    rays: Sequence[Sequence[int]],
    signs: Sequence[int],
    nu: Array,
    slopes: Array,
    pulls: Array,
) -> float:
    """What a dual proves of F where neuron i, of sign signs[i], is a non-negative combination of rays[i]; rejects a dual that proves nothing.

    nu (N,), slopes (k N,) and pulls (k n,) for k neurons. A neuron without rays is 0.
    """
    o = problem.objective
    N, n = len(fan.inputs), fan.n
    for i, (sign, mine) in enumerate(zip(signs, rays, strict=True)):
        signed = nu if sign > 0 else -nu
        lean, pull = slopes[i * N : (i + 1) * N], pulls[i * n : (i + 1) * n]
        w = [fraction(v) for v in pull.tolist()]
        limit = fraction(o.kappa)
        require(bool(sum((v * v for v in w), ZERO) <= limit * limit), "a pull is longer than kappa")
        if not mine:
            continue
        least = _least_weights(fan, mine, signed, lean)
        for ray, q in zip(mine, least.tolist(), strict=True):
            push = N * sum((a * b for a, b in zip(w, fan.rays[ray])), ZERO)
            if not q >= up(float(Fraction(int(push.p), int(push.q)))):
                weight = _exact_weight(fan.exact_dots(ray), signed.tolist(), lean.tolist())
                require(bool(weight >= push), f"a dual falls along ray {ray}")
    if problem.A.biases[-1] is not None:
        if o.penalise_output_bias:
            whole = sum((fraction(v) for v in nu.tolist()), ZERO)
            require(bool(abs(whole) <= N * fraction(o.kappa)), "a dual pulls the output bias harder than its price")
        else:
            # Correctly rounded, and 0.0 only when the sum is exactly 0.
            require(math.fsum(nu.tolist()) == 0.0, "a dual does not sum to 0 and the output bias is free")
    return down(-losses.conjugate_mean_upper(o, nu[:, None], problem.targets))


def _least_weights(fan: Fan, rays: Sequence[int], signed: Array, slopes: Array) -> Array:
    """Lower bounds, one per ray g, of sum_j s nu_j times the bound of relu: slope_j g . xt_j where s nu_j > 0, relu(g . xt_j) where it is < 0."""
    D = Ball(np.array([fan.dots[r].mid for r in rays]), np.array([fan.dots[r].rad for r in rays]))
    rising = multiply(exact(np.maximum(signed, 0.0)[:, None]), exact(slopes[:, None]))
    falling = exact(np.maximum(-signed, 0.0)[:, None])
    return lower(subtract(matmul(D, rising), matmul(relu(D, 0.0), falling)))[:, 0]


def _exact_weight(dots: list[fmpq], signed: list[float], slopes: list[float]) -> fmpq:
    total = ZERO
    for d, v, slope in zip(dots, signed, slopes, strict=True):
        if v > 0.0 and slope > 0.0:
            total += fraction(v) * fraction(slope) * d
        elif v < 0.0 and d > 0:
            total += fraction(v) * d
    return total
