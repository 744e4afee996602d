"""The second evaluation of `barrier_lower_bound`, `region_minimum` and `jacobian_rank`: sets, exact rationals and Arb balls, cell by cell.

Written from docs/mathematics.md, sections 8 and 9; shares no arithmetic and no bookkeeping with the fast evaluation. Slow and plain on purpose.
With several outputs a code is `m * pattern + neuron` where with one it is `2 * pattern + sign`.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb

from verifier.kernel.reference.heads import conjugate
from verifier.kernel.reference.last_inputs import Vector, dot, read_by_last
from verifier.kernel.reference.numbers import ZERO, norm, rational, require_at_most, rounded_down, rounded_up
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import (
    BarrierLowerBound,
    ConeTable,
    FaceDuals,
    JacobianRank,
    Parameters,
    Problem,
    RegionMinimum,
    require,
)

Cell = tuple[int, ...]


def _inputs(problem: Problem) -> list[Vector]:
    extra = [] if problem.A.biases[0] is None else [Fraction(1)]
    return [[*map(Fraction, row), *extra] for row in problem.X.tolist()]


def _parallel(u: Vector, v: Vector) -> bool:
    return all(u[a] * v[b] == u[b] * v[a] for a in range(len(u)) for b in range(a))


def _eliminate(rows: list[Vector], right: Vector, unknowns: int) -> Vector:
    """The one solution of `rows . z = right` by Gaussian elimination; rejects none and more than one."""
    require(all(len(row) == unknowns for row in rows), "the equations have other unknowns")
    table = [[*row, b] for row, b in zip(rows, right, strict=True)]
    done = 0
    for column in range(unknowns):
        pivot = next((k for k in range(done, len(table)) if table[k][column] != 0), None)
        require(pivot is not None, "the equations do not fix this basis")
        assert pivot is not None
        table[done], table[pivot] = table[pivot], table[done]
        lead = table[done][column]
        table[done] = [v / lead for v in table[done]]
        for k, line in enumerate(table):
            if k != done and line[column] != 0:
                factor = line[column]
                table[k] = [a - factor * b for a, b in zip(line, table[done])]
        done += 1
    require(all(line[-1] == 0 for line in table[done:]), "the equations have no solution in this basis")
    return [line[-1] for line in table[:unknowns]]


def _repaired(equations: list[dict[int, Fraction]], right: Vector, values: Vector, basis: list[int]) -> Vector:
    """values with its basis entries solved for; equations as {entry: coefficient}."""
    require(
        len(set(basis)) == len(basis) and all(0 <= k < len(values) for k in basis),
        "a basis repeats or leaves the entries",
    )
    inside = set(basis)
    shifted = [
        b - sum((c * values[k] for k, c in row.items() if k not in inside), Fraction(0))
        for row, b in zip(equations, right)
    ]
    solution = _eliminate([[row.get(k, Fraction(0)) for k in basis] for row in equations], shifted, len(basis))
    out = list(values)
    for k, v in zip(basis, solution):
        out[k] = v
    # The very equations once more, on the very numbers that are used.
    for row, b in zip(equations, right):
        require(sum((c * out[k] for k, c in row.items()), Fraction(0)) == b, "an equation does not hold")
    return out


# --- barriers ------------------------------------------------------------------------------------------------------


class Neuron:
    """One neuron's cones."""

    def __init__(self, problem: Problem, claim: BarrierLowerBound | ConeTable) -> None:
        self.X = read_by_last(problem)
        theta = problem.A.weights[-1].tolist()
        one = len(theta) == 1
        # Of each neuron that codes tell apart, what it adds to the outputs as multiples of its relu.
        self.heads = [[Fraction(1)], [Fraction(-1)]] if one else [list(map(Fraction, column)) for column in zip(*theta)]
        self.patterns = [tuple(row) for row in claim.patterns.tolist()]
        require(set().union(*self.patterns) <= {0, 1}, "a pattern has an entry that is neither 0 nor 1")
        self.index = {a: k for k, a in enumerate(self.patterns)}
        require(len(self.index) == len(self.patterns), "two patterns are the same")
        self.group: list[int | None] = []
        for j, x in enumerate(self.X):
            earlier = (k for k in range(j + 1) if any(self.X[k]) and _parallel(self.X[k], x))
            self.group.append(next(earlier) if any(x) else None)
        for a, u in zip(self.patterns, claim.interiors.tolist()):
            for bit, x, g in zip(a, self.X, self.group):
                side = dot(list(map(Fraction, u)), x)
                require(
                    (side > 0 if bit else side < 0) if g is not None else bit == 0,
                    "an interior point is not inside its cone",
                )
        heads = sorted({g for g in self.group if g is not None})
        self.facets = [list(heads) for _ in self.patterns]
        for (p, j), support in zip(claim.redundant.tolist(), claim.supports.tolist()):
            require(
                0 <= p < len(self.patterns) and j in heads,
                "a redundant facet names no pattern or no first sample of a class",
            )
            chosen = [k for k in support if k != -1]
            require(
                all(0 <= k < len(self.X) and self.group[k] not in (None, j) for k in chosen),
                "a support is not of other classes",
            )
            facing, target = [self._facing(p, k) for k in chosen], self._facing(p, j)
            # One equation per coordinate, also where the support is empty: then none of them can be met.
            weights = _eliminate([[v[e] for v in facing] for e in range(len(target))], target, len(chosen))
            require(all(w >= 0 for w in weights), "a support does not make its facet redundant")
            if j in self.facets[p]:
                self.facets[p].remove(j)

    def _facing(self, p: int, j: int) -> Vector:
        return self.X[j] if self.patterns[p][j] else [-v for v in self.X[j]]

    def split(self, code: int) -> tuple[int, int]:
        """(pattern, kind): the kind is the sign of theta with one output, the neuron with several."""
        return divmod(code, len(self.heads))

    def across(self, p: int, j: int) -> int | None:
        a = tuple(1 - bit if g == j else bit for bit, g in zip(self.patterns[p], self.group))
        return self.index.get(a)

    def holds(self, code: int, row: list[float], theta: float, frozen: bool) -> bool:
        """Whether theta times the row lies in the code's closed cone with the code's sign. 0 lies in all cones; with a trained output layer it also has
        both signs, with a frozen one only theta = 0 has. With several outputs: whether the row itself lies in the cone."""
        if len(self.heads[0]) > 1:
            at = list(map(Fraction, row))
            return all(dot(self._facing(self.split(code)[0], j), at) >= 0 for j in range(len(self.X)))
        at_zero = theta == 0.0 or not any(row)
        either_sign = theta == 0.0 if frozen else at_zero
        if not either_sign and (theta < 0.0) != (code % 2 == 1):
            return False
        u = list(map(Fraction, row))
        return at_zero or all(dot(self._facing(code // 2, j), u) >= 0 for j in range(len(self.X)))


def check_barrier(problem: Problem, claim: BarrierLowerBound) -> dict[str, float]:
    neuron, trained = Neuron(problem, claim), not claim.frozen
    cells: set[Cell] = {tuple(row) for row in claim.cells.tolist()}
    inside, outside = tuple(claim.cells[claim.inside].tolist()), tuple(claim.outside.tolist())
    networks = (("A", problem.A), ("B", problem.B))
    for (name, p), cell in zip(networks if claim.around == "A" else networks[::-1], (inside, outside)):
        rows = p.weights[-2] if p.biases[-2] is None else np.column_stack([p.weights[-2], p.biases[-2]])
        for code, row, theta in zip(cell, rows.tolist(), p.weights[-1][0].tolist(), strict=True):
            require(neuron.holds(code, row, theta, not trained), f"{name} is not in its cell")
    require(outside not in cells, "the outside cell is among the cells")
    require(
        trained or all(neuron.split(a)[1] == neuron.split(b)[1] for a, b in zip(inside, outside)),
        "the output layer is frozen, and the cells differ in a sign",
    )
    needed: set[tuple[int, Cell, int]] = set()
    for cell in cells:
        for i, code in enumerate(cell):
            others = tuple(sorted(cell[:i] + cell[i + 1 :]))
            if trained and (*cell[:i], code ^ 1, *cell[i + 1 :]) not in cells:
                needed.add((-1, others, -1))
            a, kind = neuron.split(code)
            for j in neuron.facets[a]:
                q = neuron.across(a, j)
                if q is None or (*cell[:i], len(neuron.heads) * q + kind, *cell[i + 1 :]) not in cells:
                    needed.add((code, others, j))
    require(len(needed) > 0, "no face leaves the cells")
    lowest = None
    for f, (codes, facet) in enumerate(zip(claim.faces.tolist(), claim.facets.tolist())):
        face = (codes[0], tuple(codes[1:]), facet)
        if face not in needed:
            continue
        needed.discard(face)
        bound = face_bound(problem, claim, neuron, f)
        require_at_most(arb(claim.level), bound, f"F >= level is not certain on face {f}")
        lowest = bound if lowest is None else lowest.min(bound)
    require(not needed, f"{len(needed)} faces through which the cells can be left have no dual")
    assert lowest is not None
    E = endpoint_value(problem, problem.A).max(endpoint_value(problem, problem.B))
    if claim.gap != 0.0:
        # The bounds speak of points below the claimed level, not of what lies above it.
        require_at_most(arb(claim.gap), arb(claim.level) - E, "the gap over E is not certain")
    gap = max(0.0, rounded_down(arb(claim.level) - E))
    return {"level": rounded_down(lowest), "E_upper": rounded_up(E), "gap": gap}


def face_bound(problem: Problem, claim: BarrierLowerBound | FaceDuals, neuron: Neuron, f: int) -> arb:
    """Ball whose lower end F reaches on the face, by its dual."""
    o, X, N, m, K = problem.objective, neuron.X, len(neuron.X), claim.faces.shape[1], len(neuron.heads[0])
    codes, facet = claim.faces[f].tolist(), claim.facets[f].tolist()
    flat = list(map(Fraction, claim.nu[f].tolist()))
    stored = claim.multipliers[f].reshape(m, N).tolist()
    mu = [list(map(Fraction, row)) for row in stored]
    bias = problem.A.biases[-1]
    c = None if bias is None else list(map(Fraction, bias.tolist()))
    frozen, present = claim.frozen, [k for k in range(m) if codes[k] != -1]
    priced, labels = o.penalty in ("path", "weight_decay"), o.loss == "cross_entropy"
    ys = problem.targets.tolist()
    if not priced:
        equations: list[dict[int, Fraction]] = []
        for k in present:
            p, kind = neuron.split(codes[k])
            a, head = neuron.patterns[p], neuron.heads[kind]
            for e in range(len(X[0])):
                pull = {}
                for j in (j for j in range(N) if a[j]):
                    for i in range(K):
                        # A row of cross-entropy sums to 0, so that the label's entry is minus the others.
                        pull[j * K + i] = (head[i] - (head[ys[j]] if labels else 0)) * X[j][e] / N
                push = {N * K + k * N + j: (-1 if a[j] else 1) * X[j][e] for j in range(N)}
                equations.append({**pull, **push})
        if c is not None and not frozen:
            equations.append({j: Fraction(1) for j in range(N * K)})
        whole = _repaired(
            equations,
            [Fraction(0)] * len(equations),
            [*flat, *(v for row in mu for v in row)],
            [k for k in claim.basis[f].tolist() if k != -1],
        )
        rest = whole[N * K :]
        mu = [rest[k * N : (k + 1) * N] for k in range(m)]
        if labels:
            for j in range(N):
                require(sum(flat[j * K : (j + 1) * K]) == 0, "a dual row of cross-entropy does not sum to 0")
                whole[j * K + ys[j]] = -sum((whole[j * K + i] for i in range(K) if i != ys[j]), Fraction(0))
        flat = whole[: N * K]
    nu = [flat[j * K : (j + 1) * K] for j in range(N)]
    # Signs hold for what is stored and for what is used.
    for k in range(m):
        for j in range(N):
            own = k == 0 and facet != -1 and j == facet
            require(own or (mu[k][j] >= 0 and stored[k][j] >= 0.0), "a multiplier is negative")
    below = -sum((conjugate(o, row, y) for row, y in zip(nu, ys, strict=True)), ZERO) / N
    totals = [sum(column, Fraction(0)) for column in zip(*nu)]
    if c is not None and frozen:
        below += rational(sum((a * b for a, b in zip(c, totals, strict=True)), Fraction(0)) / N)
    if o.penalty == "l1":
        # The output layer is frozen: its norm is a constant.
        below += arb(o.kappa) * rational(
            sum((abs(Fraction(v)) for v in problem.A.weights[-1].ravel().tolist()), Fraction(0))
        )
    if not priced:
        return below
    worst = ZERO
    kappa = arb(o.kappa)
    for k in present:
        p, kind = neuron.split(codes[k])
        a, head = neuron.patterns[p], neuron.heads[kind]
        heard = [sum((v * h for v, h in zip(row, head, strict=True)), Fraction(0)) for row in nu]
        left = [
            sum((heard[j] * X[j][e] / N * a[j] - mu[k][j] * (2 * a[j] - 1) * X[j][e] for j in range(N)), Fraction(0))
            for e in range(len(X[0]))
        ]
        price = sum(map(abs, head), Fraction(0))
        if price == 0:
            require(not any(left), "a neuron with a head of 0 is pushed, and its row has no price")
        else:
            worst = worst.max((norm([rational(v) for v in left]) / rational(price) - kappa).max(ZERO))
    if c is not None and not frozen:
        if o.penalise_output_bias:
            worst = worst.max((rational(abs(totals[0]) / N) - kappa).max(ZERO))
        else:
            require(totals[0] == 0, "a dual does not sum to 0 and the output bias is free")
    # Where F < level on the face, kappa times the prices of all rows is less than level, losses being at least 0.
    return below - worst * arb(claim.level) / kappa


# --- regions -------------------------------------------------------------------------------------------------------


def check_region(problem: Problem, claim: RegionMinimum) -> dict[str, float]:
    X, a = _inputs(problem), claim.pattern.tolist()
    N, n, m = len(X), len(X[0]), len(a)
    v = list(map(Fraction, claim.head.tolist()))
    y = [Fraction(t) - Fraction(claim.bias) for t in problem.targets[:, 0].tolist()]
    if claim.of != "pattern":
        _require_in_region(problem.A if claim.of == "A" else problem.B, X, a)
    zero = claim.verdict.startswith("zero")
    flat = list(map(Fraction, claim.point.ravel().tolist()))
    if zero:
        fits = [{i * n + e: v[i] * X[j][e] for i in range(m) if a[i][j] for e in range(n)} for j in range(N)]
        tight = [{i * n + e: X[j][e] for e in range(n)} for i, j in claim.tight.tolist()]
        flat = _repaired([*fits, *tight], [*y, *[Fraction(0)] * len(tight)], flat, claim.point_basis.tolist())
    u = [[dot(flat[i * n : (i + 1) * n], X[j]) for j in range(N)] for i in range(m)]
    for i in range(m):
        for j in range(N):
            side = u[i][j] if a[i][j] else -u[i][j]
            require(side >= 0, "the point lies outside the closed region")
            if claim.verdict == "zero_inside":
                require(side > 0, "the point lies on the boundary")
    loss = sum((sum((v[i] * u[i][j] for i in range(m) if a[i][j]), Fraction(0)) - y[j]) ** 2 for j in range(N)) / N
    require(not zero or loss == 0, "the loss at the point is not 0")
    require(loss <= Fraction(claim.upper), "the upper end is too low")
    lower = Fraction(0)
    if claim.verdict not in ("zero", "zero_inside"):
        equations: list[dict[int, Fraction]] = []
        for i in range(m):
            for e in range(n):
                row = {j: v[i] * X[j][e] for j in range(N) if a[i][j]}
                equations.append(row | {N + i * N + j: (-1 if a[i][j] else 1) * X[j][e] for j in range(N)})
        if claim.verdict == "zero_on_boundary":
            equations.append(dict(enumerate(y)))
        stored = [*map(Fraction, claim.nu.tolist()), *map(Fraction, claim.multipliers.ravel().tolist())]
        solved = _repaired(equations, [Fraction(0)] * len(equations), stored, claim.dual_basis.tolist())
        nu, mu = solved[:N], solved[N:]
        require(all(w >= 0 for w in mu), "a multiplier is negative")
        if claim.verdict == "zero_on_boundary":
            require(
                any(w > 0 and any(X[k % N]) for k, w in enumerate(mu)),
                "no multiplier keeps zero loss out of the open region",
            )
        else:
            lower = max(lower, -sum((w * w / 4 + w * t for w, t in zip(nu, y)), Fraction(0)) / N)
    require(Fraction(claim.lower) <= lower, "the lower end is too high")
    return {"lower": float(lower), "upper": float(loss)}


def _require_in_region(p: Parameters, X: list[Vector], a: list[list[int]]) -> None:
    rows = p.weights[0] if p.biases[0] is None else np.column_stack([p.weights[0], p.biases[0]])
    require(len(rows) == len(a), "the pattern has other neurons than the network")
    for row, bits in zip(rows.tolist(), a, strict=True):
        for bit, x in zip(bits, X, strict=True):
            u = dot(list(map(Fraction, row)), x)
            require(u >= 0 if bit else u <= 0, "the network is not in the region")


def check_rank(problem: Problem, claim: JacobianRank) -> dict[str, float]:
    """Rank by rational elimination."""
    X = _inputs(problem)
    N = len(X)
    rows = [
        [X[j][e] if a[j] else Fraction(0) for j in range(N)] for a in claim.pattern.tolist() for e in range(len(X[0]))
    ]
    if claim.full:
        zeros = [Fraction(0)] * len(rows)
        require(_eliminate(rows, zeros, N) == [Fraction(0)] * N, "the Jacobian has a null vector")
        return {"rank": float(N)}
    equations = [dict(enumerate(row)) for row in rows]
    null = _repaired(
        equations, [Fraction(0)] * len(rows), list(map(Fraction, claim.null.tolist())), claim.null_basis.tolist()
    )
    require(any(null), "the null vector is 0")
    return {"rank_at_most": float(N - 1)}
