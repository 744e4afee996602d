"""Deep cross-entropy problems, random and trained, for tests and `benchmarks.enclosures`; and their loss as anybody would compute it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.data.load import load_data
from verifier.kernel.statements import Objective, Parameters, Problem


def plain(problem: Problem, p: Parameters) -> float:
    """The loss in float64 as anybody would compute it."""
    h = problem.X
    for W, b in zip(p.weights[:-1], p.biases[:-1], strict=True):
        h = np.maximum(h @ W.T + b, 0.0)
    f = h @ p.weights[-1].T + p.biases[-1]
    top = f.max(axis=1, keepdims=True)
    return float((np.log(np.exp(f - top).sum(axis=1)) + top[:, 0] - f[np.arange(len(f)), problem.targets]).mean())


def problem_of(p: Parameters, X: np.ndarray, y: np.ndarray) -> Problem:
    return Problem(Objective("cross_entropy", None, 0.0, "none", False), X, y, p, p, 0.0)


def random_network(sizes: list[int], seed: int = 0) -> Parameters:
    rng = np.random.default_rng(seed)
    weights = tuple(rng.normal(size=(b, a)) / np.sqrt(a / 2) for a, b in pairwise(sizes))
    return Parameters(weights, tuple(rng.normal(size=b) * 0.01 for b in sizes[1:]))


def random_problem(N: int, sizes: list[int]) -> Problem:
    rng = np.random.default_rng(1)
    return problem_of(random_network(sizes), rng.uniform(size=(N, sizes[0])), rng.integers(0, sizes[-1], N))


def trained_digits(depth: int, width: int = 128, epochs: int = 100) -> Problem:
    """The bundled digits, learnt by full-batch Adam in float32."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = load_data("digits")
    X, y = data.X / np.abs(data.X).max(), data.y
    layers = [torch.nn.Linear(a, b) for a, b in pairwise([X.shape[1], *[width] * depth, 10])]
    for layer in layers:
        torch.nn.init.kaiming_normal_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    net = torch.nn.Sequential(*(part for layer in layers for part in (layer, torch.nn.ReLU())))[:-1]
    inputs, labels = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(epochs):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), labels).backward()
        optimiser.step()
    arrays = [a.detach().numpy().astype(np.float64) for a in net.parameters()]
    return problem_of(Parameters(tuple(arrays[::2]), tuple(arrays[1::2])), X, np.asarray(y))
