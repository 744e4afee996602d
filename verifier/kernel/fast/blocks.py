"""Samples in blocks, so that the memory of a check does not grow with N.

F is the mean of the blocks' own objectives weighted by their shares, the penalty being the same in each; so are its bounds, wherever they bound one
point or one affine function of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verifier.kernel.fast.balls import down, sum_lower, sum_upper, up
from verifier.kernel.fast.maps import widest
from verifier.kernel.statements import Problem

# Most entries of a matrix of pre-activations: 128 MiB. Most samples, so that there are blocks to share out where networks are small.
ENTRIES, SAMPLES = 2**24, 5000


@dataclass(frozen=True)
class Block:
    """Consecutive samples, and their share of the mean: between low and high, up to the same factor for all blocks."""

    problem: Problem
    low: float
    high: float


def blocks(problem: Problem) -> list[Block]:
    """The problem on consecutive samples, as few blocks as ENTRIES and SAMPLES allow; the problem itself when one is enough. Blocks without weight are left
    out."""
    N = len(problem.X)
    size = max(1, min(SAMPLES, ENTRIES // widest(problem.geometry, problem.A)))
    if size >= N:
        return [Block(problem, 1.0, 1.0)]
    found = []
    for k in range(0, N, size):
        part, w = slice(k, k + size), problem.weights
        here = replace(
            problem, X=problem.X[part], targets=problem.targets[part], weights=None if w is None else w[part]
        )
        if here.weights is None:
            found.append(Block(here, float(len(here.X)), float(len(here.X))))
        elif here.weights.any():
            found.append(Block(here, *mass(here.weights)))
    return found


def mass(weights: np.ndarray) -> tuple[float, float]:
    """(below, above) the sum of the weights."""
    total = math.fsum(weights.tolist())
    return max(0.0, down(total)), up(total)


def mean_above(parts: Sequence[Block], values: Sequence[float]) -> float:
    """At or above the mean over all samples, from numbers at or above the non-negative means over the blocks; the number itself for one block."""
    if len(parts) == 1:
        return values[0]
    return up(
        sum_upper(up(b.high * v) for b, v in zip(parts, values, strict=True)) / down(math.fsum(b.low for b in parts))
    )


def mean_below(parts: Sequence[Block], values: Sequence[float]) -> float:
    """The same from below, and never below 0, which `down` would make of a mean that is 0 in every block."""
    if len(parts) == 1:
        return values[0]
    total = sum_lower(down(b.low * v) for b, v in zip(parts, values, strict=True))
    return max(0.0, down(total / up(math.fsum(b.high for b in parts))))
