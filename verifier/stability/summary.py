"""Means over networks with Student's t intervals, per layer and of the largest value over the layers, and what they say in sentences."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.numbers import plural
from verifier.outcomes import Finding, Outcome
from verifier.stability.plan import width_words

CONFIDENCE = 0.95
# "Close to the trained loss", as in the project's target for Theorem 4.1: ten per cent and 1e-3.
CLOSE = (1.1, 1e-3)
JUDGED = ("error", "test_loss", "test_error")
SHORT = {"a": "(A)", "search": "(A) search", "b": "(B)", "forgotten": "(B) forgotten biases"}


@dataclass(frozen=True)
class Mean:
    """Mean over `count` networks with its interval mean ± t s / sqrt(count), None for a single network."""

    count: int
    value: float
    interval: tuple[float, float] | None
    smallest: float
    largest: float


@dataclass(frozen=True)
class Judged:
    """One quantity: per series and layer, and of the trained networks."""

    layers: dict[str, dict[int, Mean]]
    trained: Mean


@dataclass(frozen=True)
class Group:
    """Networks of one architecture. layers: per series and layer. maxima: of the largest value over the layers. reference: of F(network).

    draws: per series the draws spent, summed over layers and networks, and CPU seconds. judged: per quantity of JUDGED that all networks have, of its
    values per series and layer, and of the trained networks.
    """

    hidden: tuple[int, ...]
    records: tuple[dict[str, Any], ...]
    layers: dict[str, dict[int, Mean]]
    maxima: dict[str, Mean]
    reference: Mean
    draws: dict[str, int]
    seconds: dict[str, float]
    judged: dict[str, Judged]

    @property
    def name(self) -> str:
        return width_words(self.hidden)


@dataclass(frozen=True)
class Summary:
    """finding: the verdict line. lines: one per architecture, and what the widths show. groups: narrow to wide."""

    title: str
    finding: Finding
    lines: tuple[str, ...]
    groups: tuple[Group, ...]


def mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Mean:
    """Mean and two-sided Student t interval of independent values (n,), n >= 1: right where they are normal, else approximate."""
    from scipy.stats import t

    x = np.asarray(values, dtype=np.float64)
    m, interval = float(x.mean()), None
    if len(x) > 1:
        half = float(t.ppf((1 + confidence) / 2, len(x) - 1) * x.std(ddof=1) / math.sqrt(len(x)))
        interval = (m - half, m + half)
    return Mean(len(x), m, interval, float(x.min()), float(x.max()))


def summarise(records: Sequence[dict[str, Any]], title: str) -> Summary:
    """records: of `experiment.measured`, at least one."""
    by_widths: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for r in records:
        by_widths.setdefault(tuple(r["widths"][1:-1]), []).append(r)
    order = sorted(by_widths, key=lambda h: (len(h), h))
    groups = tuple(_group(h, by_widths[h]) for h in order)
    measured = [g for g in groups if g.maxima]
    lines = [_group_line(g) for g in measured] + _against_width(measured)
    return Summary(title, Finding.of(Outcome.EVALUATED, _words(title, groups, len(records))), tuple(lines), groups)


def _group(hidden: tuple[int, ...], records: list[dict[str, Any]]) -> Group:
    records = sorted(records, key=lambda r: (r["seed"] is None, r["seed"], r["name"]))
    names = [n for n in SHORT if all(n in r["series"] for r in records)]
    layers: dict[str, dict[int, Mean]] = {}
    for n in names:
        points = [{p["layer"]: p["value"] for p in r["series"][n]["points"]} for r in records]
        layers[n] = {l: mean([p[l] for p in points]) for l in sorted(points[0])}
    maxima = {n: mean([largest(r, n) for r in records]) for n in names}
    draws = {n: sum(p["draws"] for r in records for p in r["series"][n]["points"]) for n in names}
    seconds = {n: sum(r["series"][n]["seconds"] for r in records) for n in names}
    judged = {k: j for k in JUDGED if (j := _judged(k, records, names)) is not None}
    return Group(hidden, tuple(records), layers, maxima, mean([r["F"] for r in records]), draws, seconds, judged)


def _judged(quantity: str, records: list[dict[str, Any]], names: list[str]) -> Judged | None:
    """None where a network lacks it."""
    trained = [_of_trained(quantity, r) for r in records]
    points = [p for r in records for n in names for p in r["series"][n]["points"]]
    if not points or None in trained or any(p.get(quantity) is None for p in points):
        return None
    layers: dict[str, dict[int, Mean]] = {}
    for n in names:
        by_layer = [{p["layer"]: p[quantity] for p in r["series"][n]["points"]} for r in records]
        layers[n] = {l: mean([values[l] for values in by_layer]) for l in sorted(by_layer[0])}
    return Judged(layers, mean([x for x in trained if x is not None]))


def _of_trained(quantity: str, record: dict[str, Any]) -> float | None:
    if quantity == "error":
        accuracy: float | None = record["accuracy"]
        return None if accuracy is None else 1.0 - accuracy
    test = record.get("test")
    return None if test is None else test[quantity.removeprefix("test_")]


def largest(record: dict[str, Any], series: str) -> float:
    """The largest value over the layers of one network."""
    return max(p["value"] for p in record["series"][series]["points"])


def show(m: Mean, digits: int = 3) -> str:
    """`0.58 [0.52, 0.64]`."""
    text = f"{m.value:.{digits}g}"
    return text if m.interval is None else f"{text} [{m.interval[0]:.{digits}g}, {m.interval[1]:.{digits}g}]"


def close(m: Mean, reference: Mean) -> bool:
    """Whether a mean is within ten per cent and 1e-3 of the trained networks' mean."""
    return m.value <= CLOSE[0] * reference.value + CLOSE[1]


def smallest_close(groups: Sequence[Group], series: str) -> Group | None:
    """The narrowest group from which on all are close to the trained loss."""
    found = None
    for g in reversed(groups):
        if series not in g.maxima or not close(g.maxima[series], g.reference):
            break
        found = g
    return found


def _group_line(g: Group) -> str:
    parts = [f"{SHORT[n]} {show(m)}" for n, m in g.maxima.items()]
    return f"{g.name}, {plural(g.reference.count, 'network')}, largest over layers: {', '.join(parts)}; trained {show(g.reference)}"


def _against_width(groups: Sequence[Group]) -> list[str]:
    if len(groups) < 2 or len({len(g.hidden) for g in groups}) > 1:
        return []
    out = []
    for n in groups[0].maxima:
        g = smallest_close(groups, n)
        where = "no width of the grid" if g is None else f"from {g.name} on"
        out.append(f"{SHORT[n]} is within 10 % and 1e-3 of the trained loss: {where}")
    return out


def _words(title: str, groups: Sequence[Group], count: int) -> str:
    text = f"{title}: {plural(count, 'network')}"
    measured = [g for g in groups if g.maxima]
    if not measured:
        return text
    if len(measured) == 1:
        g = measured[0]
        parts = [f"{SHORT[n]} {m.value:.3g}" for n, m in g.maxima.items()]
        return f"{text} of widths {g.name}; largest loss over layers, mean: {', '.join(parts)}; trained {g.reference.value:.3g}"
    parts = []
    for n in measured[0].maxima:
        found = sum(close(g.maxima[n], g.reference) for g in measured if n in g.maxima)
        parts.append(f"{SHORT[n]} at {found}")
    return f"{text} of {len(measured)} architectures; within 10 % and 1e-3 of the trained loss: {', '.join(parts)}"


def table_csv(groups: Sequence[Group]) -> str:
    """All means as CSV: widths, series, layer (or max), networks, mean, lower, upper, smallest, largest."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("widths", "series", "layer", "networks", "mean", "lower", "upper", "smallest", "largest"))
    for g in groups:
        rows = [("trained", "", g.reference)]
        for n in g.layers:
            rows += [(n, str(l), m) for l, m in g.layers[n].items()] + [(n, "max", g.maxima[n])]
        for quantity, j in g.judged.items():
            rows.append((f"trained {quantity}", "", j.trained))
            rows += [(f"{n} {quantity}", str(l), m) for n, by_layer in j.layers.items() for l, m in by_layer.items()]
        for series, layer, m in rows:
            low, high = ("", "") if m.interval is None else map(repr, m.interval)
            writer.writerow(
                (g.name, series, layer, m.count, repr(m.value), low, high, repr(m.smallest), repr(m.largest))
            )
    return out.getvalue()
