"""F in torch, for whatever trains beads or curves; torch is imported when an instance is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from verifier.networks.above import Above
from verifier.networks.network import Network
from verifier.objective import Risk

Array = np.ndarray


class TorchObjective:
    """The objective on one data set as differentiable torch expressions.

    like: a network of the architecture meant, dense ReLU where it is left out; device: of torch; single: in
    float32 instead of float64.
    """

    def __init__(
        self,
        risk: Risk,
        device: str = "cpu",
        *,
        like: Network | None = None,
        single: bool = False,
    ) -> None:
        import torch

        self.torch, self.objective, self.like = torch, risk.objective, like
        self.above: Above | float = 0.0 if like is None else like.above(0)
        self.device = torch.device(device)
        self.dtype = torch.float32 if single else torch.float64
        self.X = torch.tensor(risk.X, dtype=self.dtype, device=self.device)
        kind = torch.int64 if risk.targets.dtype.kind == "i" else self.dtype
        self.y = torch.tensor(risk.targets, dtype=kind, device=self.device)
        self.shares = None
        if risk.objective.weights is not None:
            shares = risk.objective.loss.scaled(np.ones(len(risk.X)))
            self.shares = torch.tensor(shares, dtype=self.dtype, device=self.device)

    def tensors(self, network: Network) -> tuple[list[Any], list[Any]]:
        """(weights, biases) as fresh tensors; None where a layer has no bias."""

        def make(a: Array | None) -> Any:
            return None if a is None else self.torch.tensor(a, dtype=self.dtype, device=self.device)

        return [make(W) for W in network.weights], [make(b) for b in network.biases]

    def network(self, weights: list[Any], biases: list[Any]) -> Network:
        arrays = [None if a is None else a.detach().cpu().double().numpy() for a in (*weights, *biases)]
        L = len(weights)
        found = [a for a in arrays[:L] if a is not None]
        return (
            Network(tuple(found), tuple(arrays[L:]))
            if self.like is None
            else self.like.with_parameters(found, arrays[L:])
        )

    def value(self, weights: list[Any], biases: list[Any]) -> Any:
        """F as a torch scalar."""
        from verifier.training import torch_losses

        return torch_losses.objective_value(
            self.objective, weights, biases, self.X, self.y, above=self.above, shares=self.shares
        )

    def segment_values(self, start: Network, end: Network, points: int) -> Array:
        """F at `points` equally spaced points of the segment, ends included; evaluated in batches."""
        return np.asarray(self.on_segment(start, end, points, self.value).cpu())

    def on_segment(
        self, start: Network, end: Network, points: int, value: Callable[[list[Any], list[Any]], Any]
    ) -> Any:
        """A tensor of what `value` makes of (weights, biases) at equally spaced points of the segment, ends included."""
        torch = self.torch
        (Ws, bs), (We, be) = self.tensors(start), self.tensors(end)
        present = [b is not None for b in bs]
        first, last = [*Ws, *(b for b in bs if b is not None)], [*We, *(b for b in be if b is not None)]

        def at(t: Any) -> Any:
            mixed = [(1 - t) * a + t * b for a, b in zip(first, last)]
            rest = iter(mixed[len(Ws) :])
            return value(mixed[: len(Ws)], [next(rest) if has else None for has in present])

        times = torch.linspace(0.0, 1.0, points, dtype=self.dtype, device=self.device)
        # About 2^20 activations at a time stay within a laptop's cache; 2^22 took twice as long, fewer than 2^19 compute other last bits.
        batch = max(1, 2**20 // (len(self.X) * max(start.widths[1:]) * start.maps.positions))
        with torch.no_grad():
            return torch.func.vmap(at, chunk_size=batch)(times)
