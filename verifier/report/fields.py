"""Reading the free-form record without trusting it: whatever has the wrong type counts as absent."""

from __future__ import annotations

import json
import math
from typing import Any


def table(value: Any) -> dict[str, Any]:
    """The value when it is an object, else {}."""
    return value if isinstance(value, dict) else {}


def rows(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, in order; [] when there is no list."""
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def number(value: Any) -> float | None:
    """A finite float, or None. Booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        x = float(value)
    except OverflowError:
        return None
    return x if math.isfinite(x) else None


def numbers(value: Any, length: int | None = None) -> list[float] | None:
    """A list made of finite numbers only, of the given length; else None."""
    if not isinstance(value, list) or (length is not None and len(value) != length):
        return None
    found = [number(v) for v in value]
    return None if any(x is None for x in found) else [x for x in found if x is not None]


def text(value: Any, default: str = "") -> str:
    """The value when it is text, else the default."""
    return value if isinstance(value, str) else default


def words(value: Any) -> str:
    """Any JSON value on one line, for a person."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list) and all(isinstance(v, (str, int, float, bool)) for v in value):
        return ", ".join(words(v) for v in value) or "none"
    return json.dumps(value, ensure_ascii=False)


def flatten(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """(dotted key, text) for every leaf of nested objects, and of lists of objects, which count from 1."""
    out: list[tuple[str, str]] = []
    for key, entry in value.items():
        if isinstance(entry, list) and entry and all(isinstance(v, dict) for v in entry):
            entry = {str(k): v for k, v in enumerate(entry, start=1)}
        if isinstance(entry, dict) and entry:
            out += flatten(entry, f"{prefix}{key}.")
        else:
            out.append((f"{prefix}{key}", words(entry) if entry != {} else "none"))
    return out


def estimate(x: float | None, digits: int = 5) -> str:
    """A float64 estimate, rounded to nearest; a dash when there is none."""
    return "–" if x is None else f"{x:.{digits}g}"


def seconds(value: Any) -> str:
    """A recorded time, or a dash."""
    x = number(value)
    return "–" if x is None else f"{x:.2f}"
