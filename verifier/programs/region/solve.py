"""Solve the rows program of a network's own activation region (docs/mathematics.md, section 11)."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.programs.head import solve_head
from verifier.programs.region.cvxpy_rows import cvxpy_rows
from verifier.programs.region.interior_point import Proposal, interior_point
from verifier.programs.region.newton import uses_schur
from verifier.programs.region.repair import into_region, repaired_dual, tight_pairs, without_collapsed
from verifier.programs.region.result import RegionProgram
from verifier.programs.region.rows_program import RowsProgram, make_rows_program
from verifier.programs.region.size import CVXPY, INTERIOR_POINT, RegionSize, region_size

Array = np.ndarray

# Relative gap of the first of two stages, and the share of the longest row below which rows are left out of the second.
ROUGH, LEFT_OUT = 1e-4, 1e-3
# Relative gap of repaired values at which a program counts as solved.
ACCURATE = 1e-6
NONE = np.zeros((0, 2), dtype=np.int64)


def region_cost(network: Network, risk: Risk, *, free_bias: bool = True) -> RegionSize:
    """Size and estimated seconds of a region program, without solving it."""
    return region_size(make_rows_program(network, risk, free_bias=free_bias))


def solve_region(
    network: Network,
    risk: Risk,
    *,
    active: Array | None = None,
    free_bias: bool = True,
    row_limit: float = 1.0,
    solver: str = "auto",
    tolerance: float = 1e-9,
) -> RegionProgram:
    """Least F over the rows (and, with free_bias, the output bias) in the network's closed activation region, its head kept.

    active, free_bias, row_limit: see `make_rows_program`. solver: "auto" (CVXPY with Clarabel for small programs, else the structured interior
    point), "interior point", or a CVXPY solver. tolerance: relative gap at which the interior point stops.
    Whatever the solver says, the point is moved into the region, and the dual repaired; where the point is no better than the network, the network
    itself is the point.

    Raises UsageError for networks with more than one hidden layer or another activation.
    """
    start = time.process_time()
    P = make_rows_program(
        network, risk, active=active, free_bias=free_bias, row_limit=row_limit
    )  # fmt: skip
    size = region_size(P)
    route = size.route if solver == "auto" else solver
    proposal = _propose(P, route, tolerance)
    u, c = _point(P, proposal)
    dual = repaired_dual(P, proposal, u)
    primal = P.value(u, c)
    # The interior point's own gap is before the repair; after it the numbers themselves say how good they are.
    accurate = primal - max(0.0, dual.value) <= ACCURATE * primal
    norms = np.linalg.norm(u, axis=1)
    return RegionProgram(
        network=network,
        F=risk.value(network),
        rows=P.rows_of(u),
        bias=c if P.free else None,
        best=_network_at(P, u, c),
        nu=dual.nu,
        # mu of the program are those of u_i = t_i wt_i.
        tight=np.column_stack([P.heard[dual.tight[:, 0]], dual.tight[:, 1]]) if len(dual.tight) else NONE,
        multipliers=dual.multipliers * P.sizes[dual.tight[:, 0]],
        row_limits=_row_limits(P, row_limit),
        bias_limit=10.0 * max(1.0, float(np.abs(c).max()), float(np.abs(P.bias).max()))
        if P.zero_sums and risk.objective.weights is not None
        else None,
        active=NONE if active is None else np.ascontiguousarray(active, dtype=np.int64),
        primal=primal,
        dual=max(0.0, dual.value),
        size=size,
        solver=f"{CVXPY} with Clarabel"
        if route == CVXPY
        else route
        if route == INTERIOR_POINT
        else f"{CVXPY} with {route}",
        status="optimal" if route == INTERIOR_POINT and accurate else proposal.status,
        iterations=proposal.iterations,
        tight_constraints=int(tight_pairs(P, u).sum()),
        collapsed=int((norms == 0.0).sum()) + len(network.W) - len(P.heard),
        seconds=time.process_time() - start,
    )


def _row_limits(P: RowsProgram, row_limit: float) -> Array | None:
    if P.limits is None:
        return None
    return np.asarray(row_limit * np.linalg.norm(augmented_rows(P.network), axis=1))


def _propose(P: RowsProgram, route: str, tolerance: float) -> Proposal:
    if len(P.heard) == 0:
        return _bias_alone(P)
    if route == INTERIOR_POINT:
        try:
            return _in_two_stages(P, tolerance)
        except np.linalg.LinAlgError as error:
            # As where CVXPY's solver fails: the network itself, with the solver's word for it.
            nothing = np.zeros((len(P.heard), len(P.inputs)))
            return Proposal(
                P.start, P.bias, [P.plain_dual(P.predictions(P.start, P.bias))], nothing, f"failed: {error}", 0
            )
    return cvxpy_rows(P, solver="CLARABEL" if route == CVXPY else route)


def _in_two_stages(P: RowsProgram, tolerance: float) -> Proposal:
    """Under the path penalty most rows of a wide network are 0 at the optimum: a rough solution says which, and the others are solved accurately.

    Duals of both stages are candidates, and the bound is repaired over all neurons, so that a row left out by mistake shows as a gap.
    """
    N, n, r, K = P.shape
    if not (P.kappa and uses_schur(N, r * n, K)):
        return interior_point(P, tolerance=tolerance)
    rough = interior_point(P, tolerance=ROUGH)
    norms = np.linalg.norm(rough.u, axis=1)
    kept = norms > LEFT_OUT * norms.max()
    if kept.all() or not kept.any():
        return interior_point(P, tolerance=tolerance)
    rest = replace(
        P, heard=P.heard[kept], heads=P.heads[:, kept], sizes=P.sizes[kept], start=rough.u[kept], bias=rough.c
    )
    fine = interior_point(rest, tolerance=tolerance)
    u, mu = np.zeros_like(rough.u), rough.multipliers.copy()
    u[kept], mu[kept] = fine.u, fine.multipliers
    return Proposal(u, fine.c, [*fine.duals, rough.duals[0]], mu, fine.status, rough.iterations + fine.iterations)


def _bias_alone(P: RowsProgram) -> Proposal:
    """No neuron is heard: the best output bias, or nothing at all."""
    nothing, N = np.zeros((0, P.inputs.shape[1])), len(P.inputs)
    c, duals, status = P.bias, [], "no neuron is heard"
    if P.free:
        found = solve_head(
            np.zeros((N, 0)), P.targets, P.objective, np.zeros(0), bias=True, name="bias", outputs=len(P.bias)
        )
        c, duals, status = np.asarray(found.head_bias), [P.into_domain(found.dual)], found.status
    return Proposal(nothing, c, [*duals, P.plain_dual(P.predictions(nothing, c))], np.zeros((0, N)), status, 0)


def _point(P: RowsProgram, proposal: Proposal) -> tuple[Array, Array]:
    """The best of the proposal, with and without its collapsed rows, and of the network itself (shortened to its limits)."""
    raw = proposal.u
    candidates = [(into_region(P, v), proposal.c) for v in (without_collapsed(P, raw, proposal.c), raw)]
    candidates.append((into_region(P, P.start) if P.limits is not None else P.start, P.bias))
    return min(candidates, key=lambda uc: P.value(*uc))


def _network_at(P: RowsProgram, u: Array, c: Array) -> Network:
    rows, d = P.rows_of(u), P.network.W.shape[1]
    b = None if P.network.b is None else rows[:, d]
    return Network((rows[:, :d], P.network.theta), (b, None if P.network.c is None else c))
