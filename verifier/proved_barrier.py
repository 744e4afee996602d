"""A barrier for the checker with a proof: its duals and redundant facets solved in rationals, as whole numbers over a common denominator.

What is solved here need not be trusted: the program checks that the numbers are duals, and combinations, of whatever they claim to be.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from flint import fmpq

from verifier.kernel import Problem
from verifier.kernel.fast.barrier import leaving_faces
from verifier.kernel.fast.cones import neighbour_tables, read_cones
from verifier.kernel.fast.rational import solve_basis
from verifier.kernel.statements import BarrierLowerBound, Rejected, require, validate_barrier
from verifier.proved_text import Tokens, flag

Rows = list[list[Fraction]]
ZERO = fmpq(0)


def why_not_covered(problem: Problem) -> str | None:
    """Why the program knows nothing of barriers between such networks, whatever is claimed of them; None where it does. Its proof is of one output above
    one hidden layer, with nothing to pay for the output layer alone."""
    if len(problem.A.weights) != 2:
        return "barriers between networks of several hidden layers are not covered"
    if len(problem.A.weights[-1]) != 1:
        return "barriers of several outputs are not covered"
    return "barriers under l1 are not covered" if problem.objective.penalty == "l1" else None


def require_format(problem: Problem, claim: BarrierLowerBound) -> None:
    """Reject what the format refuses apart from any bound: shapes, patterns twice, supports that are none, a claim that no face leaves."""
    validate_barrier(problem, claim)
    cones = read_cones(problem, claim)
    ways = leaving_faces(claim.cells, *neighbour_tables(cones, signs=not claim.frozen))
    require(len(ways) > 0, "no face leaves the cells")


def barrier_tokens(problem: Problem, claim: BarrierLowerBound) -> Tokens:
    """The claim in the text of docs/proofs.md. A face whose dual the format refuses, or that cannot be solved for, is left out; it then proves nothing."""
    hidden = problem.A.biases[0] is not None
    yield "barrier"
    yield from (
        flag(hidden),
        flag(problem.A.biases[1] is not None),
        flag(claim.frozen),
        flag(claim.around == "A"),
        claim.level,
        claim.gap,
    )
    yield str(len(claim.patterns))
    for pattern, point in zip(claim.patterns.tolist(), claim.interiors.tolist()):
        yield from _bits(pattern)
        yield str(len(point) + (not hidden))
        yield from ([point[-1], *point[:-1]] if hidden else [0.0, *point])
    X = _inputs(problem)
    yield str(len(claim.redundant))
    for (p, j), support in zip(claim.redundant.tolist(), claim.supports.tolist()):
        yield from _redundant(X, claim.patterns[p].tolist(), j, [k for k in support if k != -1])
    yield from _cells(claim, claim.cells)
    yield from _cell(claim, claim.cells[claim.inside].tolist())
    yield from _cell(claim, claim.outside.tolist())
    faces = [list(_face(problem, claim, X, f)) for f in _first_rows(claim)]
    yield str(sum(bool(face) for face in faces))
    for face in faces:
        yield from face


def _bits(pattern: list[int]) -> Tokens:
    yield from (str(len(pattern)), *(str(b) for b in pattern))


def _code(claim: BarrierLowerBound, code: int) -> Tokens:
    yield flag(code % 2 == 0)
    yield from _bits(claim.patterns[code // 2].tolist())


def _cell(claim: BarrierLowerBound, codes: list[int]) -> Tokens:
    yield str(len(codes))
    for code in codes:
        yield from _code(claim, code)


def _cells(claim: BarrierLowerBound, cells: np.ndarray) -> Tokens:
    yield str(len(cells))
    for codes in cells.tolist():
        yield from _cell(claim, codes)


def _inputs(problem: Problem) -> Rows:
    first = Fraction(problem.A.biases[0] is not None)
    return [[first, *map(Fraction, row)] for row in problem.X.tolist()]


def _whole(values: list[Fraction]) -> tuple[int, list[int]]:
    """A common denominator above 0, and the numerators over it."""
    den = math.lcm(1, *(v.denominator for v in values))
    return den, [int(v * den) for v in values]


def _solved(equations: Rows, right: list[Fraction], values: list[Fraction], basis: list[int]) -> list[Fraction]:
    table = [[_fmpq(v) for v in row] for row in equations]
    found = solve_basis(table, [_fmpq(v) for v in right], [_fmpq(v) for v in values], basis)
    return [Fraction(int(v.p), int(v.q)) for v in found]


def _fmpq(v: Fraction) -> fmpq:
    return fmpq(v.numerator, v.denominator)


def _redundant(X: Rows, pattern: list[int], j: int, support: list[int]) -> Tokens:
    facing = [[(2 * pattern[k] - 1) * v for v in X[k]] for k in [*support, j]]
    equations = [[row[e] for row in facing[:-1]] for e in range(len(X[0]))]
    zeros = [Fraction(0)] * len(support)
    den, weights = _whole(_solved(equations, facing[-1], zeros, list(range(len(support)))))
    yield from _bits(pattern)
    yield from (str(j), hex(den), str(len(support)))
    for weight, k in zip(weights, support, strict=True):
        yield from (hex(weight), str(k))


def _first_rows(claim: BarrierLowerBound) -> list[int]:
    """Of equal faces the first."""
    seen: dict[tuple[int, ...], int] = {}
    for f, (codes, facet) in enumerate(zip(claim.faces.tolist(), claim.facets.tolist())):
        seen.setdefault((*codes, facet), f)
    return sorted(seen.values())


def _face(problem: Problem, claim: BarrierLowerBound, X: Rows, f: int) -> Tokens:
    codes, N, facet = claim.faces[f].tolist(), len(X), int(claim.facets[f])
    # The format wants those too that are solved for, or belong to no neuron.
    if any(v < 0.0 for k, v in enumerate(claim.multipliers[f].tolist()) if k != facet):
        return
    present = [k for k, code in enumerate(codes) if code >= 0]
    values = [*map(Fraction, claim.nu[f].tolist()), *map(Fraction, claim.multipliers[f].tolist())]
    if problem.objective.kappa == 0.0:
        try:
            values = _balanced(problem, claim, X, f, values)
        except Rejected:
            return
    den, whole = _whole([*values[:N], *(N * v for v in values[N:])])
    yield flag(codes[0] >= 0)
    if codes[0] >= 0:
        yield from _code(claim, codes[0])
    yield str(max(facet, 0))
    yield from _cell(claim, codes[1:])
    yield hex(den)
    yield from (str(N), *(hex(v) for v in whole[:N]), str(len(present)))
    for k in present:
        yield from (str(N), *(hex(v) for v in whole[N + k * N : N + (k + 1) * N]))


def _balanced(problem: Problem, claim: BarrierLowerBound, X: Rows, f: int, values: list[Fraction]) -> list[Fraction]:
    """Without a penalty: the values with the basis entries solved for. Raises Rejected where that has not one solution."""
    codes, N, m = claim.faces[f].tolist(), len(X), claim.faces.shape[1]
    equations = []
    for k in (k for k, code in enumerate(codes) if code >= 0):
        a, sign = claim.patterns[codes[k] // 2].tolist(), 1 - 2 * (codes[k] % 2)
        for e in range(len(X[0])):
            row = [Fraction(0)] * (N + m * N)
            for j in range(N):
                row[j] = sign * a[j] * X[j][e]
                row[N + k * N + j] = (1 - 2 * a[j]) * N * X[j][e]
            equations.append(row)
    if problem.A.biases[1] is not None and not claim.frozen:
        equations.append([Fraction(1)] * N + [Fraction(0)] * (m * N))
    basis = [k for k in claim.basis[f].tolist() if k != -1]
    return _solved(equations, [Fraction(0)] * len(equations), values, basis)
