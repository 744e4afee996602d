"""Barriers between different sign counts, small enough to be done by hand; correct ones, and attacks on them. Inputs 1 and -1, no biases.

One neuron (`flip`): targets 1 and -1; A = (w 1, theta 1) predicts (1, 0), B = (w -1, theta -1) predicts (0, -1), both with mean squared loss 1/2. Every path
passes the zero function, where the loss is 1 and nu = (-2, 2) proves it; no cone is needed.

Two neurons (`kept`): targets 1 and 1; A has two positive neurons and predicts (1, 1), B has one of each sign and predicts (1, -1). Every path passes one
positive neuron u alone. For u >= 0 the prediction is (u, 0), the least loss 1/2, proved by nu = (0, -2); for u <= 0 it is (0, -u) and nu = (-2, 0). With the
path penalty and kappa = 1/4 the least F is 23/32 at u = 3/4, proved by nu = (-1/2, -2) and the pull -1/4.

Above a shared layer (`above`): the inputs 1 and -1 become the features (1, 0) and (0, 1), targets 1 and -1. One positive neuron u alone predicts
(relu(u_1), relu(u_2)), the least loss is 1/2, and nu = (0, 2) proves it in all quarters of u.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.statements import SignCountBarrier

from .landscape import floats, ints
from .small import Case, net


def _problem(kappa: float, targets: Any, A: Any, B: Any, **o: Any) -> Problem:
    penalty = o.get("penalty", "path" if kappa else "none")
    objective = Objective(o.get("loss", "squared"), None, kappa, penalty, o.get("price", False))
    return Problem(objective, floats([1.0], [-1.0]), floats(*([t] for t in targets)), A, B)


def flip(**change: Any) -> Case:
    claim = SignCountBarrier(
        name="by hand", output_layer="trained", positive=0, level=0.99609375, gap=0.4921875, directions=floats([1.0]), tree=ints(-1), nu=floats([-2.0, 2.0]),
        slopes=np.zeros((1, 0)), pulls=np.zeros((1, 0)),
    )  # fmt: skip
    return Case(_problem(0.0, (1.0, -1.0), net([[1.0]], [[1.0]]), net([[-1.0]], [[-1.0]])), [replace(claim, **change)])


A, B = net([[1.0], [-1.0]], [[1.0, 1.0]]), net([[1.0], [-1.0]], [[1.0, -1.0]])


def kept(penalty: str = "none", problem: dict[str, Any] | None = None, **change: Any) -> Case:
    kappa = 0.0 if penalty == "none" else 0.25
    claim = SignCountBarrier(
        name="by hand", output_layer="trained", positive=1, level=0.71875 - 2.0**-20 if kappa else 0.5 - 2.0**-20, gap=0.0,
        directions=floats([1.0]), tree=ints(-1, -1), nu=floats([-0.5, -2.0], [-2.0, -0.5]) if kappa else floats([0.0, -2.0], [-2.0, 0.0]),
        slopes=floats([1.0, 0.0], [0.0, 1.0]), pulls=floats([-0.25], [0.25]) if kappa else floats([0.0], [0.0]),
    )  # fmt: skip
    return Case(
        replace(_problem(kappa, (1.0, 1.0), A, B, penalty=penalty), **(problem or {})), [replace(claim, **change)]
    )


ABOVE = "trained above frozen layers"


def above(below: Any = ((1.0,), (-1.0,)), problem: dict[str, Any] | None = None, **change: Any) -> Case:
    """below: of B; A has (1, -1)."""
    rows = [[1.0, 0.0], [0.0, 1.0]]
    A, B = net([[1.0], [-1.0]], rows, [[1.0, 1.0]]), net([list(row) for row in below], rows, [[1.0, -1.0]])
    claim = SignCountBarrier(
        name="by hand", output_layer=ABOVE, positive=1, level=0.5 - 2.0**-20, gap=0.0, directions=np.eye(2), tree=ints(-1, -1, -1, -1),
        nu=np.tile([0.0, 2.0], (4, 1)), slopes=np.zeros((4, 2)), pulls=np.zeros((4, 2)),
    )  # fmt: skip
    return Case(replace(_problem(0.0, (1.0, -1.0), A, B), **(problem or {})), [replace(claim, **change)])


def beyond_float64(second: float, **change: Any) -> Case:
    """The feature of sample 0 is 2^-104, which every evaluation in float64 takes for 0; targets 1. Were it 0, no u could fit that sample, and second = -2
    would hold on u > 0; in truth the dual falls there, and u = 2^104 fits it."""
    w = 1.0 + 2.0**-52
    A, B = (net([[w, -1.0]], [[1.0], [1.0]], [heads]) for heads in ([1.0, 1.0], [1.0, -1.0]))
    problem = replace(_problem(0.0, (1.0, 1.0), A, B), X=floats([w, 1.0 + 2.0**-51], [1.0, 0.0]))
    claim = SignCountBarrier(
        name="by hand", output_layer=ABOVE, positive=1, level=0.25, gap=0.0, directions=floats([1.0]), tree=ints(-1, -1),
        nu=floats([second, 0.0], [-2.0, -2.0]), slopes=np.zeros((2, 2)), pulls=np.zeros((2, 1)),
    )  # fmt: skip
    return Case(problem, [replace(claim, **change)])


def free_bias(nu: float, price: bool = False, **change: Any) -> Case:
    """`flip` with an output bias: nu = (-2, 2) sums to 0; another first entry does not."""
    case = flip()
    a, b = (type(p)(p.weights, (None, floats(0.0))) for p in (case.problem.A, case.problem.B))
    o = Objective("squared", None, 0.5 if price else 0.0, "path" if price else "none", price)
    claim = replace(case.claims[0], nu=floats([nu, 2.0]), level=0.5, gap=0.0)
    return Case(replace(case.problem, A=a, B=b, objective=o), [replace(claim, **change)])


def between(a: Any, b: Any, **change: Any) -> Case:
    """`kept` between other networks, at no level: only the sign counts can be wrong."""
    zero = {"nu": floats([0.0, 0.0], [0.0, 0.0]), "level": 0.0}
    return kept(problem={"A": a, "B": b}, **{**zero, **change})


CORRECT: dict[str, Callable[[], Case]] = {
    "sign-count-of-one-neuron": flip,
    "sign-count-of-two-neurons": kept,
    "sign-count-with-path-penalty": lambda: kept("path"),
    "sign-count-with-weight-decay": lambda: kept("weight_decay"),
    "sign-count-with-a-free-output-bias": lambda: free_bias(-2.0),
    "sign-count-with-a-priced-output-bias": lambda: free_bias(-1.0, price=True),
    "sign-count-of-the-other-number": lambda: between(net([[1.0], [1.0]], [[-1.0, -1.0]]), net([[1.0], [1.0]], [[1.0, -1.0]]), positive=0),
    "sign-count-above-a-shared-layer": above,
    "sign-count-above-a-feature-of-2-to-the-minus-104": lambda: beyond_float64(0.0, level=0.0),
    "sign-count-two-apart": lambda: between(net([[1.0], [1.0]], [[-1.0, -1.0]]), A),
}  # fmt: skip

REJECTED: dict[str, Callable[[], Case]] = {
    "sign-count-too-high": lambda: flip(level=1.0 + 2.0**-20, gap=0.0),
    "sign-count-gap-over-its-level": lambda: flip(level=0.5),
    "sign-count-gap-too-high": lambda: flip(gap=0.5),
    "sign-count-of-networks-of-one-count": lambda: between(A, net([[-1.0], [1.0]], [[2.0, 3.0]])),
    "sign-count-of-one-network-permuted": lambda: between(B, net([[-1.0], [1.0]], [[-1.0, 1.0]])),
    "sign-count-of-a-number-not-passed": lambda: between(A, B, positive=0),
    "sign-count-of-all-neurons": lambda: between(A, B, positive=2),
    "sign-count-of-fewer-than-none": lambda: between(A, B, positive=-1),
    "sign-count-with-a-head-of-zero": lambda: between(net([[1.0], [-1.0]], [[1.0, 0.0]]), B),
    "sign-count-with-a-head-of-minus-zero": lambda: between(A, net([[1.0], [-1.0]], [[1.0, -0.0]])),
    "sign-count-with-a-row-of-zero": lambda: between(net([[1.0], [0.0]], [[1.0, 1.0]]), B),
    "sign-count-without-a-tree": lambda: kept(tree=ints()),
    "sign-count-with-half-a-tree": lambda: kept(tree=ints(-1), nu=floats([0.0, -2.0]), slopes=floats([1.0, 0.0]), pulls=floats([0.0])),
    "sign-count-with-a-tree-too-long": lambda: kept(tree=ints(-1, -1, -1)),
    "sign-count-with-a-part-twice": lambda: kept(tree=ints(-1, -1, -1), nu=floats([0.0, -2.0], [-2.0, 0.0], [-2.0, 0.0]),
        slopes=floats([1.0, 0.0], [0.0, 1.0], [0.0, 1.0]), pulls=floats([0.0], [0.0], [0.0])),
    "sign-count-with-an-edge-of-a-ray": lambda: kept(tree=ints(0, -1)),
    "sign-count-with-a-direction-of-zero": lambda: kept(directions=floats([0.0])),
    "sign-count-with-duals-exchanged": lambda: kept(nu=floats([-2.0, 0.0], [0.0, -2.0])),
    "sign-count-with-one-dual-for-both": lambda: kept(nu=floats([0.0, -2.0], [0.0, -2.0])),
    "sign-count-with-a-slope-over-one": lambda: kept(slopes=floats([1.5, 0.0], [0.0, 1.0])),
    "sign-count-with-a-slope-below-zero": lambda: kept(slopes=floats([1.0, -0.5], [0.0, 1.0])),
    "sign-count-with-a-pull-and-no-penalty": lambda: kept(pulls=floats([-0.25], [0.25]), nu=floats([-0.5, -2.0], [-2.0, -0.5]), level=0.5),
    "sign-count-with-a-pull-over-the-price": lambda: kept("path", pulls=floats([-0.5], [0.5]), nu=floats([-1.0, -2.0], [-2.0, -1.0]), level=0.5),
    "sign-count-with-a-pull-that-is-missing": lambda: kept("path", pulls=floats([0.0], [0.0])),
    "sign-count-with-a-pull-that-is-short": lambda: kept("path", pulls=floats([-0.25 + 2.0**-50], [0.25])),
    "sign-count-with-a-dual-that-pulls-a-free-bias": lambda: free_bias(-2.0 + 2.0**-50),
    "sign-count-with-a-dual-that-outbids-the-bias": lambda: free_bias(-0.5, price=True),
    "sign-count-above-a-layer-too-high": lambda: above(level=0.5 + 2.0**-20),
    "sign-count-above-a-layer-that-differs": lambda: above(((1.0,), (-2.0,)), level=0.0),
    "sign-count-of-deep-networks-for-all-paths": lambda: above(output_layer="trained"),
    "sign-count-of-deep-networks-for-a-frozen-output-layer": lambda: above(output_layer="frozen above frozen layers"),
    "sign-count-above-frozen-layers-that-are-none": lambda: kept(output_layer=ABOVE),
    "sign-count-for-a-frozen-output-layer": lambda: kept(output_layer="frozen"),
    "sign-count-above-a-layer-with-a-dual-of-the-inputs": lambda: above(nu=np.tile([-2.0, 2.0], (4, 1))),
    "sign-count-above-a-layer-of-leaky-relu": lambda: above(problem={"negative_slope": 0.5}),
    "sign-count-above-a-feature-taken-for-0": lambda: beyond_float64(-2.0),
    "sign-count-under-l1": lambda: kept("l1"),
    "sign-count-with-weights": lambda: kept(problem={"weights": floats(1.0, 1.0)}),
    "sign-count-of-leaky-relu": lambda: kept(problem={"negative_slope": 0.5}),
}  # fmt: skip
