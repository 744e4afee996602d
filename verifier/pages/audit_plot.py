"""Slack distributions of an audit: one row of bars per statement, on a logarithmic axis with both signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verifier.numbers import plural
from verifier.report.fields import estimate
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLOOR = 1e-9  # slacks closer to 0 share the middle bar
DECADES = 12  # from FLOOR to 1e3; what lies beyond is drawn at the end
TICKS = (-1.0, -1e-3, -1e-6, 0.0, 1e-6, 1e-3, 1.0, 1e3)


@dataclass(frozen=True)
class Slacks:
    """Of one statement, infinite ones included. A trial is a violation when its slack is below -tolerance."""

    name: str
    values: tuple[float, ...]
    tolerance: float

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def broken(self) -> bool:
        return self.least < -self.tolerance


def slack_plot(rows: Sequence[Slacks]) -> Picture | None:
    """None when no statement has a trial."""
    rows = [r for r in rows if r.values]
    if not rows:
        return None
    broken = [f"{r.name} {estimate(r.least, 3)}" for r in rows if r.broken]
    held = [f"{r.name} {estimate(r.least, 3)}" for r in rows if not r.broken]
    alt = f"Distribution of the slack in all trials of {plural(len(rows), 'statement')}."
    if broken:
        alt += f" Broken, with the least slack: {'; '.join(broken)}."
    if held:
        alt += f" Never broken, with the least slack: {'; '.join(held)}."
    return picture(lambda theme: _draw(rows, theme), alt)


def position(slack: np.ndarray | float) -> np.ndarray:
    """Where a slack is drawn: decades above FLOOR, with its sign, clipped to the axis."""
    s = np.asarray(slack, dtype=np.float64)
    size = np.clip(np.abs(s), FLOOR, FLOOR * 10.0**DECADES)
    return np.sign(s) * (np.log10(size) - np.log10(FLOOR))


def _draw(rows: Sequence[Slacks], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.6, 0.9 + 0.34 * len(rows)), layout="constrained")
    ax = figure.subplots()
    # Half decades on both sides; the bar at 0 is as wide as the others and holds everything below FLOOR.
    right = np.arange(0.25, DECADES + 0.5, 0.5)
    edges = np.concatenate([-right[::-1], right])
    middles = 0.5 * (edges[1:] + edges[:-1])
    for y, row in enumerate(reversed(rows)):
        values = np.array(row.values)
        counts, _ = np.histogram(position(values), edges)
        wrong, _ = np.histogram(position(values[values < -row.tolerance]), edges)
        # Logarithmic heights: one violation among a thousand trials has to be seen.
        height = 0.85 * np.log1p(counts) / np.log1p(counts.max())
        for bars, colour in ((wrong == 0, theme.bound), (wrong > 0, theme.sample)):
            shown = bars & (counts > 0)
            ax.bar(middles[shown], height[shown], width=0.44, bottom=y, color=colour)
        ax.axhline(y, color=theme.faint, lw=0.6, zorder=0)
        if row.broken:
            ax.plot(
                [float(position(row.least))],
                [y + 0.6],
                marker="v",
                color=theme.sample,
                ms=6,
                ls="none",
                mec=theme.surface,
            )
    ax.axvline(0.0, color=theme.level, lw=0.9, ls="--")
    ax.set_xlim(-DECADES - 0.5, DECADES + 0.5)
    ax.set_ylim(-0.1, len(rows))
    ax.set_xticks([float(position(t)) for t in TICKS], [f"{t:g}" for t in TICKS])
    ax.set_yticks([y + 0.3 for y in range(len(rows))], [r.name for r in reversed(rows)])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("slack, relative to the numbers compared; left of the line the statement is violated")
    return figure
