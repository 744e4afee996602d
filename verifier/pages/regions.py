"""One self-contained page about a regions preset, from its cells alone: heat maps, and every fraction with its interval in tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.files import atomic_write_bytes
from verifier.outcomes import Outcome
from verifier.pages.regions_plot import heat_map
from verifier.regions.experiment import CellResult
from verifier.regions.presets import EPSILON, Preset
from verifier.regions.summary import half_widths, summarise
from verifier.report.html import render_page
from verifier.report.svg import Picture

PAPER = {
    "figure2": "Figure 2",
    "figure3": "Figure 3",
    "figure6": "Figure 6",
    "figure7": "Figure 7",
    "figure8": "Figure 8",
}


@dataclass(frozen=True)
class Row:
    """One width of a panel: its fractions over the numbers of samples, as text."""

    width: int
    cells: list[str]


@dataclass(frozen=True)
class Panel:
    name: str
    picture: Picture
    ns: list[int]
    rows: list[Row]
    finding: str


def write_regions_report(preset: Preset, results: Sequence[CellResult], out: str | Path) -> Path:
    """Write the page, whole or not at all; returns where. Raises UsageError when the place cannot be written."""
    target = Path(out)
    atomic_write_bytes(target, render_regions(preset, results).encode("utf-8"))
    return target


def render_regions(preset: Preset, results: Sequence[CellResult]) -> str:
    """The page as text."""
    return render_page("regions.html.jinja", _context(preset, results))


def _context(preset: Preset, results: Sequence[CellResult]) -> dict[str, Any]:
    summary = summarise(preset, results)
    found = summary.finding
    counts: dict[str, int] = {}
    for r in results:
        for k, v in r.counts.items():
            counts[k] = counts.get(k, 0) + v
    names = {
        "full": "full column rank", "deficient": "less than full column rank", "zero_inside": "zero loss in the open region",
        "zero_on_boundary": "zero loss on the boundary only", "positive": "no zero loss", "undecided": "undecided",
    }  # fmt: skip
    first = preset.cells[0]
    return {
        "name": preset.name, "title": preset.title, "kind": preset.kind, "word": found.outcome.value,
        "tone": "bad" if found.outcome is Outcome.REFUTED else "note",
        "sentence": found.text, "paper": PAPER.get(preset.name, f"Theorem {preset.line}"), "line": preset.line, "epsilon": f"{EPSILON:g}",
        "measure": first.measure, "trials": first.trials, "seed": first.seed, "same_data": first.same_data,
        "panels": [_panel(preset, p, [r for r in results if r.cell.panel == p]) for p in preset.panels],
        "counts": [(names.get(k, k), str(v), f"{100 * v / max(1, summary.trials):.3g} %") for k, v in sorted(counts.items())],
        "settled": sum(r.settled for r in results), "cpu": f"{sum(r.seconds for r in results):.0f}", "missing": len(preset.cells) - len(results),
    }  # fmt: skip


def _panel(preset: Preset, name: str, results: Sequence[CellResult]) -> Panel:
    ns = sorted({r.cell.n for r in results})
    at = {(r.cell.d1, r.cell.n): r for r in results}
    rows = []
    for d1 in sorted({r.cell.d1 for r in results}, reverse=True):
        rows.append(Row(d1, [_cell(at.get((d1, n))) for n in ns]))
    halves = half_widths(results)
    finding = ", ".join(f"{n}: {'none' if d1 is None else d1}" for n, d1 in halves.items())
    return Panel(name, heat_map(preset, name, results), ns, rows, finding)


def _cell(r: CellResult | None) -> str:
    if r is None:
        return "–"
    lower, upper = r.interval()
    return f"{r.fraction:.2f} [{lower:.2f}, {upper:.2f}]"
