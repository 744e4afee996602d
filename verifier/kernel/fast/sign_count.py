"""Lower bound of the barrier between networks of different sign counts: fast evaluation of `sign_count_barrier` (docs/mathematics.md, section 12).

Every path passes a network with a neuron that is 0, and the others, of known signs, lie in one of finitely many products of cones. In each of
these a dual bounds F from below. Balls decide where they can; what they leave open is decided in rationals.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import combinations, product

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import Ball, add, down, exact, lower, matmul, multiply, relu, subtract, up
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.rational import ZERO, fraction
from verifier.kernel.statements import (
    Parameters,
    Problem,
    SignCountBarrier,
    augmented_inputs,
    augmented_rows,
    require,
)
from verifier.kernel.statements.sign_count import DEEPEST

Array = np.ndarray
# The rays of one cone per neuron that stays, as indices of rays.
Cones = tuple[tuple[int, ...], ...]


def check_sign_count(problem: Problem, claim: SignCountBarrier) -> dict[str, float]:
    """Numbers found for the claim; rejects unless every path passes networks on which F is at least the level."""
    require_separated(problem, claim.positive)
    fan = Fan(problem, claim.directions)
    leaves = read_tree(fan, claim.tree.tolist(), problem.A.weights[0].shape[0] - 1)
    require(len(leaves) == len(claim.nu), "the partition has another number of cones than there are duals")
    # Losses and penalties are at least 0.
    level = max(0.0, min(_leaf_bound(problem, claim, fan, cones, k) for k, cones in enumerate(leaves)))
    require(claim.level <= level, f"level: found at least {level!r}, claimed {claim.level!r}")
    E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
    gap = max(0.0, down(claim.level - E))
    require(claim.gap <= gap, f"gap over E: found at least {gap!r}, claimed {claim.gap!r}")
    return {"level": level, "E_upper": E, "gap": gap}


def sign_counts(p: Parameters) -> tuple[int, int]:
    """(positive, negative): neurons with a head > 0, with a head < 0, and a row that is not 0. All others count for neither."""
    heads = np.where(augmented_rows(p.weights[0], p.biases[0]).any(axis=1), p.weights[1][0], 0.0)
    return int((heads > 0.0).sum()), int((heads < 0.0).sum())


def require_separated(problem: Problem, positive: int) -> None:
    """Reject unless one network has more positive neurons than may stay, and the other one more negative neurons than may stay."""
    m = problem.A.weights[0].shape[0]
    a, b = sign_counts(problem.A), sign_counts(problem.B)
    many_of_both = (a[0] > positive and b[1] > m - 1 - positive) or (b[0] > positive and a[1] > m - 1 - positive)
    require(many_of_both, f"a path need not pass a network of {m - 1} neurons of which {positive} are positive")


class Fan:
    """Rays by index: the directions, then their opposites, then midpoints as they are asked for. dots: enclosures of g . xt_j for all samples."""

    def __init__(self, problem: Problem, directions: Array) -> None:
        n = len(directions)
        self.inputs = augmented_inputs(problem)
        rays = [[fraction(v) for v in row] for row in np.vstack([directions, -directions]).tolist()]
        require(fmpq_mat(n, n, [v for ray in rays[:n] for v in ray]).rank() == n, "the directions do not span")
        self.rays = rays
        D = matmul(exact(np.vstack([directions, -directions])), exact(np.ascontiguousarray(self.inputs.T)))
        self.dots = [Ball(D.mid[k], D.rad[k]) for k in range(2 * n)]
        self.middles: dict[tuple[int, int], int] = {}
        self.rational_inputs: list[list[fmpq]] = []
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
            self.rational_inputs = self.rational_inputs or [[fraction(v) for v in x] for x in self.inputs.tolist()]
            self.rational_dots[k] = [sum((a * b for a, b in zip(self.rays[k], x)), ZERO) for x in self.rational_inputs]
        return self.rational_dots[k]


def read_tree(fan: Fan, tree: list[int], neurons: int) -> list[Cones]:
    """The parts into which the tree cuts all of R^n for every neuron, in its order; rejects a tree that says too little or too much.

    It starts from all orthants of the directions, and lists per part, first half first, -1 (it stays whole) or the edge that is cut.
    """
    n = len(fan.rays) // 2
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


def _leaf_bound(problem: Problem, claim: SignCountBarrier, fan: Fan, cones: Cones, k: int) -> float:
    """What the dual k proves of F where neuron i lies in cones[i]; rejects a dual that proves nothing."""
    o, nu = problem.objective, claim.nu[k]
    N, n = fan.inputs.shape
    for i, rays in enumerate(cones):
        signed = nu if i < claim.positive else -nu
        slopes, pull = claim.slopes[k, i * N : (i + 1) * N], claim.pulls[k, i * n : (i + 1) * n]
        w = [fraction(v) for v in pull.tolist()]
        limit = fraction(o.kappa)
        require(bool(sum((v * v for v in w), ZERO) <= limit * limit), "a pull is longer than kappa")
        least = _least_weights(fan, rays, signed, slopes)
        for ray, q in zip(rays, least.tolist(), strict=True):
            push = N * sum((a * b for a, b in zip(w, fan.rays[ray])), ZERO)
            if not q >= up(float(Fraction(int(push.p), int(push.q)))):
                weight = _exact_weight(fan.exact_dots(ray), signed.tolist(), slopes.tolist())
                require(bool(weight >= push), f"a dual falls along ray {ray} of cone {k}")
    if problem.A.biases[1] is not None:
        if o.penalise_output_bias:
            whole = sum((fraction(v) for v in nu.tolist()), ZERO)
            require(bool(abs(whole) <= N * fraction(o.kappa)), "a dual pulls the output bias harder than its price")
        else:
            # Correctly rounded, and 0.0 only when the sum is exactly 0.
            require(math.fsum(nu.tolist()) == 0.0, "a dual does not sum to 0 and the output bias is free")
    return down(-losses.conjugate_mean_upper(o, nu[:, None], problem.targets))


def _least_weights(fan: Fan, rays: tuple[int, ...], signed: Array, slopes: Array) -> Array:
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
