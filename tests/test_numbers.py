"""Printed bounds lie on the safe side of the float they stand for."""

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import verifier.numbers
from verifier.numbers import show_down, show_up

FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(FINITE, st.integers(1, 12))
def test_up_is_above_and_down_is_below_by_less_than_a_unit_of_the_last_digit(x, digits):
    up, down, exact = Decimal(show_up(x, digits)), Decimal(show_down(x, digits)), Decimal(x)
    assert down <= exact <= up
    assert up - down <= abs(exact) * Decimal(10) ** (1 - digits)


@given(FINITE)
def test_down_mirrors_up(x):
    assert Decimal(show_down(-x)) == -Decimal(show_up(x))


@pytest.mark.parametrize(
    ("x", "text"), [(0.0, "0"), (-0.0, "0"), (1e-5, "1.001e-05"), (123456.0, "123500"), (5e-324, "4.941e-324")]
)
def test_forms(x, text):
    assert show_up(x) == text


def test_examples():
    assert doctest.testmod(verifier.numbers).failed == 0
