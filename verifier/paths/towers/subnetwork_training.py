"""Training of sub-networks, finished by the head program: L-BFGS on all samples, or minibatches for large data.

How a sub-network was found is nobody's business, so training is plain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verifier.networks.above import Above
from verifier.objective import Objective
from verifier.paths.towers.subnetworks import Subnetwork, rounding, solve_head

Array = np.ndarray

# Samples times parameters above which minibatches in float32 replace L-BFGS on all samples.
LARGE_TRAINING = 3e8


def trained(
    Z: Array,
    targets: Array,
    objective: Objective,
    start: Subnetwork,
    above: Above,
    *,
    stop_at: float,
    steps: int = 200,
    seed: int = 0,
) -> Subnetwork:
    """The start's head solved, then, while F is above stop_at, all its rows trained for at most `steps` and the head solved again."""
    top = start.features(Z, above)
    head, c, value = solve_head(top, targets, objective, (start.head, start.head_bias), stop_at=stop_at, max_iter=50)
    best = replace(start, head=head, head_bias=c, value=value)
    if value <= stop_at or not start.rows or Z.shape[1] == 0 or steps <= 0:
        return best
    parameters = sum(W.size for W, _ in start.rows) + head.size
    large = len(Z) * parameters > LARGE_TRAINING
    moved = (_minibatches if large else _lbfgs)(Z, targets, objective, best, above, stop_at, steps, seed)
    head, c, value = solve_head(
        moved.features(Z, above), targets, objective, (moved.head, moved.head_bias), stop_at=stop_at
    )
    moved = replace(moved, head=head, head_bias=c, value=value)
    worth = [s.value + rounding(Z, s.rows, s.head, s.head_bias, above) for s in (best, moved)]
    return moved if worth[1] < worth[0] else best


def _torch_setup(
    Z: Array, targets: Array, start: Subnetwork, above: Above, single: bool
) -> tuple[Any, Any, Any, list[Any], list[Any]]:
    import torch

    kind = torch.float32 if single else torch.float64
    X = torch.tensor(above.by_sample(Z), dtype=kind)
    y = torch.tensor(targets, dtype=torch.int64 if targets.dtype.kind == "i" else kind)

    def make(a: Array | None) -> Any:
        return None if a is None else torch.tensor(np.ascontiguousarray(a), dtype=kind, requires_grad=True)

    weights = [*(make(W) for W, _ in start.rows), make(start.head)]
    biases = [*(make(b) for _, b in start.rows), make(start.head_bias)]
    return torch, X, y, weights, biases


def torch_value(
    objective: Objective, weights: list[Any], biases: list[Any], X: Any, y: Any, above: Above, index: Any = None
) -> Any:
    """F of a sub-network on features X (N, s P), one row per sample, as a torch scalar; the penalty is l1 of the head or none.

    index: of all samples, those that X holds, or None.
    """
    import torch

    from verifier.training import torch_losses

    shares = None
    if objective.weights is not None:
        shares = torch.tensor(objective.loss.scaled(np.ones(len(objective.weights))), dtype=X.dtype)
        shares = shares if index is None else shares[index]
    return torch_losses.objective_value(objective, weights, biases, X, y, above=above, shares=shares, priced="l1")


def _arrays(weights: list[Any], biases: list[Any]) -> Subnetwork | None:
    """The tensors as a sub-network; None when training ran away."""
    Ws = [W.detach().cpu().numpy().astype(np.float64) for W in weights]
    bs = [None if b is None else b.detach().cpu().numpy().astype(np.float64) for b in biases]
    if not all(a is None or np.isfinite(a).all() for a in (*Ws, *bs)):
        return None
    return Subnetwork(tuple(zip(Ws[:-1], bs[:-1])), Ws[-1], bs[-1])


def _lbfgs(
    Z: Array, targets: Array, objective: Objective, start: Subnetwork, above: Above, stop_at: float, steps: int, seed: int
) -> Subnetwork:  # fmt: skip
    """L-BFGS with strong Wolfe steps on all samples, float64."""
    torch, X, y, weights, biases = _torch_setup(Z, targets, start, above, False)
    parameters = [p for p in (*weights, *biases) if p is not None]
    if not any(p.numel() for p in parameters):
        return start  # layers of width 0 without biases: nothing to train
    optimiser = torch.optim.LBFGS(
        parameters, max_iter=10, history_size=20, line_search_fn="strong_wolfe",
        tolerance_grad=1e-12, tolerance_change=1e-15,
    )  # fmt: skip

    def closure() -> Any:
        optimiser.zero_grad()
        F = torch_value(objective, weights, biases, X, y, above)
        F.backward()
        return F

    last, best = np.inf, start
    for _ in range(max(1, steps // 10)):
        optimiser.step(closure)
        with torch.no_grad():
            now = float(torch_value(objective, weights, biases, X, y, above))
        if (found := _arrays(weights, biases)) is None:
            break
        best = found
        if now <= stop_at or not now < last * (1 - 1e-4):
            break
        last = now
    return best


def _minibatches(
    Z: Array, targets: Array, objective: Objective, start: Subnetwork, above: Above, stop_at: float, steps: int, seed: int
) -> Subnetwork:  # fmt: skip
    """Adam in float32 on minibatches of 512, cosine schedule, at most steps / 10 passes; stops when a pass averages below half of stop_at."""
    torch, X, y, weights, biases = _torch_setup(Z, targets, start, above, True)
    epochs, size = max(1, steps // 10), 512
    batches = -(-len(X) // size)
    optimiser = torch.optim.Adam([p for p in (*weights, *biases) if p is not None], lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs * batches, eta_min=1e-6)
    generator = torch.Generator().manual_seed(seed)
    best = start
    for _ in range(epochs):
        total = 0.0
        for index in torch.randperm(len(X), generator=generator).split(size):
            optimiser.zero_grad()
            F = torch_value(objective, weights, biases, X[index], y[index], above, index)
            F.backward()
            optimiser.step()
            schedule.step()
            total += float(F.detach()) * len(index)
        if (found := _arrays(weights, biases)) is None:
            break
        best = found
        if total / len(X) <= 0.5 * stop_at:
            break
    return best
