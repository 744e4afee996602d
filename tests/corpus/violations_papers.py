"""Counterexamples to statements of the other papers (and Baturin's experiments), by hand; and attacks on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Parameters, Problem
from verifier.kernel.papers.statement import ClaimViolation

from .small import Case, net

SQUARED, CROSS, LOGISTIC = (Objective(o, None, 0.0, "none", False) for o in ("squared", "cross_entropy", "logistic"))


def case(
    statement: str,
    objective: Objective,
    X: Any,
    y: Any,
    A: Parameters,
    margin: float,
    *,
    dual: Any = None,
    B: Any = None,
) -> Case:
    """time 0, B = A and a dual of zeros unless something else is given."""
    X = np.array(X, dtype=np.float64)
    y = np.array(y) if objective.loss == "cross_entropy" else np.array(y, dtype=np.float64)[:, None]
    nu = np.zeros(len(X)) if dual is None else np.array(dual, dtype=np.float64)
    problem = Problem(objective, X, y, A, A if B is None else B)
    return Case(problem, [ClaimViolation("by hand", statement, nu, 0.0, margin)])


def told(c: Case, claim: dict[str, Any] | None = None, **problem: Any) -> Case:
    """With other fields of the claim and of the problem."""
    return Case(replace(c.problem, **problem), [replace(c.claims[0], **(claim or {}))])


# --- Baturin 2026 ----------------------------------------------------------------------------------------------------


def squares(f: float = 3.0, g: float = 2.0, L: float = 4.0, margin: float = 0.984375) -> Case:
    """Predictions 3 and 2 of the target 0: 9 - 4 = 5 is more than 4 |3 - 2|."""
    return case(
        "baturin2026.exp.mse", SQUARED, [[1.0]], [0.0], net([[1.0]], [[f]]), margin, dual=[L], B=net([[1.0]], [[g]])
    )


# --- Nguyen, Brechet, Mondelli 2021 ----------------------------------------------------------------------------------

PLANES = [-1.0, -1.0, 3.0, 1.0, 1.0, -3.0]
RAY = net([[1, 0], [0, 1], [1, 0], [0, 0]], [[0] * 4, [0] * 4], biases=[[0, 0, -1.5, 0], None])


def head(
    X: Any = ((1.0, 1.0), (2.0, 2.0)), planes: Any = PLANES, nu: Any = (-0.625, 0.625, 0.3125, -0.3125), margin: float = 0.625,
    A: Parameters = RAY,
) -> Case:  # fmt: skip
    """Features (1, 1) and (2, 2) of different classes: logits without a bias grow on both or on none."""
    return case("nguyen2021.cor44.head", CROSS, X, [0, 1], A, margin, dual=[*planes, *nu])


def three_classes() -> Case:
    """Two classes on one ray and a third beside it, two hidden layers; a kept neuron and the three free ones are silent."""
    X = [[1.0, 1.0], [2.0, 2.0], [1.0, 2.0]]
    planes = [[-2.0, -2.0, 5.0], [2.0, 2.0, -7.0], [-4.0, 4.0, -2.0]]
    nu = [[-0.5, 0.5, 0.0], [0.25, -0.25, 0.0], [0.0, 0.0, 0.0]]
    eye = np.vstack([np.eye(2), np.zeros((4, 2))])
    deep = net(eye, np.eye(6), np.zeros((3, 6)), biases=[None, None, None])
    planes = [[p[0], p[1], 0.0, p[2]] for p in planes]
    numbers = [*np.ravel(planes), *np.ravel(nu)]
    return case("nguyen2021.cor44.head", CROSS, X, [0, 1, 2], deep, 0.375, dual=numbers)


def one_output(X: Any = ((0.0,), (1.0,)), y: Any = (-1.0, 1.0), plane: Any = (2.0, -1.0), margin: float = 0.34375, width: int = 2) -> Case:  # fmt: skip
    """0 and 1, one of each class: one ReLU neuron gives both outputs of one sign."""
    A = net(np.ones((width, 1)), np.ones((1, width)), biases=[[0.0] * width, None])
    return case("nguyen2021.cor44.one-output", LOGISTIC, X, y, A, margin, dual=plane)


THREE_QUADRANTS = [[-3, 1], [-2, 2], [-1, 3], [1, -3], [2, -2], [3, -1], [-1, -1], [-2, -2], [-3, -3]]
SIDES = net([[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]], [[1]], biases=[None, [0], None])


def generic(X: Any = THREE_QUADRANTS, margin: float = 1.0, A: Parameters = SIDES) -> Case:
    """Features x+, x-, y+, y-: each pair of them has one that is 0 at three different points, and a plane through 0 may hold two."""
    return case("nguyen2021.cor43.A2", LOGISTIC, X, np.ones(len(X)), A, margin)


# --- Karhadkar, Murray, Tseran, Montufar 2023 ------------------------------------------------------------------------


def patterns(
    statement: str = "t5", n: float = 64.0, d0: float = 64.0, d1: float = 3.0, eps: float = 0.5, C: float = 3.0625,
    margin: float = 0.484375,
) -> Case:  # fmt: skip
    """One sample per input dimension: 3 units are asked for, and one sample in eight is dead."""
    numbers = [n, d0, d1, eps, C]
    return case(f"karhadkar2023.{statement}", SQUARED, [[1.0]], [1.0], net([[1.0]], [[1.0]]), margin, dual=numbers)


def vertex(X: Any = ((0.0, 0.0), (1.0, 0.0), (1.0, -3.0)), rows: Any = ((1.0, 1.0), (2.0, 0.5)), margin: float = 0.484375) -> Case:  # fmt: skip
    A = net(rows, np.ones((1, len(rows))))
    return case("karhadkar2023.prop7", SQUARED, X, np.zeros(len(X)), A, margin)


def key_neurons(z: float = 0.0, shift: float = -1.0, head: Any = ((-1.0, 1.0),), margin: float = 2.0) -> Case:
    """One sample x = 1 whose residual is 0: both key neurons, (2, -2) and (1, -1), are 0 there instead of positive."""
    A = net([[2.0], [1.0]], head, biases=[[-2.0, shift], None])
    return case("karhadkar2023.lemma15", SQUARED, [[1.0]], [z], A, margin)


def second_pair(z: float = 2.0, margin: float = 4.0) -> Case:
    """Residuals 1 and 0: the first pair's relu(x + 1) is 2 at x = 1 already, and the second pair is 0 everywhere; heads 1/2."""
    A = net([[2.0], [4.0], [0.0], [0.0]], [[-0.5, 0.5, -0.5, 0.5]], biases=[[2.0, 4.0, 0.0, 0.0], None])
    return case("karhadkar2023.lemma15", SQUARED, [[0.0], [1.0]], [1.0, z], A, margin)


def cone(X: Any = ((2.0,),), bias: float = 3.0, margin: float = 0.984375) -> Case:
    """relu(-x + 3) at the only point 2; all vertices of the polyline are 0."""
    A = net([[-1.0]], [[1.0]], biases=[[bias], None])
    return case("karhadkar2023.prop13.cone", SQUARED, X, np.zeros(len(X)), A, margin)


def combination(x: Any = (0, 1, 2, 3, 4), heads: Any = (1.0, -1.0), margin: float = 1.984375) -> Case:
    """p - q on 0, ..., 4 with p = relu(3/2 - x) half-way between its second and third vertex, q between the fourth and the fifth."""
    A = net([[-1.0], [-1.0]], [heads], biases=[[1.5, 3.5], None])
    return case("karhadkar2023.prop13.affine", SQUARED, np.array(x)[:, None], np.zeros(len(x)), A, margin)


CORRECT: dict[str, Callable[[], Case]] = {
    "violation-of-squares-being-lipschitz": squares,
    "violation-of-nguyen2021-4-4-head": head,
    "violation-of-nguyen2021-4-4-head-three-classes": three_classes,
    "violation-of-nguyen2021-4-4-one-output": one_output,
    "violation-of-nguyen2021-4-3-A2": generic,
    "violation-of-karhadkar2023-theorem-5": patterns,
    "violation-of-karhadkar2023-corollary-8": lambda: patterns("cor8", 2.0**240, 2.0**241, 231.0, 0.125, 80.0, 0.84375),
    "violation-of-karhadkar2023-proposition-7": vertex,
    "violation-of-karhadkar2023-lemma-15": key_neurons,
    "violation-of-karhadkar2023-lemma-15-second-pair": second_pair,
    "violation-of-karhadkar2023-proposition-13-cone": cone,
    "violation-of-karhadkar2023-proposition-13-affine": combination,
}
THREE_NEURONS = net([[1, 0], [0, 1], [1, 0]], [[0] * 3, [0] * 3])
ENDS = net([[-1.0], [1.0]], [[-1.0, 1.0]], biases=[[1.0, -3.0], None])


def empty_class() -> Case:
    """The ray with a third output whose class has no sample."""
    wide = net(np.vstack([np.eye(2), np.zeros((4, 2))]), np.zeros((3, 6)))
    planes = [-1, -1, 0, 3, 1, 1, 0, -3, 0, 0, 0, -1]
    nu = [-0.625, 0.625, 0, 0.3125, -0.3125, 0]
    return told(head(A=wide), {"dual": np.array([*planes, *nu], dtype=np.float64)})


BIASED_HEAD = Parameters(RAY.weights, (RAY.biases[0], np.zeros(2)))

REJECTED: dict[str, Callable[[], Case]] = {
    "violation-squares-by-too-much": lambda: squares(margin=1.0625),
    "violation-squares-of-a-large-L": lambda: squares(L=5.0),
    "violation-squares-of-equal-predictions": lambda: squares(g=3.0),
    "violation-squares-without-L": lambda: told(squares(), {"dual": np.zeros(1)}),
    "violation-squares-at-a-time": lambda: told(squares(), {"time": 0.5}),
    "violation-squares-of-another-loss": lambda: told(squares(), objective=Objective("absolute", None, 0.0, "none", False)),
    "violation-head-by-too-much": lambda: head(margin=0.65625),
    "violation-head-with-a-dual-that-features-feel": lambda: head(nu=(-0.625, 0.625, 0.5, -0.5)),
    "violation-head-with-a-dual-outside-the-simplex": lambda: head(nu=(-2.0, 2.0, 1.0, -1.0)),
    "violation-head-of-features-that-no-plane-separates": lambda: head(planes=[-1.0, -1.0, 3.0, 1.0, 1.0, -2.0]),
    "violation-head-with-a-sample-on-its-plane": lambda: head(planes=[-1.0, -1.0, 4.0, 1.0, 1.0, -3.0]),
    "violation-head-of-separable-directions": lambda: head(X=((1.0, 2.0), (2.0, 1.0))),
    "violation-head-with-an-output-bias": lambda: told(head(), A=BIASED_HEAD, B=BIASED_HEAD),
    "violation-head-of-too-few-neurons": lambda: head(A=net(np.eye(2), np.zeros((2, 2)))),
    "violation-head-of-three-neurons": lambda: head(A=THREE_NEURONS, planes=[-1.0, 1.5, 1.0, -1.5]),
    "violation-head-of-an-empty-class": empty_class,
    "violation-head-without-planes": lambda: told(head(), {"dual": np.zeros(4)}),
    "violation-head-of-one-class": lambda: told(head(), targets=np.array([0, 0])),
    "violation-head-of-another-loss": lambda: told(head(), objective=SQUARED, targets=np.zeros((2, 2))),
    "violation-one-output-by-too-much": lambda: one_output(margin=0.359375),
    "violation-one-output-of-one-class": lambda: one_output(y=(1.0, 1.0), plane=(1.0, 1.0)),
    "violation-one-output-of-a-rare-class": lambda: one_output(X=((0.0,), (1.0,), (2.0,)), y=(-1.0, 1.0, 1.0)),
    "violation-one-output-not-separated": lambda: one_output(plane=(1.0, 0.5)),
    "violation-one-output-on-the-plane": lambda: one_output(plane=(1.0, 0.0)),
    "violation-one-output-inseparable": lambda: one_output(X=((0.0,), (1.0,), (2.0,)), y=(-1.0, 1.0, -1.0), margin=0.125),
    "violation-one-output-of-one-neuron": lambda: one_output(width=1),
    "violation-one-output-of-another-loss": lambda: told(one_output(), objective=Objective("hinge", None, 0.0, "none", False)),
    "violation-A2-by-too-much": lambda: generic(margin=1.25),
    "violation-A2-of-two-quadrants": lambda: generic(THREE_QUADRANTS[:6]),
    "violation-A2-of-a-repeated-input": lambda: generic([*THREE_QUADRANTS, [-3, 1]]),
    "violation-A2-of-equal-features": lambda: generic(A=net([[1, 0], [-1, 0], [1, 0], [-1, 0]], [[1, 1, 1, 1]], [[1]], biases=[None, [0], None])),
    "violation-A2-of-one-hidden-layer": lambda: generic(A=net([[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]])),
    "violation-A2-with-a-dual": lambda: told(generic(), {"dual": np.ones(9)}),
    "violation-t5-by-too-much": lambda: patterns(margin=0.5),
    "violation-t5-of-few-samples": lambda: patterns(n=4.0, d0=4.0, margin=0.015625),
    "violation-t5-of-too-few-units": lambda: patterns(d1=2.0, margin=0.25),
    "violation-t5-of-a-larger-constant": lambda: patterns(C=4.5),
    "violation-t5-of-dependent-samples": lambda: patterns(d0=32.0, d1=5.0, margin=0.25),
    "violation-t5-of-half-a-sample": lambda: patterns(n=63.5),
    "violation-t5-of-a-share-above-1": lambda: patterns(eps=1.5),
    "violation-t5-of-a-negative-constant": lambda: patterns(C=-1.0),
    "violation-t5-of-more-inputs-than-patterns": lambda: patterns(d0=128.0),
    "violation-t5-by-less-than-a-pattern": lambda: patterns(n=1.0, d0=1.0, d1=1.0, eps=0.4999, C=0.5, margin=6e-5),
    "violation-cor8-of-a-small-epsilon": lambda: patterns("cor8", eps=0.0625),
    "violation-prop7-by-too-much": lambda: vertex(margin=0.75),
    "violation-prop7-without-an-input-0": lambda: vertex(X=((1.0, 1.0), (1.0, 0.0), (1.0, -3.0))),
    "violation-prop7-of-inputs-0-only": lambda: vertex(X=((0.0, 0.0), (0.0, 0.0))),
    "violation-prop7-of-a-row-that-sees-nothing": lambda: vertex(rows=((1.0, 1.0), (0.0, 1.0)), margin=0.125),
    "violation-prop7-of-another-loss": lambda: told(vertex(), objective=Objective("absolute", None, 0.0, "none", False)),
    "violation-lemma15-by-too-much": lambda: key_neurons(margin=2.5),
    "violation-lemma15-of-a-residual": lambda: told(key_neurons(z=-1.0), A=net([[2.0], [1.0]], [[-1.0, 1.0]], biases=[[0.0, 0.0], None])),
    "violation-lemma15-of-other-parameters": lambda: key_neurons(shift=-1.25),
    "violation-lemma15-of-equal-heads": lambda: key_neurons(head=((1.0, 1.0),)),
    "violation-lemma15-second-pair-of-a-residual": lambda: second_pair(z=3.0, margin=1.0),
    "violation-lemma15-second-pair-by-too-much": lambda: second_pair(margin=5.0),
    "violation-lemma15-of-inputs-that-decrease": lambda: told(second_pair(), X=np.array([[1.0], [0.0]])),
    "violation-cone-by-too-much": lambda: cone(margin=1.25),
    "violation-cone-of-two-points": lambda: cone(X=((1.0,), (2.0,))),
    "violation-cone-of-a-silent-unit": lambda: cone(bias=1.0),
    "violation-affine-by-too-much": lambda: combination(margin=2.25),
    "violation-affine-of-coefficients-that-do-not-cancel": lambda: combination(heads=(1.0, -2.0)),
    "violation-affine-of-a-sum": lambda: combination(heads=(1.0, 1.0)),
    "violation-affine-of-pieces-that-meet-0": lambda: told(combination(margin=0.5), A=ENDS, B=ENDS),
    "violation-affine-of-four-points": lambda: combination(x=(0, 1, 2, 3)),
    "violation-affine-of-two-points": lambda: combination(x=(0, 1), margin=0.5),
    "violation-of-another-paper": lambda: told(vertex(), {"statement": "karhadkar2023.t12"}),
}  # fmt: skip
