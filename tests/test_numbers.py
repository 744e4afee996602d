"""Printed bounds lie on the safe side of the float they stand for."""

import doctest
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import verifier.numbers
from verifier.numbers import plural, show_down, show_up

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


# Rooms whose sentences users read in every run, and nouns that they count; a number with a format, such as {n:,}, is a large one.
ROOMS = ("checking.py", "cli", "many", "pages", "pipeline", "report", "stability", "sweep")
COUNTED = (
    "cells|chords|claims|classes|duals|faces|features|inputs|intervals|labels|layers|minima|moves|networks|neurons|outputs|pairs|parts|passes|points|programs|rows|"
    "samples|steps|trials|vertices|weights|widths"
)
# Of these there are always several, or the word in front is no number.
SEVERAL = ("{stay} neurons", "{len(seeds)} networks", "{who} networks", "{activation_words(")


@pytest.mark.parametrize("room", ROOMS)
def test_numbers_stand_before_their_nouns_by_one_function(room):
    """`1 features` stood in the first line of every run on one feature."""
    place = Path(verifier.numbers.__file__).parent / room
    for file in [place] if place.is_file() else sorted([*place.rglob("*.py"), *place.rglob("*.jinja")]):
        for line in file.read_text("utf-8").splitlines():
            found = re.search(r"\{(?!plural\()[^{}:]+\}+ (" + COUNTED + r")\b(?! and)", line)
            assert found is None or found.group(0).startswith(SEVERAL), (
                f"{file}: {line.strip()}; see verifier.numbers.plural"
            )
            assert not re.search(r"['\"]s['\"] \* \(|'' if \w+ == 1 else 's'", line), f"{file}: {line.strip()}"


def test_one_is_singular():
    assert [plural(n, "sample") for n in (0, 1, 2)] == ["0 samples", "1 sample", "2 samples"]
