"""Bounds for every width, small enough to be done by hand; correct ones, and attacks on them.

Inputs (1, 1) and (1, -1) without biases, targets 1 and 1, squared loss, kappa = 1/4: with nu = (-1/4, -1/4) the pull on a row w is
`-(relu(w_1 + w_2) + relu(w_1 - w_2)) / 8`, of size at most |w| / 4 (at w = (1, 0)), and F >= 1/4 - 1/64 = 15/64, which one neuron with theta w = (7/8, 0)
has. The dual here is a little smaller, nu = -2499/10000: F >= 0.2499 - 0.2499^2 / 4 = 0.2342875.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.statements import EveryWidthLowerBound

from .landscape import floats
from .small import Case, net

X, Y = floats([1.0, 1.0], [1.0, -1.0]), floats([1.0], [1.0])
PULL = 0.2499


def by_hand(
    change: dict[str, Any] | None = None, *, about: dict[str, Any] | None = None, A: Any = None, **more: Any
) -> Case:
    """change, more: fields of the claim. about: fields of the problem."""
    one = net([[1.0, 0.5]], [[1.0]]) if A is None else A
    problem = Problem(Objective("squared", None, 0.25, "path", False), X, Y, one, one)
    claim = EveryWidthLowerBound(
        "by hand", 0.2342, nu=floats([-PULL], [-PULL]), raised=None, lowered=None, curved=None, ball=None, factor=None
    )
    return Case(replace(problem, **(about or {})), [replace(claim, **{**(change or {}), **more})])


def with_matrices(**change: Any) -> Case:
    """The same without cones, in units of two samples, price 1/2. Side -: e = 0.2499, curves 1/4, so q = 0.0624500 each, S = I / 8 and
    b = (-0.2499, 0); with tau = 1/4 the corner is 0.1250999 and 0.1250999 / 8 > 0.12495^2. Side +: e = 0 by raising."""
    q = 2 * PULL * PULL
    corner, side = 0.25 - q, -PULL / 2
    first = corner**0.5 * (1 - 2.0**-30)
    minus = [
        [first, 0.0, 0.0],
        [side / first, (0.125 - (side / first) ** 2) ** 0.5 * (1 - 2.0**-10), 0.0],
        [0.0, 0.0, 0.35],
    ]
    fields = {
        "raised": floats([PULL, PULL], [0.0, 0.0]), "lowered": np.zeros((2, 2)), "curved": floats([2.0**-20, 2.0**-20], [0.25, 0.25]),
        "ball": floats(0.25, 0.25), "factor": np.concatenate([np.diag([0.4, 0.4, 0.4]), minus]),
    }  # fmt: skip
    return by_hand({**fields, **change})


def one_input(**change: Any) -> Case:
    """x = 1, y = 1, kappa = 1/2: (f - 1)^2 + |f| / 2 is least at f = 3/4, 7/16, proved by nu = -1/2."""
    about = {"objective": Objective("squared", None, 0.5, "path", False), "X": floats([1.0]), "targets": floats([1.0])}
    return by_hand({"nu": floats([-0.49999]), "lower": 0.4374, **change}, about=about, A=net([[1.0]], [[1.0]]))


def with_a_bias(**change: Any) -> Case:
    """Logistic loss with targets 1 and -1 at the same input: half of all at any width, F = log 2, by nu = (-1/2, 1/2), whose pulls cancel."""
    about = {
        "objective": Objective("logistic", None, 0.25, "path", False),
        "X": floats([1.0], [1.0]),
        "targets": floats([1.0], [-1.0]),
    }
    return by_hand(
        {"nu": floats([-0.5], [0.5]), "lower": 0.69314, **change},
        about=about,
        A=net([[1.0]], [[1.0]], biases=[None, [0.5]]),
    )


def with_decay(**change: Any) -> Case:
    """kappa / 2 (|w|^2 + theta^2) is at least kappa |theta| |w|."""
    return by_hand(change, about={"objective": Objective("squared", None, 0.25, "weight_decay", False)})


def weighted(**change: Any) -> Case:
    """Equal weights change nothing."""
    return by_hand(change, about={"weights": floats(3.0, 3.0)})


def two_outputs(**change: Any) -> Case:
    """Targets (1, 0): the second output pulls at nothing."""
    about = {"targets": floats([1.0, 0.0], [1.0, 0.0])}
    return by_hand(
        {"nu": floats([-PULL, 0.0], [-PULL, 0.0]), **change}, about=about, A=net([[1.0, 0.5]], [[1.0], [0.0]])
    )


CORRECT: dict[str, Callable[[], Case]] = {
    "every-width-on-cones": by_hand,
    "every-width-with-matrices": with_matrices,
    "every-width-of-one-input": one_input,
    "every-width-with-a-free-bias": with_a_bias,
    "every-width-with-weight-decay": with_decay,
    "every-width-with-weights": weighted,
    "every-width-of-two-outputs": two_outputs,
    # Its matrices are diagonally dominant by themselves.
    "every-width-without-a-factor": lambda: with_matrices(factor=np.zeros((6, 3))),
    "every-width-that-says-nothing": lambda: by_hand(lower=0.0),
}

REJECTED: dict[str, Callable[[], Case]] = {
    "every-width-too-high": lambda: by_hand(lower=0.2343),
    "every-width-dual-over-the-price": lambda: by_hand(nu=floats([-0.26], [-0.26]), lower=0.0),
    "every-width-dual-over-the-price-on-the-other-side": lambda: by_hand(nu=floats([0.26], [0.26]), lower=0.0),
    "every-width-pulling-on-one-sample-alone": lambda: by_hand(nu=floats([-0.4], [0.0]), lower=0.0),
    "every-width-pulling-at-its-bias": lambda: with_a_bias(nu=floats([-0.5], [0.25]), lower=0.0),
    "every-width-outside-the-domain": lambda: with_a_bias(nu=floats([-1.5], [1.5]), lower=0.0),
    "every-width-of-a-free-penalty": lambda: by_hand(about={"objective": Objective("squared", None, 0.0, "none", False)}, lower=0.0),
    "every-width-of-rows-that-cost-nothing": lambda: by_hand(about={"objective": Objective("squared", None, 0.25, "l1", False)}, lower=0.0),
    "every-width-of-leaky-relu": lambda: by_hand(about={"negative_slope": 0.25}, lower=0.0),
    "every-width-with-half-of-its-matrices": lambda: with_matrices(ball=None),
    "every-width-of-two-outputs-with-one-dual": lambda: two_outputs(nu=floats([-PULL], [-PULL])),
    "every-width-of-two-outputs-under-decay": lambda: replace_objective(two_outputs(lower=0.0), "weight_decay"),
    "every-width-with-a-negative-curve": lambda: with_matrices(curved=floats([-1.0, 2.0**-20], [0.25, 0.25])),
    "every-width-with-negative-raising": lambda: with_matrices(raised=floats([PULL, PULL], [-0.1, 0.0])),
    "every-width-with-no-ball": lambda: with_matrices(ball=floats(0.0, 0.0)),
    "every-width-with-too-large-a-ball": lambda: with_matrices(ball=floats(0.25, 0.6)),
    "every-width-without-its-curves": lambda: with_matrices(curved=np.zeros((2, 2))),
    "every-width-with-too-large-a-factor": lambda: with_matrices(factor=np.ones((6, 3))),
    "every-width-with-an-overflowing-curve": lambda: overflowing(),
    "every-width-with-its-sides-exchanged": lambda: exchanged(),
}  # fmt: skip


def replace_objective(case: Case, penalty: str) -> Case:
    """Two outputs share one length under weight decay: each may take 1 / sqrt 2 of the price."""
    problem = replace(case.problem, objective=Objective("squared", None, 0.25, penalty, False))
    return Case(problem, case.claims)


def overflowing() -> Case:
    """4 curved is no float64: were it infinite, e^2 / (4 curved) would cost nothing. F(A) = 2^-19 2^1030 is far below the claim."""
    x, p, kappa = 2.0**-520, 2.0**510, 2.0**-19
    about = {"objective": Objective("squared", None, kappa, "path", False), "X": floats([x]), "targets": floats([p])}
    fields = {
        "nu": floats([-p]), "lower": 0.7 * 2.0**1020, "raised": floats([p], [0.0]), "lowered": floats([0.0], [p]),
        "curved": floats([2.0**1022], [2.0**1022]), "ball": floats(kappa / 2, 0.75 * kappa), "factor": np.zeros((4, 2)),
    }  # fmt: skip
    return by_hand(fields, about=about, A=net([[2.0**515]], [[2.0**515]]))


def exchanged() -> Case:
    (claim,) = with_matrices().claims
    names = ("raised", "lowered", "curved", "ball")
    rows = {name: np.ascontiguousarray(getattr(claim, name)[::-1]) for name in names}
    return with_matrices(**rows, factor=np.ascontiguousarray(np.roll(claim.factor, 3, axis=0)))
