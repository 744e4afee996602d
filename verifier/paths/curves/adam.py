"""Adam (Kingma, Ba 2015) with a falling step size, as `torch.optim` computes it; of torch's tensors to the last bit.

Why not torch's own: making one of its optimisers imports torch's compiler, 1.4 CPU seconds that every default run would pay for one estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
# Of ReduceLROnPlateau: steps without an improvement by a share of THRESHOLD, and the least change of the step size that is made.
PATIENCE, THRESHOLD, LEAST = 10, 1e-4, 1e-8


class _StepSize:
    """Of `torch.optim.Adam` with `ReduceLROnPlateau`: it falls by `factor` where the objective has not fallen for long. lr: what it begins with."""

    def __init__(self, lr: float, factor: float) -> None:
        self.lr, self.factor = lr, factor
        self.steps, self.best, self.waited = 0, math.inf, 0

    def next(self) -> tuple[float, float]:
        """(size, root) of the coming step `- size m / (sqrt(v) / root + EPS)`: they make up for means m, v of gradients and squares that begin at 0."""
        self.steps += 1
        return self.lr / (1 - BETA1**self.steps), (1 - BETA2**self.steps) ** 0.5

    def seen(self, value: float) -> None:
        """value: of the objective before the step."""
        if value < self.best * (1.0 - THRESHOLD):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.waited > PATIENCE:
            lower = max(self.lr * self.factor, 0.0)
            if self.lr - lower > LEAST:
                self.lr = lower
            self.waited = 0


class Adam(_StepSize):
    """One step per call of `step`, from the gradients of `parameters`, tensors."""

    def __init__(self, torch: Any, parameters: Sequence[Any], lr: float, factor: float) -> None:
        super().__init__(lr, factor)
        self.torch, self.parameters = torch, list(parameters)
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]

    def step(self, value: float) -> None:
        """value: of the objective where the gradients were taken. The gradients are dropped afterwards."""
        size, root = self.next()
        with self.torch.no_grad():
            for p, m, v in zip(self.parameters, self.first, self.second):
                if p.grad is None:
                    continue
                m.lerp_(p.grad, 1 - BETA1)
                v.mul_(BETA2).addcmul_(p.grad, p.grad, value=1 - BETA2)
                p.addcdiv_(m, (v.sqrt() / root).add_(EPS), value=-size)
                p.grad = None
        self.seen(value)


class ArrayAdam(_StepSize):
    """The same of all parameters in one array, which is changed in place; its precision is kept."""

    def __init__(self, parameters: Array, lr: float, factor: float) -> None:
        super().__init__(lr, factor)
        self.parameters, self.first, self.second = parameters, np.zeros_like(parameters), np.zeros_like(parameters)

    def step(self, gradient: Array, value: float) -> None:
        """gradient: like the parameters; value: of the objective there."""
        size, root = self.next()
        self.first += (1 - BETA1) * (gradient - self.first)
        self.second *= BETA2
        self.second += (1 - BETA2) * gradient * gradient
        self.parameters -= size * self.first / (np.sqrt(self.second) / root + EPS)
        self.seen(value)
