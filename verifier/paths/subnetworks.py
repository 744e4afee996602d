"""Sub-networks on the features of a hidden layer: the xi_l of N21's Theorem 4.1, trained and finished by the head program.

A sub-network is the upper part of a tower: hidden rows above the features and a head. Its value is all a path needs; how it was
found is nobody's business, so training is plain: rows that imitate a teacher by least squares, then L-BFGS on everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import minimize

from verifier.networks.network import Network, leaky_relu
from verifier.objective import Objective
from verifier.programs import fast_head

Array = np.ndarray

# Entries of the features times outputs: above this Newton's conjugate gradients cost more than L-BFGS.
LARGE_HEAD = 4e6
# Samples times parameters above which minibatches in float32 replace L-BFGS on all samples.
LARGE_TRAINING = 3e8


@dataclass(frozen=True, eq=False)
class Subnetwork:
    """rows: (W, b) per hidden layer above the features, W (t_p, t_{p-1}), b (t_p,) or None. head (K, t), head_bias (K,) or None; value: F."""

    rows: tuple[tuple[Array, Array | None], ...]
    head: Array
    head_bias: Array | None
    value: float = np.inf

    def features(self, Z: Array, slope: float) -> Array:
        """Top features (N, t) from the features (N, s) below."""
        for W, b in self.rows:
            Z = leaky_relu(preactivations(Z, W, b), slope)
        return Z


def preactivations(Z: Array, W: Array, b: Array | None) -> Array:
    out = Z @ W.T
    return out if b is None else out + b


def rounding(
    Z: Array, rows: Sequence[tuple[Array, Array | None]], head: Array, head_bias: Array | None, samples: int = 256
) -> float:
    """About how far the kernel's enclosure of an output is wider than the output: 2^-52 times widths times the sum of absolute products.

    Judged on the samples of Z (N, s) with the largest norms. Training and ill-conditioned heads can make a small loss out of huge numbers that cancel.
    """
    a = np.abs(Z[np.argsort(-np.abs(Z).sum(axis=1), kind="stable")[:samples]])
    width = Z.shape[1]
    for W, b in rows:
        a = a @ np.abs(W).T + (0.0 if b is None else np.abs(b))
        width += len(W)
    out = a @ np.abs(head).T + (0.0 if head_bias is None else np.abs(head_bias))
    return float(2.0**-52 * width * out.max(initial=0.0))


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
        predictions = preactivations(Z, h, c)
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


def least_squares(Z: Array, U: Array, bias: bool) -> tuple[Array, Array | None]:
    """Rows W (t, s) and biases (t,) with Z W^T + b nearest to U (N, t), slightly regularised; without bias when the layer has none."""
    Zb = np.hstack([Z, np.ones((len(Z), 1))]) if bias else Z
    G = Zb.T @ Zb
    G[np.diag_indices_from(G)] += 1e-9 * max(
        float(np.trace(G)) / max(len(G), 1), 1e-200
    )  # silent features: 1e-300 would leave a denormal ridge, and NaN
    x = np.linalg.solve(G, Zb.T @ U).T if len(G) else np.zeros((U.shape[1], 0))
    return (x[:, :-1].copy(), x[:, -1].copy()) if bias else (np.ascontiguousarray(x), None)


def imitating(teachers: Sequence[Array], outputs: Array, Z: Array, biases: Sequence[bool], slope: float) -> Subnetwork:
    """Least squares layer by layer: rows on Z (N, s) whose pre-activations follow the teachers' (N, t_p), then a head that follows `outputs` (N, K).

    biases: whether each of these layers, the last included, has a bias.
    """
    rows = []
    for U, bias in zip(teachers, biases):
        W, b = least_squares(Z, U, bias)
        rows.append((W, b))
        Z = leaky_relu(preactivations(Z, W, b), slope)
    head, c = least_squares(Z, outputs, biases[-1])
    return Subnetwork(tuple(rows), head, c)


def teachers_of(network: Network, features: Array, layer: int, kept: Sequence[Array]) -> tuple[list[Array], Array]:
    """Pre-activations of the network's neurons `kept[0], kept[1], ...` of layers layer + 1, ..., and its outputs, from its features of `layer`."""
    out = []
    for W, b, here in zip(network.weights[layer:-1], network.biases[layer:-1], kept):
        z = preactivations(features, W, b)
        out.append(z[:, here])
        features = network.activation(z)
    return out, preactivations(features, network.theta, network.c)


def trained(
    Z: Array,
    targets: Array,
    objective: Objective,
    start: Subnetwork,
    slope: float,
    *,
    stop_at: float,
    steps: int = 200,
    seed: int = 0,
) -> Subnetwork:
    """The start's head solved, then, while F is above stop_at, all its rows trained for at most `steps` and the head solved again."""
    top = start.features(Z, slope)
    head, c, value = solve_head(top, targets, objective, (start.head, start.head_bias), stop_at=stop_at, max_iter=50)
    best = replace(start, head=head, head_bias=c, value=value)
    if value <= stop_at or not start.rows or Z.shape[1] == 0 or steps <= 0:
        return best
    parameters = sum(W.size for W, _ in start.rows) + head.size
    large = len(Z) * parameters > LARGE_TRAINING
    moved = (_minibatches if large else _lbfgs)(Z, targets, objective, best, slope, stop_at, steps, seed)
    head, c, value = solve_head(
        moved.features(Z, slope), targets, objective, (moved.head, moved.head_bias), stop_at=stop_at
    )
    moved = replace(moved, head=head, head_bias=c, value=value)
    worth = [s.value + rounding(Z, s.rows, s.head, s.head_bias) for s in (best, moved)]
    return moved if worth[1] < worth[0] else best


def _torch_setup(
    Z: Array, targets: Array, start: Subnetwork, single: bool
) -> tuple[Any, Any, Any, list[Any], list[Any]]:
    import torch

    kind = torch.float32 if single else torch.float64
    X = torch.tensor(Z, dtype=kind)
    y = torch.tensor(targets, dtype=torch.int64 if targets.dtype.kind == "i" else kind)

    def make(a: Array | None) -> Any:
        return None if a is None else torch.tensor(np.ascontiguousarray(a), dtype=kind, requires_grad=True)

    weights = [*(make(W) for W, _ in start.rows), make(start.head)]
    biases = [*(make(b) for _, b in start.rows), make(start.head_bias)]
    return torch, X, y, weights, biases


def torch_value(objective: Objective, weights: list[Any], biases: list[Any], X: Any, y: Any, slope: float) -> Any:
    """F of a sub-network on features X as a torch scalar; the penalty is l1 of the head or none."""
    from verifier.training import torch_losses

    f = torch_losses.forward(weights, biases, X, slope)
    F = torch_losses.mean_loss(objective.loss.name, f, y, getattr(objective.loss, "delta", None))
    if objective.kappa > 0:
        F = F + objective.kappa * weights[-1].abs().sum()
        if objective.penalise_output_bias and biases[-1] is not None:
            F = F + objective.kappa * biases[-1].abs().sum()
    return F


def _arrays(weights: list[Any], biases: list[Any]) -> Subnetwork | None:
    """The tensors as a sub-network; None when training ran away."""
    Ws = [W.detach().cpu().numpy().astype(np.float64) for W in weights]
    bs = [None if b is None else b.detach().cpu().numpy().astype(np.float64) for b in biases]
    if not all(a is None or np.isfinite(a).all() for a in (*Ws, *bs)):
        return None
    return Subnetwork(tuple(zip(Ws[:-1], bs[:-1])), Ws[-1], bs[-1])


def _lbfgs(
    Z: Array, targets: Array, objective: Objective, start: Subnetwork, slope: float, stop_at: float, steps: int, seed: int
) -> Subnetwork:  # fmt: skip
    """L-BFGS with strong Wolfe steps on all samples, float64."""
    torch, X, y, weights, biases = _torch_setup(Z, targets, start, False)
    parameters = [p for p in (*weights, *biases) if p is not None]
    if not any(p.numel() for p in parameters):
        return start  # layers of width 0 without biases: nothing to train
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=10, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=1e-12, tolerance_change=1e-15,
    )  # fmt: skip

    def closure() -> Any:
        optimiser.zero_grad()
        F = torch_value(objective, weights, biases, X, y, slope)
        F.backward()
        return F

    last, best = np.inf, start
    for _ in range(max(1, steps // 10)):
        optimiser.step(closure)
        with torch.no_grad():
            now = float(torch_value(objective, weights, biases, X, y, slope))
        if (found := _arrays(weights, biases)) is None:
            break
        best = found
        if now <= stop_at or not now < last * (1 - 1e-4):
            break
        last = now
    return best


def _minibatches(
    Z: Array, targets: Array, objective: Objective, start: Subnetwork, slope: float, stop_at: float, steps: int, seed: int
) -> Subnetwork:  # fmt: skip
    """Adam in float32 on minibatches of 512, cosine schedule, at most steps / 10 passes; stops when a pass averages below half of stop_at."""
    torch, X, y, weights, biases = _torch_setup(Z, targets, start, True)
    epochs, size = max(1, steps // 10), 512
    batches = -(-len(Z) // size)
    optimiser = torch.optim.Adam([p for p in (*weights, *biases) if p is not None], lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * batches, eta_min=1e-6)
    generator = torch.Generator().manual_seed(seed)
    best = start
    for _ in range(epochs):
        total = 0.0
        for index in torch.randperm(len(Z), generator=generator).split(size):
            optimiser.zero_grad()
            F = torch_value(objective, weights, biases, X[index], y[index], slope)
            F.backward()
            optimiser.step()
            schedule.step()
            total += float(F.detach()) * len(index)
        if (found := _arrays(weights, biases)) is None:
            break
        best = found
        if total / len(Z) <= 0.5 * stop_at:
            break
    return best
