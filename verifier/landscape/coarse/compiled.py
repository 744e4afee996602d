"""Functions that numba compiles where it is installed (`pip install "verifier[fast]"`), and that run as they are where it is not: same results, slower."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
COMPILED = find_spec("numba") is not None


def compiled(function: F) -> F:
    """The function, compiled when it is first called; what was compiled is kept between runs.

    numba looks at the file of a function alone: after a change of newton.py what relaxed.py compiled of it before is still used. Delete
    `__pycache__/*.nbi` there; an installation writes all files anew. The kernel checks what comes out either way.
    """
    if not COMPILED:
        return function
    from numba import njit

    out: F = njit(cache=True)(function)
    return out
