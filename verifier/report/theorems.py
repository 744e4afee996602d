"""A-priori values of theorems, each with its hypotheses judged; float64 figures of the record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verifier.report.fields import estimate, number, rows, text


@dataclass(frozen=True)
class Hypothesis:
    """status: met, violated or undecided."""

    statement: str
    status: str
    tone: str
    detail: str


@dataclass(frozen=True)
class Theorem:
    """An a-priori value with its hypotheses. applies: whether it says anything about this pair, in words. is_excess: the value is measured from a
    level, and is no level of F itself."""

    name: str
    source: str
    value: str
    applies: str
    tone: str
    note: str
    hypotheses: tuple[Hypothesis, ...]
    is_excess: bool

    @property
    def against(self) -> list[Hypothesis]:
        """Hypotheses that are violated or undecided."""
        return [h for h in self.hypotheses if h.status != "met"]


def theorems(record: dict[str, Any]) -> list[Theorem]:
    """A-priori values in the record's order."""
    return [_theorem(row) for row in rows(record.get("apriori"))]


def _theorem(row: dict[str, Any]) -> Theorem:
    found = tuple(_hypothesis(h) for h in rows(row.get("hypotheses")))
    violated, undecided = (sum(h.status == s for h in found) for s in ("violated", "undecided"))
    value = number(row.get("value"))
    tone = "warn"
    if value is None:
        applies = "gives no value here"
    elif violated:
        applies = f"does not apply: {violated} of {len(found)} hypotheses violated"
    elif undecided:
        applies = f"{undecided} of {len(found)} hypotheses undecided"
    elif not found:
        applies = "no hypotheses recorded"
    else:
        applies, tone = "all hypotheses met", "ok"
    name, source, note = text(row.get("name"), "unnamed"), text(row.get("source")), text(row.get("note"))
    return Theorem(name, source, estimate(value, 6), applies, tone, note, found, row.get("excess") is True)


def _hypothesis(h: dict[str, Any]) -> Hypothesis:
    met = h.get("met")
    status, tone = "undecided", "warn"
    if met is True:
        status, tone = "met", "ok"
    elif met is False:
        status, tone = "violated", "bad"
    return Hypothesis(text(h.get("statement"), "unnamed"), status, tone, text(h.get("detail")))
