"""The nearest point of a cone given by its rays, for both rooms: `verifier.regions` and `verifier.landscape`.

Neighbouring cones share rays, and with heads of both signs a column and its opposite occur together. No method is believed on such cones: scipy's
`nnls` reports residuals there that its own coefficients do not have. So three methods propose coefficients, the cheapest first, and the first one whose
residual, recomputed here, meets the optimality conditions is taken: scipy's nnls; Lawson and Hanson's active-set method with a least-squares solve per
step, where the column that enters is the one most in line with the residual, hence never in the span of those in use; a conic program (Clarabel).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dgels

Array = np.ndarray

# Slope along a unit column, over |y|, from which on it enters; residual over |y| that counts as 0.
ENTERS, NOTHING = 1e-11, 1e-13
# Largest slope along a unit column, over |y|, of what the direct methods and of what the conic program propose.
DIRECT, CONIC = 1e-11, 1e-8


@dataclass(frozen=True, eq=False)
class ConeFit:
    """c >= 0 (R,) that minimises |V c - y|. residual (N,): y - V c, computed from c. method: whose proposal met the conditions.

    exact: to rounding, by a direct method; else to a solver's tolerance.
    """

    coefficients: Array
    residual: Array
    method: str

    @property
    def exact(self) -> bool:
        return self.method != "conic program"

    @property
    def square(self) -> float:
        """|V c - y|^2."""
        return float(self.residual @ self.residual)


def cone_fit(V: Array, y: Array) -> ConeFit | None:
    """The fit for V (N, R) and y (N,); None when no proposal meets the optimality conditions. Scaling y by a power of two changes no digit."""
    # In powers of two, so that y of any size gives the same steps.
    exponent = np.frexp(np.abs(y).max(initial=0.0))[1]
    lengths = np.linalg.norm(V, axis=0)
    used = np.flatnonzero(lengths > 0)
    if len(used) == 0 or not y.any():
        return ConeFit(np.zeros(V.shape[1]), y.copy(), "none needed")
    unit, target = np.asfortranarray(V[:, used] / lengths[used]), np.ldexp(y, -exponent)
    tries: tuple[tuple[str, Callable[[Array, Array], Array | None], float], ...] = (
        ("nnls", _library, DIRECT), ("active set", _active_set, DIRECT), ("conic program", _conic, CONIC),
    )  # fmt: skip
    for method, propose, tolerance in tries:
        c = propose(unit, target)
        if c is None:
            continue
        residual = target - unit @ c
        if optimal(unit, c, residual, tolerance * float(np.linalg.norm(target))):
            out = np.zeros(V.shape[1])
            out[used] = np.ldexp(c, exponent) / lengths[used]
            return ConeFit(out, np.ldexp(residual, exponent), method)
    return None


def optimal(unit: Array, c: Array, residual: Array, slope: float) -> bool:
    """Whether c >= 0 with no unit column along which the residual falls faster than `slope`, and columns in use as good as orthogonal to it."""
    if not (np.isfinite(c).all() and (c >= 0.0).all()):
        return False
    slopes = unit.T @ residual
    return bool(slopes.max() <= slope and (np.abs(slopes) * np.minimum(c, 1.0) <= slope).all())


def _library(unit: Array, y: Array) -> Array | None:
    """scipy's coefficients; the residual that comes with them is not read."""
    from scipy.optimize import nnls

    try:
        return np.asarray(nnls(unit, y)[0])
    except RuntimeError:
        return None


def _conic(unit: Array, y: Array) -> Array | None:
    import cvxpy as cp

    c = cp.Variable(unit.shape[1], nonneg=True)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(unit @ c - y)))
    try:
        # The solver is named: others give wrong optima silently on programs like these.
        problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-13, tol_gap_rel=1e-13, tol_feas=1e-13)
    except cp.error.SolverError:
        return None
    return None if c.value is None else np.maximum(np.asarray(c.value), 0.0)


def _active_set(unit: Array, y: Array) -> Array | None:
    """None when it does not come to an end."""
    size = float(np.linalg.norm(y))
    chosen: list[int] = []
    x = np.zeros(0)
    barred: list[int] = []
    for _ in range(10 * unit.shape[1]):
        residual = y - unit[:, chosen] @ x
        slopes = unit.T @ residual
        slopes[chosen] = slopes[barred] = -np.inf
        j = int(slopes.argmax())
        if float(np.linalg.norm(residual)) <= NOTHING * size or slopes[j] <= ENTERS * size:
            out = np.zeros(unit.shape[1])
            out[chosen] = x
            return out
        chosen.append(j)
        moved = _descend(unit, y, chosen, np.append(x, 0.0))
        if moved is None:
            # Rounding made a column look useful that is not: it waits until something else has moved.
            chosen.pop()
            barred.append(j)
        else:
            chosen, x = moved
            barred = []
    return None


def _descend(unit: Array, y: Array, chosen: list[int], x: Array) -> tuple[list[int], Array] | None:
    """From feasible x to the least-squares solution on a subset of the chosen columns; None when the newest would leave at once."""
    while chosen:
        if len(chosen) > len(y):
            return None
        _, solution, info = dgels(unit[:, chosen], y)
        s = solution[: len(chosen)]
        if info != 0 or not np.isfinite(s).all() or (x[-1] == 0.0 and s[-1] <= 0.0):
            return None
        negative = np.flatnonzero(s <= 0.0)
        if len(negative) == 0:
            return chosen, s
        ratios = x[negative] / (x[negative] - s[negative])
        x = x + ratios.min() * (s - x)
        x[negative[int(ratios.argmin())]] = 0.0
        keep = np.flatnonzero(x > 0.0)
        chosen, x = [chosen[k] for k in keep], x[keep]
    return chosen, x
