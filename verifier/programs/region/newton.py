"""Newton systems of rows programs: blocks `sum_j w_ij xt_j xt_j^T + alpha_i I + beta_i u_i u_i^T` of single neurons plus the loss's curvature."""

from __future__ import annotations

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular

from verifier.programs.region.rows_program import RowsProgram

Array = np.ndarray

# Above this many unknowns one output goes through an N x N Schur complement, when N is the smaller number.
DENSE = 1500


def uses_schur(N: int, unknowns: int, K: int) -> bool:
    return K == 1 and unknowns > DENSE and 0.6 * unknowns > N


class NewtonSystem:
    """For one output with many unknowns an N x N Schur complement (Woodbury), else one dense factor over all unknowns and output biases."""

    def __init__(self, program: RowsProgram) -> None:
        self.P = program
        N, n, r, K = program.shape
        self.schur = uses_schur(N, r * n, K)
        self.M = np.zeros((0, 0, 0))
        if K == 1:
            # d f_j / d u_i, (N, r, n).
            self.M = np.ascontiguousarray(
                (program.heads[0] * program.active.T)[:, :, None] * program.inputs[:, None, :]
            )

    def solve(
        self,
        curvature: Array,
        weights: Array,
        alpha: Array,
        beta: Array,
        u: Array,
        right: Array,
        right_bias: Array,
        curve: Array,
    ) -> tuple[Array, Array] | None:
        """(du (r, n), dc (K,)) with the losses' curvature (N, K) or (N, K, K), sign weights (r, N), norm curvature alpha, beta (r,), bias curvature (K,)."""
        X, (_, n, r, _) = self.P.inputs, self.P.shape
        blocks = np.empty((r, n, n))
        for i in range(r):
            blocks[i] = (X.T * weights[i]) @ X
        blocks += alpha[:, None, None] * np.eye(n) + beta[:, None, None] * (u[:, :, None] * u[:, None, :])
        curvature = curvature / len(X)
        try:
            if self.schur:
                return self._through_samples(blocks, curvature[:, 0], right, right_bias, curve)
            return self._dense(blocks, curvature, right, right_bias, curve)
        except LinAlgError:
            return None

    def _through_samples(
        self, blocks: Array, d: Array, right: Array, right_bias: Array, curve: Array
    ) -> tuple[Array, Array]:
        (N, n, r, _), free = self.P.shape, self.P.free
        V, q, factors = np.empty((r * n, N)), np.empty((r, n)), []
        for i in range(r):
            L = np.linalg.cholesky(blocks[i] + 1e-13 * np.trace(blocks[i]) * np.eye(n))
            factors.append(L)
            V[i * n : (i + 1) * n] = solve_triangular(L, self.M[:, i].T, lower=True, check_finite=False)
            q[i] = solve_triangular(L, right[i], lower=True, check_finite=False)
        S = V.T @ V
        # Samples without curvature (Huber's far ones) get next to none.
        S[np.diag_indices(N)] += 1.0 / np.maximum(d, 1e-14 / N)
        factor = cho_factor(S, lower=True, check_finite=False)
        a, o = cho_solve(factor, V.T @ q.ravel()), cho_solve(factor, np.ones(N))
        dc = (right_bias - a.sum()) / (o.sum() + curve) if free else np.zeros(1)
        inner = (q.ravel() - V @ (a + dc * o)).reshape(r, n)
        du = [solve_triangular(L, z, lower=True, trans="T", check_finite=False) for L, z in zip(factors, inner)]
        return np.array(du), dc

    def _dense(
        self, blocks: Array, curvature: Array, right: Array, right_bias: Array, curve: Array
    ) -> tuple[Array, Array]:
        _, n, r, K = self.P.shape
        size = r * n
        H = np.zeros((size + K, size + K))
        if K == 1:
            M = self.M.reshape(len(self.M), size)
            weighted = M * curvature[:, :1]
            H[:size, :size] = M.T @ weighted
            H[size, :size] = H[:size, size] = weighted.sum(axis=0)
            H[size, size] = curvature.sum()
        else:
            self._several_outputs(H, curvature)
        H[size:, size:] += np.diag(curve)
        for i in range(r):
            H[i * n : (i + 1) * n, i * n : (i + 1) * n] += blocks[i]
        b = np.concatenate([right.ravel(), right_bias])
        if not self.P.free:
            H, b = H[:size, :size], b[:size]
        x = _scaled_solve(H, b)
        return x[:size].reshape(r, n), x[size:] if self.P.free else np.zeros(K)

    def _several_outputs(self, H: Array, curvature: Array) -> None:
        """The loss's part, neuron by neuron: `sum_j (TH_i^T D_j TH_k) a_ij a_kj xt_j xt_j^T`."""
        X, TH, a, (_, n, r, K) = self.P.inputs, self.P.heads, self.P.active, self.P.shape
        size = r * n
        full = curvature if curvature.ndim == 3 else curvature[:, :, None] * np.eye(K)
        DTH = full @ TH  # (N, K, r)
        for i in range(r):
            Q = np.einsum("jk,kb->jb", DTH[:, :, i], TH[:, i:]) * a[i][:, None] * a[i:].T
            for b in range(r - i):
                used = np.flatnonzero(Q[:, b])
                block = (X[used].T * Q[used, b]) @ X[used]
                rows, columns = slice(i * n, (i + 1) * n), slice((i + b) * n, (i + b + 1) * n)
                H[rows, columns] = block
                H[columns, rows] = block.T
            cross = (DTH[:, :, i] * a[i][:, None]).T @ X
            H[size:, i * n : (i + 1) * n] = cross
            H[i * n : (i + 1) * n, size:] = cross.T
        H[size:, size:] = full.sum(axis=0)


def _scaled_solve(H: Array, b: Array) -> Array:
    """Solve by Cholesky with unit diagonal, a ridge of rounding size (or more where that fails), and one step of refinement."""
    scale = np.sqrt(np.maximum(np.diag(H), 1e-24 * float(np.diag(H).max())))
    H = H / scale[:, None] / scale
    b = b / scale
    for ridge in (1e-13, 1e-11, 1e-9, 1e-7):
        try:
            factor = cho_factor(H + ridge * np.eye(len(H)), lower=True, check_finite=False)
        except LinAlgError:
            continue
        x = cho_solve(factor, b, check_finite=False)
        x = x + cho_solve(factor, b - H @ x, check_finite=False)
        if np.isfinite(x).all():
            return np.asarray(x / scale)
    raise LinAlgError("no ridge makes the Newton matrix positive definite")
