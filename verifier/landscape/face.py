"""A face of the landscape, and the minimum of F over it, as values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
# (sorted distinct codes, facet or -1)
Face = tuple[tuple[int, ...], int]


@dataclass(frozen=True, eq=False)
class FacePoint:
    """A minimiser. value: F there. predictions (N K,). u: per code of the face's set a point (n,) of its cone; facet_u (n,) or None. bias: c.

    nu (N K,): dual vector of the mean loss, the gradient at the predictions or, where that is nearer to feasible, the solver's. exact: to rounding, by
    a direct method; else to a solver's tolerance.
    """

    value: float
    predictions: Array
    u: dict[int, Array]
    facet_u: Array | None
    bias: float
    nu: Array
    exact: bool = False
