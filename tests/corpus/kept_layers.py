"""Barriers on paths that keep layers, by hand: several outputs under a frozen head, and deep networks with shared hidden layers.

*Several outputs.* Inputs 1 and -1, one neuron without biases, head (1, 1), targets 1: A (row 1) predicts (1, 1) and (0, 0), B (row -1) the reverse,
F = 1; every path that keeps the head passes row 0, where F = 2. nu = -2 everywhere proves it, and pulls with -2, which the multiplier of the facet takes up.
*Cross-entropy.* Labels 0 and head (1, -1): with rows 4 and -4 F is a little over (log 2) / 2, and log 2 at row 0.
*Deep.* One layer below gives features 0 and 1; targets 1 and -1, one neuron with biases. A (head 1) fits sample 0 alone, B (head -1) sample 1, F = 1/2;
every path that keeps the layer below passes a network with row or head 0, where F = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Parameters, Problem
from verifier.kernel.statements import BarrierLowerBound

from .landscape import floats, ints
from .small import Case, net

FACET = {
    "patterns": ints([1, 0], [0, 1]), "interiors": floats([1.0], [-1.0]), "redundant": np.zeros((0, 2), dtype=np.int64),
    "supports": np.zeros((0, 0), dtype=np.int64), "cells": ints([0]), "inside": 0, "outside": ints(1), "faces": ints([0]), "facets": ints(0),
    "basis": np.zeros((1, 0), dtype=np.int64),
}  # fmt: skip


def outputs(penalty: str = "none", **change: Any) -> Case:
    """Under path with kappa 1/4 the ends cost 3/2; under l1 everything costs 1/2 more."""
    kappa = 0.0 if penalty == "none" else 0.25
    head = [[1.0], [1.0]]
    problem = Problem(
        Objective("squared", None, kappa, penalty, False), floats([1.0], [-1.0]), floats([1.0, 1.0], [1.0, 1.0]), net([[1.0]], head), net([[-1.0]], head),
    )  # fmt: skip
    more = 0.5 if penalty == "l1" else 0.0
    claim = BarrierLowerBound(
        name="two outputs", around="A", output_layer="frozen", level=1.9921875 + more, gap=0.484375 if penalty == "path" else 0.984375,
        nu=floats([-2.0, -2.0, -2.0, -2.0]), multipliers=floats([-2.0, 0.0]), **FACET,
    )  # fmt: skip
    return Case(problem, [replace(claim, **change)])


def classes(**change: Any) -> Case:
    head = [[1.0], [-1.0]]
    problem = Problem(
        Objective("cross_entropy", None, 0.0, "none", False),
        floats([1.0], [-1.0]),
        ints(0, 0),
        net([[4.0]], head),
        net([[-4.0]], head),
    )
    claim = BarrierLowerBound(
        name="two classes", around="A", output_layer="frozen", level=0.693, gap=0.34, nu=floats([-0.5, 0.5, -0.5, 0.5]),
        multipliers=floats([-0.5, 0.0]), **FACET,
    )  # fmt: skip
    return Case(problem, [replace(claim, **change)])


def solved_classes(**change: Any) -> Case:
    """The pull is off, and the entry for class 1 of sample 0 is solved for; its label's entry follows."""
    return classes(**{"nu": floats([-0.25, 0.25, -0.5, 0.5]), "basis": ints([1]), **change})


def silent(multiplier: float, penalty: str = "path", **change: Any) -> Case:
    """A second neuron whose head is (0, 0): it may lie anywhere, its row has no price, and nothing may push it."""
    case = outputs(penalty)
    head = [[1.0, 0.0], [1.0, 0.0]]
    problem = replace(case.problem, A=net([[1.0], [1.0]], head), B=net([[-1.0], [1.0]], head))
    arrays = {
        "cells": ints([0, 1], [0, 3]), "outside": ints(2, 1), "faces": ints([0, 1], [0, 3]), "facets": ints(0, 0), "nu": np.full((2, 4), -2.0),
        "multipliers": floats([-2.0, 0.0, multiplier, multiplier], [-2.0, 0.0, 0.0, 0.0]), "basis": np.zeros((2, 0), dtype=np.int64),
    }  # fmt: skip
    return Case(problem, [replace(case.claims[0], **{**arrays, **change})])


def neurons_told_apart(**change: Any) -> Case:
    """Heads (1, 1) and (1, -1), both rows from 1 to -1: a face's second neuron is the second one, whatever its pattern."""
    head = [[1.0, 1.0], [1.0, -1.0]]
    problem = Problem(
        Objective("squared", None, 0.0, "none", False), floats([1.0], [-1.0]), floats([1.0, 1.0], [1.0, 1.0]),
        net([[1.0], [0.0]], head), net([[-1.0], [0.0]], head),
    )  # fmt: skip
    # Neuron 1 adds (z, -z): against the targets (1, 1) it is orthogonal, and the level is that of one neuron.
    arrays = {
        "cells": ints([0, 1], [0, 3]), "outside": ints(2, 1), "faces": ints([0, 1], [0, 3]), "facets": ints(0, 0), "nu": np.full((2, 4), -2.0),
        "multipliers": floats([-2.0, 0.0, 0.0, 0.0], [-2.0, 0.0, 0.0, 0.0]), "basis": np.zeros((2, 0), dtype=np.int64),
    }  # fmt: skip
    return Case(problem, [replace(outputs().claims[0], **{**arrays, **change})])


def deep(penalty: str = "none", **change: Any) -> Case:
    below, shift = [[2.0]], [-2.0]
    problem = Problem(
        Objective("squared", None, 0.0 if penalty == "none" else 0.25, penalty, False), floats([1.0], [1.5]), floats([1.0], [-1.0]),
        net(below, [[-1.0]], [[1.0]], biases=[shift, [1.0], None]), net(below, [[2.0]], [[-1.0]], biases=[shift, [-1.0], None]),
    )  # fmt: skip
    claim = BarrierLowerBound(
        name="above a layer", around="A", output_layer="trained above frozen layers", level=0.99609375, gap=0.484375,
        patterns=ints([1, 1], [1, 0], [0, 1], [0, 0]), interiors=floats([0.0, 1.0], [-2.0, 1.0], [2.0, -1.0], [0.0, -1.0]),
        redundant=np.zeros((0, 2), dtype=np.int64), supports=np.zeros((0, 0), dtype=np.int64), cells=ints([0], [2], [4], [6]), inside=1, outside=ints(5),
        faces=ints([-1]), facets=ints(-1), nu=floats([-2.0, 2.0]), multipliers=floats([0.0, 0.0]), basis=np.zeros((1, 0), dtype=np.int64),
    )  # fmt: skip
    return Case(problem, [replace(claim, **change)])


def beyond_float64(bit: int) -> Case:
    """The feature of sample 0 is 2^-104, which every evaluation in float64 takes for 0. bit: of it in the patterns. One neuron without biases, one sign to
    the other: with the right patterns a barrier at F = 1."""
    w = 1.0 + 2.0**-52
    below = [[w, -1.0]]
    problem = Problem(
        Objective("squared", None, 0.0, "none", False), floats([w, 1.0 + 2.0**-51], [1.0, 0.0]), floats([1.0], [1.0]),
        net(below, [[1.0]], [[1.0]]), net(below, [[1.0]], [[-1.0]]),
    )  # fmt: skip
    claim = replace(
        deep().claims[0], level=0.99609375, gap=0.0, patterns=ints([bit, 1], [0, 0]), interiors=floats([1.0], [-1.0]), cells=ints([0], [2]), inside=0,
        outside=ints(1), faces=ints([-1]), facets=ints(-1), nu=floats([-2.0, -2.0]),
    )  # fmt: skip
    return Case(problem, [claim])


def with_networks(case: Case, change: Callable[[Parameters], Parameters]) -> Case:
    return Case(replace(case.problem, B=change(case.problem.B)), [replace(c, gap=0.0) for c in case.claims])


def other_weight(l: int) -> Callable[[Parameters], Parameters]:
    return lambda p: replace(p, weights=tuple(2.0 * W if k == l else W for k, W in enumerate(p.weights)))


def other_bias(l: int) -> Callable[[Parameters], Parameters]:
    return lambda p: replace(
        p, biases=tuple(b + 1.0 if k == l and b is not None else b for k, b in enumerate(p.biases))
    )


CORRECT: dict[str, Callable[[], Case]] = {
    "barrier-of-two-outputs": outputs,
    "barrier-of-two-outputs-with-path-penalty": lambda: outputs("path"),
    "barrier-of-two-outputs-with-l1": lambda: outputs("l1"),
    "barrier-of-two-classes": classes,
    "barrier-of-two-classes-with-a-solved-entry": solved_classes,
    "barrier-of-two-outputs-and-a-silent-neuron": lambda: silent(0.0),
    "barrier-of-two-outputs-with-neurons-told-apart": neurons_told_apart,
    "barrier-above-a-shared-layer": deep,
}  # fmt: skip

REJECTED: dict[str, Callable[[], Case]] = {
    "barrier-of-two-outputs-too-high": lambda: outputs(level=2.0078125, gap=0.0),
    "barrier-of-two-outputs-with-l1-too-high": lambda: outputs("l1", level=2.5078125, gap=0.0),
    "barrier-of-two-outputs-that-are-trained": lambda: outputs(output_layer="trained"),
    "barrier-of-two-outputs-with-weight-decay": lambda: outputs("weight_decay", gap=0.0),
    "barrier-of-two-outputs-with-a-dual-of-one": lambda: outputs(nu=floats([-2.0, -2.0])),
    "barrier-of-two-outputs-with-the-multiplier-of-one": lambda: outputs(multipliers=floats([-1.0, 0.0])),
    "barrier-of-two-outputs-with-path-penalty-and-the-multiplier-of-one": lambda: outputs("path", multipliers=floats([-1.0, 0.0])),
    "barrier-of-two-outputs-where-one-head-differs": lambda: with_networks(outputs(), lambda p: replace(p, weights=(p.weights[0], floats([1.0], [2.0])))),
    "barrier-of-two-outputs-with-a-code-of-no-pattern": lambda: outputs(outside=ints(2)),
    "barrier-of-two-classes-too-high": lambda: classes(level=0.694),
    "barrier-of-two-classes-whose-row-does-not-sum-to-0": lambda: classes(nu=floats([-0.5, 0.25, -0.5, 0.5])),
    "barrier-of-two-classes-beyond-the-simplex": lambda: classes(nu=floats([-1.25, 1.25, -0.5, 0.5]), multipliers=floats([-1.25, 0.0]), level=0.25, gap=0.0),
    "barrier-of-two-classes-with-the-label-solved-for": lambda: solved_classes(basis=ints([0])),
    "barrier-of-two-outputs-and-a-silent-neuron-that-is-pushed": lambda: silent(0.5),
    "barrier-of-two-outputs-and-a-silent-neuron-shut-in": lambda: silent(0.0, cells=ints([0, 1])),
    "barrier-of-two-outputs-with-a-neuron-for-the-other": lambda: neurons_told_apart(cells=ints([0, 0], [0, 2])),
    "barrier-of-two-outputs-with-a-face-of-the-other-neuron": lambda: neurons_told_apart(faces=ints([1, 0], [3, 0])),
    "barrier-of-two-outputs-pulled-by-the-other-head": lambda: neurons_told_apart(
        nu=floats([-2.0, 0.0, -2.0, 0.0], [-2.0, 0.0, -2.0, 0.0]), multipliers=floats([-1.0, 0.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0]), level=0.5, gap=0.0
    ),
    "barrier-above-a-layer-too-high": lambda: deep(level=1.0078125, gap=0.0),
    "barrier-above-a-layer-that-differs": lambda: with_networks(deep(), other_weight(0)),
    "barrier-above-a-layer-whose-bias-differs": lambda: with_networks(deep(), other_bias(0)),
    "barrier-of-deep-networks-for-all-paths": lambda: deep(output_layer="trained"),
    "barrier-of-deep-networks-for-a-frozen-output-layer-alone": lambda: deep(output_layer="frozen"),
    "barrier-above-a-layer-where-heads-differ-and-are-frozen": lambda: deep(output_layer="frozen above frozen layers"),
    "barrier-above-a-layer-under-l1": lambda: deep("l1", gap=0.0),
    "barrier-above-frozen-layers-that-are-none": lambda: outputs(output_layer="frozen above frozen layers"),
    "barrier-above-a-layer-with-points-of-the-inputs": lambda: deep(interiors=floats([0.0, 1.0], [-1.0, 1.25], [1.0, -1.25], [0.0, -1.0])),
    "barrier-above-a-layer-without-a-cell": lambda: deep(cells=ints([0], [2], [4])),
    "barrier-above-a-feature-taken-for-0": lambda: beyond_float64(0),
}  # fmt: skip
CORRECT["barrier-above-a-feature-of-2-to-the-minus-104"] = lambda: beyond_float64(1)
