"""What DSS evaluates on grids and how it trains beads."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.curves.beads import Bead, ShallowBead, TorchBead
from verifier.paths.curves.dss_presets import Preset
from verifier.paths.curves.torch_objective import TorchObjective

Array = np.ndarray

# Two evaluations of one endpoint differ in the last bits; without this a string that meets its level would count as a hit.
ROUNDING = 1e-12
# Values this share below a segment's largest are not above it in float32 either: both precisions agree within 6e-7 on strings of the paper's pairs.
NEAR = 1e-4
# Activations on a grid up to which float32 throughout costs less.
FEW = 2**22


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
        self.exact = TorchObjective(risk, device, like=like) if preset.published_code else self
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
        """Full-batch Adam with ReduceLROnPlateau until F < goal, at most `epochs` steps; the network it ends with. The published code takes one more, and
        brings rows to length 1 after each."""
        p, bead = self.preset, self.bead(network)
        # A bead may diverge, and does not meet its goal then.
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(p.epochs):
                value = bead.value()
                done = value < goal or self.late
                if done and not p.published_code:
                    break
                bead.step(value)
                if p.published_code:
                    bead.to_unit_rows()
                if done:
                    break
        return bead.network()

    def bead(self, network: Network) -> Bead:
        """To train from there."""
        p = self.preset
        if network.shallow and not network.negative_slope and self.device.type == "cpu":
            return ShallowBead(self.risk, network, p.lr, p.plateau_factor, single=p.published_code)
        return TorchBead(self, network, p.lr, p.plateau_factor)


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
        """In float32 at the ends and where that can decide which is the largest, elsewhere in float64 where that costs less."""
        times = self.times(self.preset.grid)
        if len(times) * len(self.X) * len(start.W) <= FEW:
            return self.single_values(start, end, times)
        values = self.exact.segment_values(start, end, self.preset.grid)
        near = values >= values.max() - NEAR * abs(values.max())
        near[[0, -1]] = True
        values[near] = self.single_values(start, end, times[self.torch.from_numpy(near)])
        return values

    def single_values(self, start: Network, end: Network, times: Any) -> Array:
        """In float32 but for the sum of loss, penalty and output bias, which are Python's floats there; times (T,)."""
        from verifier.training import torch_losses

        o, none = self.objective, self.X.new_zeros(())

        def parts(predictions: Any, weights: list[Any], biases: list[Any]) -> Any:
            loss = torch_losses.mean_loss(o.loss.name, predictions, self.y, o.delta)
            priced = torch_losses.penalty(o.penalty, weights, [*biases[:-1], None]) if o.kappa > 0 else none
            biased = o.penalise_output_bias and biases[-1] is not None
            return self.torch.stack([loss, priced, biases[-1].abs().sum() if biased else none])

        loss, priced, bias = np.asarray(self.on_segment(start, end, times, parts).cpu(), dtype=float).T
        return loss + o.kappa * (priced + bias)
