"""Descent by convex programs: best head, best rows in the activation region, across an active facet, and again (docs/mathematics.md, section 11).

A straight segment between two members of one closed region with one head changes no sign, so that F is convex on it and at most the larger of its ends:
every move is certified by its vertices. The next region is entered at the facet where the last optimum lies, so its segment starts in it. Under the path
penalty, neurons whose rows are 0 get a head (F stays as it is) and the cone of a direction in which they lower F.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Objective, Risk, augmented_rows
from verifier.paths.endpoints import default_target, require_one_hidden_layer
from verifier.paths.exchange.proposition_x import exchange_between
from verifier.paths.path import Move, Path
from verifier.paths.regions.facets import facets, rows_beyond
from verifier.paths.regions.seeds import seeds
from verifier.programs import fast_head
from verifier.programs.region import RegionProgram, solve_region

Array = np.ndarray

# Size, in units of their own, of collapsed rows in the point that names the next region, which keep their cones.
SEED = 1e-6
# Relative fall of F below which a program counts as no progress.
PROGRESS = 1e-7


@dataclass(frozen=True, eq=False)
class Crossing:
    """inside: rows (m, n) in the interior of the next region, None where no facet is crossed. wanted: facets whose crossing lowers F to first order.
    crossed: those that could be crossed together."""

    inside: Array | None
    wanted: int
    crossed: int


def region_descent(
    network: Network,
    risk: Risk,
    *,
    most_programs: int = 30,
    seconds: float = 60.0,
    row_limit: float = 1.0,
) -> Path:
    """A path from the network on which F falls from vertex to vertex: head moves and segments inside one closed region each.

    most_programs, seconds: of CPU time, after which no further program is started. row_limit: see `solve_region`; without a penalty on rows each
    program lets them grow to that many times their length.
    Notes: `programs`, `values` (F after each), `stationary`: the last point is the best of its region, no crossing of one of its facets lowers F to
    first order, and no direction was found for a neuron whose row is 0 (a local minimum in the rows as far as these tell; computed), `cpu_seconds`.

    Raises UsageError for other than one hidden layer.
    """
    require_one_hidden_layer("region descent", network, network)
    start = time.process_time()
    at, moves = network, list[Move]()
    value = risk.value(at)
    at, value = _best_head(at, value, risk, moves)
    inside, own, values, stationary, rng = at, augmented_rows(at), [value], False, np.random.default_rng(0)
    for k in range(1, most_programs + 1):
        if time.process_time() - start > seconds:
            break
        program = solve_region(inside, risk, row_limit=row_limit)
        found = risk.value(program.best)
        if not found < value * (1.0 - PROGRESS):
            stationary = (
                k > 1 and _crossing(program, risk.objective, risk.X, own).wanted == 0 and _seeded(at, risk, rng) is None
            )
            break
        at, value = program.best, found
        moves.append(Move(at, f"region descent: best rows of region {k}"))
        own = np.where(_norms(augmented_rows(inside)) > 0.0, augmented_rows(inside), own)
        crossing = _crossing(program, risk.objective, risk.X, own)
        values.append(value)
        at, value = _best_head(at, value, risk, moves)
        seeded = _seeded(at, risk, rng)
        if seeded is not None:
            at = seeded[0]
            moves.append(Move(at, "region descent: heads for neurons whose rows are 0"))
        if crossing.inside is None and seeded is None:
            stationary = crossing.wanted == 0
            break
        inside = _named(crossing, at, own, seeded)
    notes: dict[str, object] = {
        "programs": len(values) - 1, "values": values, "stationary": stationary, "cpu_seconds": time.process_time() - start,
    }  # fmt: skip
    return Path("region-descent", network, tuple(moves), notes)


def region_descent_then_exchange(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    target: float | None = None,
    seconds: float = 60.0,
) -> Path:
    """A -> A' and B -> B' by region descent, exchange between A' and B', then B's descent backwards.

    seconds: of CPU time for each side's programs. Notes: exchange's, measured between A' and B'; per side F at the end of the descents, the programs that were
    solved, and whether each end is stationary as far as computed (see `region_descent`).
    """
    require_one_hidden_layer("region-descent", A, B)
    if target is None:
        target = default_target(A, B, risk)
    left, right = (region_descent(n, risk, seconds=seconds) for n in (A, B))
    path = exchange_between(left, right, risk, target=target, method="region-descent")
    for letter, side in (("A", left), ("B", right)):
        path.notes[letter] = {"F after descent": risk.value(side.end), **side.notes}
    return path


def _norms(rows: Array) -> Array:
    return np.linalg.norm(rows, axis=1, keepdims=True)


def _best_head(v: Network, value: float, risk: Risk, moves: list[Move]) -> tuple[Network, float]:
    """The network with the best head and its F, and a move to it where that is lower."""
    prices = risk.objective.row_prices(v)
    h, c, _ = fast_head(
        v.features(risk.X), risk.targets, risk.objective, prices, v.c is not None, warm=(v.theta, v.c), tolerance=1e-11
    )
    w = v.replace(-1, h, c)
    found = risk.value(w)
    if not found < value * (1.0 - PROGRESS):
        return v, value
    moves.append(Move(w, "region descent: best head"))
    return w, found


def _crossing(program: RegionProgram, objective: Objective, X: Array, own: Array) -> Crossing:
    """Where to go from the optimum of a region: its tight pairs whose multiplier `theta_i . nu_j / N - mu_ij` on the other side is negative.

    own (m, n): rows whose directions stand for those that are 0 at the optimum.
    """
    best = program.best
    rows, inputs = augmented_rows(best), augmented_inputs(X, best.b is not None)
    pull = best.theta.T @ objective.loss.scaled(program.nu).T / len(X)
    mu = np.zeros_like(pull)
    mu[program.tight[:, 0], program.tight[:, 1]] = program.multipliers
    found = facets(rows, inputs, pull, mu)
    # Rows that are 0 keep the cones they had.
    inside = np.where(_norms(rows) > 0.0, rows, SEED * own)
    beyond, crossed = rows_beyond(rows, inputs, program.network.features(X).T > 0.0, found)
    for i, row in beyond.items():
        inside[i] = row
    return Crossing(inside if crossed else None, int(found.wanted.sum()), crossed)


def _named(crossing: Crossing, at: Network, own: Array, seeded: tuple[Network, Array] | None) -> Network:
    """A network in the interior of the next region, with the heads of `at`."""
    rows = augmented_rows(at)
    inside = np.where(_norms(rows) > 0.0, rows, SEED * own) if crossing.inside is None else crossing.inside
    if seeded is not None:
        new = seeded[1]
        inside = np.where(_norms(new) > 0.0, new, inside)
    d = at.W.shape[1]
    return Network((inside[:, :d], at.theta), (None if at.b is None else inside[:, d], at.c))


def _seeded(at: Network, risk: Risk, rng: np.random.Generator) -> tuple[Network, Array] | None:
    """The network with heads for neurons whose rows are 0, and short rows (m, n) in the cones they should grow in, 0 for the others; None without any."""
    rows = augmented_rows(at)
    silent = np.flatnonzero(~rows.any(axis=1))
    if risk.objective.penalty != "path" or len(silent) == 0:
        return None
    inputs = augmented_inputs(risk.X, at.b is not None)
    nu = np.asarray(risk.objective.loss.gradient(at.predict(risk.X), risk.targets))
    found = seeds(nu, inputs, risk.objective.kappa, len(silent), rows[rows.any(axis=1)], rng)
    if not found:
        return None
    theta, new = np.array(at.theta), np.zeros_like(rows)
    for i, seed in zip(silent.tolist(), found):
        theta[:, i] = 0.0
        theta[seed.output, i] = seed.sign
        new[i] = SEED * seed.row
    return at.replace(-1, theta), new
