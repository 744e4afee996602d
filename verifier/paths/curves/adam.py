"""Adam (Kingma, Ba 2015) with a falling step size, as `torch.optim` computes it to the last bit.

Why not torch's own: making one of its optimisers imports torch's compiler, 1.4 CPU seconds that every default run would pay for one estimate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8
# Of ReduceLROnPlateau: steps without an improvement by a share of THRESHOLD, and the least change of the step size that is made.
PATIENCE, THRESHOLD, LEAST = 10, 1e-4, 1e-8


class Adam:
    """One step per call of `step`, from the gradients of `parameters`; after it, the step size falls by `factor` where the objective has not fallen for
    long: `torch.optim.Adam` with `ReduceLROnPlateau`."""

    def __init__(self, torch: Any, parameters: Sequence[Any], lr: float, factor: float) -> None:
        self.torch, self.parameters, self.lr, self.factor = torch, list(parameters), lr, factor
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.steps, self.best, self.waited = 0, math.inf, 0

    def step(self, value: float) -> None:
        """value: of the objective where the gradients were taken. The gradients are dropped afterwards."""
        self.steps += 1
        size = self.lr / (1 - BETA1**self.steps)
        root = (1 - BETA2**self.steps) ** 0.5
        with self.torch.no_grad():
            for p, m, v in zip(self.parameters, self.first, self.second):
                if p.grad is None:
                    continue
                m.lerp_(p.grad, 1 - BETA1)
                v.mul_(BETA2).addcmul_(p.grad, p.grad, value=1 - BETA2)
                p.addcdiv_(m, (v.sqrt() / root).add_(EPS), value=-size)
                p.grad = None
        self._plateau(value)

    def _plateau(self, value: float) -> None:
        if value < self.best * (1.0 - THRESHOLD):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.waited > PATIENCE:
            lower = max(self.lr * self.factor, 0.0)
            if self.lr - lower > LEAST:
                self.lr = lower
            self.waited = 0
