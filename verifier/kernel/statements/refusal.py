"""How the kernel refuses: one exception, one way to ask, and arrays, numbers and names of exactly what is expected."""

from __future__ import annotations

import json
import re
from dataclasses import is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

# A name stands between quotation marks in a sentence, and holds nothing that could end them or read like a formula.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .,+'/()&~*-]{0,119}")


class Rejected(Exception):
    """The claim is not established. Raised anywhere in the kernel; the verdict carries its text."""


def require(condition: bool, why: str) -> None:
    """Reject unless the condition is the bool True (never an assert: `python -O` would drop it)."""
    if condition is not True:
        raise Rejected(why)


def require_finite(array: np.ndarray, name: str, ndim: int, kind: type = np.float64) -> None:
    """Reject what is not a finite array of this type with `ndim` axes."""
    require(
        type(array) is np.ndarray and array.dtype == kind and array.ndim == ndim,
        f"{name}: expected a {ndim}-d {kind.__name__} array",
    )
    require(all_finite(array), f"{name}: NaN or infinity")


def all_finite(array: np.ndarray, rows: int = 4096) -> bool:
    """Whether every entry is a number, some rows at a time: an answer for all at once takes memory of its own."""
    parts = (array[k : k + rows] for k in range(0, len(array), rows)) if array.ndim else (array,)
    return all(bool(np.isfinite(part).all()) for part in parts)


def require_array(array: np.ndarray, name: str, kind: type, shape: tuple[int, ...]) -> None:
    """Reject what is not a finite array of this type and shape."""
    require(
        type(array) is np.ndarray and array.dtype == kind and array.shape == shape,
        f"{name} has the wrong type or shape",
    )
    require(all_finite(array), f"{name}: NaN or infinity")


def require_list(array: np.ndarray, name: str) -> None:
    require(
        type(array) is np.ndarray and array.dtype == np.int64 and array.ndim == 1, f"{name} must be a list of int64"
    )


def require_number(x: float, name: str) -> None:
    """Reject what is not a float in [0, infinity): F and everything claimed of it is one."""
    require(type(x) is float and 0.0 <= x < float("inf"), f"{name} must be a number, finite and at least 0")


def require_interval(lower: float, upper: float) -> None:
    require_number(lower, "the lower end")
    require_number(upper, "the upper end")
    require(lower <= upper, "the lower end lies above the upper one")


def require_name(name: str) -> None:
    require(
        type(name) is str and NAME.fullmatch(name) is not None,
        "a name has letters, digits, spaces and _.,+'/()&~*- only, at most 120",
    )


def require_types(value: Any, hint: Any, name: str) -> None:
    """Reject what is not of exactly the type that the statement declares, field by field: what only behaves like a move, an array or a number may
    behave otherwise when it is asked again."""
    if isinstance(hint, UnionType):
        inner = [h for h in get_args(hint) if h is not type(None)]
        if value is not None or len(inner) == len(get_args(hint)):
            require_types(value, inner[0], name)
        return
    expected = get_origin(hint) or hint
    require(type(value) is expected, f"{name}: expected {expected.__name__}, got {type(value).__name__}")
    if expected is tuple:
        for k, item in enumerate(value):
            require_types(item, get_args(hint)[0], f"{name}[{k}]")
    elif is_dataclass(hint):
        for field, inner_hint in _hints(expected).items():
            require_types(getattr(value, field), inner_hint, field)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def printable(text: str) -> str:
    """On one line and without control characters: a refused claim may hold any text, and must not look like another line of the answer."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(name: str) -> str:
    """The name between quotation marks, whatever it is: also a name that is refused is printed in the refusal."""
    return json.dumps(name)
