"""Printing numbers without lying: a printed upper bound is never below the bound, a printed lower bound never above it."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal


def show_up(x: float, digits: int = 4) -> str:
    """Decimal text with `digits` significant digits, rounded towards plus infinity from the exact value of the float.

    >>> show_up(0.1), show_up(0.12341)
    ('0.1001', '0.1235')
    """
    return _show(x, digits, ROUND_CEILING)


def show_down(x: float, digits: int = 4) -> str:
    """Decimal text with `digits` significant digits, rounded towards minus infinity from the exact value of the float.

    >>> show_down(0.1), show_down(0.12349)
    ('0.1', '0.1234')
    """
    return _show(x, digits, ROUND_FLOOR)


def plural(n: int, one: str, more: str | None = None, *, form: str = "") -> str:
    """A number with its noun. more: the plural, where it is not `one` with an s. form: of the number, as in f-strings.

    >>> plural(1, "move"), plural(2000, "move", form=","), plural(2, "minimum", "minima")
    ('1 move', '2,000 moves', '2 minima')
    """
    return f"{n:{form}} {one if n == 1 else more or f'{one}s'}"


def _show(x: float, digits: int, rounding: str) -> str:
    if x == 0.0:
        return "0"
    if not math.isfinite(x):
        return str(x)
    return _tidy(Context(prec=digits, rounding=rounding).create_decimal(Decimal(x)))


def _tidy(d: Decimal) -> str:
    """Scientific form with a two-digit exponent, as Python prints floats."""
    sign, ds, exponent = d.as_tuple()
    text = "".join(map(str, ds)).rstrip("0") or "0"
    power = int(exponent) + len(ds) - 1
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    if -3 <= power < 6:
        return format(d.normalize(), "f")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
