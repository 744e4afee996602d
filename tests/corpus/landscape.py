"""Barriers, regions and ranks small enough to be done by hand; correct ones, and attacks on them.

The barrier: inputs 1 and -1 without biases, targets 1, one neuron. A = (w 1, theta 1) predicts (1, 0), B = (w -1, theta 1) predicts (0, 1), both with mean
squared loss 1/2. Every path between them passes w = 0 or theta = 0, where the loss is 1. On either face nu = (-2, -2) proves it; crossing the
hyperplane of sample 0 (sample 1 has the same) needs its multiplier, of free sign, at -1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.statements import BarrierLowerBound, JacobianRank, RegionMinimum

from .small import Case, net


def ints(*rows: Any) -> np.ndarray:
    return np.array(rows, dtype=np.int64)


def floats(*rows: Any) -> np.ndarray:
    return np.array(rows, dtype=np.float64)


NONE = np.zeros(0, dtype=np.int64)


def barrier(penalty: str = "none", **change: Any) -> Case:
    """With kappa = 1/4 and the path penalty the endpoints cost 3/4 and the faces still 1."""
    kappa = 0.0 if penalty == "none" else 0.25
    problem = Problem(
        Objective("squared", None, kappa, penalty, False),
        floats([1.0], [-1.0]),
        floats([1.0], [1.0]),
        net([[1.0]], [[1.0]]),
        net([[-1.0]], [[1.0]]),
    )
    claim = BarrierLowerBound(
        name="by hand", around="A", output_layer="trained", level=0.99609375, gap=0.2421875 if kappa else 0.4921875, patterns=ints([1, 0], [0, 1]),
        interiors=floats([1.0], [-1.0]), redundant=np.zeros((0, 2), dtype=np.int64), supports=np.zeros((0, 0), dtype=np.int64), cells=ints([0]),
        inside=0, outside=ints(2), faces=ints([-1], [0]), facets=ints(-1, 0), nu=floats([-2.0, -2.0], [-2.0, -2.0]),
        multipliers=floats([0.0, 0.0], [-1.0, 0.0]), basis=np.zeros((2, 0), dtype=np.int64),
    )  # fmt: skip
    return Case(problem, [replace(claim, **change)])


def one_face(kept: int, **change: Any) -> Case:
    """Only the face of the sign change (0), or only that of the facet (1)."""
    claim = barrier().claims[0]
    arrays = {name: getattr(claim, name)[kept : kept + 1] for name in ("faces", "facets", "nu", "multipliers", "basis")}
    return barrier(**{**arrays, **change})


def frozen(**change: Any) -> Case:
    """theta stays 1: one face only."""
    return one_face(1, output_layer="frozen", **change)


def region(target: float, **change: Any) -> Case:
    """One sample x = 1, one neuron with head 1 that is active: predictions are all numbers >= 0, and > 0 inside."""
    one = net([[1.0]], [[1.0]])
    problem = Problem(Objective("squared", None, 0.0, "none", False), floats([1.0]), floats([target]), one, one)
    pull = 1.0 if target == 0 else max(0.0, -2.0 * target)
    claim = RegionMinimum(
        name="by hand",
        of="A",
        bias=0.0,
        verdict="zero_inside" if target > 0 else "positive" if target < 0 else "zero_on_boundary",
        head=floats(1.0),
        pattern=ints([1]),
        point=floats([max(0.0, target)]),
        point_basis=NONE,
        tight=np.zeros((0, 2), dtype=np.int64),
        nu=floats(pull),
        multipliers=floats([pull]),
        dual_basis=NONE,
        lower=0.5 * min(target, 0.0) ** 2,
        upper=2.0 * min(target, 0.0) ** 2,
    )
    return Case(problem, [replace(claim, **change)])


def rank(X: np.ndarray, full: bool, *null: float, **change: Any) -> Case:
    one = net(np.ones((1, X.shape[1])), [[1.0]])
    problem = Problem(Objective("squared", None, 0.0, "none", False), X, np.ones((len(X), 1)), one, one)
    claim = JacobianRank("by hand", full, np.ones((1, len(X)), dtype=np.int64), floats(*null), NONE)
    return Case(problem, [replace(claim, **change)])


CORRECT: dict[str, Callable[[], Case]] = {
    "barrier-between-two-cells": barrier,
    "barrier-with-path-penalty": lambda: barrier("path"),
    "barrier-with-weight-decay": lambda: barrier("weight_decay"),
    "barrier-around-B": lambda: barrier(around="B", cells=ints([2]), outside=ints(0), faces=ints([-1], [2]), multipliers=floats([0.0, 0.0], [-1.0, 0.0])),
    "barrier-with-frozen-output-layer": frozen,
    "region-with-zero-loss-inside": lambda: region(2.0),
    "region-with-zero-loss-on-its-boundary": lambda: region(0.0),
    "region-without-zero-loss": lambda: region(-1.0),
    "rank-full": lambda: rank(np.eye(2), True, 0.0, 0.0),
    "rank-not-full": lambda: rank(floats([1.0], [2.0]), False, 2.0, -1.0),
}  # fmt: skip

REJECTED: dict[str, Callable[[], Case]] = {
    "barrier-too-high": lambda: barrier(level=1.5, gap=0.0),
    "barrier-gap-over-its-level": lambda: barrier(level=0.5),
    "barrier-gap-over-its-level-with-penalty": lambda: barrier("path", level=0.0, nu=floats([-2.0, -2.0], [-2.0, -2.0])),
    "barrier-without-the-sign-change": lambda: one_face(1),
    "barrier-without-the-facet": lambda: one_face(0),
    "barrier-with-a-dual-that-does-not-balance": lambda: barrier(multipliers=floats([0.0, 0.0], [-1.25, 0.0])),
    "barrier-with-a-negative-multiplier": lambda: barrier(multipliers=floats([0.0, 0.0], [0.0, -1.0])),
    "barrier-with-a-dual-over-the-price": lambda: barrier("path", multipliers=floats([0.0, 0.0], [-3.0, 0.0])),
    "barrier-whose-outside-is-inside": lambda: barrier(outside=ints(0)),
    "barrier-whose-networks-are-elsewhere": lambda: barrier(cells=ints([2]), faces=ints([-1], [2]), outside=ints(0)),
    "barrier-of-one-network": lambda: one_network(),
    "barrier-with-a-pattern-twice": lambda: one_network(patterns=ints([1, 0], [0, 1], [1, 0]), interiors=floats([1.0], [-1.0], [1.0]), outside=ints(4)),
    "barrier-with-an-empty-cone": lambda: barrier(patterns=ints([1, 0], [1, 1]), interiors=floats([1.0], [-1.0])),
    "barrier-with-a-facet-hidden-by-itself": lambda: one_face(0, redundant=ints([0, 0]), supports=ints([0])),
    "barrier-with-a-facet-hidden-by-its-class": lambda: one_face(0, redundant=ints([0, 0]), supports=ints([1])),
    "barrier-frozen-where-heads-differ": lambda: frozen_heads_differ(),
    "barrier-under-l1": lambda: barrier("l1"),
    "barrier-with-an-unknown-output-layer": lambda: barrier(output_layer="thawed"),
    "region-zero-inside-that-is-on-the-boundary": lambda: region(0.0, verdict="zero_inside"),
    "region-zero-on-the-boundary-that-is-inside": lambda: region(2.0, verdict="zero_on_boundary"),
    "region-positive-where-zero-is": lambda: region(2.0, verdict="positive", lower=0.5, upper=4.0),
    "region-lower-end-too-high": lambda: region(-1.0, lower=1.25),
    "region-upper-end-too-low": lambda: region(-1.0, lower=0.5, upper=0.75),
    "region-point-outside": lambda: region(-1.0, point=floats([-1.0])),
    "region-dual-that-does-not-balance": lambda: region(-1.0, multipliers=floats([1.0])),
    "region-boundary-without-a-multiplier": lambda: region(0.0, nu=floats(0.0), multipliers=floats([0.0])),
    "rank-full-that-is-not": lambda: rank(floats([1.0], [2.0]), True, 0.0, 0.0),
    "rank-not-full-with-nothing": lambda: rank(np.eye(2), False, 0.0, 0.0),
    "rank-not-full-with-no-null-vector": lambda: rank(np.eye(2), False, 2.0, -1.0),
}  # fmt: skip


def one_network(**change: Any) -> Case:
    """A twice: its barrier is nothing."""
    case = barrier(gap=0.0, **change)
    return Case(replace(case.problem, B=case.problem.A), case.claims)


def frozen_heads_differ() -> Case:
    case = frozen(gap=0.0)
    return Case(replace(case.problem, B=net([[-1.0]], [[2.0]])), case.claims)
