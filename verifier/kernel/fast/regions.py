"""Minimum of the squared loss on an activation region, and the rank of its Jacobian: fast evaluation of `region_minimum` and `jacobian_rank`.

Everything is exact: what holds in a region holds on equations and signs (K23, sections 3 and E.2).
"""

from __future__ import annotations

from flint import arb, fmpq, nmod_mat

from verifier.kernel.fast.losses import arb_lower, arb_upper
from verifier.kernel.fast.rational import ZERO, fraction, integer_rows, solve_basis
from verifier.kernel.statements import (
    JacobianRank,
    Parameters,
    Problem,
    RegionMinimum,
    augmented_inputs,
    augmented_rows,
    require,
)

PRIME = 2**61 - 1


class _Region:
    """The data of a region in rationals. sides[i][j] = 2 a_ij - 1."""

    def __init__(self, problem: Problem, claim: RegionMinimum) -> None:
        self.X = [[fraction(v) for v in row] for row in augmented_inputs(problem).tolist()]
        # The frozen output bias is part of what the rows have to fit.
        bias = fraction(claim.bias)
        self.y = [fraction(v) - bias for v in problem.targets[:, 0].tolist()]
        self.a, self.head = claim.pattern.tolist(), [fraction(v) for v in claim.head.tolist()]
        self.N, self.n, self.m = len(self.X), len(self.X[0]), len(self.a)

    def point(self, claim: RegionMinimum) -> list[fmpq]:
        """Rows of the point, flat, exact where a basis is solved for; rejects points outside the closed region."""
        m, n = self.m, self.n
        flat = [fraction(v) for v in claim.point.ravel().tolist()]
        if claim.verdict.startswith("zero"):
            equations = [[self.head[i] * self.a[i][j] * x for i in range(m) for x in self.X[j]] for j in range(self.N)]
            right = list(self.y)
            for i, j in claim.tight.tolist():
                equations.append([ZERO] * (i * n) + self.X[j] + [ZERO] * ((m - i - 1) * n))
                right.append(ZERO)
            flat = solve_basis(equations, right, flat, claim.point_basis.tolist())
        for i in range(m):
            for j in range(self.N):
                u = self.preactivation(flat, i, j)
                inside = u >= 0 if self.a[i][j] else u <= 0
                if claim.verdict == "zero_inside":
                    inside = inside and u != 0
                require(bool(inside), "the point lies outside the region")
        return flat

    def preactivation(self, flat: list[fmpq], i: int, j: int) -> fmpq:
        return sum((w * x for w, x in zip(flat[i * self.n : (i + 1) * self.n], self.X[j])), ZERO)

    def holds(self, p: Parameters) -> bool:
        """Whether the network's rows lie in the closed region."""
        rows = augmented_rows(p.weights[0], p.biases[0])
        flat = [fraction(v) for v in rows.ravel().tolist()]
        sides = ((self.preactivation(flat, i, j), self.a[i][j]) for i in range(self.m) for j in range(self.N))
        return rows.shape == (self.m, self.n) and all(bool(u >= 0) if a else bool(u <= 0) for u, a in sides)

    def loss(self, flat: list[fmpq]) -> fmpq:
        total = ZERO
        for j in range(self.N):
            f = sum((self.head[i] * self.preactivation(flat, i, j) for i in range(self.m) if self.a[i][j]), ZERO)
            total += (f - self.y[j]) ** 2
        return total / self.N

    def dual(self, claim: RegionMinimum) -> tuple[list[fmpq], list[fmpq]]:
        """(nu, multipliers) that meet the equations exactly, multipliers not negative."""
        m, n, N = self.m, self.n, self.N
        equations = []
        for i in range(m):
            for e in range(n):
                row = [ZERO] * (N + m * N)
                for j in range(N):
                    if self.a[i][j]:
                        row[j] = self.head[i] * self.X[j][e]
                    row[N + i * N + j] = (1 - 2 * self.a[i][j]) * self.X[j][e]
                equations.append(row)
        if claim.verdict == "zero_on_boundary":
            equations.append([*self.y, *([ZERO] * (m * N))])
        values = [fraction(v) for v in [*claim.nu.tolist(), *claim.multipliers.ravel().tolist()]]
        solved = solve_basis(equations, [ZERO] * len(equations), values, claim.dual_basis.tolist())
        require(all(bool(v >= 0) for v in solved[N:]), "a multiplier is negative")
        return solved[:N], solved[N:]


def check_region(problem: Problem, claim: RegionMinimum) -> dict[str, float]:
    """Numbers found for the claim; rejects unless interval and verdict are proved. All comparisons are between rationals."""
    region = _Region(problem, claim)
    if claim.of != "pattern":
        require(region.holds(problem.A if claim.of == "A" else problem.B), f"{claim.of} is not in the region")
    point = region.point(claim)
    upper, lower = region.loss(point), ZERO
    require(not claim.verdict.startswith("zero") or upper == 0, "the loss at the point is not 0")
    if claim.verdict not in ("zero", "zero_inside"):
        nu, multipliers = region.dual(claim)
        if claim.verdict == "zero_on_boundary":
            # sum_j nu_j f_j = sum_ij mu_ij |u_ij| is 0 where f = y, but positive in the open region once one mu_ij counts.
            used = any(v != 0 and any(region.X[k % region.N]) for k, v in enumerate(multipliers))
            require(used, "no multiplier keeps zero loss out of the open region")
        else:
            lower = max(ZERO, -sum((v * v / 4 + v * t for v, t in zip(nu, region.y)), ZERO) / region.N)
    found = {"lower": max(0.0, arb_lower(arb(lower))), "upper": arb_upper(arb(upper)) if upper != 0 else 0.0}
    require(
        bool(fraction(claim.lower) <= lower), f"lower end: found at least {found['lower']!r}, claimed {claim.lower!r}"
    )
    require(
        bool(upper <= fraction(claim.upper)), f"upper end: found at most {found['upper']!r}, claimed {claim.upper!r}"
    )
    return found


def check_rank(problem: Problem, claim: JacobianRank) -> dict[str, float]:
    """Full rank modulo a prime proves full rank; a null vector proves the contrary."""
    N = len(problem.X)
    X, a = augmented_inputs(problem), claim.pattern.tolist()
    n = X.shape[1]
    if claim.full:
        # Scaling a sample by a positive number scales its column and changes no rank.
        rows = integer_rows(X)
        table = [rows[j][e] % PRIME if a[i][j] else 0 for i in range(len(a)) for e in range(n) for j in range(N)]
        rank = nmod_mat(len(a) * n, N, table, PRIME).rank()
        require(rank == N, f"the rank modulo {PRIME} is {rank} of {N}")
        return {"rank": float(N)}
    fractions = [[fraction(v) for v in row] for row in X.tolist()]
    equations = [[fractions[j][e] if a[i][j] else ZERO for j in range(N)] for i in range(len(a)) for e in range(n)]
    null = solve_basis(
        equations, [ZERO] * len(equations), [fraction(v) for v in claim.null.tolist()], claim.null_basis.tolist()
    )
    require(any(v != 0 for v in null), "the null vector is 0")
    return {"rank_at_most": float(N - 1)}
