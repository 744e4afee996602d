"""Newton systems of head programs: `(1/N) sum_j Zb_j Zb_j^T (x) loss_j'' + penalty curvature`, in three layouts."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from verifier.objective import Loss

Array = np.ndarray

DENSE_LIMIT = 700


def gram(Zb: Array, weights: Array) -> Array:
    """Zb^T diag(weights) Zb / N, shape (p, p)."""
    if not weights.any():
        return np.zeros((Zb.shape[1], Zb.shape[1]))
    root = np.sqrt(np.maximum(weights, 0.0))[:, None] * Zb
    return root.T @ root / len(Zb)


def solve_positive(H: Array, right: Array, damping: float) -> Array:
    """Solve (H + damping * scale) x = right, raising the damping until the matrix factors."""
    diagonal = np.diag(H)
    scale = max(float(diagonal.mean()), 1e-300)
    for _ in range(25):
        try:
            shifted = H + np.diag(damping * (diagonal + 1e-3 * scale) + 1e-15 * scale)
            return cho_solve(cho_factor(shifted, lower=True, check_finite=False), right, check_finite=False)
        except np.linalg.LinAlgError:
            damping = max(damping * 10, 1e-15)
    return right / scale


class NewtonMatrix:
    """The Newton matrix at one iterate after another, for fixed Zb (N, p), loss, penalty group and price (p,).

    Outputs uncouple for separable losses under an entrywise penalty (one p x p factor each); otherwise one Kp x Kp factor,
    or conjugate gradients preconditioned by the outputs' own blocks when that would be large.
    """

    def __init__(self, Zb: Array, loss: Loss, targets: Array, group: int, price: Array) -> None:
        self._single: Array | None = None
        self.Zb, self.loss, self.targets, self.group, self.price = Zb, loss, targets, group, price
        self._constant = gram(Zb, loss.scaled(np.full(len(Zb), 2.0))) if loss.name == "squared" else None

    def _block(self, weights: Array) -> Array:
        return gram(self.Zb, weights) if self._constant is None else self._constant

    def solve(
        self, predictions: Array, x: Array, u: Array, s: Array, right: Array, damping: float, *, rough: bool = False
    ) -> Array:
        """Newton step (K, p); x iterate, u dual estimate of x / |x|, s smoothed norms, right -gradient, all (K, p).

        rough: conjugate gradients may work in float32, for steps on the way; the last ones would end too early.
        """
        H = self.loss.hessian(predictions, self.targets)
        K, p = x.shape
        if self.loss.name == "huber":
            # A little of the majorising curvature keeps steps sane where all residuals are in the linear part.
            H = np.maximum(H, self.loss.scaled(0.02 / np.maximum(np.abs(predictions - self.targets), 1.0)))
        if self.loss.separable and (self.group == 1 or K == 1):
            step = np.empty_like(x)
            for k in range(K):
                block = self._block(H[:, k])
                curvature = self.price * np.maximum(1 - u[k] * x[k] / s[k], 0.0) / s[k]
                step[k] = solve_positive(block + np.diag(curvature), right[k], damping)
            return step
        if self.loss.separable:
            H = H[:, :, None] * np.eye(K)
        penalty = self._penalty_blocks(x, u, s)
        if K * p <= DENSE_LIMIT:
            return self._dense(H, penalty, right, damping)
        return self._conjugate_gradients(H, penalty, right, damping, rough)

    def _penalty_blocks(self, x: Array, u: Array, s: Array) -> Array:
        """Penalty curvature per column as (p, K, K)."""
        K = x.shape[0]
        if self.group == 1:
            curvature = self.price * np.maximum(1 - u * x / s, 0.0) / s
            return curvature.T[:, :, None] * np.eye(K)
        outer = u.T[:, :, None] * x.T[:, None, :]
        outer = (outer + outer.transpose(0, 2, 1)) / 2
        return self.price[:, None, None] * (np.eye(K) - outer / s[0][:, None, None]) / s[0][:, None, None]

    def _dense(self, H: Array, penalty: Array, right: Array, damping: float) -> Array:
        K, p = right.shape
        full = np.zeros((K, p, K, p))
        for k in range(K):
            for l in range(k, K):
                block = (H[:, k, l, None] * self.Zb).T @ self.Zb / len(self.Zb)
                full[k, :, l, :] = block
                full[l, :, k, :] = block.T
        index = np.arange(p)
        for k in range(K):
            for l in range(K):
                full[k, index, l, index] += penalty[:, k, l]
        return solve_positive(full.reshape(K * p, K * p), right.ravel(), damping).reshape(K, p)

    def _conjugate_gradients(self, H: Array, penalty: Array, right: Array, damping: float, rough: bool) -> Array:
        from scipy.sparse.linalg import LinearOperator, cg

        K, p = right.shape
        N = len(self.Zb)
        Zb, least, kind = (self._rough(), 1e-6, np.float32) if rough else (self.Zb, 1e-9, np.float64)
        H = H.astype(kind, copy=False)
        factors = []
        trace = 0.0
        for k in range(K):
            block = gram(Zb, H[:, k, k]).astype(np.float64) + np.diag(np.maximum(penalty[:, k, k], 0.0))
            scale = max(float(np.diag(block).mean()), 1e-300)
            trace += scale / K
            factor, _ = cho_factor(block + max(damping, least) * scale * np.eye(p), lower=True, check_finite=False)
            factors.append(factor.astype(kind, copy=False))
        penalty, shift = penalty.astype(kind, copy=False), kind(max(damping, 1e-12) * trace)

        def product(v: Array) -> Array:
            V = v.reshape(K, p)
            weighted = np.einsum("nkl,nl->nk", H, Zb @ V.T)
            out = (Zb.T @ weighted).T / kind(N) + np.einsum("pkl,lp->kp", penalty, V) + shift * V
            return out.ravel()

        def precondition(v: Array) -> Array:
            V = v.reshape(K, p)
            return np.concatenate([cho_solve((factors[k], True), V[k], check_finite=False) for k in range(K)])

        operator = LinearOperator((K * p, K * p), matvec=product, dtype=kind)
        inverse = LinearOperator((K * p, K * p), matvec=precondition, dtype=kind)
        step, _ = cg(operator, right.ravel().astype(kind, copy=False), rtol=1e-4, maxiter=60, M=inverse)
        return step.reshape(K, p).astype(np.float64, copy=False)

    def _rough(self) -> Array:
        if self._single is None:
            self._single = self.Zb.astype(np.float32)
        return self._single
