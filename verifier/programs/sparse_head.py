"""Sparse heads: at most k rows of a fixed first layer (T2's delta(k, 0); docs/mathematics.md, section 5). Upper bounds on the optimum.

The full head program is the matching lower bound.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from verifier.objective import Objective
from verifier.programs.elimination import elimination_order
from verifier.programs.fast_head import fast_head
from verifier.programs.head import solve_head
from verifier.programs.result import ProgramResult

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class SparseHead:
    """Support (sorted indices), head padded with exact zeros to (K, r), bias (K,) or None, value, and how it was found."""

    support: Array
    head: Array
    bias: Array | None
    value: float
    method: str


def _on_support(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    support: Array,
    method: str,
    warm: tuple[Array, Array | None],
) -> SparseHead:
    support = np.sort(np.asarray(support, dtype=np.int64))
    start = warm[0][:, support], warm[1]
    h, c, value = fast_head(Z[:, support], targets, objective, prices[support], warm[1] is not None, warm=start)
    head = np.zeros((h.shape[0], Z.shape[1]))
    head[:, support] = h
    return SparseHead(support, head, c, value, method)


def _greedy_order(
    Z: Array, targets: Array, objective: Objective, prices: Array, bias: bool, K: int, k: int
) -> list[int]:
    """Forward selection by the largest gradient per unit of feature length, in chunks of about k / 8 rows."""
    lengths = np.maximum(np.linalg.norm(Z, axis=0), 1e-300)
    chosen: list[int] = []
    h: Array = np.zeros((K, 0))
    c: Array | None = np.zeros(K) if bias else None
    chunk = max(1, k // 8)
    while len(chosen) < min(k, Z.shape[1]):
        h, c, _ = fast_head(
            Z[:, chosen], targets, objective, prices[chosen], bias, warm=(h, c), tolerance=1e-4, max_iter=10
        )
        predictions = Z[:, chosen] @ h.T + (0.0 if c is None else c)
        pull = np.linalg.norm(Z.T @ objective.loss.gradient(predictions, targets), axis=1) / lengths
        pull[chosen] = -1.0
        new = [int(i) for i in np.argsort(-pull, kind="stable")[: min(chunk, k - len(chosen))] if pull[i] >= 0]
        chosen += new
        h = np.hstack([h, np.zeros((K, len(new)))])
    return chosen


def _penalty_path(
    Z: Array, targets: Array, objective: Objective, prices: Array, full: tuple[Array, Array | None], ks: list[int]
) -> dict[int, Array]:
    """Supports of size <= k from heavier penalties: the largest support met that still fits each k."""
    found: dict[int, Array] = {}
    weights = prices if objective.kappa > 0 else np.linalg.norm(Z, axis=0) / np.sqrt(len(Z))
    predictions = np.zeros((len(Z), full[0].shape[0])) + (0.0 if full[1] is None else full[1])
    steepest = np.abs(Z.T @ objective.loss.gradient(predictions, targets)).max(axis=1) / len(Z)
    top = float(np.max(steepest / np.maximum(weights, 1e-300), initial=0.0))
    if top <= objective.kappa or not np.isfinite(top):
        return found
    warm: tuple[Array, Array | None] = (np.zeros_like(full[0]), full[1])
    for kappa in np.geomspace(0.5 * top, max(objective.kappa, 1e-5 * top), 8):
        heavier = dataclasses.replace(objective, kappa=float(kappa), penalty="l1", penalise_output_bias=False)
        h, c, _ = fast_head(Z, targets, heavier, weights, warm[1] is not None, warm=warm, tolerance=1e-5, max_iter=30)
        warm = (h, c)
        support = np.flatnonzero(np.abs(h).max(axis=0) > 1e-9 * max(np.abs(h).max(), 1e-300))
        if len(support) > max(ks):
            break
        for k in ks:
            if len(support) <= k:
                found[k] = support
    return found


def sparse_supports(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    bias: bool,
    ks: Iterable[int],
    *,
    full: tuple[Array, Array | None] | None = None,
    methods: tuple[str, ...] = ("backward", "penalty", "greedy"),
) -> dict[int, SparseHead]:
    """For each k the best head found with at most k of the rows; features Z (N, r), prices (r,).

    full: the optimal head on all rows, computed when missing. Backward elimination gives nested supports for every k in
    one pass; a heavier l1 penalty and forward selection give others; the best value wins.
    """
    ks = sorted({min(int(k), Z.shape[1]) for k in ks})
    if full is None:
        h, c, _ = fast_head(Z, targets, objective, prices, bias)
        full = h, c
    K, r = full[0].shape
    supports: dict[int, list[tuple[str, Array]]] = {k: [] for k in ks}
    if "backward" in methods:
        smallest = min(ks)
        order = elimination_order(Z, targets, objective, prices, full, count=r - smallest)
        for k in ks:
            supports[k].append(("backward elimination", np.setdiff1d(np.arange(r), order[: r - k])))
    if "penalty" in methods and objective.loss.smooth:
        for k, support in _penalty_path(Z, targets, objective, prices, full, ks).items():
            supports[k].append(("l1 path", support))
    if "greedy" in methods and objective.loss.smooth:
        order = _greedy_order(Z, targets, objective, prices, bias, K, max(ks))
        for k in ks:
            supports[k].append(("forward selection", np.array(order[:k], dtype=np.int64)))
    best: dict[int, SparseHead] = {}
    for k in ks:
        found = [_on_support(Z, targets, objective, prices, s, method, full) for method, s in supports[k]]
        best[k] = min(found, key=lambda candidate: candidate.value)
    return best


def sparse_head(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    k: int,
    *,
    bias: bool,
    name: str,
    solver: str = "auto",
    full: tuple[Array, Array | None] | None = None,
    outputs: int | None = None,
) -> ProgramResult:
    """Head program on the best support of at most k rows found; head (K, |support|) has a column per row of `support`.

    The dual vector bounds the program on that support only; k >= r is the plain head program.
    """
    r = Z.shape[1]
    if full is None and outputs is not None:
        h, c, _ = fast_head(
            Z, targets, objective, prices, bias, warm=(np.zeros((outputs, r)), np.zeros(outputs) if bias else None)
        )
        full = h, c
    if k <= 0:
        support = np.zeros(0, dtype=np.int64)
    elif k >= r:
        support = np.arange(r)
    else:
        support = sparse_supports(Z, targets, objective, prices, bias, [k], full=full)[k].support
    result = solve_head(
        Z[:, support],
        targets,
        objective,
        np.asarray(prices)[support],
        bias=bias,
        name=name,
        solver=solver,
        outputs=outputs or (None if full is None else full[0].shape[0]),
    )
    return dataclasses.replace(result, support=support)
