"""The cones C(a) = {u : (2 a_j - 1) u . xt_j >= 0} of one neuron with their facets and neighbours, exact (docs/mathematics.md, section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.errors import DataError, UsageError
from verifier.numbers import plural
from verifier.regions.arrangement import Arrangement, exponents, generic_count
from verifier.regions.exact import exact_signs, to_floats
from verifier.regions.faces import all_cells
from verifier.regions.rays import integer_rays, rays
from verifier.regions.supports import supports_of

Array = np.ndarray

__all__ = ["Cones", "deep_point", "enumerate_cones", "integer_rays", "rays", "redundancy_of"]


@dataclass(frozen=True, eq=False)
class Cones:
    """All p full-dimensional cones of an arrangement with N samples, C classes of parallel inputs, dimension n.

    patterns (p, N) int64: 0/1, 0 at zero samples, in lexicographic order. signs (p, C) int8: of the classes' representatives.
    interiors (p, n) float64: a point strictly inside each cone, verified exactly.
    facets: per cone the representatives of the classes whose hyperplanes carry its facets, exact, ascending.
    neighbours (p, C) int64: the cone across the facet of class c, -1 where that hyperplane carries no facet.
    """

    arrangement: Arrangement
    patterns: Array
    signs: Array
    interiors: Array
    facets: tuple[tuple[int, ...], ...]
    neighbours: Array

    @cached_property
    def redundancy(self) -> tuple[Array, Array]:
        """(redundant, supports) of all cones; see `redundancy_of` for some of them only, which is cheaper."""
        return redundancy_of(self, range(len(self.patterns)))

    @property
    def redundant(self) -> Array:
        """(r, 2) int64: (cone, representative) for each hyperplane that carries no facet of the cone."""
        return self.redundancy[0]

    @property
    def supports(self) -> Array:
        """(r, s) int64, filled up with -1: representatives of linearly independent facets' inputs whose non-negative combination proves it."""
        return self.redundancy[1]


def enumerate_cones(arrangement: Arrangement, limit: int = 1_000_000) -> Cones:
    """All full-dimensional cones, from the exact recursion over flats in `faces`.

    Raises UsageError when there may be more than `limit` (by Proposition 6 for the rank of the data; degenerate data have fewer), DataError
    when a cone is so thin that no interior point was found in float64.
    """
    reps = arrangement.representatives
    bound = generic_count(len(reps), arrangement.rank)
    if bound > limit:
        raise UsageError(
            f"enumeration of cones: up to {bound} for {plural(len(reps), 'input')} that are not parallel and span dimension {arrangement.rank}, more than "
            f"the limit {limit}; use fewer samples or raise the limit"
        )
    cells = all_cells(arrangement.integers[reps])
    patterns = arrangement.patterns(cells.signs)
    order = np.lexsort(patterns.T[::-1]) if patterns.shape[1] else np.arange(len(patterns))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    neighbours = np.full((len(order), len(reps)), -1, dtype=np.int64)
    plus, minus, across = place[cells.pairs[:, 0]], place[cells.pairs[:, 1]], cells.pairs[:, 2]
    neighbours[plus, across] = minus
    neighbours[minus, across] = plus
    facets = tuple(tuple(int(r) for r in reps[row >= 0]) for row in neighbours)
    signs = cells.signs[order]
    interiors = _inside(arrangement, signs, cells.points[order])
    return Cones(arrangement, patterns[order], signs, interiors, facets, neighbours)


def _inside(arrangement: Arrangement, signs: Array, points: Array) -> Array:
    """The points, replaced by others where they are not strictly inside."""
    reps = arrangement.representatives
    rows, whole = arrangement.inputs[reps], arrangement.integers[reps]
    bad = np.flatnonzero((exact_signs(points, rows, whole) != signs).any(axis=1))
    for i in bad:
        tries = np.vstack([deep_point(rows, signs[i])[None], _rounded_sums(arrangement, signs[i])])
        good = np.flatnonzero((exact_signs(tries, rows, whole) == signs[i]).all(axis=1))
        if len(good):
            points[i] = tries[good[0]]
        else:
            raise DataError(
                f"enumeration of cones: cone {i} is too thin for an interior point in float64; move inputs that are nearly parallel apart"
            )
    return points


def _rounded_sums(arrangement: Arrangement, signs: Array) -> Array:
    """Roundings of an exact interior point, the sum of the rays, at many scales: in a cone a few rounding errors wide some of them lie inside."""
    if arrangement.n > 3:
        return np.zeros((0, arrangement.n))
    found = integer_rays(arrangement, arrangement.patterns(signs[None])[0]).tolist()
    sizes = [max(abs(v) for v in ray) for ray in found]
    shift = max(sizes).bit_length() + 64
    middle = [sum((v << shift) // size for v, size in zip(column, sizes)) for column in zip(*found)]
    return np.array([to_floats([k * v for v in middle]) for k in range(1, 400, 2)])


def deep_point(rows: Array, signs: Array) -> Array:
    """The point of [-1, 1]^n with the largest margin in s_c u . x_c / |x_c| >= t, in units in which the columns of x are of size 1, from HiGHS: a hint,
    to be verified."""
    from scipy.optimize import linprog

    C, n = rows.shape
    e = exponents(rows)
    rows = np.ldexp(rows, -e)
    scaled = signs[:, None] * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    bounds = [(-1.0, 1.0)] * n + [(0.0, None)]
    solved = linprog(
        np.append(np.zeros(n), -1.0),
        A_ub=np.hstack([-scaled, np.ones((C, 1))]),
        b_ub=np.zeros(C),
        bounds=bounds,
        method="highs",
    )
    return np.zeros(n) if solved.x is None else np.ldexp(solved.x[:n], -e)


def redundancy_of(cones: Cones, which: Sequence[int]) -> tuple[Array, Array]:
    """(redundant, supports) for the cones named: the fields of these names of the kernel's BarrierLowerBound.

    redundant (r, 2) int64: (index into `patterns`, representative) of every hyperplane without a facet, in order; supports (r, s) int64.
    """
    reps = cones.arrangement.representatives
    redundant: list[tuple[int, int]] = []
    supports: list[list[int]] = []
    for i in which:
        found = supports_of(cones.arrangement, cones.signs[i], cones.neighbours[i] >= 0)
        for c in np.flatnonzero(cones.neighbours[i] < 0):
            redundant.append((int(i), int(reps[c])))
            supports.append([int(reps[k]) for k in found[int(c)]])
    width = max((len(s) for s in supports), default=0)
    table = np.full((len(supports), width), -1, dtype=np.int64)
    for row, s in zip(table, supports):
        row[: len(s)] = s
    return np.array(redundant, dtype=np.int64).reshape(-1, 2), table
