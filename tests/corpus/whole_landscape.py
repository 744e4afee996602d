"""Whole landscapes small enough to be done by hand; correct ones, and attacks on them.

Inputs 1 and -1 without biases, targets 1, one neuron, squared loss. Patterns (1, 0) and (0, 1), so codes 0 to 3: patterns and signs. With a positive head f is
(u, 0) for u > 0 and (0, -u) for u < 0: a minimum of 1/2 in cell 0 at u = 1, another in cell 2 at u = -1, and F = 1 at u = 0, where all cells meet; with a
negative head F is least there. So {F <= X} is empty below 1/2, has two components from there, and one from 1 on: the largest gap is 1/2.
With kappa = 1/4 and the path penalty both minima are at |u| = 3/4, F = 1/2 + 1/32 + 3/16 = 23/32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.kernel import Objective, Problem
from verifier.kernel.statements import Landscape

from .landscape import floats, ints
from .small import Case, net

ROOM = 2.0**-20
NONE = np.zeros((0, 3), dtype=np.int64)
# Rows: the four cells, no neuron, and the facets at 0 of both signs. Duals: of the cells 0 and 2; of no neuron, of the cells 1 and 3, of both facets.
FACES, FACETS = ints([0], [1], [2], [3], [-1], [0], [1]), ints(-1, -1, -1, -1, -1, 0, 0)


def whole(penalty: str = "none", problem: dict[str, Any] | None = None, **change: Any) -> Case:
    """By hand. Cell 0: nu = (-1 or 2 (u - 1), -2): its pull is nu_1 / 2, at most kappa; sample 1 is at its most. Multipliers are those of the mean."""
    kappa, least, u = (0.0, 0.5, 1.0) if penalty == "none" else (0.25, 23 / 32, 0.75)
    pull = 2.0 * (u - 1.0)
    objective = Objective("squared", None, kappa, penalty, False)
    A, B = net([[u]], [[1.0]]), net([[-u]], [[1.0]])
    about = Problem(objective, floats([1.0], [-1.0]), floats([1.0], [1.0]), A, B)
    claim = Landscape(
        name="by hand", patterns=ints([1, 0], [0, 1]), interiors=floats([1.0], [-1.0]), faces=FACES, facets=FACETS,
        dual=ints(0, 2, 1, 3, 4, 5, 6), of_dual=ints(0, 2, 1, 3, 4, 5, 6),
        nu=floats([pull, -2.0], [-2.0, pull], *[[-2.0, -2.0]] * 5),
        # r = (1/2) s nu a x - mu (2 a - 1) x: 0 in cells 0 and 2; 1 in the cells 1 and 3 of the negative sign; on facets -1 and 1.
        multipliers=floats([0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [-1.0, 0.0], [1.0, 0.0]), basis=np.zeros((7, 0), dtype=np.int64),
        point=ints(0, 2, 1, 2, 2, 2, 2), of_point=ints(0, 2, 4), points=floats([u], [-u], [0.0]), biases=np.zeros(3),
        intervals=floats([least - ROOM, least + ROOM], [1.0 - ROOM, 1.0 + ROOM]), counts=ints(2, 1), minima=ints([0, 0], [0, 2]), joins=ints([1, 1, 0]),
        gap_lower=1.0 - least - 2 * ROOM, gap_upper=1.0 - least + 2 * ROOM,
    )  # fmt: skip
    return Case(replace(about, **(problem or {})), [replace(claim, **change)])


def one_input(**change: Any) -> Case:
    """The input 1 alone, target -1: with a negative head the minimum 0 at u = 1; with a positive one and on the half-line u < 0 F is 1 or more. One component.

    nu = 2 proves 1 where the neuron is 0 or positive, or not heard; where it is 0 on cell 0 and on facets it takes a multiplier.
    """
    fields = {
        "patterns": ints([1], [0]), "nu": floats([0.0], [2.0], [2.0], [2.0], [2.0], [2.0], [2.0]),
        "multipliers": floats([0.0], [2.0], [0.0], [0.0], [0.0], [2.0], [-2.0]), "dual": ints(1, 0, 2, 3, 4, 5, 6), "of_dual": ints(1, 0, 2, 3, 4, 5, 6),
        "point": ints(1, 0, 1, 1, 1, 1, 1), "of_point": ints(1, 4), "points": floats([1.0], [0.0]), "biases": np.zeros(2),
        "intervals": floats([0.0, ROOM], [1.0 - ROOM, 1.0 + ROOM]), "counts": ints(1, 1), "minima": ints([0, 1]), "joins": NONE, "gap_lower": 0.0,
        "gap_upper": 2 * ROOM,
    }  # fmt: skip
    return whole(problem={"X": floats([1.0]), "targets": floats([-1.0])}, **{**fields, **change})


def other(name: str, k: int, value: Any) -> Callable[[], Case]:
    """`whole` with one row of an array replaced."""

    def make() -> Case:
        case = whole()
        array = getattr(case.claims[0], name).copy()
        array[k] = value
        return whole(**{name: array})

    return make


def without(k: int) -> Case:
    """`whole` without a row of `faces` and its dual; a point that was its own is another row's."""
    c, keep = whole().claims[0], [i for i in range(7) if i != k]
    place = {i: n for n, i in enumerate(keep)} | {k: len(keep) - 1}
    left = [d for d in range(7) if d != c.dual[k]]
    rows = {d: n for n, d in enumerate(left)}
    return whole(
        faces=c.faces[keep], facets=c.facets[keep], dual=ints(*[rows[d] for d in c.dual[keep].tolist()]), point=c.point[keep],
        of_dual=ints(*[place[i] for i in c.of_dual[left].tolist()]), of_point=ints(*[place[i] for i in c.of_point.tolist()]), nu=c.nu[left],
        multipliers=c.multipliers[left], basis=c.basis[left],
    )  # fmt: skip


CORRECT: dict[str, Callable[[], Case]] = {
    "whole-landscape-of-one-neuron": whole,
    "whole-landscape-with-path-penalty": lambda: whole("path"),
    "whole-landscape-with-weight-decay": lambda: whole("weight_decay"),
    "whole-landscape-of-one-input": one_input,
    "whole-landscape-with-a-row-twice": lambda: whole(faces=np.vstack([FACES, FACES[:1]]), facets=np.append(FACETS, -1), dual=ints(0, 2, 1, 3, 4, 5, 6, 0),
        point=ints(0, 2, 1, 2, 2, 2, 2, 0)),
    "whole-landscape-with-one-interval": lambda: whole(intervals=floats([0.25, 2.0]), counts=ints(1), minima=ints([0, 0]), joins=NONE, gap_lower=0.0,
        gap_upper=1.75),
    "whole-landscape-with-an-interval-without-brackets": lambda: whole(intervals=floats([0.5 - ROOM, 0.5 + ROOM], [0.75, 0.875], [1.0 - ROOM, 1.0 + ROOM]),
        counts=ints(2, 2, 1), joins=ints([2, 1, 0])),
}  # fmt: skip

REJECTED: dict[str, Callable[[], Case]] = {
    "whole-landscape-with-a-component-too-many": lambda: whole(counts=ints(3, 1)),
    "whole-landscape-with-a-component-too-few": lambda: whole(counts=ints(1, 1)),
    "whole-landscape-with-a-minimum-too-few": lambda: whole(minima=ints([0, 0])),
    "whole-landscape-with-a-minimum-too-many": lambda: whole(minima=ints([0, 0], [0, 1], [0, 2])),
    "whole-landscape-with-a-minimum-elsewhere": lambda: whole(minima=ints([0, 0], [0, 3])),
    "whole-landscape-with-a-minimum-too-late": lambda: whole(minima=ints([0, 0], [1, 2])),
    "whole-landscape-without-its-pass": lambda: whole(joins=NONE),
    "whole-landscape-with-a-pass-too-low": lambda: whole(joins=ints([0, 1, 0])),
    "whole-landscape-with-a-pass-of-the-elder": lambda: whole(joins=ints([1, 0, 1])),
    "whole-landscape-with-a-gap-too-large": lambda: whole(gap_lower=0.5, gap_upper=0.75),
    "whole-landscape-with-a-gap-too-small": lambda: whole(gap_lower=0.0, gap_upper=0.5),
    "whole-landscape-with-a-gap-below-its-intervals": lambda: whole(intervals=floats([0.25, 2.0]), counts=ints(1), minima=ints([0, 0]), joins=NONE,
        gap_lower=0.0, gap_upper=1.5),
    "whole-landscape-with-an-interval-too-high": lambda: whole(intervals=floats([0.5 + ROOM, 0.5 + 2 * ROOM], [1.0 - ROOM, 1.0 + ROOM])),
    "whole-landscape-with-an-interval-too-low": lambda: whole(intervals=floats([0.5 - ROOM, 0.5 - ROOM / 2], [1.0 - ROOM, 1.0 + ROOM])),
    "whole-landscape-with-intervals-the-wrong-way": lambda: whole(intervals=floats([1.0 - ROOM, 1.0 + ROOM], [0.5 - ROOM, 0.5 + ROOM])),
    "whole-landscape-with-intervals-that-touch": lambda: whole(intervals=floats([0.5 - ROOM, 0.75], [0.75, 1.0 + ROOM])),
    "whole-landscape-with-an-interval-turned": lambda: whole(intervals=floats([0.5 + ROOM, 0.5 - ROOM], [1.0 - ROOM, 1.0 + ROOM])),
    "whole-landscape-without-a-pattern": lambda: whole(patterns=ints([1, 0]), interiors=floats([1.0]), faces=ints([0], [1], [-1]), facets=ints(-1, -1, -1),
        dual=ints(0, 1, 2), of_dual=ints(0, 1, 2), nu=floats([0.0, -2.0], [-2.0, -2.0], [-2.0, -2.0]), multipliers=floats([0.0, 0.0], [1.0, 0.0], [0.0, 0.0]),
        basis=np.zeros((3, 0), dtype=np.int64), point=ints(0, 1, 1), of_point=ints(0, 2), points=floats([1.0], [0.0]), biases=np.zeros(2),
        counts=ints(1, 1), minima=ints([0, 0]), joins=NONE, gap_lower=0.0, gap_upper=2 * ROOM),
    "whole-landscape-with-a-pattern-twice": lambda: whole(patterns=ints([1, 0], [1, 0]), interiors=floats([1.0], [1.0])),
    "whole-landscape-with-a-pattern-that-is-none": lambda: whole(patterns=ints([1, 0], [1, 1])),
    "whole-landscape-without-a-cell": lambda: without(3),
    "whole-landscape-without-the-change-of-sign": lambda: without(4),
    "whole-landscape-without-a-facet": lambda: without(5),
    "whole-landscape-with-a-facet-of-the-other-sample": other("facets", 5, 1),
    "whole-landscape-with-a-dual-of-another-cell": other("dual", 0, 1),
    "whole-landscape-with-a-dual-of-a-smaller-face": other("dual", 1, 4),
    "whole-landscape-with-a-point-of-another-cell": other("point", 0, 1),
    "whole-landscape-with-a-point-of-a-larger-face": other("point", 4, 0),
    "whole-landscape-with-a-point-beyond-its-cone": other("points", 0, [-1.0]),
    "whole-landscape-with-a-dual-that-does-not-balance": other("multipliers", 2, [0.75, 0.0]),
    "whole-landscape-with-a-negative-multiplier": other("multipliers", 0, [-1.0, 1.0]),
    "whole-landscape-with-a-dual-that-is-not-there": other("dual", 0, 7),
    "whole-landscape-with-a-bias-that-is-not-there": other("biases", 0, 0.25),
    "whole-landscape-under-l1": lambda: whole("l1"),
    "whole-landscape-with-weights": lambda: whole(problem={"weights": floats(1.0, 1.0)}),
    "whole-landscape-of-leaky-relu": lambda: whole(problem={"negative_slope": 0.5}),
    "whole-landscape-of-other-targets": lambda: whole(problem={"targets": floats([1.0], [2.0])}),
    "whole-landscape-of-two-neurons": lambda: whole(problem={"A": net([[1.0], [1.0]], [[1.0, 1.0]]), "B": net([[1.0], [1.0]], [[1.0, 1.0]])}),
}  # fmt: skip
