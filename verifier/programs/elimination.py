"""Backward elimination of rows by the quadratic model of the head program (optimal brain surgeon, Hassibi and Stork 1993).

At the head's optimum the objective grows by `1/2 sum_k h_ik^2 / [H_k^{-1}]_ii` when row i is removed and the other
coefficients answer; H_k is the loss Hessian of output k. Exact for the squared loss without penalty.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import dsyr

from verifier.objective import Objective
from verifier.programs.fast_head import fast_head
from verifier.programs.newton_matrix import gram

Array = np.ndarray


def _inverse_hessians(Zb: Array, predictions: Array, targets: Array, objective: Objective) -> Array:
    """Inverses of the loss Hessian's blocks with a relative ridge, shape (K, p, p)."""
    H = objective.loss.hessian(predictions, targets)
    if H.ndim == 3:
        H = np.einsum("nkk->nk", H)
    p = Zb.shape[1]
    inverses: list[Array] = []
    for k in range(H.shape[1]):
        if k and objective.loss.name == "squared":
            break  # one curvature for all outputs
        # Losses with kinks have no curvature; the Gram matrix ranks rows by what they add to the predictions.
        weights = H[:, k] if H[:, k].any() else objective.loss.scaled(np.ones(len(Zb)))
        G = gram(Zb, weights)
        inverses.append(np.linalg.inv(G + 1e-9 * max(float(np.trace(G)) / p, 1e-300) * np.eye(p)))
    return np.array(inverses)


def removal_costs(
    Z: Array, targets: Array, objective: Objective, head: Array, bias: Array | None
) -> tuple[Array, Array]:
    """Estimated increase of the objective from removing each row, (r,), and the inverse Hessians (K, p, p), or (1, p, p) when all outputs share one."""
    Zb = Z if bias is None else np.hstack([Z, np.ones((len(Z), 1))])
    predictions = Z @ head.T if bias is None else Z @ head.T + bias
    inverses = _inverse_hessians(Zb, predictions, targets, objective)
    diagonal = np.einsum("kpp->kp", inverses)[:, : Z.shape[1]]
    return 0.5 * (head**2 / np.maximum(diagonal, 1e-300)).sum(axis=0), inverses


def elimination_order(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    warm: tuple[Array, Array | None],
    *,
    candidates: Array | None = None,
    count: int | None = None,
    resolve_every: float | None = 0.1,
    stop_at: float | None = None,
    give_up_above: float = np.inf,
) -> list[int]:
    """Rows in the order in which backward elimination removes them; the head is warm-started and re-solved.

    warm: head (K, r) and output bias (K,) or None to begin with.
    candidates: indices that may be removed (all by default). count: how many to remove (all candidates by default).
    resolve_every: share of the remaining rows removed on one quadratic model before the head is solved again; None: never.
    stop_at: heads need not be solved below this value. give_up_above: once a head's value is larger, the remaining order
        is read off the last quadratic model.
    """
    (head, bias), r = warm, Z.shape[1]
    allowed = np.zeros(r, dtype=bool)
    allowed[np.arange(r) if candidates is None else candidates] = True
    todo = int(allowed.sum()) if count is None else min(count, int(allowed.sum()))
    kept = np.arange(r)
    order: list[int] = []
    exact = objective.loss.name == "squared" and objective.kappa == 0
    if not objective.loss.smooth and resolve_every is not None:
        # Each head is a CVXPY program here.
        resolve_every = max(resolve_every, 0.34)
    while len(order) < todo:
        zeros = [int(kept[i]) for i in np.flatnonzero(~head.any(axis=0)) if allowed[kept[i]]]
        if zeros:
            order += zeros[: todo - len(order)]
            keep = ~np.isin(kept, order)
            kept, head = kept[keep], head[:, keep]
            continue
        costs, inverses = removal_costs(Z[:, kept], targets, objective, head, bias)
        x = head if bias is None else np.hstack([head, bias[:, None]])
        batch = todo - len(order)
        if resolve_every is not None and not exact:
            batch = min(batch, max(1, int(resolve_every * len(kept))))
        elif exact and resolve_every is not None:
            # Downdating loses digits slowly; a fresh inverse now and then keeps the ranking right.
            batch = min(batch, max(1, len(kept) // 2))
        removed: list[int] = []
        free = allowed[kept].copy()
        x = x.copy()
        # Only the lower triangles are kept up to date, in place.
        lower = [np.asfortranarray(H) for H in inverses]
        for _ in range(min(batch, int(free.sum()))):
            i = int(np.argmin(np.where(free, costs, np.inf)))
            for k, inverse in enumerate(lower):
                pivot = inverse[i, i]
                if pivot > 0:
                    column = np.concatenate([inverse[i, :i], inverse[i:, i]])
                    outputs = slice(None) if len(lower) == 1 else slice(k, k + 1)
                    x[outputs] -= np.outer(x[outputs, i] / pivot, column)
                    lower[k] = dsyr(-1.0 / pivot, column, lower=1, a=inverse, overwrite_a=1)
            free[i] = False
            removed.append(i)
            diagonal = np.array([np.diagonal(H)[: len(kept)] for H in lower])
            costs = 0.5 * (x[:, : len(kept)] ** 2 / np.maximum(diagonal, 1e-300)).sum(axis=0)
        order += [int(kept[i]) for i in removed]
        keep = np.ones(len(kept), dtype=bool)
        keep[removed] = False
        start = x[:, : len(kept)][:, keep], (None if bias is None else x[:, -1])
        kept = kept[keep]
        if resolve_every is None or len(order) >= todo:
            head, bias = start
            continue
        loose = 1e-7 if exact else 1e-5
        head, bias, value = fast_head(
            Z[:, kept],
            targets,
            objective,
            prices[kept],
            bias is not None,
            warm=start,
            stop_at=stop_at,
            tolerance=loose,
            max_iter=15,
        )
        if value > give_up_above:
            resolve_every = None
    return order
