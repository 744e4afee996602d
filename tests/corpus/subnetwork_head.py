"""The best head on a stored sub-network, small enough to be done by hand; correct ones, and attacks on them.

Inputs 1 and 2, a sub-network that doubles them in two layers of one neuron, targets 1 and 1, squared loss, price 1 on the head:
F = ((2h - 1)^2 + (4h - 1)^2) / 2 + |h| is least at h = 1/4, where it is 3/8.
The dual nu = (-15/16, 0) meets |sum_j nu_j z_j| / 2 = 15/16 <= 1 and proves 0.35888...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.statements import SubnetworkHeadOptimum

from .landscape import floats, ints
from .small import Case, net


def by_hand(about: dict[str, Any] | None = None, **change: Any) -> Case:
    """about: fields of the problem. change: of the claim."""
    v = net([[1.0], [0.5]], [[1.0, 0.0], [0.0, 1.0]], [[0.25, 0.25]])
    problem = Problem(Objective("squared", None, 1.0, "l1", False), floats([1.0], [2.0]), floats([1.0], [1.0]), v, v)
    claim = SubnetworkHeadOptimum(
        "by hand", ints(1, 1), floats(1.0, 2.0), floats([0.25]), None, floats([-0.9375], [0.0]), None, 0.3588, 0.3750001
    )
    return Case(replace(problem, **(about or {})), [replace(claim, **change)])


def at_one_input(**change: Any) -> Case:
    """Logistic loss with targets 1 and -1 at one input: log 2 is the least, whatever the sub-network, three hidden layers with biases here."""
    biases = [[0.5, -1.0], [0.25], [0.125], [0.0]]
    v = net([[1.0], [-1.0]], [[1.0, 2.0]], [[3.0]], [[0.0]], biases=biases)
    o = Objective("logistic", None, 0.25, "l1", False)
    problem = Problem(o, floats([1.0], [1.0]), floats([1.0], [-1.0]), v, v)
    flat = floats(1.0, -1.0, 0.5, 0.25, 1.0, 2.0, -0.5, 3.0, 0.125)
    claim = SubnetworkHeadOptimum(
        "at one input", ints(2, 1, 1), flat, floats([0.0]), floats(0.0), floats([-0.5], [0.5]), None, 0.69314, 0.69315
    )
    return Case(problem, [replace(claim, **change)])


def with_a_limit(**change: Any) -> Case:
    """Without a price h = 3/10 is the best, F = 1/10, and duals have to meet sum_j nu_j z_j = 0: this one misses it by 1/32, which heads of at most 1/2 make
    1/128 of, and what is left of its value 0.1047, which is no bound by itself, is 0.0968."""
    free = {"objective": Objective("squared", None, 0.0, "none", False)}
    fields = {
        "dual": floats([-0.8125], [0.3984375]),
        "head_limit": 0.5,
        "head": floats([0.296875]),
        "lower": 0.0968,
        "upper": 0.1001,
    }
    return by_hand(free, **{**fields, **change})


CORRECT: dict[str, Callable[[], Case]] = {
    "subnetwork-head-by-hand": by_hand,
    "subnetwork-head-with-biases": at_one_input,
    "subnetwork-head-with-a-limit": with_a_limit,
}
ONE = net([[1.0]], [[1.0]])

REJECTED: dict[str, Callable[[], Case]] = {
    "subnetwork-head-lower-end-above-the-least": lambda: by_hand(lower=0.37500001, upper=0.3750001),
    "subnetwork-head-lower-end-beyond-its-dual": lambda: by_hand(lower=0.36),
    "subnetwork-head-upper-end-below-the-least": lambda: by_hand(upper=0.374),
    "subnetwork-head-dual-of-another-network": lambda: by_hand(parameters=floats(1.0, 2.25)),
    "subnetwork-head-that-does-nothing-for-its-dual": lambda: by_hand(parameters=floats(-1.0, 2.0), head=floats([0.0]), lower=1.0, upper=1.0),
    "subnetwork-head-dual-doubled": lambda: by_hand(dual=floats([-1.875], [0.0]), lower=0.5, upper=1.0),
    "subnetwork-head-limit-dropped": lambda: with_a_limit(head_limit=None),
    "subnetwork-head-limit-widened": lambda: with_a_limit(head_limit=512.0),
    "subnetwork-head-beyond-its-limit": lambda: with_a_limit(head_limit=0.25),
    "subnetwork-head-limit-negative": lambda: with_a_limit(head_limit=-1.0),
    "subnetwork-head-parameters-truncated": lambda: by_hand(parameters=floats(1.0)),
    "subnetwork-head-parameters-left-over": lambda: by_hand(parameters=floats(1.0, 2.0, 0.0)),
    "subnetwork-head-parameters-as-a-matrix": lambda: by_hand(parameters=floats([1.0, 2.0])),
    "subnetwork-head-without-parameters": lambda: by_hand(parameters=floats(), widths=ints(0, 0), head=np.zeros((1, 0)), lower=0.0, upper=1.0),
    "subnetwork-head-layer-of-no-neurons": lambda: by_hand(widths=ints(0, 1), parameters=floats()),
    "subnetwork-head-negative-widths": lambda: by_hand(widths=ints(-1, -1), parameters=floats()),
    "subnetwork-head-one-layer-too-few": lambda: by_hand(widths=ints(1), parameters=floats(2.0)),
    "subnetwork-head-one-layer-too-many": lambda: by_hand(widths=ints(1, 1, 1), parameters=floats(1.0, 2.0, 1.0)),
    "subnetwork-head-of-another-width": lambda: by_hand(head=floats([0.125, 0.125])),
    "subnetwork-head-bias-nobody-has": lambda: by_hand(head_bias=floats(0.0)),
    "subnetwork-head-bias-missing": lambda: at_one_input(head_bias=None),
    "subnetwork-head-bias-pulled-at": lambda: at_one_input(dual=floats([-0.5], [0.25]), lower=0.5),
    "subnetwork-head-dual-too-short": lambda: by_hand(dual=floats([-0.9375])),
    "subnetwork-head-dual-leaves-its-domain": lambda: at_one_input(dual=floats([-1.5], [1.5])),
    "subnetwork-head-of-one-hidden-layer": lambda: by_hand({"A": ONE, "B": ONE}, widths=ints(1), parameters=floats(2.0)),
    "subnetwork-head-below-zero": lambda: by_hand(lower=-1.0),
    "subnetwork-head-ends-exchanged": lambda: by_hand(lower=0.3750001, upper=0.3588),
}  # fmt: skip
