"""What a search for a bound over all widths gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Matrices:
    """Per output k and side (row 2 k: +, 2 k + 1: -) what bounds nu's pull on one neuron; shapes as the claim has them, in units of summed losses."""

    raised: Array
    lowered: Array
    curved: Array
    ball: Array
    factor: Array


@dataclass(frozen=True, eq=False)
class EveryWidthProgram:
    """nu (N, K): a dual of the plain losses, in their conjugates' domain with the column sums asked for, whose pull is about at its price.

    dual: float64 estimate of the bound. primal: least F of the networks that the search passed, of whatever width; inf where it passed none.
    matrices: None where cones are bisected. solver, status, rounds: how it was found. seconds: CPU.
    """

    nu: Array
    dual: float
    primal: float
    matrices: Matrices | None
    solver: str
    status: str
    rounds: int
    seconds: float
