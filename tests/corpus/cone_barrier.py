"""Barriers over coarse cells, small enough to be done by hand; correct ones, and attacks on them.

One neuron, no biases, squared loss. *Line*: inputs 1 and -1, both with target 1; A = (w 1, theta 1) predicts (1, 0), B = (w -1, theta 1) predicts (0, 1),
both with F = 1/2. Every path passes the neuron 0, where F = 1 and nu = (-2, -2) proves it. The parts are the two half-lines.

*Plane*: inputs (1, 0), (-1, 0), (0, 1) with targets 1, 1, 0; A = (w (1, 0), theta 1), B = (w (-1, 0), theta 1), both with F = 1/3. A path may go around 0
along (0, t), where F = 2/3 + relu(t)^2 / 3; nu = (-2, -2, 0) proves 2/3 there. The parts are the quarters (+, +), (+, -), (-, +), (-, -); two are inside.

*Two neurons* of opposite signs on the data of *line*: without the positive one f <= 0 and F >= 1, by nu = (-2, -2); without the negative one one sample of two
is out of reach and F >= 1/2, by (0, -2) or (-2, 0), as the other one lies in one half-line or the other.

*Above a shared layer*, the inputs 1 and 3/2 become the features 0 and 1; targets 1 and -1; A = (w -1, b 1, theta 1) fits the first, and
B = (w 2, b -1, theta -1) the second, F = 1/2. Every path that keeps the layer below passes a network with the neuron at 0, where F = 1, by nu = (-2, 2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.statements import ConeBarrier

from .landscape import floats, ints
from .small import Case, net


def _objective(penalty: str, **o: Any) -> Objective:
    return Objective(o.get("loss", "squared"), None, 0.0 if penalty == "none" else 0.25, penalty, o.get("price", False))


def line(problem: dict[str, Any] | None = None, **change: Any) -> Case:
    whole = Problem(
        _objective("none"), floats([1.0], [-1.0]), floats([1.0], [1.0]), net([[1.0]], [[1.0]]), net([[-1.0]], [[1.0]])
    )
    claim = ConeBarrier(
        name="by hand", output_layer="trained", around="A", level=0.99609375, gap=0.4921875, start=0, goal=1, signs=ints(1),
        directions=floats([1.0]), tree=ints(-1, -1), inside=ints(1, 0), faces=ints([0, -1, 0], [0, 1, 0]),
        less_positive=None, less_negative=None, of_less=ints(), nu=floats([-2.0, -2.0]),
        slopes=np.zeros((1, 2)), pulls=np.zeros((1, 1)),
    )  # fmt: skip
    return Case(replace(whole, **(problem or {})), [replace(claim, **change)])


WAYS = ints([0, -1, 0], [1, -1, 0], [0, 2, 0], [1, 3, 0])


def plane(penalty: str = "none", problem: dict[str, Any] | None = None, **change: Any) -> Case:
    # With a penalty A and B have rows of length 1/2: F = (1/4 + 1) / 3 + 1/8 = 13/24.
    size = 1.0 if penalty == "none" else 0.5
    A, B = net([[size, 0.0]], [[1.0]]), net([[-size, 0.0]], [[1.0]])
    whole = Problem(_objective(penalty), floats([1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]), floats([1.0], [1.0], [0.0]), A, B)
    claim = ConeBarrier(
        name="by hand", output_layer="trained", around="A", level=0.666015625, gap=0.33203125 if penalty == "none" else 0.0, start=0, goal=2, signs=ints(1),
        directions=np.eye(2), tree=ints(-1, -1, -1, -1), inside=ints(1, 1, 0, 0), faces=WAYS, less_positive=None, less_negative=None,
        of_less=ints(), nu=floats([-2.0, -2.0, 0.0]), slopes=np.zeros((1, 3)), pulls=np.zeros((1, 2)),
    )  # fmt: skip
    return Case(replace(whole, **(problem or {})), [replace(claim, **change)])


def two_neurons(order: tuple[int, int] = (0, 1), **change: Any) -> Case:
    """The first neuron positive, or, with the order (1, 0), the second one."""
    at = list(order)
    rows, heads = np.array([[1.0], [-0.25]]), np.array([[1.0, -1.0]])
    A, B = (net((rows * [[side], [1.0]])[at].tolist(), heads[:, at].tolist()) for side in (1.0, -1.0))
    # Parts by the signs of both rows: (+, -) is inside, (-, -) holds B.
    start, goal, besides = (1, 3, 0) if order == (0, 1) else (2, 3, 0)
    case = line()
    claim = replace(
        case.claims[0], level=0.49609375, gap=0.0, start=start, goal=goal, signs=ints(*[(1, -1)[k] for k in at]), tree=ints(-1, -1, -1, -1),
        inside=ints(*[int(k == start) for k in range(4)]), faces=ints([start, besides, 1], [start, goal, 0]),
        less_positive=ints(-1, -1), less_negative=ints(-1, -1), of_less=ints(0, 0, 1, 2),
        nu=floats([-2.0, -2.0], [0.0, -2.0], [-2.0, 0.0]), slopes=np.zeros((3, 4)), pulls=np.zeros((3, 2)),
    )  # fmt: skip
    return Case(replace(case.problem, A=A, B=B), [replace(claim, **change)])


CUT = {"tree": ints(0, -1, -1, -1, -1, -1), "inside": ints(1, 1, 1, 0, 0), "goal": 3}
CUT_WAYS = ints([0, -1, 0], [1, -1, 0], [2, -1, 0], [1, 3, 0], [2, 4, 0])


def cut(**change: Any) -> Case:
    """The first quarter in halves; only the second of them touches a part outside."""
    return plane(**{**CUT, "faces": CUT_WAYS, **change})


def around_less(**change: Any) -> Case:
    """Only the first half of the first quarter is inside: it is left towards the second half, along (1, 1), and towards (+, -), along (1, 0).
    There F is as low as F(A), and no dual proves more than 1/3: nu = (0, -2, 0) sums over both inputs on the first axis."""
    ways = ints([0, -1, 0], [0, 1, 0], [0, 2, 0])
    return cut(
        **{
            "inside": ints(1, 0, 0, 0, 0),
            "faces": ways,
            "nu": floats([0.0, -2.0, 0.0]),
            "level": 0.33203125,
            "gap": 0.0,
            **change,
        }
    )


def other_sign(**change: Any) -> Case:
    """B = (w 1, theta -1): of another sign, so that all parts may be inside and only the neuron at 0 is a way out."""
    B = net([[1.0]], [[-1.0]])
    return line(
        **{
            "problem": {"B": B},
            "goal": -1,
            "inside": ints(1, 1),
            "faces": ints([0, -1, 0], [1, -1, 0]),
            "gap": 0.0,
            **change,
        }
    )


ABOVE = "trained above frozen layers"


def above(row: tuple[float, float] = (-1.0, 1.0), below: float = 2.0, **change: Any) -> Case:
    """row: of A, with its bias. below: of B, where A has 2. Part 2 is the quarter (-, +)."""
    A = net([[2.0]], [[row[0]]], [[1.0]], biases=[[-2.0], [row[1]], None])
    B = net([[below]], [[2.0]], [[-1.0]], biases=[[-2.0], [-1.0], None])
    case = line()
    problem = replace(case.problem, X=floats([1.0], [1.5]), targets=floats([1.0], [-1.0]), A=A, B=B)
    claim = replace(
        case.claims[0], output_layer=ABOVE, level=0.99609375, gap=0.484375, start=2, goal=-1, directions=np.eye(2), tree=ints(-1, -1, -1, -1),
        inside=ints(1, 1, 1, 1), faces=ints(*([p, -1, 0] for p in range(4))), nu=floats([-2.0, 2.0]), slopes=np.zeros((1, 2)), pulls=np.zeros((1, 2)),
    )  # fmt: skip
    return Case(problem, [replace(claim, **change)])


def free_bias(last: float, **change: Any) -> Case:
    """`line` with targets 1 and -1 and a free output bias: at 0 the constant 0 is best, and nu = (-2, 2) sums to 0."""
    case = line()
    A, B = (type(p)(p.weights, (None, floats(0.0))) for p in (case.problem.A, case.problem.B))
    problem = {"A": A, "B": B, "targets": floats([1.0], [-1.0])}
    return line(**{"problem": problem, "nu": floats([-2.0, last]), "level": 0.5, "gap": 0.0, **change})


CORRECT: dict[str, Callable[[], Case]] = {
    "cone-barrier-of-one-neuron": line,
    "cone-barrier-around-b": lambda: line(around="B", start=1, goal=0, inside=ints(0, 1), faces=ints([1, -1, 0], [1, 0, 0])),
    "cone-barrier-in-the-plane": plane,
    "cone-barrier-with-path-penalty": lambda: plane("path"),
    "cone-barrier-with-weight-decay": lambda: plane("weight_decay"),
    "cone-barrier-with-a-cut": cut,
    "cone-barrier-around-less": around_less,
    "cone-barrier-of-other-signs": other_sign,
    "cone-barrier-with-a-free-output-bias": lambda: free_bias(2.0),
    "cone-barrier-of-one-neuron-and-all-less": lambda: line(faces=ints([0, 1, 0]), less_positive=ints(-1), of_less=ints(0)),
    "cone-barrier-of-two-neurons": two_neurons,
    "cone-barrier-of-two-neurons-in-the-other-order": lambda: two_neurons((1, 0)),
    "cone-barrier-less-positive-alone": lambda: two_neurons(less_negative=None, of_less=ints(0, 0), faces=ints([1, 0, 1], [1, 3, 0], [1, -2, 1])),
    "cone-barrier-less-with-rows-that-are-not-needed": lambda: two_neurons(faces=ints([1, -1, 2], [1, -2, 2], [1, 0, 1], [1, 3, 0])),
    "cone-barrier-above-a-shared-layer": above,
    "cone-barrier-with-rows-twice": lambda: plane(faces=ints(*[[0, -1, 0]] * 2, *WAYS.tolist())),
    "cone-barrier-with-rows-that-are-not-needed": lambda: plane(faces=ints([2, 0, 0], [3, -1, 0], [0, 3, 0], *WAYS.tolist())),
}  # fmt: skip

REJECTED: dict[str, Callable[[], Case]] = {
    "cone-barrier-too-high": lambda: line(level=1.0 + 2.0**-20, gap=0.0),
    "cone-barrier-gap-over-its-level": lambda: line(level=0.5),
    "cone-barrier-gap-too-high": lambda: line(gap=0.5),
    "cone-barrier-without-a-face": lambda: plane(faces=WAYS[:3]),
    "cone-barrier-without-the-neuron-at-0": lambda: plane(faces=WAYS[1:]),
    "cone-barrier-without-faces": lambda: plane(faces=np.zeros((0, 3), dtype=np.int64)),
    "cone-barrier-with-a-face-to-the-wrong-part": lambda: plane(faces=ints([0, -1, 0], [1, -1, 0], [0, 3, 0], [1, 3, 0])),
    "cone-barrier-with-all-inside": lambda: plane(inside=ints(1, 1, 1, 1), faces=ints(*[[k, -1, 0] for k in range(4)])),
    "cone-barrier-with-all-inside-and-no-goal": lambda: plane(inside=ints(1, 1, 1, 1), goal=-1, faces=ints(*[[k, -1, 0] for k in range(4)])),
    "cone-barrier-with-none-inside": lambda: plane(inside=ints(0, 0, 0, 0)),
    "cone-barrier-from-a-part-outside": lambda: plane(inside=ints(0, 0, 0, 1), faces=ints([3, -1, 0], [3, 1, 0], [3, 2, 0]), nu=floats([-2.0, 0.0, 0.0]),
        level=0.33203125, gap=0.0),
    "cone-barrier-from-a-part-that-does-not-hold-it": lambda: plane(inside=ints(1, 1, 1, 0), start=2, goal=3,
        faces=ints([0, -1, 0], [1, -1, 0], [2, -1, 0], [1, 3, 0], [2, 3, 0])),
    "cone-barrier-to-a-part-inside": lambda: plane(goal=1),
    "cone-barrier-to-a-part-that-does-not-hold-it": lambda: plane(inside=ints(1, 0, 1, 0), goal=1, faces=ints([0, -1, 0], [2, -1, 0], [0, 1, 0], [2, 3, 0]),
        nu=floats([0.0, 0.0, 0.0]), level=0.0, gap=0.0),
    "cone-barrier-around-the-other": lambda: line(around="B"),
    "cone-barrier-around-neither": lambda: line(around="C"),
    "cone-barrier-of-the-other-sign": lambda: line(signs=ints(-1)),
    "cone-barrier-of-sign-0": lambda: line(signs=ints(0)),
    "cone-barrier-of-other-signs-with-a-part": lambda: other_sign(goal=1),
    "cone-barrier-of-a-head-of-zero": lambda: other_sign(problem={"B": net([[1.0]], [[0.0]])}),
    "cone-barrier-of-a-head-of-minus-zero": lambda: other_sign(problem={"B": net([[1.0]], [[-0.0]])}),
    "cone-barrier-of-a-row-of-zero": lambda: other_sign(problem={"B": net([[0.0]], [[-1.0]])}),
    "cone-barrier-with-a-dual-that-falls": lambda: plane(nu=floats([-2.0, -2.0, -1.0])),
    "cone-barrier-with-a-dual-that-falls-along-a-cut": lambda: around_less(nu=floats([-2.0, -2.0, 0.0])),
    "cone-barrier-with-half-a-tree": lambda: plane(tree=ints(-1, -1), inside=ints(1, 0), goal=1, faces=ints([0, -1, 0], [0, 1, 0])),
    "cone-barrier-with-a-tree-too-long": lambda: plane(tree=ints(-1, -1, -1, -1, -1), inside=ints(1, 1, 0, 0, 0)),
    "cone-barrier-with-an-edge-that-is-not-there": lambda: cut(tree=ints(1, -1, -1, -1, -1, -1)),
    "cone-barrier-with-directions-of-a-line": lambda: plane(directions=floats([1.0, 0.0], [2.0, 0.0])),
    "cone-barrier-with-a-dual-that-is-not-there": lambda: plane(faces=ints([0, -1, 1], [1, -1, 0], [0, 2, 0], [1, 3, 0])),
    "cone-barrier-with-a-neuron-that-is-not-there": lambda: plane(faces=ints([0, -2, 0], *WAYS.tolist())),
    "cone-barrier-with-a-slope-over-one": lambda: line(slopes=floats([1.5, 0.0])),
    "cone-barrier-with-a-pull-and-no-penalty": lambda: plane(pulls=floats([0.0, -0.25])),
    "cone-barrier-with-a-pull-over-the-price": lambda: plane("path", pulls=floats([0.0, -0.5])),
    "cone-barrier-with-a-pull-the-wrong-way": lambda: plane("path", pulls=floats([0.0, 0.25])),
    "cone-barrier-with-a-dual-that-pulls-a-free-bias": lambda: free_bias(2.0 + 2.0**-50),
    "cone-barrier-less-and-too-high": lambda: two_neurons(level=0.5078125),
    "cone-barrier-less-with-duals-of-the-other-half": lambda: two_neurons(of_less=ints(0, 0, 2, 1)),
    "cone-barrier-less-with-duals-of-the-other-sign": lambda: two_neurons(of_less=ints(1, 2, 0, 0)),
    "cone-barrier-less-half-a-line": lambda: two_neurons(less_negative=ints(-1), of_less=ints(0, 0, 1)),
    "cone-barrier-less-more-than-a-line": lambda: two_neurons(less_negative=ints(-1, -1, -1), of_less=ints(0, 0, 1, 2, 1)),
    "cone-barrier-less-both-neurons": lambda: two_neurons(less_negative=ints(*[-1] * 4), of_less=ints(0, 0, 0, 0, 0, 0)),
    "cone-barrier-less-with-too-few-duals": lambda: two_neurons(of_less=ints(0, 0, 1)),
    "cone-barrier-less-with-too-many-duals": lambda: two_neurons(of_less=ints(0, 0, 1, 2, 2)),
    "cone-barrier-less-with-a-dual-of-minus-1": lambda: two_neurons(of_less=ints(0, 0, 1, -1)),
    "cone-barrier-less-with-a-dual-that-is-not-there": lambda: two_neurons(of_less=ints(0, 0, 1, 3)),
    "cone-barrier-less-with-a-tree-of-nothing": lambda: two_neurons(less_negative=ints(), of_less=ints(0, 0)),
    "cone-barrier-less-with-a-cut-of-a-line": lambda: two_neurons(less_negative=ints(0, -1, -1, -1), of_less=ints(0, 0, 1, 1, 2)),
    "cone-barrier-less-without-the-negative-one": lambda: two_neurons(less_negative=None, of_less=ints(0, 0)),
    "cone-barrier-less-without-the-positive-one": lambda: two_neurons(less_positive=None, of_less=ints(1, 2)),
    "cone-barrier-less-and-without-a-face": lambda: two_neurons(faces=ints([1, 0, 1])),
    "cone-barrier-less-and-without-faces": lambda: two_neurons(faces=np.zeros((0, 3), dtype=np.int64)),
    "cone-barrier-less-of-a-sign-that-none-has": lambda: line(less_negative=ints(-1), of_less=ints(0)),
    "cone-barrier-duals-of-less-and-no-less": lambda: line(of_less=ints(0)),
    "cone-barrier-above-a-layer-too-high": lambda: above(level=1.0078125, gap=0.0),
    "cone-barrier-above-a-layer-that-differs": lambda: above(below=4.0, gap=0.0),
    "cone-barrier-above-a-layer-from-another-part": lambda: above(start=1),
    "cone-barrier-above-a-layer-and-a-row-elsewhere": lambda: above(row=(1.0, 1.0), gap=0.0),
    "cone-barrier-of-deep-networks-for-all-paths": lambda: above(output_layer="trained"),
    "cone-barrier-of-deep-networks-for-a-frozen-output-layer": lambda: above(output_layer="frozen above frozen layers"),
    "cone-barrier-above-frozen-layers-that-are-none": lambda: line(output_layer=ABOVE),
    "cone-barrier-for-a-frozen-output-layer": lambda: line(output_layer="frozen"),
    "cone-barrier-under-l1": lambda: plane("l1"),
    "cone-barrier-with-weights": lambda: line(problem={"weights": floats(1.0, 1.0)}),
    "cone-barrier-of-leaky-relu": lambda: line(problem={"negative_slope": 0.5}),
}  # fmt: skip
