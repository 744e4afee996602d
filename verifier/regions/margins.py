"""Linear programs that tell the verdicts of a region program apart (docs/mathematics.md, section 9): hints in floats, to be settled exactly.

Strictly inside: max t with f = y and every slack at least t. On the boundary: the largest set of slacks that can be positive together.
Farkas: a dual direction of the steepest slope, where minima are so small that the quadratic solvers' duals are mostly rounding.
Duals: the largest set of multipliers that can be positive together, whose sum lies in the relative interior of all dual vectors.
All by HiGHS; solutions that maximise supports are found by counting each slack up to 1, since cones can be scaled.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy.sparse import block_diag, csc_array, eye_array, hstack, vstack

from verifier.regions.program import RegionProgram
from verifier.regions.solve import columns_of_rays, gather

Array = np.ndarray


def _solve(cost: Array, equations: Any, right: Array, lower: Any, upper: Any, rows: Any = None) -> Array | None:
    """HiGHS on `min cost x, equations x = right, rows x >= 0, lower <= x <= upper`; None unless it found an optimum."""
    from scipy.optimize import linprog

    bounds = np.stack([np.broadcast_to(lower, cost.shape), np.broadcast_to(upper, cost.shape)], axis=1)
    zeros = None if rows is None else np.zeros(rows.shape[0])
    # Simplex at tight tolerances first; where it breaks off, HiGHS's own ones, then its interior point method.
    for method, tolerance in (("highs", 1e-10), ("highs", 1e-7), ("highs-ipm", 1e-8)):
        options = {"primal_feasibility_tolerance": tolerance, "dual_feasibility_tolerance": tolerance}
        A_ub = None if rows is None else -rows
        with warnings.catch_warnings():
            # The status says what went wrong.
            warnings.simplefilter("ignore")
            solved = linprog(cost, A_ub, zeros, equations, right, bounds, method=method, options=options)
        if solved.status == 0:
            return np.asarray(solved.x)
        if solved.status == 2:
            return None
    return None


def _blocks(program: RegionProgram) -> Any:
    return block_diag([normals[used] for normals, used in zip(program.normals, program.facets)], format="csc")


def strictly_inside(program: RegionProgram) -> tuple[Array, float] | None:
    """(u (G, n), t): f = y with every slack, or every coefficient on a ray for n <= 3, at least t <= 1; None when f = y is infeasible.

    Targets are scaled to root mean square 1 before t is measured.
    """
    scale = float(np.sqrt(np.mean(program.targets**2))) or 1.0
    y = program.targets / scale
    if program.n <= 3:
        V, group, found = columns_of_rays(program)
        # c = t + rest, rest >= 0.
        table = np.hstack([V, V.sum(axis=1, keepdims=True)])
        x = _solve(np.append(np.zeros(V.shape[1]), -1.0), table, y, 0.0, np.append(np.full(V.shape[1], np.inf), 1.0))
        return None if x is None else (scale * gather(program, x[:-1] + x[-1], group, found), float(x[-1]))
    size = program.matrix.shape[1]
    blocks = _blocks(program)
    rows = hstack([blocks, csc_array(-np.ones((blocks.shape[0], 1)))], format="csc")
    table = np.hstack([program.matrix, np.zeros((len(y), 1))])
    lower, upper = np.append(np.full(size, -np.inf), 0.0), np.append(np.full(size, np.inf), 1.0)
    x = _solve(np.append(np.zeros(size), -1.0), table, y, lower, upper, rows)
    return None if x is None else (scale * x[:-1].reshape(-1, program.n), float(x[-1]))


def least_tight(program: RegionProgram) -> tuple[Array, list[Array]] | None:
    """(u (G, n), per group the classes in `facets` whose slack is 0 at every point with f = y), or None when f = y is infeasible."""
    scale = float(np.sqrt(np.mean(program.targets**2))) or 1.0
    size = program.matrix.shape[1]
    blocks = _blocks(program)
    count = blocks.shape[0]
    rows = hstack([blocks, -eye_array(count)], format="csc")
    table = np.hstack([program.matrix, np.zeros((len(program.targets), count))])
    lower = np.concatenate([np.full(size, -np.inf), np.zeros(count)])
    upper = np.concatenate([np.full(size, np.inf), np.ones(count)])
    # Slacks are counted up to a small size: the targets forbid scaling up, and a smaller unit counts more of them.
    for unit in (1e-2, 1e-4, 1e-6):
        upper[size:] = unit
        cost = np.concatenate([np.zeros(size), -np.ones(count)])
        x = _solve(cost, table, program.targets / scale, lower, upper, rows)
        if x is None:
            return None
        t, u = x[size:], scale * x[:size].reshape(-1, program.n)
        if ((t < 1e-3 * unit) | (t > 0.5 * unit)).all():
            break
    out, start = [], 0
    for used in program.facets:
        out.append(used[t[start : start + len(used)] < 1e-3 * unit])
        start += len(used)
    return u, out


def farkas(program: RegionProgram) -> Array | None:
    """nu (N,) of the dual cone with nu . y < 0, as small as possible for entries in [-1, 1], scaled so that its dual value is largest; or None."""
    N, G, n = len(program.targets), len(program.groups), program.n
    normals = block_diag([-rows[used].T for rows, used in zip(program.normals, program.facets)], format="csc")
    count = normals.shape[1]
    table = hstack([csc_array(program.matrix.T), normals], format="csc")
    cost = np.concatenate([program.targets, np.zeros(count)])
    lower = np.concatenate([np.full(N, -1.0), np.zeros(count)])
    upper = np.concatenate([np.ones(N), np.full(count, np.inf)])
    x = _solve(cost / max(float(np.abs(cost).max()), 1e-300), table, np.zeros(G * n), lower, upper)
    if x is None or not float(x[:N] @ program.targets) < 0.0:
        return None
    nu = x[:N]
    return nu * (-2.0 * float(nu @ program.targets) / float(nu @ nu))


def dual_interior(program: RegionProgram, orthogonal: bool) -> tuple[Array, list[Array]] | None:
    """(nu (N,), per group multipliers (F,) on the unit normals of its facets): `matrix_g^T nu = sum of multipliers times normals`, as many
    multipliers as possible at least 1, the others 0; with `orthogonal` also nu . y = 0. None when HiGHS fails."""
    N, G, n = len(program.targets), len(program.groups), program.n
    normals = block_diag([-rows[used].T for rows, used in zip(program.normals, program.facets)], format="csc")
    count = normals.shape[1]
    table: Any = hstack([csc_array(program.matrix.T), normals, normals], format="csc")
    if orthogonal:
        y = program.targets / max(float(np.abs(program.targets).max(initial=0.0)), 1e-300)
        table = vstack([table, csc_array(np.concatenate([y, np.zeros(2 * count)])[None])], format="csc")
    cost = np.concatenate([np.zeros(N), -np.ones(count), np.zeros(count)])
    lower = np.concatenate([np.full(N, -np.inf), np.zeros(2 * count)])
    upper = np.concatenate([np.full(N, np.inf), np.ones(count), np.full(count, np.inf)])
    x = _solve(cost, table, np.zeros(G * n + orthogonal), lower, upper)
    if x is None:
        return None
    t, rest = x[N : N + count], x[N + count :]
    mu = np.where(t > 0.5, t + rest, 0.0)
    return x[:N], np.split(mu, np.cumsum([len(f) for f in program.facets])[:-1])
