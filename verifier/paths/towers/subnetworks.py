"""Sub-networks on the features of a hidden layer: the xi_l of N21's Theorem 4.1, their head program and rows that imitate a teacher.

A sub-network is the upper part of a tower: hidden rows above the features and a head. Its value is all a path needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from verifier.networks.above import Above, affine, leaky_relu
from verifier.networks.network import Network
from verifier.objective import Objective
from verifier.programs import fast_head

Array = np.ndarray

# Entries of the features times outputs: above this Newton's conjugate gradients cost more than L-BFGS.
LARGE_HEAD = 4e6


@dataclass(frozen=True, eq=False)
class Subnetwork:
    """rows: (W, b) per hidden layer above the features, W (t_p, t_{p-1}), b (t_p,) or None. head (K, t), head_bias (K,) or None; value: F."""

    rows: tuple[tuple[Array, Array | None], ...]
    head: Array
    head_bias: Array | None
    value: float = np.inf

    def features(self, Z: Array, above: Above) -> Array:
        """What the head reads (N, t) from the features (N, s) below; above: what the layers of this sub-network are layers of."""
        return above.through(Z, self.rows, read=True)


def rounding(
    Z: Array,
    rows: Sequence[tuple[Array, Array | None]],
    head: Array,
    head_bias: Array | None,
    above: Above,
    samples: int = 256,
) -> float:
    """About how far float64 is off an output: 2^-52 times widths times the sum of absolute products, or times the product of norms if that is less.

    Judged on the samples of Z (N, s) with the largest norms. Training and ill-conditioned heads can make a small loss out of huge numbers that cancel.
    """
    by_sample = np.abs(above.by_sample(Z))
    a = np.abs(above.of_samples(Z, np.argsort(-by_sample.sum(axis=1), kind="stable")[:samples]))
    width, norm = Z.shape[1], float(np.linalg.norm(a, axis=1).max(initial=0.0))
    for (W, b), reader in zip(rows, above.maps.readers):
        a = reader.numbers(a) @ np.abs(W).T + (0.0 if b is None else np.abs(b))
        # A patch of r positions is at most sqrt(r) times as long as the longest of them.
        norm = norm * np.sqrt(reader.columns) * _stretch(W) + (0.0 if b is None else float(np.linalg.norm(b)))
        width += len(W) * reader.columns
    a, norm = above.maps.readers[len(rows)].numbers(a), norm * np.sqrt(above.maps.readers[len(rows)].columns)
    c = 0.0 if head_bias is None else np.abs(head_bias)
    out, far = a @ np.abs(head).T + c, norm * np.linalg.norm(head, axis=1) + c
    return float(2.0**-52 * width * min(out.max(initial=0.0), far.max(initial=0.0)))


def _stretch(W: Array) -> float:
    """About the spectral norm: five steps of the power method, from the row sums."""
    x = W.sum(axis=1) + 1e-9
    for _ in range(5):
        size = float(np.linalg.norm(x))
        x = W @ (W.T @ (x / size)) if size > 0 else x
    return float(np.sqrt(np.linalg.norm(x)))


def head_prices(objective: Objective, width: int) -> Array:
    """Prices of a deep network's head: 1 under l1, 0 without penalty."""
    return np.ones(width) if objective.kappa > 0 else np.zeros(width)


def solve_head(
    Z: Array,
    targets: Array,
    objective: Objective,
    warm: tuple[Array, Array | None],
    *,
    prices: Array | None = None,
    stop_at: float | None = None,
    max_iter: int = 200,
) -> tuple[Array, Array | None, float]:
    """Head program on features Z (N, r): head (K, r), bias, value at most the warm start's; stops at stop_at.

    Newton (`fast_head`) for small problems, penalties and kinks; for N K r above LARGE_HEAD L-BFGS on scaled columns, whose memory is that of Z.
    """
    prices = head_prices(objective, Z.shape[1]) if prices is None else prices
    if objective.kappa > 0 or not objective.loss.smooth or Z.size * warm[0].shape[0] <= LARGE_HEAD:
        return fast_head(
            Z, targets, objective, prices, warm[1] is not None, warm=warm, stop_at=stop_at, tolerance=1e-7,
            max_iter=min(max_iter, 40),
        )  # fmt: skip
    return _large_head(Z, targets, objective, prices, warm, stop_at, max_iter)


class _Reached(Exception):
    """The value asked for was met inside an optimiser."""


def _large_head(
    Z: Array,
    targets: Array,
    objective: Objective,
    prices: Array,
    warm: tuple[Array, Array | None],
    stop_at: float | None,
    max_iter: int,
) -> tuple[Array, Array | None, float]:
    from scipy.optimize import minimize

    (K, r), N = warm[0].shape, len(Z)
    bias = warm[1] is not None
    scale = np.sqrt(np.einsum("ni,ni->i", Z, Z) / N)
    scale = np.where(scale > 0, scale, 1.0)
    best: tuple[Array, Array | None, float] = (warm[0], warm[1], np.inf)

    def split(x: Array) -> tuple[Array, Array | None]:
        x = x.reshape(K, r + bias)
        return x[:, :r] / scale, x[:, r].copy() if bias else None

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        nonlocal best
        h, c = split(x)
        predictions = affine(Z, h, c)
        value = objective.loss_of(predictions, targets)
        if value < best[2]:
            best = (h, c, value)
            if stop_at is not None and value <= stop_at:
                raise _Reached
        g = objective.loss.gradient(predictions, targets) / N
        slope = (g.T @ Z) / scale
        return value, (np.hstack([slope, g.sum(axis=0)[:, None]]) if bias else slope).ravel()

    start = warm[0] * scale
    x = np.hstack([start, warm[1][:, None]]) if warm[1] is not None else start
    with suppress(_Reached):
        minimize(
            value_and_gradient, x.ravel(), jac=True, method="L-BFGS-B",
            options={"maxiter": max_iter, "maxfun": 2 * max_iter, "maxcor": 20, "ftol": 1e-9, "gtol": 1e-12},
        )  # fmt: skip
    h, c, _ = best
    return h, c, objective.head_value(Z, targets, prices, h, c)


def least_squares(parts: Iterable[tuple[slice, Array]], U: Array, bias: bool) -> tuple[Array, Array | None]:
    """Rows W (t, s) and biases (t,) with Z W^T + b nearest to U (N, t), slightly regularised; without bias when the layer has none.

    parts: Z (N, s) in pieces, each with its samples, each of which has as many rows in Z as in U.
    """
    G, right, at = np.zeros(()), np.zeros(()), 0
    for _, Z in parts:
        Zb = np.hstack([Z, np.ones((len(Z), 1))]) if bias else Z
        G, right, at = G + Zb.T @ Zb, right + Zb.T @ U[at : at + len(Z)], at + len(Z)
    G[np.diag_indices_from(G)] += 1e-9 * max(
        float(np.trace(G)) / max(len(G), 1), 1e-200
    )  # silent features: 1e-300 would leave a denormal ridge, and NaN
    x = np.linalg.solve(G, right).T if len(G) else np.zeros((U.shape[1], 0))
    return (x[:, :-1].copy(), x[:, -1].copy()) if bias else (np.ascontiguousarray(x), None)


def imitating(teachers: Sequence[Array], outputs: Array, Z: Array, biases: Sequence[bool], above: Above) -> Subnetwork:
    """Least squares layer by layer: rows on Z (N, s) whose pre-activations follow the teachers' (N, t_p), then a head that follows `outputs` (N, K).

    biases: whether each of these layers, the last included, has a bias. above: the layers above Z's.
    """
    rows = []
    for U, bias in zip(teachers, biases):
        W, b = least_squares(above.parts(Z, (), read=True), U, bias)
        rows.append((W, b))
        Z, above = leaky_relu(above.preactivations(Z, W, b), above.slope), above.next
    return Subnetwork(tuple(rows), *least_squares(above.parts(Z, (), read=True), outputs, biases[-1]))


def teachers_of(network: Network, features: Array, layer: int, kept: Sequence[Array]) -> tuple[list[Array], Array]:
    """Pre-activations of the network's neurons `kept[0], kept[1], ...` of layers layer + 1, ..., and its outputs, from its features of `layer`."""
    out, above = [], network.above(layer)
    for (W, b), here in zip(network.hidden_rows[layer:], kept):
        z = above.preactivations(features, W, b)
        out.append(z[:, here])
        features, above = network.activation(z), above.next
    return out, above.preactivations(features, network.theta, network.c)
