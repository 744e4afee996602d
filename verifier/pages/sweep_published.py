"""What Baturin 2026, section 5, prints about pairwise energy gaps, to stand beside what is found again.

The tables came from code that returned the smallest exceedance over visited segments, not the largest (docs/constructions.md, section 3).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PrintedRow:
    """One line of a table as printed. texts: as in the paper. mean, maximum: the same as numbers, for plots."""

    width: int
    mean_text: str
    median_text: str
    maximum_text: str
    hit_rate: str
    pairs: int
    mean: float
    maximum: float


@dataclass(frozen=True)
class PrintedTable:
    """A table and its tests: Mann-Whitney p, which is one-sided (its author's code), Cliff's delta, and the share of permutations that the
    paper calls p of the maximum."""

    number: int
    data: str
    loss: str
    rows: tuple[PrintedRow, ...]
    p_less: str
    cliffs_delta: str
    p_max: str = "0"


TABLES = (
    PrintedTable(
        1, "paper-moons", "squared",
        (PrintedRow(20, "5.6e-5", "2.0e-6", "1.719e-3", "0.99", 200, 5.6e-5, 1.719e-3),
         PrintedRow(200, "6.0e-6", "2.0e-6", "1.48e-4", "1.00", 200, 6.0e-6, 1.48e-4)),
        "0.266", "-0.036",
    ),
    PrintedTable(
        2, "paper-breast-cancer", "logistic",
        (PrintedRow(20, "7.93e-4", "1.18e-9", "1.0696e-2", "0.62", 200, 7.93e-4, 1.0696e-2),
         PrintedRow(200, "1.24e-4", "0", "1.477e-3", "0.415", 200, 1.24e-4, 1.477e-3)),
        "2.26e-5", "-0.222",
    ),
)  # fmt: skip


def printed(data: str) -> PrintedTable | None:
    """The paper's table about a data set; None for data the paper did not use."""
    return next((t for t in TABLES if t.data == data), None)
