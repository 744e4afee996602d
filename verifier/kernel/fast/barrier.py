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
from verifier.kernel.fast.balls import Ball, add, down, exact, magnitude, matmul, multiply, row_norms, subtract, up
from verifier.kernel.fast.cones import holds_network, neighbour_tables, read_cones
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.last_inputs import last_inputs
from verifier.kernel.fast.losses import arb_lower
from verifier.kernel.fast.rational import ZERO, conjugate_sum, fraction, simplex_sum, solve_basis
from verifier.kernel.statements import (
    BarrierLowerBound,
    FaceDuals,
    Problem,
    augmented_inputs,
    kinds_of,
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
    cones, frozen = read_cones(problem, claim), claim.frozen
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
        not frozen or bool((inside % cones.kinds == outside % cones.kinds).all()),
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
    if problem.objective.penalty in ("path", "weight_decay"):
        return _penalised_bounds(problem, claim, patterns)
    terms = _ExactFaces(problem, claim, patterns)
    return np.array([terms.bound(k) for k in range(len(claim.faces))])


def heads_of(problem: Problem) -> Array:
    """(kinds, K): what a neuron of each kind adds to the outputs, as multiples of its relu."""
    V = problem.A.weights[-1]
    return np.array([[1.0], [-1.0]]) if len(V) == 1 else V.T


def _prices(problem: Problem) -> Array:
    """(kinds,): at most the price of a row of norm 1 of each kind, over kappa; exactly that with one output, where it is 1."""
    V = problem.A.weights[-1]
    if len(V) == 1:
        return np.ones(2)
    return np.array([max(0.0, down(math.fsum(column))) for column in np.abs(V.T).tolist()])


def _penalised_bounds(problem: Problem, claim: BarrierLowerBound | FaceDuals, patterns: Array) -> Array:
    """kappa > 0: a point of the face with F < level has sum_i price_i |u_i| < level / kappa, so a violated constraint costs at most that much."""
    o, N, kinds, f = problem.objective, len(problem.X), kinds_of(problem), len(claim.faces)
    X, worst = exact(augmented_inputs(problem)), np.zeros(f)
    heads, prices, nu = heads_of(problem), _prices(problem), claim.nu.reshape(f, N, -1)
    for k in range(claim.faces.shape[1]):
        codes, multipliers = claim.faces[:, k], claim.multipliers[:, k * N : (k + 1) * N]
        kind = codes % kinds
        price = prices[kind]
        # A neuron with a head of 0 costs nothing however long its row is: nothing may push it.
        silent = ~heads[kind].any(axis=1)
        require(not bool(multipliers[silent & (codes >= 0)].any()), "a neuron with a head of 0 has a multiplier")
        require(bool((silent | (price > 0.0)).all()), "a head is too small for its price to be known")
        a = np.where(codes[:, None] >= 0, patterns[codes // kinds], 0)
        heard = _heard(nu, heads[kind])
        pull = matmul(Ball(a * heard.mid, a * heard.rad), X)
        push = matmul(exact((2.0 * a - 1.0) * multipliers), X)
        push = multiply(push, exact(np.full_like(push.mid, N)))
        size = magnitude(row_norms(subtract(pull, push)))
        one = price == 1.0
        room = np.where(one, down(o.kappa * N), np.nextafter(down(o.kappa * N) * price, -np.inf))
        over = np.where(size <= room, 0.0, np.nextafter(size - room, np.inf))
        over = np.where(one, over, np.nextafter(over / np.where(silent, 1.0, price), np.inf))
        worst = np.maximum(worst, np.where((codes >= 0) & ~silent & (size > room), over, 0.0))
    bounds = []
    for dual, violation in zip(nu, worst.tolist()):
        D, extra = -losses.conjugate_mean_upper(o, dual, problem.targets), violation
        if problem.A.biases[-1] is not None:
            D, extra = _with_output_bias(problem, claim, dual, D, violation)
        cost = up(up(up(extra / N) * claim.level) / o.kappa) if extra > 0.0 else 0.0
        bounds.append(down(D - cost))
    return np.array(bounds)


def _heard(nu: Array, heads: Array) -> Ball:
    """nu_j . head per face and sample, (f, N); exact with one output, whose heads are 1 and -1."""
    if heads.shape[1] == 1:
        return exact(heads * nu[:, :, 0])
    total = exact(np.zeros(nu.shape[:2]))
    for k in range(heads.shape[1]):
        entry = np.broadcast_to(heads[:, k : k + 1], nu.shape[:2])
        total = add(total, multiply(exact(nu[:, :, k]), exact(entry)))
    return total


def _with_output_bias(
    problem: Problem, claim: BarrierLowerBound | FaceDuals, nu: Array, D: float, over: float
) -> tuple[float, float]:
    """The dual value and the largest violation once the output bias is counted: a constant where it is frozen, else one more coordinate."""
    o, N, c = problem.objective, len(problem.X), problem.A.biases[-1]
    assert c is not None  # for the type checker
    sums = [math.fsum(column) for column in nu.T.tolist()]  # correctly rounded, and 0.0 only when the sum is exactly 0
    if claim.frozen:
        for s, entry in zip(sums, c.tolist(), strict=True):
            term = s * entry / N
            D = down(D + term - abs(term) * 2.0**-50 - 2.0**-1000)
        return D, over
    s = sums[0]
    if not o.penalise_output_bias:
        require(s == 0.0, "a dual does not sum to 0 and the output bias is free")
        return D, over
    room = down(o.kappa * N)
    return D, max(over, 0.0 if up(abs(s)) <= room else up(up(abs(s)) - room))


class _ExactFaces:
    """No price on rows: the constraints are equations, met exactly by rationals in place of the basis entries."""

    def __init__(self, problem: Problem, claim: BarrierLowerBound | FaceDuals, patterns: Array) -> None:
        self.problem, self.claim, self.patterns = problem, claim, patterns.tolist()
        self.X, self.kinds = last_inputs(problem), kinds_of(problem)
        self.heads = [[fraction(v) for v in column] for column in heads_of(problem).tolist()]
        # Of cross-entropy the label's entry is not free: each row sums to 0.
        self.labels = problem.targets.tolist() if problem.objective.loss == "cross_entropy" else []
        c = problem.A.biases[-1]
        self.free_bias = c is not None and not claim.frozen
        self.bias = [] if c is None or self.free_bias else [fraction(v) for v in c.tolist()]
        self.constant = ZERO
        if problem.objective.penalty == "l1":
            weights = [abs(fraction(v)) for v in problem.A.weights[-1].ravel().tolist()]
            self.constant = fraction(problem.objective.kappa) * sum(weights, ZERO)

    def bound(self, f: int) -> float:
        claim, X, N, K = self.claim, self.X, len(self.X), len(self.heads[0])
        faces, n, m, L = claim.faces[f].tolist(), len(X[0]), claim.faces.shape[1], N * K
        present = [(k, code) for k, code in enumerate(faces) if code >= 0]
        size = L + m * N
        equations = []
        for k, code in present:
            a, head = self.patterns[code // self.kinds], self.heads[code % self.kinds]
            pulls = [[v - head[label] for v in head] for label in self.labels] or [head] * N
            for e in range(n):
                row = [ZERO] * size
                for j in range(N):
                    if a[j]:
                        row[j * K : (j + 1) * K] = [v * X[j][e] for v in pulls[j]]
                    row[L + k * N + j] = (1 - 2 * a[j]) * N * X[j][e]
                equations.append(row)
        if self.free_bias:
            equations.append([fmpq(1)] * L + [ZERO] * (m * N))
        values = [fraction(v) if v else ZERO for v in [*claim.nu[f].tolist(), *claim.multipliers[f].tolist()]]
        for j in range(len(self.labels)):
            require(sum(values[j * K : (j + 1) * K], ZERO) == 0, "a dual row of cross-entropy does not sum to 0")
        basis = [k for k in claim.basis[f].tolist() if k != -1]
        solved = solve_basis(equations, [ZERO] * len(equations), values, basis)
        facet = claim.facets[f]
        for k, _code in present:
            for j in range(N):
                if not (k == 0 and j == facet):
                    require(bool(solved[L + k * N + j] >= 0), "a multiplier is negative once the equations hold")
        for j, label in enumerate(self.labels):
            solved[j * K + label] -= sum(solved[j * K : (j + 1) * K], ZERO)
        below = -self._conjugates(solved[:L]) / N + arb(self.constant)
        for k, c in enumerate(self.bias):
            below += arb(sum(solved[k:L:K], ZERO) * c / N)
        return arb_lower(below)

    def _conjugates(self, nu: list[fmpq]) -> arb:
        K = len(self.heads[0])
        if self.labels:
            return simplex_sum([nu[j * K : (j + 1) * K] for j in range(len(self.labels))], self.labels)
        return conjugate_sum(self.problem.objective, nu, self.problem.targets.ravel().tolist())
