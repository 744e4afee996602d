"""delta(k, alpha) as Theorem 2 defines it: rows free within the angle, by convex programs from region to region (docs/mathematics.md, section 11).

With the signs of the head and the activation pattern kept, `u_i = |theta_i|_1 wt_i` and `angle(u_i, w_i) <= alpha`, F is convex and the angle a second-order
cone. Across the facets on which the optimum lies the next region's program begins, while F falls. Each value found is one of a network, so no less than delta.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from verifier.errors import UsageError
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.regions.facets import facets, rows_beyond
from verifier.paths.theorem2.sides import Side, SparseSide
from verifier.programs import fast_head
from verifier.programs.region.cvxpy_rows import cvxpy_rows
from verifier.programs.region.rows_program import AngleCones, RowsProgram
from verifier.programs.region.size import region_size

Array = np.ndarray

# Programs per network, and the relative fall of F below which the next one is not solved.
MOST_PROGRAMS, PROGRESS = 25, 1e-6
# Solvers exceed the angle by about 1e-9: rows are mixed with so much of the one they left.
INSIDE = 1e-7


@dataclass(frozen=True, eq=False)
class _Point:
    """rows (k, n) of the given lengths, head (K, k), bias (K,) or None, and the value of the head program there."""

    rows: Array
    head: Array
    bias: Array | None
    value: float


def turned(side: Side, given: SparseSide, risk: Risk, alpha: float, seconds: float) -> SparseSide | None:
    """The given sparse side, on rows of the endpoint itself, with its rows turned by at most alpha (radians, in (0, pi/2)) to lower F.

    seconds: of CPU time, after which no program is begun; none is that is estimated above them. Rows keep their lengths, so that penalties price `|u_i|`.
    None where no program could be solved in that time; the side as given where nothing lower is found.
    """
    if not 0 < alpha < np.pi / 2:
        raise UsageError(f"theorem2: alpha must be an angle in (0, pi/2) for rows to turn, got {alpha}")
    deadline = time.process_time() + seconds
    given_rows = augmented_rows(side.network)[given.slots]
    heard = (np.abs(given.head).sum(axis=0) > 0.0) & given_rows.any(axis=1)
    if not heard.any():
        return None
    own, inputs = given_rows[heard], augmented_inputs(risk.X, side.network.b is not None)
    best = _Point(own, given.head[:, heard], given.bias, given.value)
    active, solved = own @ inputs.T > 0.0, 0
    for _ in range(MOST_PROGRAMS):
        P = _program(side, best, own, active, risk, alpha)
        if time.process_time() + region_size(P).cvxpy_seconds > deadline:
            break
        proposal = cvxpy_rows(P)
        solved += 1
        rows = _within(proposal.u, own, alpha)
        found = _refitted(rows, own, risk, side.free, best, inputs)
        if not found.value < best.value * (1.0 - PROGRESS):
            break
        # Facets are those of the program's own point and head, which has not been refitted yet.
        nu = risk.objective.loss.scaled(proposal.duals[0])
        pull = P.heads.T @ nu.T / len(inputs)
        crossed, count = rows_beyond(proposal.u, inputs, active, facets(proposal.u, inputs, pull, proposal.multipliers))
        best, inside = found, found.rows.copy()
        for i, row in crossed.items():
            inside[i] = row
        silent = np.abs(best.head).sum(axis=0) == 0.0
        # A neuron whose u is 0 keeps the cone that it had.
        active = np.where(silent[:, None], active, inside @ inputs.T > 0.0)
        if not count:
            break
    if best.value >= given.value:
        return given if solved else None
    rows = given_rows.copy()
    rows[heard] = best.rows
    head = np.zeros_like(given.head)
    head[:, heard] = best.head
    return replace(
        given, rows=rows, head=head, bias=best.bias, value=best.value, largest_angle=largest_angle(rows, given_rows)
    )


def largest_angle(rows: Array, given: Array) -> float:
    """Radians, over rows that are not the same; by the chord, which is accurate for small angles."""
    moved = (rows != given).any(axis=1)
    if not moved.any():
        return 0.0
    a, b = (v[moved] / np.linalg.norm(v[moved], axis=1, keepdims=True) for v in (rows, given))
    return float(2.0 * np.arcsin(np.minimum(1.0, np.linalg.norm(a - b, axis=1) / 2.0)).max())


def _program(side: Side, at: _Point, own: Array, active: Array, risk: Risk, alpha: float) -> RowsProgram:
    """The rows program on the pattern active (k, N), neurons of directions `at.head / |at.head|_1`; `u_i` in units of `|w_i|` under the l1 penalty."""
    totals = np.abs(at.head).sum(axis=0)
    lengths = np.linalg.norm(own, axis=1)
    d = side.network.W.shape[1]
    b = None if side.network.b is None else own[:, d]
    network = Network((own[:, :d], at.head), (b, at.bias))
    kappa = risk.objective.kappa
    # Prices are kappa |theta_i| per unit row under l1, kappa |theta_i| |wt_i| under the others; in `u` both are kappa |u_i|.
    unit = lengths if risk.objective.penalty == "l1" else np.ones_like(lengths)
    directions = at.head / np.where(totals > 0.0, totals, 1.0)
    return RowsProgram(
        network, risk.objective, augmented_inputs(risk.X, b is not None), risk.targets, active, np.arange(len(own)),
        directions * unit, totals / unit, at.rows * (totals / unit)[:, None], np.zeros(len(at.head)) if at.bias is None else at.bias, side.free,
        kappa=kappa, decay=None, limits=None, bias_price=kappa * risk.objective.bias_price, constant=0.0,
        cones=AngleCones(own / lengths[:, None], float(np.cos(alpha))),
    )  # fmt: skip


def _within(u: Array, own: Array, alpha: float) -> Array:
    """Rows of the lengths of `own` in the directions of u, within alpha of own; own where u is 0 or none is found."""
    lengths, norms = np.linalg.norm(own, axis=1, keepdims=True), np.linalg.norm(u, axis=1, keepdims=True)
    unit = own / lengths
    rows, share = own.copy(), INSIDE
    short = norms[:, 0] <= 1e-9 * norms.max(initial=0.0)
    left = ~short
    for _ in range(20):
        mixed = (1.0 - share) * u / np.where(norms > 0.0, norms, 1.0) + share * unit
        mixed *= lengths / np.linalg.norm(mixed, axis=1, keepdims=True)
        fits = left & np.array([largest_angle(v[None], w[None]) <= alpha for v, w in zip(mixed, own)])
        rows[fits] = mixed[fits]
        left = left & ~fits
        if not left.any():
            break
        share *= 2.0
    return rows


def _refitted(rows: Array, own: Array, risk: Risk, free: bool, at: _Point, inputs: Array) -> _Point:
    """The best head on these rows."""
    Z = np.maximum(inputs @ rows.T, 0.0)
    head, bias, value = fast_head(
        Z, risk.targets, risk.objective, risk.objective.prices_of_rows(rows), free, warm=(at.head, at.bias)
    )
    return _Point(rows, head, bias, value)
