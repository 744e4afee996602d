"""Samples in blocks, so that the memory of a check does not grow with N.

F is the mean of the blocks' own objectives weighted by their sizes, the penalty being the same in each; so are its bounds, wherever they bound one
point or one affine function of the time.
"""

from __future__ import annotations

from collections.abc import Sequence

from verifier.kernel.fast.balls import down, sum_lower, sum_upper, up
from verifier.kernel.statements import Problem

# Most entries of a matrix of pre-activations: 128 MiB.
ENTRIES = 2**24


def blocks(problem: Problem) -> list[Problem]:
    """The problem on consecutive samples, as few blocks as ENTRIES allows; the problem itself when one is enough."""
    N, widest = len(problem.X), max(W.shape[0] for W in problem.A.weights)
    size = max(1, ENTRIES // widest)
    if size >= N:
        return [problem]
    return [
        Problem(
            problem.objective,
            problem.X[k : k + size],
            problem.targets[k : k + size],
            problem.A,
            problem.B,
            problem.negative_slope,
        )
        for k in range(0, N, size)
    ]


def mean_above(sizes: Sequence[int], values: Sequence[float]) -> float:
    """At or above `sum_b sizes_b values_b / sum_b sizes_b`; the value itself when there is one block."""
    if len(values) == 1:
        return values[0]
    return up(sum_upper(up(n * v) for n, v in zip(sizes, values)) / sum(sizes))


def mean_below(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The same from below."""
    if len(values) == 1:
        return values[0]
    return down(sum_lower(down(n * v) for n, v in zip(sizes, values)) / sum(sizes))
