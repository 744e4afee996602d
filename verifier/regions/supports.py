"""Why a hyperplane carries no facet of a cone: its inward normal is a non-negative combination of independent facet normals (Carathéodory)."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from verifier.programs.cone_fit import cone_fit
from verifier.regions.arrangement import Arrangement
from verifier.regions.exact import solve_exactly

Array = np.ndarray


def supports_of(arrangement: Arrangement, signs: Array, is_facet: Array) -> dict[int, tuple[int, ...]]:
    """For each class without a facet: classes with linearly independent facet normals that combine to its normal, verified exactly.

    signs (C,): of the cone; is_facet (C,) bool. Non-negative least squares proposes, integers decide; where the proposal fails, all
    subsets of at most n facets are tried.
    """
    reps = arrangement.representatives
    rows = arrangement.inputs[reps] * signs[:, None]
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    whole = [[int(s) * int(v) for v in row] for s, row in zip(signs.tolist(), arrangement.integers[reps].tolist())]
    facets = [int(c) for c in np.flatnonzero(is_facet)]
    out: dict[int, tuple[int, ...]] = {}
    for c in np.flatnonzero(~np.asarray(is_facet)).tolist():
        fit = cone_fit(rows[facets].T, rows[c])
        proposal = [] if fit is None else [facets[k] for k in np.flatnonzero(fit.coefficients > 1e-12)]
        out[c] = _settled(whole, proposal, c) or _searched(whole, facets, c, arrangement.n)
    return out


def _settled(whole: list[list[int]], chosen: list[int], c: int) -> tuple[int, ...] | None:
    """The chosen classes with positive coefficients, when the exact combination is non-negative."""
    solution = solve_exactly([whole[k] for k in chosen], whole[c])
    if solution is None or any(v < 0 for v in solution):
        return None
    return tuple(k for k, v in zip(chosen, solution) if v != 0)


def _searched(whole: list[list[int]], facets: list[int], c: int, n: int) -> tuple[int, ...]:
    for size in range(1, n + 1):
        for subset in combinations(facets, size):
            found = _settled(whole, list(subset), c)
            if found:
                return found
    raise ArithmeticError(
        f"class {c} has no facet, yet its normal is no combination of facet normals: a defect of the enumeration"
    )
