"""Duals of a product of cones with room on every ray that can have some, where size has no price (docs/mathematics.md, section 12).

Opposite neurons that cancel, or neurons whose sum is a constant that a free output bias takes up, may grow without end: there the weights of every dual
are exactly 0. Which those are depends on slopes and on the samples that the dual has; one convex program over entries and slopes at once tells: it gives
up a small share of the bound for room on every ray, and rays that have none afterwards can have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.sparse import coo_matrix, csc_matrix

from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.landscape.sign_count.narrow import Narrow
from verifier.programs.zero_sum import domain

Array = np.ndarray

# Room that every ray is asked for, over products of size 1 with the largest entry, and the share of the bound that the room of one ray may cost.
ROOM, PRICE = 1e-8, 1e-3
# Rays with less than this share of the room have none. Entries below this share of the largest are 0.
NONE, NOTHING = 1e-2, 1e-8
TOLERANCE = 1e-10
# Entries keep this share of a bounded domain from its ends, so that they can be moved.
INNER = 2.0**-12


@dataclass(frozen=True, eq=False)
class Roomy:
    """nu (N,), slopes (k, N). none (R,): the rays, cone by cone, without room."""

    nu: Array
    slopes: Array
    none: Array


def roomy(s: Narrow, fan: Fan, cones: Cones, near: Array) -> Roomy | None:
    """The best such dual. near (N,): one about which the loss's conjugate is expanded to second order, exact but for the logistic loss.

    None where the one near proves nothing, or Clarabel finds none. Variables: p, q >= 0 (N,), nu = p - q; what slopes leave of p (of q under a negative
    head) per neuron, (k, N); the room of each ray g, `sum_j (v_j g . xt_j - q_j relu(g . xt_j))` for a positive neuron's. What p and q have in common
    makes room smaller.
    """
    import clarabel

    N, k = s.N, len(cones)
    y, loss = s.targets[:, 0], s.objective.loss
    size, hoped = float(np.abs(near).max(initial=0.0)), s.dual_value(near)
    rays = [(i, g) for i, mine in enumerate(cones) for g in mine]
    if size == 0.0 or hoped <= 0.0 or not rays:
        return None
    D = np.array([fan.dots[g] for _, g in rays])
    units = np.sqrt((D * D).mean(axis=1))
    D = D / np.where(units > 0.0, units, 1.0)[:, None]
    R, width = len(rays), (2 + k) * N + len(rays)
    low, high = domain(y, loss.name, loss.delta)
    bounded = bool(np.isfinite(high).all())
    rows, columns, values, sides = _skeleton(N, s.signs, tuple(len(mine) for mine in cones), s.free_bias, bounded)
    A = csc_matrix(
        (np.concatenate([values, -D.ravel(), np.maximum(D, 0.0).ravel()]), (rows, columns)), shape=(len(sides), width)
    )
    if bounded:
        sides = np.concatenate([sides[: -2 * N], (1.0 - INNER) * high / size, -(1.0 - INNER) * low / size])
    slope, curve = _conjugate_expanded(loss.name, near, y)
    slope, curve = slope * size / (N * hoped), curve * size * size / (N * hoped)
    slope = slope - curve * near / size
    j = np.arange(N)
    # The upper triangle of the quadratic form in p - q.
    P = coo_matrix(
        (np.concatenate([curve, curve, -curve]), (np.concatenate([j, j + N, j]), np.concatenate([j, j + N, j + N]))),
        shape=(width, width),
    )  # fmt: skip
    linear = np.concatenate([slope, -slope, np.zeros(k * N), np.full(R, -PRICE / (ROOM * N))])
    options = clarabel.DefaultSettings()
    options.verbose, options.max_threads = False, 1
    options.tol_gap_abs = options.tol_gap_rel = options.tol_feas = TOLERANCE
    equal = int(s.free_bias)
    kinds = [*[clarabel.ZeroConeT(1)] * equal, clarabel.NonnegativeConeT(len(sides) - equal)]
    found = clarabel.DefaultSolver(csc_matrix(P), linear, A, sides, kinds, options).solve()
    if found.status not in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
        return None
    x = np.asarray(found.x)
    p, q = x[:N], x[N : 2 * N]
    nu = np.where(np.abs(p - q) > NOTHING * np.abs(p - q).max(), p - q, 0.0)
    slopes = np.zeros((k, N))
    for i, sign in enumerate(s.signs):
        more, less = (p, q) if sign > 0 else (q, p)
        rising = sign * nu > 0.0
        left = np.clip(x[(2 + i) * N : (3 + i) * N] - less, 0.0, None)
        slopes[i][rising] = np.minimum(left[rising] / (more - less)[rising], 1.0)
    return Roomy(size * nu, slopes, x[width - R :] < NONE * ROOM * N)


@lru_cache(maxsize=4)
def _skeleton(
    N: int, signs: tuple[int, ...], counts: tuple[int, ...], free_bias: bool, bounded: bool
) -> tuple[Array, Array, Array, Array]:
    """(rows, columns, values, right sides) of `A x <= sides`: what is the same for all cones; rows and columns for the products of rays behind it."""
    k, R = len(counts), sum(counts)
    width, j = (2 + k) * N + R, np.arange(N)
    rows: list[Array] = []
    columns: list[Array] = []
    values: list[Array] = []
    sides: list[Array] = []

    def block(height: int, side: float, *entries: tuple[Array, float]) -> int:
        """Columns and the number that stands in each of them, row by row. The first row."""
        first = sum(map(len, sides))
        for where, value in entries:
            rows.append(first + (np.arange(len(where)) if height > 1 else np.zeros(len(where), dtype=np.int64)))
            columns.append(where)
            values.append(np.full(len(where), value))
        sides.append(np.full(height, side))
        return first

    room = width - R + np.arange(R)
    if free_bias:
        block(1, 0.0, (j, 1.0), (j + N, -1.0))
    products = block(R, 0.0, (room, 1.0))
    block(width, 0.0, (np.arange(width), -1.0))
    block(R, ROOM * N, (room, 1.0))
    for i, sign in enumerate(signs):
        block(N, 0.0, (j + (2 + i) * N, 1.0), (j if sign > 0 else j + N, -1.0))
    if bounded:
        block(N, 0.0, (j, 1.0), (j + N, -1.0))
        block(N, 0.0, (j, -1.0), (j + N, 1.0))
    neurons = np.repeat(np.arange(k), counts)
    down = np.array([N if sign > 0 else 0 for sign in signs])[neurons]
    line = products + np.repeat(np.arange(R), N)
    dense = [((2 + neurons) * N)[:, None] + j, down[:, None] + j]
    return (
        np.concatenate([*rows, line, line]),
        np.concatenate([*columns, *(c.ravel() for c in dense)]),
        np.concatenate(values),
        np.concatenate(sides),
    )  # fmt: skip


def _conjugate_expanded(loss: str, nu: Array, y: Array) -> tuple[Array, Array]:
    """First and second derivatives (N,), (N,) of the loss's conjugate."""
    if loss == "logistic":
        a = np.clip(-nu * y, 1e-12, 1.0 - 1e-12)
        return -y * np.log(a / (1.0 - a)), 1.0 / (a * (1.0 - a))
    curve = {"squared": 0.5, "huber": 1.0}.get(loss, 0.0)
    return y + curve * nu, np.full(len(y), curve)
