"""From the best head on all rows to a sparse head, on rows that may have turned: T2's segments 2 and 5.

Where no row turns this is a head move. With one output and a penalty that scalings keep, each neuron goes either with its head fixed or with its row
fixed, so that `u_i = theta_i wt_i` moves straight: inside one activation region F is convex along it, whatever the angle, and the theorem's `C alpha` does
not enter. Else rows and heads move together, as the paper's eta_1 and eta_2 do.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk, augmented_rows
from verifier.paths.path import Move
from verifier.paths.theorem2.sides import Side, SparseSide

Array = np.ndarray

# Neurons are rescaled by at most this factor, and F is sampled at so many places inside a move.
MOST_SCALING, PLACES = 2.0**30, 7


def thinning(best: Network, sparse: SparseSide, head: Array, bias: Array | None, risk: Risk) -> list[Move]:
    """Moves from `best` to the network with `sparse.rows` in its slots, head (K, k) there and 0 elsewhere, and the output bias (K,)."""
    gamma = np.zeros_like(best.theta)
    gamma[:, sparse.slots] = head
    if sparse.largest_angle == 0.0:
        return [Move(best.replace(-1, gamma, bias), "")]
    W, b = _rows_of(best, sparse.slots, sparse.rows)
    kept = _neuron_by_neuron(best, sparse, gamma, bias, risk)
    return [Move(best.replace(1, W, b).replace(-1, gamma, bias), " (chord)")] if kept is None else kept


def _neuron_by_neuron(
    best: Network, sparse: SparseSide, gamma: Array, bias: Array | None, risk: Risk
) -> list[Move] | None:
    """None with several outputs, a penalty that scalings change, or a neuron whose head changes its sign."""
    if len(best.theta) > 1 or risk.objective.penalty == "l1":
        return None
    theta, g = best.theta[0], gamma[0]
    both = (theta != 0.0) & (g != 0.0)
    factors = np.ones_like(theta)
    factors[both] = theta[both] / g[both]
    if not ((factors > 1.0 / MOST_SCALING) & (factors < MOST_SCALING)).all():
        return None
    ahead = augmented_rows(best).copy()
    ahead[sparse.slots] = sparse.rows
    rows = augmented_rows(best) * factors[:, None]
    heads = np.where(both, g, theta)
    at = _network(best, rows, heads[None], best.c)
    moves = [Move(at, ": lengths moved to the rows", factors=factors)]
    # A silent neuron's row may stand anywhere; its head then comes in on the row it has.
    rows = np.where((theta == 0.0)[:, None], ahead, rows)
    moves.append(Move(_network(best, rows, heads[None], best.c), ": silent rows rewritten"))
    # The others' rows turn, or shrink to 0 where they leave.
    leaving = (theta != 0.0) & (g == 0.0)
    rows = np.where(both[:, None], ahead, np.where(leaving[:, None], 0.0, rows))
    heads = np.where(leaving, theta, g)
    moves.append(Move(_network(best, rows, heads[None], bias), ": rows turned"))
    moves.append(Move(_network(best, rows, gamma, bias), ": heads without a row to 0"))
    rows = rows.copy()
    rows[sparse.slots] = sparse.rows
    moves.append(Move(_network(best, rows, gamma, bias), ""))
    before = [best, *(move.to for move in moves)]
    return [move for v, move in zip(before, moves) if not move.to.same_parameters(v)]


def top(side: Side, sparse: SparseSide, risk: Risk) -> float:
    """The largest F along the moves from the side's best head, in the form used inside paths: ends, and sampled between."""
    full = side.network.replace(-1, *side.full) if side.free else side.network.replace(-1, side.full[0])
    vertices = [
        full,
        *(move.to for move in thinning(full, sparse, sparse.head, sparse.bias if side.free else None, risk)),
    ]
    times = np.linspace(0.0, 1.0, PLACES + 2)[1:-1] if sparse.largest_angle > 0.0 else np.zeros(0)
    places = [linear_combination(v, w, t) for v, w in pairwise(vertices) for t in times]
    return max(risk.objective.path_value(v, risk.X, risk.targets) for v in [*vertices, *places])


def _rows_of(network: Network, slots: Array, rows: Array) -> tuple[Array, Array | None]:
    every = augmented_rows(network).copy()
    every[slots] = rows
    d = network.W.shape[1]
    return every[:, :d], None if network.b is None else every[:, d]


def _network(like: Network, rows: Array, theta: Array, bias: Array | None) -> Network:
    W, b = _rows_of(like, np.arange(len(rows)), rows)
    return like.replace(1, W, b).replace(-1, theta, bias)
