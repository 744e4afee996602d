"""Outputs of nearly minimal loss: the paper's Y with phi(Y) <= epsilon."""

from __future__ import annotations

import numpy as np

from verifier.errors import UsageError
from verifier.objective import Objective

Array = np.ndarray


def output_with_loss(objective: Objective, F: Array, targets: Array, goal: float) -> Array:
    """Y (N, m) with mean loss at most `goal`; p* is 0 for every loss here. F: the outputs (N, m) at the start.

    Losses of numbers: the targets. Losses of labels: the least power of two times the signed (one-hot) labels that does it. Raises
    UsageError when goal is not positive.
    """
    if not goal > 0.0:
        raise UsageError(f"expected a loss to reach above the infimum 0, got {goal!r}; name a positive number")
    loss, N, m = objective.loss.name, *F.shape
    if loss in ("squared", "huber", "absolute"):
        return np.asarray(targets, dtype=np.float64).reshape(N, m)
    if loss == "cross_entropy":
        signs = 2.0 * np.eye(m)[np.asarray(targets)] - 1.0
    else:
        signs = np.where(np.asarray(targets, dtype=np.float64).reshape(N, m) > 0.0, 1.0, -1.0)
    for power in range(10):
        Y = 2.0**power * signs
        if objective.loss_of(Y, targets) <= goal:
            return Y
    raise UsageError(f"no output of size 512 reaches {loss} loss {goal!r}; name a larger goal")
