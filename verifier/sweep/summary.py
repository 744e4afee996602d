"""Statistics of a sweep's rows: per experiment and width, and between the narrowest and the widest networks of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from verifier.sweep.statistics import (
    Comparison,
    Interval,
    bootstrap,
    compare,
    mean_down,
    mean_up,
    shares_networks,
    weighted_mean,
    weighted_median,
)

Row = dict[str, Any]
CERTIFIED, SAMPLED, FORMULA, AUTHOR = "certified", "sampled", "formula", "author"
# Where a row holds each kind's gap, and whether the search behind it gave up.
COLUMNS = {
    CERTIFIED: ("gap", None),
    SAMPLED: ("sampled_gap_dss", "dss_hit"),
    FORMULA: ("dss_least_exceedance", "dss_hit"),
    AUTHOR: ("author_gap", "author_hit"),
}
ROUNDING = 1e-12  # relative, of float64 sums over a data set


@dataclass(frozen=True)
class Figures:
    """Gaps of one group. kind: "certified" bounds, "sampled" DSS estimates, "formula" (the smallest exceedance over segments that the same search visited, as
    the first paper printed) or "author" (that formula as the paper's author recorded it on the same pairs); they are never mixed.

    zero: share of pairs with gap exactly 0. hit_rate: share of DSS searches that gave up; None for certified gaps.
    """

    kind: str
    pairs: int
    mean: float
    median: float
    maximum: float
    zero: float
    mean_interval: Interval | None
    median_interval: Interval | None
    hit_rate: float | None = None
    hit_interval: Interval | None = None


@dataclass(frozen=True)
class Barriers:
    """Certified lower bounds on the gaps of one group, 0 where none is proved. pairs: with a bound above 0, of those with a certified upper one. mean:
    over all these, rounded down."""

    pairs: int
    of: int
    mean: float
    maximum: float


@dataclass(frozen=True)
class Group:
    """Pairs of one experiment and width. barriers: None where nothing is proved from below.
    cpu: CPU seconds in all, by what they were spent on. statuses: number of rows by status."""

    experiment: str
    data: str
    width: int
    pairs: int
    networks: int
    independent: bool
    statuses: dict[str, int]
    certified: Figures | None
    sampled: Figures | None
    formula: Figures | None
    author: Figures | None
    cpu: dict[str, float]
    barriers: Barriers | None = None


@dataclass(frozen=True)
class WidthComparison:
    """The widest against the narrowest networks of one experiment."""

    experiment: str
    kind: str
    narrow: int
    wide: int
    result: Comparison


@dataclass(frozen=True)
class Summary:
    groups: tuple[Group, ...]
    comparisons: tuple[WidthComparison, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def summarise(rows: Sequence[Row]) -> Summary:
    """Groups in the order of the rows."""
    keys = list(dict.fromkeys((r["experiment"], r["width"]) for r in rows))
    split = {key: [r for r in rows if (r["experiment"], r["width"]) == key] for key in keys}
    comparisons = []
    for name in dict.fromkeys(name for name, _ in keys):
        widths = sorted(width for other, width in keys if other == name)
        for kind in COLUMNS:
            wide, narrow = (_with_gap(split[name, w], kind) for w in (widths[-1], widths[0]))
            if len(widths) > 1 and wide and narrow:
                apart = not (shares_networks(_ends(wide)) or shares_networks(_ends(narrow)))
                found = compare(_gaps(wide, kind), _gaps(narrow, kind), independent=apart)
                comparisons.append(WidthComparison(name, kind, widths[0], widths[-1], found))
    return Summary(tuple(_group(name, width, split[name, width]) for name, width in keys), tuple(comparisons))


def _group(name: str, width: int, rows: list[Row]) -> Group:
    statuses = [r["status"] for r in rows]
    return Group(
        name,
        rows[0]["data"],
        width,
        len(rows),
        len({n for pair in _ends(rows) for n in pair}),
        not shares_networks(_ends(rows)),
        {s: statuses.count(s) for s in dict.fromkeys(statuses)},
        _figures(rows, CERTIFIED),
        _figures(rows, SAMPLED),
        _figures(rows, FORMULA),
        _figures(rows, AUTHOR),
        _cpu(rows),
        _barriers(_with_gap(rows, CERTIFIED)),
    )


def _barriers(rows: list[Row]) -> Barriers | None:
    """Of the rows with a certified upper bound, so that both ends of a mean are about the same pairs."""
    lower = [r.get("lower_gap") or 0.0 for r in rows]
    if not any(lower):
        return None
    return Barriers(sum(v > 0.0 for v in lower), len(lower), mean_down(lower), max(lower))


def _cpu(rows: list[Row]) -> dict[str, float]:
    """Certifying without DSS, checking, and all that DSS took; a time that is not known counts as 0."""
    total = lambda name: sum(r.get(name) or 0.0 for r in rows)
    dss = total("cpu_dss")
    return {"certify": max(0.0, total("cpu_certify") - dss), "check": total("cpu_check"), "dss": dss}


def _with_gap(rows: list[Row], kind: str) -> list[Row]:
    """The rows that say something of this kind; the formula is of interest only beside the author's record of the same pair."""
    return [r for r in rows if r[COLUMNS[kind][0]] is not None and (kind != FORMULA or r["author_gap"] is not None)]


def _gaps(rows: list[Row], kind: str) -> np.ndarray:
    """Certified gaps as they are; sampled ones within rounding of E count as 0, lest ranks compare rounding errors."""
    gaps = np.array([r[COLUMNS[kind][0]] for r in rows])
    if kind == SAMPLED:
        gaps[gaps <= ROUNDING * np.array([r["E"] for r in rows])] = 0.0
    return gaps


def _ends(rows: list[Row]) -> list[tuple[int, int]]:
    return [(r["seed_a"], r["seed_b"]) for r in rows]


def _figures(rows: list[Row], kind: str) -> Figures | None:
    rows = _with_gap(rows, kind)
    if not rows:
        return None
    gaps, ends = _gaps(rows, kind), _ends(rows)
    ones = np.ones(len(gaps), dtype=int)
    searched = COLUMNS[kind][1]
    hits = None if searched is None else np.array([float(bool(r[searched])) for r in rows])
    return Figures(
        kind,
        len(rows),
        mean_up(gaps.tolist()) if kind == CERTIFIED else float(gaps.mean()),
        weighted_median(gaps, ones),
        float(gaps.max()),
        float(np.mean(gaps == 0.0)),
        bootstrap(gaps, ends, weighted_mean),
        bootstrap(gaps, ends, weighted_median),
        None if hits is None else float(hits.mean()),
        None if hits is None else bootstrap(hits, ends, weighted_mean),
    )
