"""Float proposals made exact: which entries to solve for, the rational solution, and its signs (see the kernel's RegionMinimum).

Each function returns None where the exact solution does not keep its signs; nothing here is taken on trust from floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.matrices import independent_columns
from verifier.regions.exact import exact_rank, exact_signs, integer_rows, null_space
from verifier.regions.program import RegionProgram

Array = np.ndarray


def rational(x: float) -> Any:
    return fmpq(*float(x).as_integer_ratio())


def unique_solution(rows: Sequence[Sequence[Any]], right: Sequence[Any], size: int) -> list[Any] | None:
    """The only x with rows x = right, in rationals, or None."""
    if size == 0:
        return [] if not any(right) else None
    if not rows:
        return None
    table = fmpq_mat(len(rows), size + 1, [v for row, b in zip(rows, right) for v in (*row, b)])
    echelon, rank = table.rref()
    if rank != size or any(echelon[k, k] != 1 for k in range(size)):
        return None
    return [echelon[k, size] for k in range(size)]


def settled_point(
    program: RegionProgram, W: Array, tight: list[tuple[int, int]], strict: bool
) -> tuple[Array, list[int]] | None:
    """(point, basis): f = y exactly and w_i . xt_j = 0 for the tight pairs, once the basis entries of W (m, n) are solved for.

    Only the first neuron of each group is solved for. None unless all slacks are then at least 0, with `strict` above 0 where xt_j is not 0.
    """
    A, n, N = program.arrangement, program.n, len(program.targets)
    first = program.first.tolist()
    place = {i: g for g, i in enumerate(first)}
    # Columns in floats only for choosing, with heads folded in.
    table = np.zeros((N + len(tight), len(first) * n))
    for g, i in enumerate(first):
        table[:N, g * n : (g + 1) * n] = program.head[i] * program.pattern[i][:, None] * A.inputs
    for k, (i, j) in enumerate(tight):
        table[N + k, place[i] * n : (place[i] + 1) * n] = A.inputs[j]
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    table /= np.where(lengths > 0, lengths, 1.0)
    rank = exact_rank(integer_rows(table_exact(program, tight))) if table.size else 0
    chosen = independent_columns(table, rank=rank).tolist()
    values = [[rational(v) for v in row] for row in W.tolist()]
    basis = sorted(first[c // n] * n + c % n for c in chosen)
    inputs = [[rational(v) for v in row] for row in A.inputs.tolist()]
    heads = [rational(h) for h in program.head.tolist()]
    free, zero = set(basis), rational(0.0)
    dots = [[_dot_without(values[i], inputs[j], i * n, free, zero) for j in range(N)] for i in range(len(W))]
    rows, right = [], []
    for j in range(N):
        active = [i for i in range(len(W)) if program.pattern[i, j]]
        rows.append([heads[b // n] * inputs[j][b % n] if program.pattern[b // n, j] else zero for b in basis])
        right.append(rational(program.targets[j]) - sum((heads[i] * dots[i][j] for i in active), zero))
    for i, j in tight:
        rows.append([inputs[j][b % n] if b // n == i else zero for b in basis])
        right.append(-dots[i][j])
    solution = unique_solution(rows, right, len(basis))
    if solution is None:
        return None
    point = np.array(W, dtype=np.float64)
    for b, v in zip(basis, solution):
        values[b // n][b % n] = v
        point[b // n, b % n] = float(Fraction(int(v.p), int(v.q)))
    changed = {b // n for b in basis}
    for i in range(len(W)):
        if i in changed:
            slacks = [
                (2 * int(program.pattern[i, j]) - 1) * sum((a * b for a, b in zip(values[i], inputs[j])), zero)
                for j in range(N)
            ]
            good = all(s > 0 or (s == 0 and (not strict or A.class_of[j] < 0)) for j, s in enumerate(slacks))
        else:
            signs = exact_signs(W[i : i + 1], A.inputs, A.integers)[0] * (2 * program.pattern[i] - 1)
            good = bool(((signs > 0) | ((signs == 0) & (A.class_of < 0 if strict else True))).all())
        if not good:
            return None
    return point, basis


def table_exact(program: RegionProgram, tight: list[tuple[int, int]]) -> Array:
    """The equations of `settled_point` with heads replaced by their signs, which keeps the rank: (N + t, G n) float64, exact."""
    n, first = program.n, program.first.tolist()
    table = np.zeros((len(program.targets) + len(tight), len(first) * n))
    table[: len(program.targets)] = program.matrix
    for k, (i, j) in enumerate(tight):
        g = first.index(i)
        table[len(program.targets) + k, g * n : (g + 1) * n] = program.arrangement.inputs[j]
    return table


def _dot_without(values: list[Any], x: list[Any], start: int, free: set[int], zero: Any) -> Any:
    return sum((v * c for k, (v, c) in enumerate(zip(values, x)) if start + k not in free), zero)


def settled_dual(
    program: RegionProgram, nu: Array, multipliers: list[Array], orthogonal: bool
) -> tuple[Array, Array, list[int], Any] | None:
    """(nu, multipliers (m, N), basis, exact value of the dual) from nu (N,) and per group multipliers (F,) on unit normals.

    Where the positive multipliers' inputs span R^n, n of them are solved for and nu stays as it is; elsewhere nu has to satisfy equations, and
    entries of nu are solved for. With `orthogonal` also nu . y = 0. None unless all multipliers solved for are at least 0.
    """
    A, n, N, m = program.arrangement, program.n, len(program.targets), len(program.head)
    reps = A.representatives
    inputs = [[rational(v) for v in row] for row in A.inputs.tolist()]
    zero = rational(0.0)
    supports, rows = [], []
    for g, (used, mu) in enumerate(zip(program.facets, multipliers)):
        kept = np.flatnonzero(mu > 0)
        samples = reps[used[kept]]
        whole = A.integers[samples]
        rank = exact_rank(whole) if len(samples) else 0
        order = independent_columns(program.normals[g][used[kept]].T * mu[kept], rank=rank).tolist()
        lengths = np.linalg.norm(A.inputs[samples], axis=1)
        supports.append((samples, mu[kept] / lengths if len(kept) else mu[kept], order))
        if rank < n:
            across = [[int(i == k) for k in range(n)] for i in range(n)] if rank == 0 else null_space(whole.T.tolist())
            active = program.pattern[program.first[g]]
            for z in across:
                rows.append(
                    [sum((c * v for c, v in zip(z, x)), zero) if a else zero for a, x in zip(active.tolist(), inputs)]
                )
    if orthogonal:
        rows.append([rational(v) for v in program.targets.tolist()])
    exact_nu, basis = _solved_nu(nu, rows)
    if exact_nu is None:
        return None
    nu = np.array([float(Fraction(int(v.p), int(v.q))) if j in basis else nu[j] for j, v in enumerate(exact_nu)])
    table = np.zeros((m, N))
    for g, (samples, weights, order) in enumerate(supports):
        for i in program.groups[g].tolist():
            h = rational(program.head[i])
            q = [
                h * sum((exact_nu[j] * inputs[j][k] for j in range(N) if program.pattern[i, j]), zero) for k in range(n)
            ]
            table[i, samples] = abs(program.head[i]) * weights
            solved = [int(samples[k]) for k in order]
            for j in samples.tolist():
                if j not in solved:
                    w = rational(table[i, j]) * (2 * int(program.pattern[i, j]) - 1)
                    q = [a - w * b for a, b in zip(q, inputs[j])]
            equations = [[(2 * int(program.pattern[i, j]) - 1) * inputs[j][k] for j in solved] for k in range(n)]
            solution = unique_solution(equations, q, len(solved))
            if solution is None or any(v < 0 for v in solution):
                return None
            for j, v in zip(solved, solution):
                table[i, j] = float(Fraction(int(v.p), int(v.q)))
                basis.append(N + i * N + j)
    value = sum((-(v * v) / 4 - v * rational(t) for v, t in zip(exact_nu, program.targets.tolist())), zero) / N
    return nu, table, sorted(basis), value


def _solved_nu(nu: Array, rows: list[list[Any]]) -> tuple[list[Any] | None, list[int]]:
    """nu with a basis of its entries solved for so that all rows vanish on it, and the basis."""
    values = [rational(v) for v in nu.tolist()]
    if not rows:
        return values, []
    floats = np.array([[float(Fraction(int(v.p), int(v.q))) for v in row] for row in rows])
    lengths = np.linalg.norm(floats, axis=1, keepdims=True)
    rank = int(fmpq_mat(len(rows), len(nu), [v for row in rows for v in row]).rref()[1])
    basis = sorted(independent_columns(floats / np.where(lengths > 0, lengths, 1.0), rank=rank).tolist())
    chosen, zero = set(basis), rational(0.0)
    right = [-sum((v * c for j, (v, c) in enumerate(zip(values, row)) if j not in chosen), zero) for row in rows]
    solution = unique_solution([[row[j] for j in basis] for row in rows], right, len(basis))
    if solution is None:
        return None, []
    for j, v in zip(basis, solution):
        values[j] = v
    return values, basis
