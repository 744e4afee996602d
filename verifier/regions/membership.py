"""Is a given pattern's cone full-dimensional? A verified interior point, or Gordan's certificate; and the zonotope's view (K23, Proposition 7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.regions.arrangement import Arrangement, exponents
from verifier.regions.cones import deep_point
from verifier.regions.exact import exact_signs, null_space

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Membership:
    """realisable: True, False, or None when neither proof was found.

    interior (n,) float64: u with (2 a_j - 1) u . xt_j > 0 at all samples with xt_j not 0, verified exactly; None otherwise.
    samples (s,) int64 and gordan: positive integers with sum_k gordan_k (2 a_j - 1) xt_j = 0 over j = samples_k, where the xt_j are scaled to
    coprime integers (`Arrangement.integers`): Gordan's proof that there is no such u. A single zero sample with a_j = 1 is such a proof, too.
    residual: of the better failed attempt when undecided, else 0; for inputs whose columns are of size 1.
    """

    realisable: bool | None
    interior: Array | None = None
    samples: Array | None = None
    gordan: tuple[int, ...] = ()
    residual: float = 0.0


def membership(arrangement: Arrangement, pattern: Array) -> Membership:
    """Decide one neuron's pattern (N,) of 0 and 1. Raises UsageError for any other shape or entries."""
    pattern = _checked(arrangement, pattern)
    active_zero = arrangement.zero[pattern[arrangement.zero] == 1]
    if len(active_zero):
        return Membership(False, samples=active_zero[:1], gordan=(1,))
    signs = arrangement.signs(pattern[None])
    wrong = np.flatnonzero(arrangement.patterns(signs)[0] != pattern)
    if len(wrong):
        return _gordan(
            arrangement, pattern, [int(arrangement.representatives[arrangement.class_of[wrong[0]]]), int(wrong[0])], 0.0
        )
    reps = arrangement.representatives
    if len(reps) == 0:
        return Membership(True, interior=np.zeros(arrangement.n))
    rows, whole = arrangement.inputs[reps], arrangement.integers[reps]
    point = deep_point(rows, signs[0])
    if (exact_signs(point[None], rows, whole) == signs).all():
        return Membership(True, interior=point)
    e = exponents(rows)
    normals = signs[0][:, None] * _units(np.ldexp(rows, -e))
    chosen, margin = _dependent(normals), float(np.min(normals @ np.ldexp(point, e)))
    return _gordan(arrangement, pattern, [int(reps[c]) for c in chosen], abs(margin))


def _units(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _dependent(normals: Array) -> list[int]:
    """Indices of a smallest positive dependence among the rows: the support of a vertex of {mu >= 0, sum mu = 1, mu^T normals = 0}."""
    from scipy.optimize import linprog

    C, n = normals.shape
    equations, right = np.vstack([normals.T, np.ones(C)]), np.append(np.zeros(n), 1.0)
    solved = linprog(np.zeros(C), A_eq=equations, b_eq=right, bounds=(0.0, None), method="highs-ds")
    return [] if solved.x is None else np.flatnonzero(solved.x > 1e-11).tolist()


def zonotope_move(arrangement: Arrangement, pattern: Array) -> Array:
    """Proposition 7 as a linear program: how far the sum of the active inputs can be written otherwise in the zonotope sum_j conv{0, xt_j}.

    The point sum_{a_j = 1} xt_j is a vertex iff no other coefficients in [0, 1] give it, samples with xt_j = 0 aside. Returns
    |lambda_j - a_j| (N,) of the other coefficients with the largest sum, zeros at a vertex. Moved coefficients are Gordan's multipliers.
    """
    from scipy.optimize import linprog

    pattern = _checked(arrangement, pattern)
    used = np.setdiff1d(np.arange(len(pattern)), arrangement.zero)
    out = np.zeros(len(pattern))
    if len(used) == 0:
        return out
    rows = np.ldexp(arrangement.inputs, -exponents(arrangement.inputs))[used]
    # Moving a coefficient inwards by mu_j adds -(2 a_j - 1) mu_j xt_j; lengths do not matter for what is possible.
    rows = (1 - 2 * pattern[used])[:, None] * _units(rows)
    solved = linprog(-np.ones(len(used)), A_eq=rows.T, b_eq=np.zeros(rows.shape[1]), bounds=(0.0, 1.0), method="highs")
    if solved.x is not None:
        out[used] = solved.x
    return out


def zonotope_vertex(arrangement: Arrangement, pattern: Array, tolerance: float = 1e-9) -> bool:
    """Whether the sum of the active inputs is a vertex of the zonotope, to float tolerance; `membership` decides exactly."""
    return float(zonotope_move(arrangement, pattern).max(initial=0.0)) <= tolerance


def _checked(arrangement: Arrangement, pattern: Array) -> Array:
    pattern = np.asarray(pattern)
    if pattern.shape != (len(arrangement.inputs),) or not np.isin(pattern, (0, 1)).all():
        raise UsageError(
            f"membership of a pattern: expected {len(arrangement.inputs)} entries 0 or 1, one per sample, got shape {pattern.shape}"
        )
    return pattern.astype(np.int64)


def _gordan(arrangement: Arrangement, pattern: Array, chosen: list[int], residual: float) -> Membership:
    """The exact dependence of one sign among the chosen samples, when there is one."""
    columns = [[(2 * int(pattern[j]) - 1) * int(v) for v in arrangement.integers[j]] for j in chosen]
    for vector in null_space(columns):
        for signed in (vector, [-v for v in vector]):
            if all(v >= 0 for v in signed):
                kept = [(j, v) for j, v in zip(chosen, signed) if v]
                return Membership(False, samples=np.array([j for j, _ in kept]), gordan=tuple(v for _, v in kept))
    return Membership(None, residual=residual)
