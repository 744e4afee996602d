"""Counterexamples to statements of Baturin 2026, by hand; and attacks on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.papers.statement import ClaimViolation

from .small import Case, net


def _case(
    statement: str,
    loss: str,
    kappa: float,
    X: Any,
    y: Any,
    A: Any,
    B: Any = None,
    *,
    dual: Any = None,
    time: float = 0.0,
    margin: float,
) -> Case:
    X, y = np.array(X, dtype=np.float64), np.array(y, dtype=np.float64)
    objective = Objective(loss, None, kappa, "l1" if kappa else "none", False)
    problem = Problem(objective, X, y[:, None], A, A if B is None else B)
    nu = np.zeros(len(X)) if dual is None else np.array(dual, dtype=np.float64)
    return Case(problem, [ClaimViolation("by hand", statement, nu, time, margin)])


def zero(kappa: float = 1.5, theta: float = 0.171875, **change: Any) -> Case:
    """One sample x = 10, label 1: kappa is above L = 1, and yet theta = 0.17 is better than 0."""
    return _changed(
        _case("lemma1.zero", "logistic", kappa, [[10.0]], [1.0], net([[1.0]], [[theta]]), margin=0.25), change
    )


def gradient(x: float = 10.0, **change: Any) -> Case:
    """At theta = 0 the slope is -x / 2."""
    return _changed(_case("lemma1.grad", "logistic", 0.0, [[x]], [1.0], net([[1.0]], [[0.0]]), margin=3.75), change)


def norm(y: float = 100.0, **change: Any) -> Case:
    """Absolute loss, z = 1: theta = y costs kappa y = 50, and |theta| <= L / kappa = 2 costs at least 99."""
    return _changed(
        _case("lemma1.norm", "absolute", 0.5, [[1.0]], [y], net([[1.0]], [[y]]), dual=[-1.0], margin=48.75), change
    )


def moment(**change: Any) -> Case:
    """The eight vectors +-e_i in four dimensions: E |X| = 1, Sigma = I / 4."""
    X = np.vstack([np.eye(4), -np.eye(4)])
    return _changed(
        _case("t2.norm", "logistic", 0.0, X, np.ones(8), net(np.ones((1, 4)), [[1.0]]), margin=0.49609375), change
    )


def identity(**change: Any) -> Case:
    """x = 1, rows 1 and 2, heads 1, t = 1: the path is at its end, so the left side is 0, and the right side is 1."""
    case = _case(
        "t2.identity",
        "logistic",
        0.0,
        [[1.0]],
        [1.0],
        net([[1.0]], [[1.0]]),
        net([[2.0]], [[1.0]]),
        time=1.0,
        margin=0.99609375,
    )
    return _changed(case, change)


def halfway(**change: Any) -> Case:
    """The same with B's head 3 at t = 1/2: |3 - 1/2 - 3| = 1/2 against 1."""
    case = _case(
        "t2.identity",
        "logistic",
        0.0,
        [[1.0]],
        [1.0],
        net([[1.0]], [[1.0]]),
        net([[2.0]], [[3.0]]),
        time=0.5,
        margin=0.49609375,
    )
    return _changed(case, change)


def segment(**change: Any) -> Case:
    """Opposite samples and labels, rows 1 and -1, opposite heads: eta_2(1/2) = 0 and predicts nothing, while both sides together predict +-1/2."""
    case = _case(
        "t2.segment",
        "logistic",
        0.0,
        [[1.0], [-1.0]],
        [1.0, -1.0],
        net([[1.0]], [[1.0]]),
        net([[-1.0]], [[-1.0]]),
        time=0.5,
        margin=0.21875,
    )
    return _changed(case, change)


def constant(gamma: float = 200.0, **change: Any) -> Case:
    """Absolute loss, y = 100, kappa = 1/2, one row turned towards a coordinate that is 0: best heads 100 and 200, half-way 112.5 instead of 100."""
    case = _case(
        "t2.C",
        "absolute",
        0.5,
        [[1.0, 0.0]],
        [100.0],
        net([[1.0, 0.0]], [[100.0]]),
        net([[0.5, 0.875]], [[gamma]]),
        dual=[-0.5, -1.0],
        time=0.5,
        margin=10.375,
    )
    return _changed(case, change)


def noise(**change: Any) -> Case:
    """One input with both labels: no function does better than log 2."""
    return _changed(
        _case(
            "t3.e", "logistic", 0.0, [[1.0], [1.0]], [1.0, -1.0], net([[1.0]], [[1.0]]), dual=[-0.5, 0.5], margin=0.6875
        ),
        change,
    )


def _changed(case: Case, change: dict[str, Any]) -> Case:
    return Case(case.problem, [replace(case.claims[0], **change)])


def _told(case: Case, **change: Any) -> Case:
    return Case(replace(case.problem, **change), case.claims)


CORRECT: dict[str, Callable[[], Case]] = {
    "violation-of-lemma-1-zero": zero,
    "violation-of-lemma-1-gradient": gradient,
    "violation-of-lemma-1-norm": norm,
    "violation-of-theorem-2-norm": moment,
    "violation-of-theorem-2-identity": identity,
    "violation-of-theorem-2-identity-halfway": halfway,
    "violation-of-theorem-2-segment": segment,
    "violation-of-theorem-2-C": constant,
    "violation-of-theorem-3-e": noise,
}

REJECTED: dict[str, Callable[[], Case]] = {
    "violation-zero-with-kappa-below-L": lambda: zero(kappa=0.96875),
    "violation-zero-at-zero": lambda: zero(theta=0.0),
    "violation-zero-by-too-much": lambda: zero(margin=0.5),
    "violation-gradient-of-small-features": lambda: gradient(x=1.0),
    "violation-gradient-by-too-much": lambda: gradient(margin=4.25),
    "violation-norm-of-a-small-target": lambda: norm(y=1.0),
    "violation-norm-with-no-dual": lambda: norm(dual=np.zeros(1)),
    "violation-norm-with-a-dual-outside-its-domain": lambda: norm(dual=np.array([-2.0])),
    "violation-norm-by-too-much": lambda: norm(margin=49.5),
    "violation-moment-by-too-much": lambda: moment(margin=0.515625),
    "violation-moment-of-one-direction": lambda: _told(moment(), X=np.array([[1.0, 0, 0, 0]] * 8)),
    "violation-identity-at-the-start": lambda: identity(time=0.0),
    "violation-identity-by-too-much": lambda: identity(margin=1.25),
    "violation-identity-halfway-by-too-much": lambda: halfway(margin=0.75),
    "violation-segment-at-the-start": lambda: segment(time=0.0),
    "violation-segment-by-too-much": lambda: segment(margin=0.25),
    "violation-segment-without-cancelling": lambda: _told(segment(), B=net([[-1.0]], [[1.0]])),
    "violation-segment-of-squares": lambda: _told(segment(), objective=Objective("squared", None, 0.0, "none", False)),
    "violation-segment-of-large-inputs": lambda: _told(segment(margin=8.0), X=np.array([[64.0], [-64.0]]), B=net([[-1.0]], [[1.0]])),
    "violation-C-with-a-dual-beyond-its-constraint": lambda: _told(
        constant(dual=np.array([-0.53125, -1.0]), time=0.75, margin=1.0), A=net([[1.0, 0.0]], [[93.75]])
    ),
    "violation-C-by-too-much": lambda: constant(margin=10.5),
    "violation-C-with-a-head-that-is-not-best": lambda: constant(gamma=208.0),
    "violation-C-with-a-dual-too-large": lambda: constant(dual=np.array([-0.75, -1.0])),
    "violation-C-with-a-dual-too-small": lambda: constant(dual=np.array([-0.25, -1.0])),
    "violation-C-with-one-dual": lambda: constant(dual=np.array([-0.5])),
    "violation-C-without-penalty": lambda: _told(constant(), objective=Objective("absolute", None, 0.0, "none", False)),
    "violation-C-of-a-path-that-lies-lower": lambda: constant(gamma=150.0, margin=0.125),
    "violation-noise-without-noise": lambda: _told(noise(), X=np.array([[1.0], [2.0]])),
    "violation-noise-with-a-dual-that-does-not-balance": lambda: noise(dual=np.array([-0.5, 0.25])),
    "violation-of-nothing": lambda: zero(margin=0.0),
    "violation-of-an-unknown-statement": lambda: zero(statement="lemma9"),
    "violation-of-squares": lambda: _told(zero(), objective=Objective("squared", None, 1.5, "l1", False)),
    "violation-under-the-path-penalty": lambda: _told(zero(), objective=Objective("logistic", None, 1.5, "path", False)),
}  # fmt: skip
