"""What a region program returns: numbers to be checked, never evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.networks.network import Network
from verifier.programs.region.size import RegionSize

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RegionProgram:
    """A solved rows program (docs/mathematics.md, section 11); both values are recomputed in numpy from point and dual.

    network: whose region it is. F: the objective there. rows (m, n), bias (K,) or None where it is kept: the best point found; best: that network.
    nu (N, K), tight (t, 2), multipliers (t,): the dual, in the network's own rows. row_limits (m,): most row lengths where no penalty holds rows.
    bias_limit: most output bias, where sample weights keep the dual's sums from being exactly 0. active: pairs counted as active on a boundary.
    primal, dual: values of point and dual. solver, status, iterations: which route ran, and its word. tight_constraints: sign constraints that are
    active at the point, of neurons that are not 0 there. collapsed: neurons that are 0 there. seconds: CPU time.
    """

    network: Network
    F: float
    rows: Array
    bias: Array | None
    best: Network
    nu: Array
    tight: Array
    multipliers: Array
    row_limits: Array | None
    bias_limit: float | None
    active: Array
    primal: float
    dual: float
    size: RegionSize
    solver: str
    status: str
    iterations: int
    tight_constraints: int
    collapsed: int
    seconds: float

    @property
    def gap(self) -> float:
        """primal - dual, an estimate of the distance to the optimum."""
        return self.primal - self.dual

    @property
    def drop(self) -> float:
        """How far the network lies above the best of its region, as far as it is found."""
        return self.F - self.primal
