"""Region programs: the reference in CVXPY, and two direct routes (docs/mathematics.md, section 9).

rays: n <= 3, non-negative least squares over the rays of all cones. quadratic: any n, Clarabel called directly on
the sparse quadratic program, without CVXPY's set-up. All work on targets scaled to root mean square 1 and inputs' columns scaled to size 1.
"""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import block_array, block_diag, csc_array, diags_array, eye_array

from verifier.errors import UsageError
from verifier.programs.cone_fit import cone_fit
from verifier.regions.program import RegionProgram

Array = np.ndarray

TIGHT = {"tol_gap_abs": 1e-13, "tol_gap_rel": 1e-12, "tol_feas": 1e-12}
NOISE = 1e-13
# The solver's name of a fit on rays that is right to rounding.
RAYS = "rays, direct"
# The active-set method takes a least-squares solve per sample or more: measured faster than Clarabel up to here, slower at 50.
MOST_SAMPLES_BY_RAYS = 32


@dataclass(frozen=True, eq=False)
class RegionSolution:
    """Float answer, nothing certified. u (G, n): merged vectors; value: mean squared error there; nu (N,) = 2 (f - y).

    Values below about 1e-16 of mean y^2 are rounding.
    """

    u: Array
    value: float
    nu: Array
    status: str
    solver: str
    seconds: float


def solve(program: RegionProgram, route: str = "auto") -> RegionSolution:
    """Minimise by "cvxpy", "rays" (n <= 3), "quadratic", or the measured fastest of the direct ones ("auto")."""
    if route == "auto":
        route = "rays" if program.n <= 3 and len(program.targets) <= MOST_SAMPLES_BY_RAYS else "quadratic"
    routes = {"cvxpy": _cvxpy, "rays": _rays, "quadratic": _quadratic}
    if route not in routes:
        raise UsageError(f"region program: route {route!r} is unknown; expected auto, {', '.join(routes)}")
    if route == "rays" and program.n > 3:
        raise UsageError(f"region program: rays are for dimension at most 3, got {program.n}; use quadratic")
    start = time.perf_counter()
    scale = float(np.sqrt(np.mean(program.targets**2))) or 1.0
    scaled, e = program.scaled
    if not program.groups:
        u, status, solver = np.zeros((0, program.n)), "no active neuron", "none"
    else:
        u, status, solver = routes[route](scaled, program.targets / scale)
        u = u * scale
    nu = 2.0 * (scaled.matrix @ u.ravel() - program.targets)
    return RegionSolution(np.ldexp(u, -e), float(np.mean(nu**2)) / 4, nu, status, solver, time.perf_counter() - start)


def _inequalities(program: RegionProgram) -> Any:
    """Sparse (sum of facets, G n): rows are the unit inward normals that matter."""
    return block_diag([normals[used] for normals, used in zip(program.normals, program.facets)], format="csc")


def _cvxpy(program: RegionProgram, y: Array) -> tuple[Array, str, str]:
    import cvxpy as cp

    u = cp.Variable(program.matrix.shape[1])
    constraints: list[Any] = [_all_inequalities(program) @ u >= 0] if program.normals.shape[1] else []
    problem: Any = cp.Problem(cp.Minimize(cp.sum_squares(program.matrix @ u - y)), constraints)
    with warnings.catch_warnings():
        # "Solution may be inaccurate" is said by the status.
        warnings.simplefilter("ignore", UserWarning)
        for settings in (TIGHT, {}):
            try:
                problem.solve(solver=cp.CLARABEL, warm_start=False, **settings)
                status = str(problem.status)
                # Broken off at tight tolerances it may lie far from the optimum.
                if status == cp.OPTIMAL:
                    break
            except cp.error.SolverError as error:
                status = f"failed: {error}"
    value = np.zeros(program.matrix.shape[1]) if u.value is None else np.asarray(u.value)
    return value.reshape(-1, program.n), status, "CVXPY CLARABEL"


def _all_inequalities(program: RegionProgram) -> Any:
    """As `_inequalities` with every class, so that the reference does not depend on the facets found."""
    return block_diag(list(program.normals), format="csc")


def columns_of_rays(program: RegionProgram) -> tuple[Array, Array, Array]:
    """(V (N, R), group (R,), ray (R, n)): V c = f for u_g = sum over its rays of c_r ray_r; n <= 3."""
    group = np.repeat(np.arange(len(program.groups)), [len(r) for r in program.rays])
    found = np.concatenate(program.rays)
    matrix = program.matrix.reshape(len(program.targets), len(program.groups), program.n)
    V = np.einsum("jrk,rk->jr", matrix[:, group, :], found)
    # A ray lies on hyperplanes, where rounding would leave a column of noise.
    V[np.abs(V) <= NOISE * np.linalg.norm(program.arrangement.inputs, axis=1)[:, None]] = 0.0
    return V, group, found


def gather(program: RegionProgram, c: Array, group: Array, found: Array) -> Array:
    """Merged vectors (G, n) of coefficients on rays."""
    u = np.zeros((len(program.groups), program.n))
    np.add.at(u, group, c[:, None] * found)
    return u


def _rays(program: RegionProgram, y: Array) -> tuple[Array, str, str]:
    V, group, found = columns_of_rays(program)
    fit = cone_fit(V, y)
    if fit is None:
        u, status, solver = _quadratic(program, y)
        return u, f"{status}; no fit on the rays met the optimality conditions", solver
    return gather(program, fit.coefficients, group, found), "optimal", RAYS if fit.exact else f"rays, {fit.method}"


def _quadratic(program: RegionProgram, y: Array) -> tuple[Array, str, str]:
    import clarabel

    N, size = program.matrix.shape
    A = _inequalities(program)
    # Residuals are variables of their own, which keeps the quadratic part diagonal.
    P = diags_array(np.concatenate([np.zeros(size), np.full(N, 2.0)]), format="csc")
    rows = block_array([[csc_array(program.matrix), -eye_array(N)], [-A, None]], format="csc")
    cones = [clarabel.ZeroConeT(N), clarabel.NonnegativeConeT(A.shape[0])]
    right = np.concatenate([y, np.zeros(A.shape[0])])
    # Where the tight tolerances are out of reach, an accurate end at Clarabel's own is better than a broken-off start.
    for tolerances in (TIGHT, {}):
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        for name, value in tolerances.items():
            setattr(settings, name, value)
        solution = clarabel.DefaultSolver(P, np.zeros(size + N), rows, right, cones, settings).solve()
        if str(solution.status) == "Solved":
            break
    return np.array(solution.x[:size]).reshape(-1, program.n), str(solution.status), "CLARABEL"
