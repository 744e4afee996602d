"""Lower bound of the barrier between A and B: fast evaluation of `barrier_lower_bound` (docs/mathematics.md, section 8).

Every path leaves the union of the closed cells Q through a face that a cell in Q shares with an adjacent cell outside. The faces are found here
from the data; on each of them a dual shows F >= level.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from flint import arb, fmpq

from verifier.kernel.fast import losses
from verifier.kernel.fast.balls import down, exact, magnitude, matmul, multiply, row_norms, subtract, up
from verifier.kernel.fast.cones import holds_network, neighbour_tables, read_cones
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.losses import arb_lower
from verifier.kernel.fast.rational import ZERO, conjugate_sum, fraction, solve_basis
from verifier.kernel.statements import (
    BarrierLowerBound,
    FaceDuals,
    Problem,
    augmented_inputs,
    require,
)

Array = np.ndarray


def keys(rows: Array) -> Array:
    """One integer per row, the same exactly for equal rows; column by column, so that no number grows."""
    out = np.zeros(len(rows), dtype=np.int64)
    for column in rows.T:
        column = np.unique(column, return_inverse=True)[1].reshape(-1)
        out = np.unique(out * (int(column.max(initial=0)) + 1) + column, return_inverse=True)[1].reshape(-1)
    return out


def leaving_faces(cells: Array, neighbour: Array, facet: Array) -> Array:
    """All faces between a cell and an adjacent one that is not in `cells`, as rows (moving code or -1, the others sorted, facet), each once."""
    m, found = cells.shape[1], []
    for i in range(m):
        codes, others = cells[:, i], np.sort(np.delete(cells, i, axis=1), axis=1)
        for way in range(neighbour.shape[1]):
            there = neighbour[codes, way]
            known = np.flatnonzero(there >= 0)
            moved = cells[known].copy()
            moved[:, i] = there[known]
            both = keys(np.vstack([cells, moved]))
            leaves = there == -1
            leaves[known] = ~np.isin(both[len(cells) :], both[: len(cells)])
            j = facet[codes, way]
            moving = np.where(j == -1, -1, codes)
            found.append(np.column_stack([moving, others, j])[leaves])
    return np.unique(np.vstack(found), axis=0)


def check_barrier(problem: Problem, claim: BarrierLowerBound) -> dict[str, float]:
    """Numbers found for the claim; rejects unless no path can leave the cells of A below the level."""
    cones, frozen = read_cones(problem, claim), claim.output_layer == "frozen"
    inside, outside = claim.cells[claim.inside], claim.outside
    A, B = problem.A, problem.B
    here, there = (A, B) if claim.around == "A" else (B, A)
    other = "B" if claim.around == "A" else "A"
    for name, codes, p in ((claim.around, inside, here), (other, outside, there)):
        inside_cell = holds_network(cones, codes.tolist(), p, frozen)
        require(inside_cell, f"{name} is not in its cell")
    require(not bool((claim.cells == outside).all(axis=1).any()), f"the cell of {other} is among the cells")
    # With a frozen output layer a neuron never changes its sign, so cells of other signs are no way out.
    require(
        not frozen or bool((inside % 2 == outside % 2).all()),
        "the output layer is frozen, and the cells of A and B differ in a sign",
    )
    ways = leaving_faces(claim.cells, *neighbour_tables(cones, signs=not frozen))
    require(len(ways) > 0, "no face leaves the cells")
    stored = np.column_stack([claim.faces, claim.facets])
    both = keys(np.vstack([stored, ways]))
    missing = ~np.isin(both[len(stored) :], both[: len(stored)])
    require(not bool(missing.any()), f"{int(missing.sum())} faces through which the cells can be left have no dual")
    # Rows that no way out needs prove nothing and are not looked at; of equal rows the first counts.
    _, first = np.unique(both[: len(stored)], return_index=True)
    needed = first[np.isin(both[first], both[len(stored) :])]
    rows = {name: getattr(claim, name)[needed] for name in ("faces", "facets", "nu", "multipliers", "basis")}
    level = float(face_bounds(problem, replace(claim, **rows), cones.patterns).min())
    require(claim.level <= level, f"level: found at least {level!r} on every face, claimed {claim.level!r}")
    E = max(objective_at(problem, A).upper, objective_at(problem, B).upper)
    # From the claimed level: with kappa > 0 the bounds hold for points below it, and prove nothing beyond it.
    gap = max(0.0, down(claim.level - E))
    require(claim.gap <= gap, f"gap over E: found at least {gap!r}, claimed {claim.gap!r}")
    return {"level": level, "E_upper": E, "gap": gap}


def face_bounds(problem: Problem, claim: BarrierLowerBound | FaceDuals, patterns: Array) -> Array:
    """Lower bound of F on every stored face, by its dual; (f,). Rejects multipliers of the wrong sign."""
    free = np.zeros(claim.multipliers.shape, dtype=bool)
    crossing = np.flatnonzero(claim.facets >= 0)
    free[crossing, claim.facets[crossing]] = True
    require(bool(((claim.multipliers >= 0.0) | free).all()), "a multiplier is negative")
    if problem.objective.kappa > 0.0:
        return _penalised_bounds(problem, claim, patterns)
    terms = _ExactFaces(problem, claim, patterns)
    return np.array([terms.bound(k) for k in range(len(claim.faces))])


def _penalised_bounds(problem: Problem, claim: BarrierLowerBound | FaceDuals, patterns: Array) -> Array:
    """kappa > 0: a point of the face with F < level has sum_i |u_i| < level / kappa, so a violated constraint costs at most that much."""
    o, N = problem.objective, len(problem.X)
    X, worst = exact(augmented_inputs(problem)), np.zeros(len(claim.faces))
    for k in range(claim.faces.shape[1]):
        codes = claim.faces[:, k]
        a = np.where(codes[:, None] >= 0, patterns[codes // 2], 0)
        sign = np.where(codes % 2 == 0, 1.0, -1.0)[:, None]
        pull = matmul(exact(sign * a * claim.nu), X)
        push = matmul(exact((2.0 * a - 1.0) * claim.multipliers[:, k * N : (k + 1) * N]), X)
        push = multiply(push, exact(np.full_like(push.mid, N)))
        size = magnitude(row_norms(subtract(pull, push)))
        over = np.where(size <= down(o.kappa * N), 0.0, np.nextafter(size - down(o.kappa * N), np.inf))
        worst = np.maximum(worst, np.where(codes >= 0, over, 0.0))
    bounds = []
    for nu, violation in zip(claim.nu, worst.tolist()):
        D, extra = -losses.conjugate_mean_upper(o, nu[:, None], problem.targets), violation
        if problem.A.biases[1] is not None:
            D, extra = _with_output_bias(problem, claim, nu, D, violation)
        cost = up(up(up(extra / N) * claim.level) / o.kappa) if extra > 0.0 else 0.0
        bounds.append(down(D - cost))
    return np.array(bounds)


def _with_output_bias(
    problem: Problem, claim: BarrierLowerBound | FaceDuals, nu: Array, D: float, over: float
) -> tuple[float, float]:
    """The dual value and the largest violation once the output bias is counted: a constant where it is frozen, else one more coordinate."""
    o, N, c = problem.objective, len(problem.X), problem.A.biases[1]
    assert c is not None  # for the type checker
    s = math.fsum(nu.tolist())  # correctly rounded, and 0.0 only when the sum is exactly 0
    if claim.output_layer == "frozen":
        term = s * float(c[0]) / N
        return down(D + term - abs(term) * 2.0**-50 - 2.0**-1000), over
    if not o.penalise_output_bias:
        require(s == 0.0, "a dual does not sum to 0 and the output bias is free")
        return D, over
    room = down(o.kappa * N)
    return D, max(over, 0.0 if up(abs(s)) <= room else up(up(abs(s)) - room))


class _ExactFaces:
    """kappa = 0: the constraints are equations, met exactly by rationals in place of the basis entries."""

    def __init__(self, problem: Problem, claim: BarrierLowerBound | FaceDuals, patterns: Array) -> None:
        self.problem, self.claim, self.patterns = problem, claim, patterns.tolist()
        self.X = [[fraction(v) for v in row] for row in augmented_inputs(problem).tolist()]
        self.y = problem.targets[:, 0].tolist()

    def bound(self, f: int) -> float:
        claim, X, N = self.claim, self.X, len(self.X)
        faces, n, m = claim.faces[f].tolist(), len(X[0]), claim.faces.shape[1]
        present = [(k, code) for k, code in enumerate(faces) if code >= 0]
        size = N + m * N
        equations = []
        for k, code in present:
            a, s = self.patterns[code // 2], 1 if code % 2 == 0 else -1
            for e in range(n):
                row = [ZERO] * size
                for j in range(N):
                    if a[j]:
                        row[j] = s * X[j][e]
                    row[N + k * N + j] = (1 - 2 * a[j]) * N * X[j][e]
                equations.append(row)
        free_bias = self.problem.A.biases[1] is not None and claim.output_layer == "trained"
        if free_bias:
            equations.append([fmpq(1)] * N + [ZERO] * (m * N))
        values = [fraction(v) if v else ZERO for v in [*claim.nu[f].tolist(), *claim.multipliers[f].tolist()]]
        basis = [k for k in claim.basis[f].tolist() if k != -1]
        solved = solve_basis(equations, [ZERO] * len(equations), values, basis)
        facet = claim.facets[f]
        for k, _code in present:
            for j in range(N):
                if not (k == 0 and j == facet):
                    require(bool(solved[N + k * N + j] >= 0), "a multiplier is negative once the equations hold")
        below = -conjugate_sum(self.problem.objective, solved[:N], self.y) / N
        if self.problem.A.biases[1] is not None and not free_bias:
            below += arb(sum(solved[:N], ZERO) * fraction(float(self.problem.A.biases[1][0])) / N)
        return arb_lower(below)
