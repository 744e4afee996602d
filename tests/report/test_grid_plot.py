"""Theorem 2's table as a picture: every cell once, what is no grid not at all."""

import pytest

from verifier.report.grid_plot import grid_plot

ROWS = [{"l": l, "alpha": a, "estimate": 0.5 + l * 0.1 - a, "other": "x"} for l in (1, 5, 10) for a in (0.0, 0.2)]


def test_the_finding_is_said():
    found = grid_plot(ROWS, 0.55)
    assert found is not None
    assert (
        "over 3 values of l and 2 of alpha, between 0.4 and 1.5; the least at l = 1, alpha = 0.2; E is 0.55."
        in found.alt
    )
    assert found.light != found.dark
    assert grid_plot(ROWS, 0.55) == found, "the same bytes every time"
    assert grid_plot([{**r, "estimate": 1.0} for r in ROWS], None).alt.endswith("alpha = 0.")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ROWS[:1],
        ROWS[:-1],
        [*ROWS, ROWS[0]],
        [{**ROWS[0], "estimate": "0.5"}, *ROWS[1:]],
        [{**ROWS[0], "estimate": float("nan")}, *ROWS[1:]],
        [{**ROWS[0], "l": 1.5}, *ROWS[1:]],
        [{k: v for k, v in r.items() if k != "alpha"} for r in ROWS],
        [{"l": l, "alpha": a / 10, "estimate": 1.0} for l in range(1, 31) for a in range(2)],
    ],
)
def test_what_is_no_grid_has_no_picture(rows):
    """The record is untrusted: a table with gaps, twins, text or too many cells stays a table."""
    assert grid_plot(rows, 0.5) is None
