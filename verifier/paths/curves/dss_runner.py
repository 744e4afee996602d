"""What DSS evaluates on grids and how it trains beads."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.curves.adam import Adam
from verifier.paths.curves.dss_presets import Preset
from verifier.paths.curves.torch_objective import TorchObjective

Array = np.ndarray

# Two evaluations of one endpoint differ in the last bits; without this a string that meets its level would count as a hit.
ROUNDING = 1e-12


class Runner(TorchObjective):
    """Grid evaluation and bead training."""

    def __init__(
        self,
        risk: Risk,
        preset: Preset,
        seed: int,
        device: str,
        like: Network,
        deadline: float,
    ) -> None:
        super().__init__(risk, device, like=like, single=preset.published_code)
        self.preset, self.deadline, self.risk = preset, deadline, risk
        self.torch.manual_seed(seed)

    def limit(self, level: float) -> float:
        """Up to which a segment's maximum meets the level."""
        return self.preset.accept * level * (1 + ROUNDING)

    def value_of(self, network: Network) -> float:
        """F of one network in float64, by numpy."""
        return self.risk.value(network)

    @property
    def late(self) -> bool:
        return time.process_time() > self.deadline

    def grid_values(self, start: Network, end: Network) -> Array:
        return self.segment_values(start, end, self.preset.grid)

    def train(self, network: Network, goal: float) -> Network:
        """Full-batch Adam with ReduceLROnPlateau until F < goal, at most `epochs` steps; the network it ends with. The published code takes one more."""
        p = self.preset
        weights, biases = self.tensors(network)
        parameters = [*weights, *(b for b in biases if b is not None)]
        for tensor in parameters:
            tensor.requires_grad_(True)
        optimiser = Adam(self.torch, parameters, p.lr, p.plateau_factor)
        for _ in range(p.epochs):
            F = self.value(weights, biases)
            value = float(F.detach())
            done = value < goal or self.late
            if done and not p.published_code:
                break
            F.backward()
            optimiser.step(value)
            self.settle(weights, biases)
            if done:
                break
        return self.network(weights, biases)

    def settle(self, weights: list[Any], biases: list[Any]) -> None:
        """What is done to a bead after each step, in place."""


class PublishedRunner(Runner):
    """What the code behind Baturin 2026's tables computes, to the letter (docs/constructions.md, section 3): in float32 and without an allowance for its
    rounding, values on grids summed in another order than the level, rows of beads brought to length 1 after each step with the function kept, and one more
    step after the goal is met. A segment of the last depth is looked at once more, and is a hit whatever its maximum."""

    def limit(self, level: float) -> float:
        return level

    def value_of(self, network: Network) -> float:
        with self.torch.no_grad():
            return float(self.value(*self.tensors(network)))

    def grid_values(self, start: Network, end: Network) -> Array:
        from verifier.training import torch_losses

        o, none = self.objective, self.X.new_zeros(())

        def parts(weights: list[Any], biases: list[Any]) -> Any:
            loss = torch_losses.mean_loss(
                o.loss.name, torch_losses.forward(weights, biases, self.X, self.above), self.y, o.delta
            )
            priced = torch_losses.penalty(o.penalty, weights, [*biases[:-1], None]) if o.kappa > 0 else none
            biased = o.penalise_output_bias and biases[-1] is not None
            return self.torch.stack([loss, priced, biases[-1].abs().sum() if biased else none])

        # The three are summed in float64, as Python's floats are.
        loss, priced, bias = np.asarray(self.on_segment(start, end, self.preset.grid, parts).cpu(), dtype=float).T
        return loss + o.kappa * (priced + bias)

    def settle(self, weights: list[Any], biases: list[Any]) -> None:
        from verifier.training import torch_losses

        torch_losses.to_unit_rows(weights, biases)
