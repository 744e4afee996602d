"""What the author of Baturin 2026 recorded pair by pair for Tables 1 and 2, to stand beside what is found on the same pairs.

`baturin2026.csv`: numbers from the records of February 2026 at github.com/Safreliy/energy-gap-estimate (withdrawn in August 2026), 200 pairs per data set
and width in the order in which `sweep.plan.paper_pairs` draws them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class AuthorRecord:
    """One pair. level: the larger F of its ends, in float32. gap: the smallest exceedance of the level over visited segments, 0 without a hit.
    hit: whether the search reached its last depth."""

    level: float
    gap: float
    hit: bool


# What the networks of each data set were trained on, and measured by.
LOSSES = {"paper-moons": "squared", "paper-breast-cancer": "logistic"}


@cache
def author_records() -> dict[tuple[str, int], tuple[AuthorRecord, ...]]:
    """(data set, width) -> its pairs in order."""
    out: dict[tuple[str, int], list[AuthorRecord]] = {}
    text = files("verifier.sweep").joinpath("baturin2026.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        record = AuthorRecord(float(row["level"]), float(row["gap"]), row["hit"] == "1")
        out.setdefault((row["data"], int(row["width"])), []).append(record)
    return {key: tuple(records) for key, records in out.items()}
