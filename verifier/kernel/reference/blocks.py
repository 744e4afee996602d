"""Samples in blocks for the second evaluation: what it holds at a time does not grow with N.

F on all samples is the mean of F on the blocks, by their numbers of samples or sums of weights; balls travel between processes as the integers they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from flint import arb, fmpz

from verifier.kernel.mapping import over_blocks
from verifier.kernel.reference.maps import readers_of
from verifier.kernel.reference.numbers import ZERO
from verifier.kernel.statements import Problem

# Balls of the largest matrix of a layer that are held at a time.
BALLS = 2**20
# One number found: mantissa and exponent of midpoint and radius.
Integers = tuple[int, int, int, int]


def samples_in_blocks(problem: Problem) -> list[Problem]:
    """The problem on consecutive samples; itself where one block is enough. Blocks without weight are left out."""
    readers = readers_of(problem.geometry, len(problem.A.weights))
    most = max(r.positions * max(W.shape) for r, W in zip(readers, problem.A.weights, strict=True))
    count = max(1, BALLS // most)
    if problem.X.shape[0] <= count:
        return [problem]
    out = []
    for first in range(0, problem.X.shape[0], count):
        here = slice(first, first + count)
        w = None if problem.weights is None else problem.weights[here]
        if w is None or w.any():
            out.append(replace(problem, X=problem.X[here], targets=problem.targets[here], weights=w))
    return out


def means(problem: Problem, function: Callable[[Problem], list[list[arb]]]) -> list[list[arb]]:
    """Means over all samples of numbers that `function` finds as means over some, in groups of any lengths; where one block is enough its own numbers."""
    parts = samples_in_blocks(problem)
    if len(parts) == 1:
        return function(problem)
    shares = [arb(p.X.shape[0]) if p.weights is None else sum(map(arb, p.weights.tolist()), ZERO) for p in parts]
    whole = sum(shares, ZERO)
    found = [
        [list(map(_ball, group)) for group in groups] for groups in over_blocks(partial(_integers, function), parts)
    ]
    return [
        [
            sum((s * v for s, v in zip(shares, values, strict=True)), ZERO) / whole
            for values in zip(*groups, strict=True)
        ]
        for groups in zip(*found, strict=True)
    ]


def _integers(function: Callable[[Problem], list[list[arb]]], part: Problem) -> list[list[Integers | None]]:
    return [[_parts(x) for x in group] for group in function(part)]


def _parts(x: arb) -> Integers | None:
    """None for a ball that is not finite."""
    if not x.is_finite():
        return None
    mid, rad = x.mid().man_exp(), x.rad().man_exp()
    return int(mid[0]), int(mid[1]), int(rad[0]), int(rad[1])


def _ball(parts: Integers | None) -> arb:
    """A ball around at least the same numbers: radii may be rounded up."""
    if parts is None:
        return arb("nan")
    return arb(arb((fmpz(parts[0]), fmpz(parts[1]))), arb((fmpz(parts[2]), fmpz(parts[3]))))
