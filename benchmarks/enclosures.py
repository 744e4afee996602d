"""How wide the kernel's enclosures of F are with depth, and what they cost beside a plain float64 forward pass in the same run (docs/deep.md).

    python -m benchmarks.enclosures             random 784-245x10-10 (N = 5,000), one hidden layer, trained digits of depth 10, 15, 20; minutes
    python -m benchmarks.enclosures --quick     without the trained ones
    python -m benchmarks.enclosures --reference also the reference evaluation, on 100 samples

CPU seconds are the least of three runs. Widths are relative to the loss where networks are trained. No network's number is stored anywhere.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from itertools import pairwise

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from flint import ctx

from verifier.data.load import load_data
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.reference.objective import endpoint_value
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


def least_seconds(run: Callable[[], object], times: int = 3) -> float:
    spent = []
    for _ in range(times):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def row(name: str, problem: Problem, reference: bool) -> None:
    p = problem.A
    loss, cost = plain(problem, p), least_seconds(lambda: plain(problem, p))
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            F, spent = objective_at(problem, p), least_seconds(lambda: objective_at(problem, p))
    except Exception as error:
        print(f"{name:28s} loss {loss:.4g}: {error}", flush=True)
        return
    width = F.upper - F.lower
    print(
        f"{name:28s} loss {loss:.4g}  width {width:.2g} ({width / loss:.2g} relative)  plain {cost:.3f} s, kernel {spent:.3f} s, ratio {spent / cost:.2f}",
        flush=True,
    )
    if reference:
        part = problem_of(p, problem.X[:100], problem.targets[:100])
        with ctx.workprec(128):
            spent = least_seconds(lambda: endpoint_value(part, p), 1)
            ball = endpoint_value(part, p)
        print(f"{'':28s} reference, 100 samples: {spent:.2f} s, radius {float(ball.rad()):.2g}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without trained networks")
    parser.add_argument("--reference", action="store_true", help="time the reference evaluation too")
    args = parser.parse_args()
    row("random 784-245x10-10", random_problem(5000, [784, *[245] * 10, 10]), args.reference)
    row("random 64-64-10", random_problem(1797, [64, 64, 10]), args.reference)
    row("random 64-200-10", random_problem(1797, [64, 200, 10]), args.reference)
    for depth in () if args.quick else (10, 15, 20):
        row(f"digits 64-128x{depth}-10", trained_digits(depth), args.reference)


if __name__ == "__main__":
    main()
