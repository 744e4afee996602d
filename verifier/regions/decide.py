"""Verdict on a region program: zero loss in the open region, on its boundary only, or none; settled in rationals or stated undecided (K23, E.2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from verifier.programs.cone_fit import cone_fit
from verifier.regions.exact import exact_signs
from verifier.regions.margins import dual_interior, farkas, least_tight, strictly_inside
from verifier.regions.program import RegionProgram
from verifier.regions.settle import rational, settled_dual, settled_point
from verifier.regions.solve import RegionSolution, solve

Array = np.ndarray

SENTENCES = {
    "zero_inside": "zero loss at a point of the open region",
    "zero": "zero loss in the closed region; an input is 0, so that the open region is empty",
    "zero_on_boundary": "zero loss on the boundary of the region and nowhere inside",
    "positive": "no zero loss in the closed region: the minimum is at least {lower:.6g}",
    "undecided": "undecided: the minimum lies in [{lower:.6g}, {upper:.6g}]",
}
# Relative weight of the dual's interior direction mixed in, smallest first: each costs about that much of the lower bound.
MIXTURES = (1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 1e-1)
# Below this share of mean y^2 a float minimum is first taken for 0.
SMALL = 1e-9
ROUNDING = 2.0**-49


@dataclass(frozen=True, eq=False)
class RegionVerdict:
    """verdict: a key of SENTENCES. lower <= minimum of the loss <= upper, both proved. residual: the float route's minimum.

    point (m, n), point_basis, tight, nu (N,), multipliers (m, N), dual_basis: as in the kernel's RegionMinimum.
    """

    program: RegionProgram
    solution: RegionSolution
    verdict: str
    lower: float
    upper: float
    point: Array
    point_basis: Array
    tight: Array
    nu: Array
    multipliers: Array
    dual_basis: Array

    @property
    def residual(self) -> float:
        return self.solution.value

    @property
    def sentence(self) -> str:
        return SENTENCES[self.verdict].format(lower=self.lower, upper=self.upper)


def decide(program: RegionProgram, route: str = "auto") -> RegionVerdict:
    """Solve the region program and settle its verdict exactly. route: of `verifier.regions.solve.solve`."""
    scaled, e = program.scaled
    found = _decided(scaled, route)
    solution = replace(found.solution, u=np.ldexp(found.solution.u, -e))
    return replace(found, program=program, solution=solution, point=np.ldexp(found.point, -e))


def _decided(program: RegionProgram, route: str) -> RegionVerdict:
    """In units in which the linear programs' absolute tolerances mean something."""
    solution = solve(program, route)
    mean_square = float(np.mean(program.targets**2))
    attempts = [_inside, _boundary, _positive]
    if solution.value > SMALL * mean_square:
        attempts = [_positive, _inside, _boundary]
    for attempt in attempts:
        found = attempt(program, solution)
        if found is not None:
            return found
    point, upper = _closed_point(program, solution)
    return _made(program, solution, "undecided", 0.0, upper, point)


def _made(
    program: RegionProgram,
    solution: RegionSolution,
    verdict: str,
    lower: float,
    upper: float,
    point: Array,
    point_basis: list[int] | None = None,
    tight: list[tuple[int, int]] | None = None,
    dual: tuple[Array, Array, list[int], Any] | None = None,
) -> RegionVerdict:
    m, N = program.pattern.shape
    nu, multipliers, basis = (np.zeros(N), np.zeros((m, N)), []) if dual is None else dual[:3]
    whole = lambda values: np.array(values, dtype=np.int64)
    pairs = whole(tight or []).reshape(-1, 2)
    return RegionVerdict(
        program, solution, verdict, lower, upper, point, whole(point_basis or []), pairs, nu, multipliers, whole(basis)
    )


def _inside(program: RegionProgram, solution: RegionSolution) -> RegionVerdict | None:
    # An input 0 lies on every hyperplane.
    word = "zero" if program.arrangement.zero.size else "zero_inside"
    if not program.groups:
        if program.targets.any():
            return None
        return _made(program, solution, word, 0.0, 0.0, program.inside)
    found = strictly_inside(program)
    if found is None or found[1] <= 0.0:
        return None
    settled = settled_point(program, program.expand(found[0]), [], strict=True)
    return None if settled is None else _made(program, solution, word, 0.0, 0.0, *settled)


def _boundary(program: RegionProgram, solution: RegionSolution) -> RegionVerdict | None:
    if not program.groups:
        return None
    found = least_tight(program)
    if found is None or not any(len(t) for t in found[1]):
        return None
    u, tight = found
    W = np.array(program.inside)
    for vector, members in zip(u, program.groups):
        # One neuron of a group carries all, so that only its slacks have to vanish exactly.
        W[members] = 0.0
        W[members[0]] = vector / abs(program.head[members[0]])
    reps = program.arrangement.representatives
    pairs = [(int(i), int(reps[c])) for i, classes in zip(program.first, tight) for c in classes]
    settled = settled_point(program, W, pairs, strict=False)
    if settled is None:
        return None
    interior = dual_interior(program, orthogonal=True)
    if interior is None or not any((mu > 0).any() for mu in interior[1]):
        return None
    dual = settled_dual(program, *interior, orthogonal=True)
    if dual is None or not dual[1].any():
        return None
    return _made(program, solution, "zero_on_boundary", 0.0, 0.0, *settled, pairs, dual)


def _positive(program: RegionProgram, solution: RegionSolution) -> RegionVerdict | None:
    interior: tuple[Array, list[Array]] | None
    interior = dual_interior(program, orthogonal=False) if program.groups else (np.zeros(len(program.targets)), [])
    if interior is None:
        return None
    best = _certified_dual(program, solution.nu, interior)
    if best is None and program.groups and (direction := farkas(program)) is not None:
        best = _certified_dual(program, direction, interior)
    if best is None:
        return None
    point, upper = _closed_point(program, solution)
    return _made(program, solution, "positive", best[0], max(upper, best[0]), point, dual=best[1])


def _certified_dual(
    program: RegionProgram, start: Array, interior: tuple[Array, list[Array]]
) -> tuple[float, Any] | None:
    """(lower end, dual) made exact from a float dual with as little of the interior direction mixed in as it takes; lower end above 0."""
    size = float(np.linalg.norm(interior[0]))
    for share in MIXTURES:
        step = share * float(np.linalg.norm(start)) / size if size else 0.0
        nu = start + step * interior[0]
        dual = settled_dual(program, nu, _multipliers(program, nu, step, interior), orthogonal=False)
        if dual is not None and dual[3] > 0:
            lower = float(Fraction(int(dual[3].p), int(dual[3].q))) * (1 - ROUNDING)
            return (lower, dual) if lower > 0.0 else None
    return None


def _multipliers(program: RegionProgram, nu: Array, step: float, interior: tuple[Array, list[Array]]) -> list[Array]:
    """Per group multipliers for nu on the interior dual's support: non-negative least squares plus that dual's share."""
    q = (program.matrix.T @ (nu - step * interior[0])).reshape(-1, program.n)
    out = []
    for g, (used, mu) in enumerate(zip(program.facets, interior[1])):
        kept = np.flatnonzero(mu > 0)
        values = np.zeros(len(mu))
        if len(kept):
            fit = cone_fit(program.normals[g][used[kept]].T, q[g])
            values[kept] = step * mu[kept] + (0.0 if fit is None else fit.coefficients)
        out.append(values)
    return out


def _closed_point(program: RegionProgram, solution: RegionSolution) -> tuple[Array, float]:
    """Rows (m, n) in the closed region, exactly, near the float minimiser, and the loss there rounded up."""
    A = program.arrangement
    side = 2 * program.pattern - 1
    W = program.expand(solution.u)
    for share in (0.0, 1e-15, 1e-13, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3):
        signs = exact_signs(W, A.inputs, A.integers) * side
        bad = (signs < 0).any(axis=1)
        if not bad.any():
            break
        sizes = np.linalg.norm(W[bad], axis=1) / np.linalg.norm(program.deep[bad], axis=1)
        W[bad] += (max(10 * share, 1e-16) * sizes)[:, None] * program.deep[bad]
    W[(exact_signs(W, A.inputs, A.integers) * side < 0).any(axis=1)] = 0.0
    return W, float(_exact_loss(program, W) * (1 + ROUNDING))


def _exact_loss(program: RegionProgram, W: Array) -> float:
    inputs = [[rational(v) for v in row] for row in program.arrangement.inputs.tolist()]
    rows = [[rational(v) for v in row] for row in W.tolist()]
    heads, zero = [rational(h) for h in program.head.tolist()], rational(0.0)
    total = zero
    for j, (x, y) in enumerate(zip(inputs, program.targets.tolist())):
        active = np.flatnonzero(program.pattern[:, j]).tolist()
        f = sum((heads[i] * sum((w * v for w, v in zip(rows[i], x)), zero) for i in active), zero)
        total += (f - rational(y)) ** 2
    total = total / len(inputs)
    return float(Fraction(int(total.p), int(total.q)))
