"""Minimum of F over a face as a cone program, given to Clarabel directly: CVXPY's set-up takes longer than the solve.

Variables: u per neuron, then c, the norms and what the loss needs. `reference.py` writes the same programs in CVXPY.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verifier.landscape.faces import Face, FacePoint
from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray
TOLERANCE = 1e-11


class _Rows:
    """Constraints `s = b - A x` in a product of cones, gathered cone by cone."""

    def __init__(self, variables: int) -> None:
        self.blocks: list[Array] = []
        self.sides: list[Array] = []
        self.cones: list[Any] = []
        self.variables = variables

    def add(self, cone: Any, A: Array, b: Array | None = None) -> None:
        if len(A):
            self.blocks.append(A)
            self.sides.append(np.zeros(len(A)) if b is None else b)
            self.cones.append(cone)

    def zeros(self, rows: int) -> Array:
        return np.zeros((rows, self.variables))


class ConicProgram:
    """Squared, logistic and Huber loss, with and without penalty, any n."""

    def __init__(self, setting: LandscapeSetting) -> None:
        import clarabel

        self.setting = setting
        self.y = setting.targets[:, 0]
        self.options = clarabel.DefaultSettings()
        self.options.verbose = False
        self.options.max_threads = 1
        for name in ("tol_gap_abs", "tol_gap_rel", "tol_feas"):
            setattr(self.options, name, TOLERANCE)

    def value(self, face: Face) -> float:
        return self.solve(face).value

    def solve(self, face: Face) -> FacePoint:
        codes, facet = face
        s, neurons = self.setting, self.setting.neurons
        n, N = neurons.inputs.shape[1], s.N
        all_codes = list(codes)
        if facet >= 0:
            all_codes.append(int(neurons.facet_codes[facet, 0]))
        k, penalised = len(all_codes), s.kappa > 0
        parts = [neurons.features(code) for code in all_codes]
        if s.output_bias:
            parts.append(np.ones((N, 1)))
        Z = np.hstack(parts) if parts else np.zeros((N, 0))
        r = Z.shape[1]
        priced = s.output_bias and s.bias_price > 0
        first_t = r
        first_loss = r + (k if penalised else 0) + int(priced)
        total = first_loss + {"squared": 0, "huber": 2 * N, "logistic": 3 * N}[s.objective.loss.name]
        if total == 0:
            return self._point(np.zeros(0), codes, facet, Z, k, n)
        P, q = np.zeros((total, total)), np.zeros(total)
        rows = _Rows(total)
        self._cone_rows(rows, all_codes, facet, n)
        if penalised:
            import clarabel

            q[first_t : first_t + k] = s.kappa
            for i in range(k):
                A = rows.zeros(n + 1)
                A[0, first_t + i] = -1.0
                A[1 + np.arange(n), i * n + np.arange(n)] = -1.0
                rows.add(clarabel.SecondOrderConeT(n + 1), A)
        if priced:
            q[first_loss - 1] = s.bias_price
            self._absolute(rows, [r - 1], [first_loss - 1])
        getattr(self, "_" + s.objective.loss.name)(rows, P, q, Z, first_loss)
        x, z = self._run(rows, P, q)
        nu = None
        if s.objective.loss.name == "logistic":
            # The multiplier of z_j in the second exponential cone of each sample; the last N rows are those of the sums.
            second = z[len(z) - N - 6 * N : len(z) - N].reshape(N, 6)[:, 3]
            nu = self.y * np.clip(N * second, -1.0, 0.0)
        return self._point(x[:r], codes, facet, Z, k, n, nu)

    def _cone_rows(self, rows: _Rows, codes: list[int], facet: int, n: int) -> None:
        import clarabel

        for i, code in enumerate(codes):
            G = self.setting.neurons.normals(code)
            A = rows.zeros(len(G))
            A[:, i * n : (i + 1) * n] = -G
            if facet >= 0 and i == len(codes) - 1:
                on = self.setting.neurons.walls[code // 2] == self.setting.neurons.facet_samples[facet]
                rows.add(clarabel.ZeroConeT(int(on.sum())), A[on])
                A = A[~on]
            rows.add(clarabel.NonnegativeConeT(len(A)), A)

    @staticmethod
    def _absolute(rows: _Rows, inner: list[int], outer: list[int]) -> None:
        """|x_inner| <= x_outer."""
        import clarabel

        A = rows.zeros(2 * len(inner))
        for k, (i, o) in enumerate(zip(inner, outer)):
            A[2 * k, i], A[2 * k, o] = 1.0, -1.0
            A[2 * k + 1, i], A[2 * k + 1, o] = -1.0, -1.0
        rows.add(clarabel.NonnegativeConeT(len(A)), A)

    def _squared(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        r, N = Z.shape[1], len(Z)
        P[:r, :r] = 2.0 / N * Z.T @ Z
        q[:r] += -2.0 / N * Z.T @ (self.y - self.setting.offset)

    def _huber(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        """huber(r) = min_v (r - v)^2 / 2 + delta |v|."""
        r, N = Z.shape[1], len(Z)
        v = np.arange(first, first + N)
        M = np.zeros((N, len(q)))
        M[:, :r] = Z
        M[np.arange(N), v] = -1.0
        P += M.T @ M / N
        q += -M.T @ (self.y - self.setting.offset) / N
        q[first + N :] = self.setting.objective.loss.delta / N  # type: ignore[attr-defined]
        self._absolute(rows, v.tolist(), (v + N).tolist())

    def _logistic(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        """log(1 + exp(z)) <= t exactly when exp(-t) + exp(z - t) <= 1."""
        import clarabel

        r, N = Z.shape[1], len(Z)
        q[first : first + N] = 1.0 / N
        signed = -self.y[:, None] * Z
        shift = -self.y * self.setting.offset
        for j in range(N):
            t, a, b = first + j, first + N + j, first + 2 * N + j
            A, side = rows.zeros(6), np.array([0.0, 1.0, 0.0, shift[j], 1.0, 0.0])
            A[0, t], A[2, a] = 1.0, -1.0
            A[3, :r], A[3, t], A[5, b] = -signed[j], 1.0, -1.0
            rows.add(clarabel.ExponentialConeT(), A[:3], side[:3])
            rows.add(clarabel.ExponentialConeT(), A[3:], side[3:])
        A = rows.zeros(N)
        A[np.arange(N), first + N + np.arange(N)] = 1.0
        A[np.arange(N), first + 2 * N + np.arange(N)] = 1.0
        rows.add(clarabel.NonnegativeConeT(N), A, np.ones(N))

    def _run(self, rows: _Rows, P: Array, q: Array) -> tuple[Array, Array]:
        """(x, z): the solution and the multipliers of the rows."""
        import clarabel
        from scipy.sparse import csc_matrix

        A = np.vstack(rows.blocks) if rows.blocks else rows.zeros(0)
        b = np.concatenate(rows.sides) if rows.sides else np.zeros(0)
        solver = clarabel.DefaultSolver(csc_matrix(np.triu(P)), q, csc_matrix(A), b, rows.cones, self.options)
        found = solver.solve()
        return np.asarray(found.x), np.asarray(found.z)

    def _point(
        self, x: Array, codes: tuple[int, ...], facet: int, Z: Array, k: int, n: int, nu: Array | None = None
    ) -> FacePoint:
        s = self.setting
        u = {code: x[i * n : (i + 1) * n] for i, code in enumerate(codes)}
        facet_u = x[(k - 1) * n : k * n] if facet >= 0 else None
        bias = float(x[-1]) if s.output_bias else 0.0
        predictions = Z @ x + s.offset
        value = float(np.mean(s.objective.loss.values(predictions[:, None], s.targets)))
        if s.kappa > 0:
            value += s.kappa * float(np.linalg.norm(x[: k * n].reshape(k, n), axis=1).sum()) + s.bias_price * abs(bias)
        # A solver that gave up has no minimum to offer: the face counts as impassable.
        return FacePoint(value if math.isfinite(value) else math.inf, predictions, u, facet_u, bias, nu=nu)
