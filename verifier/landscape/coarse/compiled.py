"""Functions that numba compiles where it is installed (`pip install "verifier[fast]"`), and that run as they are where it is not: same results, slower."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
COMPILED = find_spec("numba") is not None


def compiled(function: F) -> F:
    """The function, compiled when it is first called; what was compiled is kept between runs."""
    if not COMPILED:
        return function
    from numba import njit

    out: F = njit(cache=True)(function)
    return out
