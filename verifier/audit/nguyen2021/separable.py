"""Separating hyperplanes, and the cross-entropy that a linear head reaches."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog, minimize

Array = np.ndarray


def separator(Z: Array, labels: Array, classes: int, affine: bool) -> tuple[Array, Array, float] | None:
    """(W (d, K), b (K,), margin): row j of Z is on class k's side iff its label is k; |entries| <= 1. None when there are no such hyperplanes."""
    N, d = Z.shape
    W, b, least = np.zeros((d, classes)), np.zeros(classes), np.inf
    for k in range(classes):
        side = np.where(labels == k, 1.0, -1.0)
        table = np.hstack([-side[:, None] * Z, -side[:, None], np.ones((N, 1))])
        bounds = [(-1.0, 1.0)] * d + [(-1.0, 1.0) if affine else (0.0, 0.0), (None, None)]
        solved = linprog(np.append(np.zeros(d + 1), -1.0), A_ub=table, b_ub=np.zeros(N), bounds=bounds, method="highs")
        if solved.status != 0 or solved.x[-1] <= 1e-7:
            return None
        W[:, k], b[k], least = solved.x[:d], solved.x[d], min(least, float(solved.x[-1]))
    return W, b, least


def cross_entropy(F: Array, labels: Array) -> float:
    """Mean cross-entropy of logits F (N, K)."""
    shifted = F - F.max(axis=1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(F)), labels]))


def best_cross_entropy(Z: Array, labels: Array, classes: int) -> float:
    """Smallest cross-entropy of U^T z, no bias, where it is attained."""
    return cross_entropy(Z @ cross_entropy_head(Z, labels, classes), labels)


def cross_entropy_head(Z: Array, labels: Array, classes: int) -> Array:
    """U (d, K) of least cross-entropy, where it is attained: L-BFGS on a convex problem."""
    N, d = Z.shape
    one_hot = np.eye(classes)[labels]

    def value(u: Array) -> tuple[float, Array]:
        F = Z @ u.reshape(d, classes)
        p = np.exp(F - F.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return cross_entropy(F, labels), (Z.T @ (p - one_hot) / N).ravel()

    found = minimize(value, np.zeros(d * classes), jac=True, method="L-BFGS-B", options={"maxiter": 3000, "ftol": 1e-14, "gtol": 1e-10})  # fmt: skip
    return np.asarray(found.x.reshape(d, classes))
