"""Printing numbers without lying: a printed upper bound is never below the bound."""

from __future__ import annotations

from decimal import ROUND_CEILING, Context, Decimal


def show_up(x: float, digits: int = 4) -> str:
    """Decimal text with `digits` significant digits, rounded towards plus infinity from the exact value of the float."""
    if x == 0.0:
        return "0"
    return _tidy(Context(prec=digits, rounding=ROUND_CEILING).create_decimal(Decimal(x)))


def _tidy(d: Decimal) -> str:
    """Scientific form with a two-digit exponent, as Python prints floats."""
    sign, ds, exponent = d.as_tuple()
    text = "".join(map(str, ds)).rstrip("0") or "0"
    power = int(exponent) + len(ds) - 1
    mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
    if -3 <= power < 6:
        return format(d.normalize(), "f")
    return f"{'-' if sign else ''}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
