"""How beads of Dynamic String Sampling are trained: full-batch Adam on F, by torch's autograd or, with one hidden layer, by hand.

Hundreds of beads take up to 150 steps each, of a few million operations at width 200: graphs and fresh arrays cost autograd more than these.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.curves.adam import Adam, ArrayAdam
from verifier.paths.curves.torch_objective import TorchObjective

Array = np.ndarray


class Bead(Protocol):
    """A network under training."""

    def value(self) -> float:
        """F of the bead as it is."""

    def step(self, value: float) -> None:
        """One of Adam's, down the gradient where `value` was just found."""

    def to_unit_rows(self) -> None:
        """Bring the first layer's rows, biases apart, to length 1 with the function kept; rows of length 0 stay. One hidden layer."""

    def network(self) -> Network:
        """What it has become."""


class TorchBead:
    """Any depth, any device: gradients by autograd."""

    def __init__(self, objective: TorchObjective, start: Network, lr: float, factor: float) -> None:
        self.objective = objective
        self.weights, self.biases = objective.tensors(start)
        parameters = [*self.weights, *(b for b in self.biases if b is not None)]
        for tensor in parameters:
            tensor.requires_grad_(True)
        self.adam = Adam(objective.torch, parameters, lr, factor)
        self.F: Any = None

    def value(self) -> float:
        self.F = self.objective.value(self.weights, self.biases)
        return float(self.F.detach())

    def step(self, value: float) -> None:
        self.F.backward()
        self.adam.step(value)

    def to_unit_rows(self) -> None:
        from verifier.training import torch_losses

        torch_losses.to_unit_rows(self.weights, self.biases)

    def network(self) -> Network:
        return self.objective.network(self.weights, self.biases)


class ShallowBead:
    """One hidden layer of ReLU, whose derivative at 0 is 0; the same F and steps as `TorchBead`, up to rounding.

    single: in float32 instead of float64. All parameters stand in one array: rows (m, d), with their biases as a last column, head (K, m) and output bias
    (K,); so do the gradient's.
    """

    def __init__(self, risk: Risk, start: Network, lr: float, factor: float, *, single: bool) -> None:
        dtype = np.float32 if single else np.float64
        self.objective, self.start = risk.objective, start
        self.inputs = augmented_inputs(risk.X, start.b is not None).astype(dtype)
        self.targets = risk.targets if risk.targets.dtype.kind == "i" else risk.targets.astype(dtype)
        parts = [augmented_rows(start), start.theta, *([] if start.c is None else [start.c])]
        self.parameters = np.concatenate([a.ravel() for a in parts]).astype(dtype)
        self.gradient = np.empty_like(self.parameters)
        self.shapes = [a.shape for a in parts]
        self.at, self.slopes = self._parts(self.parameters), self._parts(self.gradient)
        size = (len(self.inputs), len(parts[0]))
        self.before, self.features, self.pull = (np.empty(size, dtype) for _ in range(3))
        self.zeros = np.zeros(size[1], dtype)
        self.adam = ArrayAdam(self.parameters, lr, factor)

    def _parts(self, vector: Array) -> list[Array]:
        ends = np.cumsum([np.prod(s) for s in self.shapes])
        return [a.reshape(s) for a, s in zip(np.split(vector, ends[:-1]), self.shapes)]

    def value(self) -> float:
        o = self.objective
        rows, head, *bias = self.at
        np.matmul(self.inputs, rows.T, out=self.before)
        # With zeros of a row instead of one number in half the time.
        np.maximum(self.before, self.zeros, out=self.features)
        self.predictions = self.features @ head.T
        if bias:
            self.predictions += bias[0]
        F = np.mean(o.loss.values(self.predictions, self.targets))
        if o.kappa > 0:
            P, *self.priced = o.penalty_form.with_slopes(rows, head)
            if bias and o.penalise_output_bias:
                P += np.abs(bias[0]).sum()
            F += o.kappa * P
        return float(F)

    def step(self, value: float) -> None:
        o, (_, head, *bias), (to_rows, to_head, *to_bias) = self.objective, self.at, self.slopes
        G = o.loss.gradient(self.predictions, self.targets) / len(self.inputs)
        np.matmul(G.T, self.features, out=to_head)
        np.dot(G, head, out=self.pull)
        self.pull *= self.before > 0
        np.matmul(self.pull.T, self.inputs, out=to_rows)
        if bias:
            to_bias[0][:] = G.sum(axis=0)
        if o.kappa > 0:
            to_rows += o.kappa * self.priced[0]
            to_head += o.kappa * self.priced[1]
            if bias and o.penalise_output_bias:
                to_bias[0] += o.kappa * np.sign(bias[0])
        self.adam.step(self.gradient, value)

    def to_unit_rows(self) -> None:
        rows, head, *_ = self.at
        norms = np.linalg.norm(rows[:, : self.start.W.shape[1]], axis=1)
        norms[norms == 0] = 1.0
        rows /= norms[:, None]
        head *= norms

    def network(self) -> Network:
        rows, head, *bias = (a.astype(np.float64) for a in self.at)
        d = self.start.W.shape[1]
        return self.start.with_parameters(
            (rows[:, :d], head), (None if self.start.b is None else rows[:, d], bias[0] if bias else None)
        )
