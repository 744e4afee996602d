"""The least F over a product of cones, relaxed: relu lies between two linear functions on a cone (docs/mathematics.md, section 12). Clarabel solves it.

On the cone of rays g_k a neuron is u = sum_k lambda_k g_k, lambda >= 0. Where relu(u . xt_j) is not linear it becomes a variable r with
`r >= 0`, `r >= u . xt_j` and `r <= sum_k lambda_k relu(g_k . xt_j)`, whose multipliers are the dual's slopes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix, vstack

from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.landscape.sign_count.loss_rows import LOSSES, Predictions, wider
from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
TOLERANCES = (1e-11, 1e-9, 1e-7)


@dataclass(frozen=True, eq=False)
class Solved:
    """u (k, n), c: where the relaxation is least. nu (N,), slopes (k, N), pulls (k, n): approximate duals. looseness (k,): what the bounds of relu cost."""

    u: Array
    c: float
    nu: Array
    slopes: Array
    pulls: Array
    looseness: Array


@dataclass(frozen=True, eq=False)
class Relaxation:
    """The relaxed programs of one problem, in units where targets and prices are of size 1: f = shift + 2^output f', F = 2^value F'."""

    narrow: Narrow
    fan: Fan
    output: int
    value: int
    shift: float

    @staticmethod
    def of(narrow: Narrow, fan: Fan) -> Relaxation:
        loss, y = narrow.objective.loss, narrow.targets
        if loss.name in ("logistic", "hinge"):
            return Relaxation(narrow, fan, 0, 0, 0.0)
        shift = 0.5 * (float(y.min()) + float(y.max())) if narrow.free_bias else 0.0
        output = int(np.frexp(np.abs(y - shift).max())[1])
        if loss.name == "huber":
            assert loss.delta is not None  # for the type checker
            return Relaxation(narrow, fan, output, output + min(output, int(np.frexp(loss.delta)[1])), shift)
        return Relaxation(narrow, fan, output, output if loss.name == "absolute" else 2 * output, shift)

    def solve(self, cones: Cones) -> Solved | None:
        """None where Clarabel finds nothing."""
        return _Program(self, cones).solve()


class _Program:
    """Variables: lambda of all neurons, the output bias, one r per neuron and sample where relu is open, norms, and what the loss needs."""

    def __init__(self, relaxation: Relaxation, cones: Cones) -> None:
        self.r, self.narrow = relaxation, relaxation.narrow
        s, fan = self.narrow, relaxation.fan
        self.k, self.n, self.N = len(cones), s.inputs.shape[1], s.N
        self.G = [np.array([fan.rays[g] for g in rays]) for rays in cones]
        self.D = [np.array([fan.dots[g] for g in rays]) for rays in cones]
        self.kappa = float(np.ldexp(s.objective.kappa, relaxation.output - relaxation.value))
        self.bias_kappa = float(np.ldexp(s.bias_price, relaxation.output - relaxation.value))
        y = s.targets[:, 0]
        self.y = np.ldexp(y - relaxation.shift, -relaxation.output)
        # Which rows of the relaxation stand, and which rays are there: without a price a ray along which f does not change, but for a constant that
        # the output bias takes up, has a dual of exactly 0, so that rows which fall along it cannot have a multiplier.
        self.kept, self.over_zero, self.over_line, self.open = [], [], [], []
        for D in self.D:
            is_open = (D.max(axis=0) > 0.0) & (D.min(axis=0) < 0.0)
            kept = np.ones(len(D), dtype=bool)
            zero, line = is_open.copy(), is_open.copy()
            if self.kappa == 0.0:
                for k, d in enumerate(D):
                    if (d <= 0.0).all():
                        kept[k] = False
                        line &= d >= 0.0
                    elif s.free_bias and (d == d[0]).all():
                        kept[k] = False
                        zero[:] = False
            self.open.append(is_open)
            self.kept.append(kept)
            self.over_zero.append(zero)
            self.over_line.append(line)
        self.first = self.k * self.n
        self.bias = self.first
        count = self.first + 1
        self.places = []
        for is_open in self.open:
            place = np.full(self.N, -1)
            place[is_open] = count + np.arange(is_open.sum())
            count += int(is_open.sum())
            self.places.append(place)
        self.norms = count
        self.core = count + (self.k if self.kappa > 0.0 else 0)
        self.blocks: list[Any] = []
        self.sides: list[Array] = []
        self.cones: list[Any] = []

    def _matrix(self, rows: Array, columns: Array, values: Array, height: int) -> Any:
        return csc_matrix((values, (rows, columns)), shape=(height, self.core))

    def outputs(self) -> Any:
        """f as (N, core): sparse."""
        parts = []
        dense = np.zeros((self.N, self.first + 1))
        dense[:, self.bias] = 1.0 if self.narrow.output_bias else 0.0
        for i, D in enumerate(self.D):
            s = self.narrow.signs[i]
            linear = (~self.open[i]) & (D.max(axis=0) > 0.0)
            dense[:, i * self.n : (i + 1) * self.n] = s * np.where(linear, D, 0.0).T
            at = np.flatnonzero(self.open[i])
            parts.append((at, self.places[i][at], np.full(len(at), float(s))))
        rows, columns = np.nonzero(dense)
        all_rows = np.concatenate([rows, *(p[0] for p in parts)])
        all_columns = np.concatenate([columns, *(p[1] for p in parts)])
        values = np.concatenate([dense[rows, columns], *(p[2] for p in parts)])
        return self._matrix(all_rows, all_columns, values, self.N)

    def add(self, cone: Any, A: Any, b: Array) -> None:
        if A.shape[0]:
            self.blocks.append(A)
            self.sides.append(b)
            self.cones.append(cone)

    def below(self, A: Any, b: Array) -> None:
        """A x <= b."""
        import clarabel

        self.add(clarabel.NonnegativeConeT(A.shape[0]), A, b)

    def cone_rows(self) -> None:
        """lambda >= 0, the bounds of relu, and the norms; in this order, so that multipliers are found again."""
        import clarabel

        k, n = self.k, self.n
        kept = np.concatenate([np.flatnonzero(kept) + i * n for i, kept in enumerate(self.kept)]).astype(int) if k else np.zeros(0, dtype=int)  # fmt: skip
        self.below(self._matrix(np.arange(len(kept)), kept, -np.ones(len(kept)), len(kept)), np.zeros(len(kept)))
        fixed = np.setdiff1d(np.arange(self.first + (not self.narrow.output_bias)), kept)
        self.add(
            clarabel.ZeroConeT(len(fixed)),
            self._matrix(np.arange(len(fixed)), fixed, np.ones(len(fixed)), len(fixed)),
            np.zeros(len(fixed)),
        )
        for i, D in enumerate(self.D):
            for which, slope, over in (
                (self.over_zero[i], 0.0, False),
                (self.over_line[i], 1.0, False),
                (self.open[i], 1.0, True),
            ):
                at = np.flatnonzero(which)
                side = np.maximum(D[:, at], 0.0) if over else slope * D[:, at]
                sign = 1.0 if over else -1.0
                lines = np.tile(np.arange(len(at)), n)
                columns = np.repeat(i * n + np.arange(n), len(at))
                rows = np.concatenate([np.arange(len(at)), lines])
                all_columns = np.concatenate([self.places[i][at], columns])
                values = np.concatenate([np.full(len(at), sign), -sign * side.ravel()])
                self.below(self._matrix(rows, all_columns, values, len(at)), np.zeros(len(at)))
        if self.kappa > 0.0:
            for i, G in enumerate(self.G):
                A = np.zeros((n + 1, self.core))
                A[0, self.norms + i] = -1.0
                A[1:, i * n : (i + 1) * n] = -G.T
                self.add(clarabel.SecondOrderConeT(n + 1), csc_matrix(A), np.zeros(n + 1))

    def huber(self) -> tuple[float, float]:
        """(delta, weight of the loss), in units where targets and prices are of size 1; (0, 1) for other losses."""
        delta = self.narrow.objective.loss.delta
        if delta is None:
            return 0.0, 1.0
        return float(np.ldexp(delta, -self.r.output)), float(np.ldexp(1.0, 2 * self.r.output - self.r.value))

    def solve(self) -> Solved | None:
        import clarabel

        self.cone_rows()
        F = self.outputs()
        closed = ~np.any(self.open, axis=0) if self.k else np.ones(self.N, dtype=bool)
        loss = LOSSES[self.narrow.objective.loss.name](Predictions(F, self.y, closed, self.first + 1, *self.huber()))
        M, total = loss.rows, self.core + len(loss.linear)
        priced = self.narrow.output_bias and self.bias_kappa > 0.0
        if priced:
            for sign in (1.0, -1.0):
                row = np.zeros((1, total + 1))
                row[0, self.bias], row[0, total] = sign, -1.0
                M.append(([clarabel.NonnegativeConeT(1)], csc_matrix(row), np.zeros(1)))
        width = total + int(priced)
        q = np.zeros(width)
        q[self.core : total] = loss.linear
        if self.kappa > 0.0:
            q[self.norms : self.core] = self.kappa
        if priced:
            q[total] = self.bias_kappa
        P = np.zeros(width)
        P[self.core : total] = loss.quadratic
        blocks = [wider(A, width) for A in (*self.blocks, *(A for _, A, _ in M))]
        cones = [*self.cones, *(c for some, _, _ in M for c in some)]
        b = np.concatenate([*self.sides, *(side for _, _, side in M)])
        A = vstack(blocks, format="csc")
        Pm = csc_matrix((P, (np.arange(width), np.arange(width))), shape=(width, width))
        for tolerance in TOLERANCES:
            options = clarabel.DefaultSettings()
            options.verbose, options.max_threads = False, 1
            options.tol_gap_abs = options.tol_gap_rel = options.tol_feas = tolerance
            found = clarabel.DefaultSolver(Pm, q, A, b, cones, options).solve()
            if found.status in (clarabel.SolverStatus.Solved, clarabel.SolverStatus.AlmostSolved):
                return self.solved(np.asarray(found.x), np.asarray(found.z), F)
        return None

    def solved(self, x: Array, z: Array, F: Any) -> Solved:
        s, name, k, n, N = self.narrow, self.narrow.objective.loss.name, self.k, self.n, self.N
        f = F @ x[: self.core]
        at = sum(int(kept.sum()) for kept in self.kept)
        at += self.first + (not s.output_bias) - at
        slopes, pulls = np.zeros((k, N)), np.zeros((k, n))
        for i in range(k):
            weights = []
            for which in (self.over_zero[i], self.over_line[i], self.open[i]):
                weight = np.zeros(N)
                weight[which] = np.maximum(z[at : at + which.sum()], 0.0)
                at += int(which.sum())
                weights.append(weight)
            whole = weights[0] + weights[1]
            D = self.D[i]
            slopes[i] = np.where(whole > 0.0, weights[1] / np.where(whole > 0.0, whole, 1.0), 0.5)
            slopes[i][self.over_line[i] & ~self.over_zero[i]] = 1.0
            slopes[i][~self.over_line[i] & self.open[i]] = 0.0
            slopes[i][~self.open[i]] = (D.max(axis=0) > 0.0)[~self.open[i]]
        if self.kappa > 0.0:
            for i in range(k):
                pulls[i] = z[at + 1 : at + 1 + n]
                at += n + 1
        if name in ("absolute", "hinge"):
            first, second = z[at : at + N], z[at + N : at + 2 * N]
            nu = N * (first - second) if name == "absolute" else -self.y * N * first
        else:
            unit = s.objective.loss.gradient((self.r.shift + np.ldexp(f, self.r.output))[:, None], s.targets)[:, 0]
            nu = np.ldexp(unit, self.r.output - self.r.value)
        lam = x[: self.first].reshape(k, n)
        u = np.array([lam[i] @ self.G[i] for i in range(k)]).reshape(k, n)
        looseness = np.zeros(k)
        for i in range(k):
            signed = s.signs[i] * nu
            truth = np.maximum(lam[i] @ self.D[i], 0.0)
            over = lam[i] @ np.maximum(self.D[i], 0.0) - truth
            under = truth - slopes[i] * (lam[i] @ self.D[i])
            looseness[i] = np.maximum(-signed, 0.0) @ over + np.maximum(signed, 0.0) @ under
        back = self.r.value - self.r.output
        return Solved(
            np.ldexp(u, self.r.output), self.r.shift * s.output_bias + float(np.ldexp(x[self.bias], self.r.output)) * s.output_bias,
            np.ldexp(nu, back), slopes, np.ldexp(pulls, back), looseness,
        )  # fmt: skip
