"""Minimum of F over a face as a cone program, given to Clarabel directly: CVXPY's set-up takes longer than the solve.

Everything here is in the units of the normal form, where absolute tolerances mean something. Variables: u per neuron, then c, the norms and what the
loss needs. `reference.py` writes the same programs in CVXPY, for the numbers as they are given.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from scipy.sparse import csc_matrix

from verifier.errors import VerifierError
from verifier.landscape.face import Face, FacePoint
from verifier.landscape.normal import NormalForm
from verifier.objective.losses import Huber

Array = np.ndarray
# Tolerances tried in turn until Clarabel says that it is done, F' itself being of size 1; then all of them again with shorter steps.
TOLERANCES = (1e-11, 1e-10, 1e-9, 1e-8)
STEPS = (0.99, 0.9)
# Errors of F': below GOOD no other attempt is made; above WORST it is no minimum. Infima at infinity, as of the logistic loss, are hard to come near to.
GOOD, WORST = 1e-9, 1e-5


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
    """Squared, logistic, Huber loss and cross-entropy, with and without penalty, any n."""

    def __init__(self, form: NormalForm) -> None:
        import clarabel

        self.form = form
        # The worst so far: what differences of minima are not told apart by.
        self.accuracy = TOLERANCES[0]
        # Of separable losses all outputs of all samples, one after the other; of cross-entropy labels.
        self.y = form.targets.reshape(-1)
        self.options = []
        for step, tolerance in product(STEPS, TOLERANCES):
            options = clarabel.DefaultSettings()
            options.verbose = False
            options.max_threads = 1
            options.max_step_fraction = step
            for name in ("tol_gap_abs", "tol_gap_rel", "tol_feas"):
                setattr(options, name, tolerance)
            self.options.append(options)

    def value(self, face: Face) -> float:
        return self.solve(face).value

    def solve(self, face: Face) -> FacePoint:
        """Raises VerifierError when Clarabel gives up: a face without a minimum must not pass for a wall."""
        codes, facet = face
        s, neurons = self.form, self.form.neurons
        n, N = neurons.inputs.shape[1], s.N
        all_codes = list(codes)
        if facet >= 0:
            all_codes.append(int(neurons.facet_codes[facet, 0]))
        k = len(all_codes)
        parts = [neurons.features(code) for code in all_codes]
        if s.output_bias:
            parts.append(np.ones((N, 1)))
        Z = np.hstack(parts) if parts else np.zeros((N * s.outputs, 0))
        r = Z.shape[1]
        priced = s.output_bias and s.bias_price > 0
        first_t = r
        first_loss = r + (k if s.penalised else 0) + int(priced)
        rows_of_loss = {"squared": 1, "huber": 2, "logistic": 3}
        total = first_loss + (
            N * (1 + s.outputs) if s.loss.name == "cross_entropy" else rows_of_loss[s.loss.name] * len(Z)
        )
        if total == 0:
            return self._point(np.zeros(0), codes, facet, Z, k, n)
        P, q = np.zeros((total, total)), np.zeros(total)
        rows = _Rows(total)
        self._cone_rows(rows, all_codes, facet, n)
        if s.penalised:
            import clarabel

            q[first_t : first_t + k] = 1.0
            for i in range(k):
                A = rows.zeros(n + 1)
                A[0, first_t + i] = -1.0
                A[1 + np.arange(n), i * n + np.arange(n)] = -s.prices * neurons.price(all_codes[i])
                rows.add(clarabel.SecondOrderConeT(n + 1), A)
        if priced:
            q[first_loss - 1] = s.bias_price
            self._absolute(rows, np.eye(total)[[r - 1]], [first_loss - 1])
        getattr(self, "_" + s.loss.name)(rows, P, q, Z, first_loss)
        x, z = self._run(rows, P, q, face)
        nu = None
        if s.loss.name == "logistic":
            # The multiplier of z_j in the second exponential cone of each sample; the last N rows are those of the sums.
            second = z[len(z) - N - 6 * N : len(z) - N].reshape(N, 6)[:, 3]
            nu = self.y * np.clip(N * second, -1.0, 0.0)
        elif s.loss.name == "cross_entropy":
            # The same of each output's cone; what is left of a sample's masses goes to its label.
            end = len(z) - N
            mass = np.clip(-N * z[end - 3 * N * s.outputs : end].reshape(N, s.outputs, 3)[:, :, 0], 0.0, 1.0)
            mass /= np.maximum(mass.sum(axis=1, keepdims=True), 1e-300)
            mass[np.arange(N), self.y] -= mass.sum(axis=1)
            nu = mass.reshape(-1)
        return self._point(x[:r], codes, facet, Z, k, n, nu)

    def _cone_rows(self, rows: _Rows, codes: list[int], facet: int, n: int) -> None:
        import clarabel

        for i, code in enumerate(codes):
            G = self.form.neurons.normals(code)
            A = rows.zeros(len(G))
            A[:, i * n : (i + 1) * n] = -G
            if facet >= 0 and i == len(codes) - 1:
                on = self.form.neurons.walls[code // self.form.neurons.kinds] == self.form.neurons.facet_samples[facet]
                rows.add(clarabel.ZeroConeT(int(on.sum())), A[on])
                A = A[~on]
            rows.add(clarabel.NonnegativeConeT(len(A)), A)

    @staticmethod
    def _absolute(rows: _Rows, inner: Array, outer: list[int], constant: Array | None = None) -> None:
        """|inner x - constant| <= x_outer, one row of inner (q, variables) each."""
        import clarabel

        for sign in (1.0, -1.0):
            A = sign * inner
            A[np.arange(len(inner)), outer] -= 1.0
            rows.add(clarabel.NonnegativeConeT(len(A)), A, None if constant is None else sign * constant)

    def _squared(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        """Residuals are variables of their own: with Z^T Z as the quadratic part Clarabel runs away on cones that hold lines."""
        import clarabel

        J, residual = len(Z), np.arange(first, first + len(Z))
        P[residual, residual] = 2.0 * self.form.weight / self.form.N
        A = rows.zeros(J)
        A[:, : Z.shape[1]] = Z
        A[np.arange(J), residual] = -1.0
        rows.add(clarabel.ZeroConeT(J), A, self.y)

    def _huber(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        """huber(r) = min_p d^2 p^2 / 2 + delta |r - d p| with d = min(1, delta), so that p is of size 1."""
        assert isinstance(self.form.loss, Huber)
        r, J, N, delta, weight = Z.shape[1], len(Z), self.form.N, self.form.loss.delta, self.form.weight
        d, p = min(1.0, delta), np.arange(first, first + J)
        P[p, p] = weight * d * d / N
        q[p + J] = weight * delta / N
        M = rows.zeros(J)
        M[:, :r] = Z
        M[np.arange(J), p] = -d
        self._absolute(rows, M, (p + J).tolist(), self.y)

    def _logistic(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        """log(1 + exp(z)) <= t exactly when exp(-t) + exp(z - t) <= 1."""
        import clarabel

        r, N = Z.shape[1], len(Z)
        q[first : first + N] = 1.0 / N
        signed = -self.y[:, None] * Z
        shift = -self.y * self.form.margin
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

    def _cross_entropy(self, rows: _Rows, P: Array, q: Array, Z: Array, first: int) -> None:
        """log(sum_k exp(f_k)) - f_y <= t exactly when sum_k exp(f_k - f_y - t) <= 1."""
        import clarabel

        r, N, K = Z.shape[1], self.form.N, self.form.outputs
        margin = np.broadcast_to(self.form.margin, (K,))
        q[first : first + N] = 1.0 / N
        for j in range(N):
            f, y = Z[j * K : (j + 1) * K], int(self.y[j])
            A, side = rows.zeros(3 * K), np.zeros(3 * K)
            A[0::3, :r], A[0::3, first + j] = f[y] - f, 1.0
            A[np.arange(2, 3 * K, 3), first + N + j * K + np.arange(K)] = -1.0
            side[0::3], side[1::3] = margin - margin[y], 1.0
            for k in range(K):
                rows.add(clarabel.ExponentialConeT(), A[3 * k : 3 * k + 3], side[3 * k : 3 * k + 3])
        A = rows.zeros(N)
        for j in range(N):
            A[j, first + N + j * K : first + N + (j + 1) * K] = 1.0
        rows.add(clarabel.NonnegativeConeT(N), A, np.ones(N))

    def _run(self, rows: _Rows, P: Array, q: Array, face: Face) -> tuple[Array, Array]:
        """(x, z): the solution and the multipliers of the rows."""
        import clarabel

        A = np.vstack(rows.blocks) if rows.blocks else rows.zeros(0)
        b = np.concatenate(rows.sides) if rows.sides else np.zeros(0)
        parts = csc_matrix(np.triu(P)), q, csc_matrix(A), b, rows.cones
        best = np.inf, np.zeros(0), np.zeros(0)
        for options in self.options:
            found = clarabel.DefaultSolver(*parts, options).solve()
            x, z, s = (np.asarray(v) for v in (found.x, found.z, found.s))
            # Its tolerances are relative to x and z, which may be huge: what the residuals can be worth in F' is recomputed here.
            error = float(np.abs(P @ x + q + A.T @ z) @ np.abs(x) + np.abs(A @ x + s - b) @ np.abs(z))
            if found.status == clarabel.SolverStatus.Solved and error < best[0]:
                best = error, x, z
            if best[0] <= GOOD:
                break
        if not best[0] <= WORST:
            raise VerifierError(
                f"landscape: Clarabel finds no minimum over the face {face} (its status is {found.status}); the problem's numbers differ too much in size"
            )
        self.accuracy = max(self.accuracy, best[0])
        return best[1:]

    def _point(
        self, x: Array, codes: tuple[int, ...], facet: int, Z: Array, k: int, n: int, nu: Array | None = None
    ) -> FacePoint:
        s = self.form
        u = {code: x[i * n : (i + 1) * n] for i, code in enumerate(codes)}
        facet_u = x[(k - 1) * n : k * n] if facet >= 0 else None
        bias = float(x[-1]) if s.output_bias else 0.0
        predictions = Z @ x
        if nu is None:
            nu = s.loss.gradient(s.by_output(predictions), s.targets).reshape(-1)
        every = [*codes, *([int(s.neurons.facet_codes[facet, 0])] if facet >= 0 else [])]
        weights = np.array([s.neurons.price(code) for code in every])[:, None]
        return FacePoint(
            s.value_at(predictions, weights * x[: k * n].reshape(k, n), bias), predictions, u, facet_u, bias, nu
        )
