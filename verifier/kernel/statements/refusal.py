"""How the kernel refuses: one exception, one way to ask, and arrays of exactly the type and shape that is expected."""

from __future__ import annotations

import numpy as np


class Rejected(Exception):
    """The claim is not established. Raised anywhere in the kernel; the verdict carries its text."""


def require(condition: bool, why: str) -> None:
    """Reject unless the condition is the bool True (never an assert: `python -O` would drop it)."""
    if condition is not True:
        raise Rejected(why)


def require_finite(array: np.ndarray, name: str, ndim: int, kind: type = np.float64) -> None:
    require(
        type(array) is np.ndarray and array.dtype == kind and array.ndim == ndim,
        f"{name}: expected a {ndim}-d {kind.__name__} array",
    )
    require(bool(np.isfinite(array).all()), f"{name}: NaN or infinity")


def require_array(array: np.ndarray, name: str, kind: type, shape: tuple[int, ...]) -> None:
    """Reject what is not a finite array of this type and shape."""
    require(
        type(array) is np.ndarray and array.dtype == kind and array.shape == shape,
        f"{name} has the wrong type or shape",
    )
    require(bool(np.isfinite(array).all()), f"{name}: NaN or infinity")
