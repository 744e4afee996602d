"""The best rows in a network's own region, small enough to be done by hand; correct ones, and attacks on them.

Inputs (1, 1) and (1, -1) without biases, targets 1 and 1, one neuron with row (1, 1/2) and head 1: it is active on both samples, and f = u . x. The
penalty kappa |u| has kappa = 1/4: by symmetry u = (t, 0), and (t - 1)^2 + t/4 is least at t = 7/8, where F = 15/64. The dual is nu = 2 (7/8 - 1) = -1/4
at both samples, without multipliers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Parameters, Problem
from verifier.kernel.statements import RegionOptimum

from .landscape import floats, ints
from .small import Case, net

PAIRS = np.zeros((0, 2), dtype=np.int64)
X, Y = floats([1.0, 1.0], [1.0, -1.0]), floats([1.0], [1.0])


def by_hand(
    change: dict[str, Any] | None = None,
    *,
    about: dict[str, Any] | None = None,
    A: Parameters | None = None,
    **more: Any,
) -> Case:
    """change, more: fields of the claim. about: fields of the problem. A: the network."""
    one = net([[1.0, 0.5]], [[1.0]]) if A is None else A
    problem = Problem(Objective("squared", None, 0.25, "path", False), X, Y, one, one)
    claim = RegionOptimum(
        name="by hand", of="A", rows=None, row_bias=None, head=None, head_bias=None, active=PAIRS, output_bias="kept", row_limits=None, bias_limit=None,
        point=floats([0.875, 0.0]), point_bias=None, nu=floats([-0.25], [-0.25]), tight=PAIRS, multipliers=floats(), lower=0.2343749, upper=0.2343751,
    )  # fmt: skip
    return Case(replace(problem, **(about or {})), [replace(claim, **{**(change or {}), **more})])


def on_its_boundary(**change: Any) -> Case:
    """Targets 1 and -1 pull the row to (0, 1), out of the region: the best is on the facet of sample 1, u = t (1, 1), with t = 1/4 - kappa / (4 sqrt 2)
    for sample 0 alone, F least where (2 t - 1)^2 / 2 + 1/2 + kappa sqrt(2) t is. Multiplier: a dual that is nearly right costs little."""
    t = 0.5 - 0.25 * 2**0.5 / 4
    nu0 = 2 * (2 * t - 1)
    F = ((2 * t - 1) ** 2 + 1) / 2 + 0.25 * 2**0.5 * t
    # r = (nu0 (1,1) + nu1 (1,-1)) / 2 - mu (1,-1) with nu1 = 2: mu = 1 leaves nu0 (1, 1) / 2, of norm kappa.
    fields = {"point": floats([t, t]), "nu": floats([nu0], [2.0]), "tight": ints([0, 1]), "multipliers": floats(1.0)}
    return by_hand(
        {**fields, "lower": F - 2.0**-20, "upper": F + 2.0**-20, **change}, about={"targets": floats([1.0], [-1.0])}
    )


def with_limits(**change: Any) -> Case:
    """Without a penalty and rows of length at most 1/2: u = (1/2, 0), F = 1/4; nu = -1, r = (-1, 0), and the mean of -nu^2/4 - nu y is 3/4."""
    free = Objective("squared", None, 0.0, "none", False)
    fields = {
        "row_limits": floats(0.5),
        "point": floats([0.5, 0.0]),
        "nu": floats([-1.0], [-1.0]),
        "lower": 0.2499999,
        "upper": 0.2500001,
    }
    return by_hand({**fields, **change}, about={"objective": free})


def with_a_bias(**change: Any) -> Case:
    """Logistic loss with targets 1 and -1 at the same input: half of all for any row and bias, F = log 2, proved by nu = (-1/2, 1/2)."""
    A = net([[1.0]], [[1.0]], biases=[None, [0.5]])
    about = {
        "objective": Objective("logistic", None, 0.25, "path", False),
        "X": floats([1.0], [1.0]),
        "targets": floats([1.0], [-1.0]),
    }
    fields = {
        "output_bias": "free",
        "point": floats([0.0]),
        "point_bias": floats(0.0),
        "nu": floats([-0.5], [0.5]),
        "lower": 0.69314,
        "upper": 0.69315,
    }
    return by_hand({**fields, **change}, about=about, A=A)


def stored(**change: Any) -> Case:
    """The same rows, of a network that is neither A nor B."""
    fields = {"of": "stored", "rows": floats([1.0, 0.5]), "head": floats([1.0])}
    return by_hand({**fields, **change}, A=net([[3.0, -5.0]], [[2.0]]))


def with_decay(**change: Any) -> Case:
    """kappa / 2 (|u|^2 + 1) instead: (t - 1)^2 + t^2 / 8 + 1/8 is least at t = 8/9, F = 17/72."""
    decay = Objective("squared", None, 0.25, "weight_decay", False)
    nu = 2 * (8 / 9 - 1)
    fields = {"point": floats([8 / 9, 0.0]), "nu": floats([nu], [nu]), "lower": 0.236111, "upper": 0.236112}
    return by_hand({**fields, **change}, about={"objective": decay})


def tie(**change: Any) -> Case:
    """The row (1, 1) is 0 at sample 1: counted as inactive f is 0 there, F >= 1/2; counted as active it is the region of the others."""
    A = net([[1.0, 1.0]], [[1.0]])
    return by_hand({"active": ints([0, 1]), **change}, A=A)


def dead(**change: Any) -> Case:
    """The row (-1, 0) is active nowhere: F is 1 on its whole region, and least with the row 0."""
    fields = {"point": floats([0.0, 0.0]), "nu": floats([-2.0], [-2.0]), "lower": 0.999999, "upper": 1.000001}
    return by_hand({**fields, **change}, A=net([[-1.0, 0.0]], [[1.0]]))


def weighted(**change: Any) -> Case:
    """Equal weights change nothing."""
    return by_hand(change, about={"weights": floats(3.0, 3.0)})


CORRECT: dict[str, Callable[[], Case]] = {
    "region-optimum-inside": by_hand,
    "region-optimum-on-a-facet": on_its_boundary,
    "region-optimum-at-a-row-limit": with_limits,
    "region-optimum-with-a-free-bias": with_a_bias,
    "region-optimum-of-a-stored-network": stored,
    "region-optimum-with-weight-decay": with_decay,
    "region-optimum-of-a-tie-counted-as-active": tie,
    "region-optimum-of-a-tie-counted-as-inactive": lambda: tie(
        active=PAIRS, point=floats([0.4375, 0.4375]), nu=floats([-0.25], [-2.0]), lower=0.5, upper=1.0
    ),
    "region-optimum-of-a-dead-neuron": dead,
    "region-optimum-with-weights": weighted,
}

REJECTED: dict[str, Callable[[], Case]] = {
    "region-optimum-lower-end-too-high": lambda: by_hand(lower=0.23438, upper=0.3),
    "region-optimum-upper-end-too-low": lambda: by_hand(lower=0.1, upper=0.23437),
    "region-optimum-point-outside": lambda: by_hand(point=floats([0.875, 0.876]), upper=1.0),
    "region-optimum-dual-over-the-price": lambda: by_hand(nu=floats([-2.0], [-2.0]), lower=0.5, upper=1.0),
    "region-optimum-without-its-multiplier": lambda: on_its_boundary(tight=PAIRS, multipliers=floats()),
    "region-optimum-with-a-negative-multiplier": lambda: by_hand(tight=ints([0, 1]), multipliers=floats(-1.0), lower=0.0),
    "region-optimum-with-a-multiplier-twice": lambda: on_its_boundary(tight=ints([0, 1], [0, 1]), multipliers=floats(0.5, 0.5)),
    "region-optimum-with-a-multiplier-of-nobody": lambda: by_hand(tight=ints([1, 0]), multipliers=floats(0.0)),
    "region-optimum-beyond-a-row-limit": lambda: with_limits(point=floats([0.75, 0.0])),
    "region-optimum-under-wider-limits": lambda: with_limits(row_limits=floats(1.0)),
    "region-optimum-without-limits": lambda: with_limits(row_limits=None),
    "region-optimum-with-limits-nobody-needs": lambda: by_hand(row_limits=floats(2.0)),
    "region-optimum-with-a-negative-limit": lambda: with_limits(row_limits=floats(-0.5), point=floats([0.0, 0.0]), upper=1.5),
    "region-optimum-pulling-at-its-bias": lambda: with_a_bias(nu=floats([-0.5], [0.25]), lower=0.6),
    "region-optimum-with-a-bias-over-its-limit": lambda: with_a_bias(bias_limit=0.5, point_bias=floats(0.75), lower=0.0, upper=2.0),
    "region-optimum-with-a-bias-limit-and-no-free-bias": lambda: by_hand(bias_limit=1.0),
    "region-optimum-with-a-bias-that-is-not-there": lambda: by_hand(output_bias="free", point_bias=floats(0.0)),
    "region-optimum-of-nobody": lambda: by_hand(of="C"),
    "region-optimum-of-A-with-rows-of-its-own": lambda: by_hand(rows=floats([1.0, 0.5])),
    "region-optimum-of-a-stored-network-without-a-head": lambda: stored(head=None),
    "region-optimum-of-a-stored-network-of-other-inputs": lambda: stored(rows=floats([1.0, 0.5, 0.0])),
    "region-optimum-of-A-that-lies-elsewhere": lambda: stored(of="A", rows=None, head=None),
    "region-optimum-with-a-tie-that-is-none": lambda: by_hand(active=ints([0, 1])),
    "region-optimum-of-the-other-side-of-a-tie": lambda: tie(active=PAIRS),
    "region-optimum-with-a-tie-counted-twice": lambda: tie(active=ints([0, 1], [0, 1])),
    "region-optimum-of-a-dead-neuron-made-alive": lambda: dead(point=floats([0.875, 0.0]), lower=0.0, upper=0.24),
    "region-optimum-of-leaky-relu": lambda: by_hand(about={"negative_slope": 0.25}),
    "region-optimum-below-zero-penalty": lambda: with_decay(lower=0.2362, upper=0.3),
}  # fmt: skip
