"""What a preset's results say, in sentences: the width each panel needs, and whether a theorem's share is contradicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verifier.numbers import plural
from verifier.outcomes import Finding, Outcome
from verifier.regions.experiment import CellResult
from verifier.regions.presets import EPSILON, Preset, theorem_width


@dataclass(frozen=True)
class Summary:
    """finding: the verdict line. lines: one per panel. trials: random regions in all."""

    finding: Finding
    lines: tuple[str, ...]
    trials: int


def above_line(preset: Preset, results: Sequence[CellResult]) -> list[CellResult]:
    """Cells from the theorem's width on; [] for presets without a line."""
    if not preset.line:
        return []
    return [r for r in results if r.cell.d1 >= theorem_width(preset.line, r.cell.n)]


def summarise(preset: Preset, results: Sequence[CellResult]) -> Summary:
    """Presets that count all regions alike test their theorem: a cell above the line whose 99.9 % interval lies under 1 - epsilon refutes it.

    Such an interval, not the usual 95 % one, because there are many cells.
    """
    trials = sum(r.cell.trials for r in results)
    undecided = sum(r.undecided for r in results)
    lines = [_panel(preset, panel, [r for r in results if r.cell.panel == panel]) for panel in preset.panels]
    tail = f"{trials} random regions in {plural(len(results), 'cell')}, {undecided} undecided"
    above = above_line(preset, results)
    uniform = all(r.cell.measure == "regions" for r in results)
    if preset.line and uniform and above:
        bad = [r for r in above if r.interval(0.999)[1] < 1 - EPSILON]
        least = min(r.fraction for r in above)
        said = f"{plural(len(above), 'cell')} from the width of Theorem {preset.line} on, smallest share {least:.3g} against its {1 - EPSILON:g}"
        if bad:
            r = bad[0]
            text = f"{preset.name}: n = {r.cell.n}, d1 = {r.cell.d1} has {r.hits} of {r.cell.trials}; {said}"
            return Summary(Finding.of(Outcome.REFUTED, text), tuple(lines), trials)
        tail += f"; {said}"
    return Summary(Finding.of(Outcome.SAMPLED, f"{preset.name}: {tail}"), tuple(lines), trials)


def half_widths(results: Sequence[CellResult]) -> dict[int, int | None]:
    """Per number of samples the smallest width of the grid from which on at least half of the regions are hits; None: none."""
    out: dict[int, int | None] = {}
    for n in sorted({r.cell.n for r in results}):
        column = sorted((r for r in results if r.cell.n == n), key=lambda r: -r.cell.d1)
        found = None
        for r in column:
            if r.fraction < 0.5:
                break
            found = r.cell.d1
        out[n] = found
    return out


def _panel(preset: Preset, panel: str, results: Sequence[CellResult]) -> str:
    what = "full rank" if preset.kind == "rank" else "a zero-loss point"
    parts = [f"n = {n}: {'more than the grid' if d1 is None else d1}" for n, d1 in half_widths(results).items()]
    return f"{panel}: smallest width at which half of the regions have {what}: {', '.join(parts)}"
