"""F in torch, for whatever trains beads or curves; torch is imported when an instance is made."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from verifier.networks.above import Above
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.curves.chord_predictions import chord_predictions

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
        self.scratch = self.X.new_empty(0)
        self.shares = None
        if risk.objective.weights is not None:
            shares = risk.objective.loss.scaled(np.ones(len(risk.X)))
            self.shares = torch.tensor(shares, dtype=self.dtype, device=self.device)

    @cached_property
    def augmented(self) -> Any:
        """Inputs with a column of ones."""
        return self.torch.cat([self.X, self.X.new_ones(len(self.X), 1)], dim=1)

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
        from verifier.training import torch_losses

        def value(predictions: Any, weights: list[Any], biases: list[Any]) -> Any:
            return torch_losses.objective_of(self.objective, predictions, weights, biases, self.y, shares=self.shares)

        return np.asarray(self.on_segment(start, end, self.times(points), value).cpu())

    def times(self, points: int) -> Any:
        """So many equally spaced ones, 0 and 1 included."""
        return self.torch.linspace(0.0, 1.0, points, dtype=self.dtype, device=self.device)

    def on_segment(
        self, start: Network, end: Network, times: Any, value: Callable[[Any, list[Any], list[Any]], Any]
    ) -> Any:
        """A tensor of what `value` makes of (predictions, weights, biases) at these times (T,) of the segment, in [0, 1]."""
        torch, L = self.torch, start.depth
        ends = [[*weights, *biases] for weights, biases in (self.tensors(start), self.tensors(end))]
        axes = [None if a is None else 0 for a in ends[0]]
        each = torch.func.vmap(value, in_dims=(0, axes[:L], axes[L:]))
        predict, batches = self._way(start, end, len(times))
        found = []
        with torch.no_grad():
            # As even as can be: batches of one network alone would compute other last bits than the rest.
            for t in times.tensor_split(batches):
                mixed = [None if a is None else _between(a, b, t) for a, b in zip(*ends)]
                found.append(each(predict(t, mixed[:L], mixed[L:]), mixed[:L], mixed[L:]))
        return torch.cat(found)

    def _way(self, start: Network, end: Network, points: int) -> tuple[Callable[[Any, list[Any], list[Any]], Any], int]:
        """How predictions (T, N, K) at times (T,) are found, of weights and biases stacked along the first axis, and in how many batches of times."""
        # About 2^20 activations at a time stay within a laptop's cache; 2^22 took twice as long, fewer than 2^19 compute other last bits.
        batch = max(1, 2**20 // (len(self.X) * max(start.widths[1:]) * start.maps.positions))
        if not start.shallow or start.negative_slope:
            return self._deep, -(-points // batch)
        if len(start.theta) > 1 or self.dtype != self.torch.float64 or self.device.type != "cpu":
            return self._shallow, -(-points // batch)
        chord = lambda t, weights, biases: self.torch.from_numpy(
            chord_predictions(start, end, self.X.numpy(), t.numpy())
        )
        return chord, -(-points * max(len(self.X), start.W.size) // 2**22)

    def _deep(self, times: Any, weights: list[Any], biases: list[Any]) -> Any:
        from verifier.training import torch_losses

        axes = [0 for _ in weights], [None if b is None else 0 for b in biases]
        forward = lambda weights, biases: torch_losses.forward(weights, biases, self.X, self.above)
        return self.torch.func.vmap(forward, in_dims=axes)(weights, biases)

    def _shallow(self, times: Any, weights: list[Any], biases: list[Any]) -> Any:
        """One hidden layer of ReLU: the same sums in the same order as `_deep`, in an array that is made once."""
        torch, (W, theta), (b, c) = self.torch, weights, biases
        inputs, rows = (self.X, W) if b is None else (self.augmented, torch.cat([W, b[:, :, None]], dim=2))
        (T, m, d), N = rows.shape, len(inputs)
        if len(self.scratch) < T * N * m:
            self.scratch = self.X.new_empty(T * N * m)
        u = torch.mm(inputs, rows.view(T * m, d).T, out=self.scratch[: T * N * m].view(N, T * m))
        f = torch.bmm(u.relu_().view(N, T, m).transpose(0, 1), theta.transpose(1, 2))
        return f if c is None else f.add_(c[:, None, :])


def _between(a: Any, b: Any, t: Any) -> Any:
    """Stacked along the first axis, one for each of t (T,)."""
    t = t.reshape(-1, *(1,) * a.dim())
    return (1 - t) * a + t * b
