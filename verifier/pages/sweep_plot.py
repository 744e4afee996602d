"""Gap against width: certified bounds, sampled estimates and printed values, each with a sign of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verifier.numbers import show_up
from verifier.report.fields import estimate
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Point:
    """One mark: mean gap, its interval when there is one, and the maximum. kind: certified, sampled or printed."""

    kind: str
    width: int
    mean: float
    maximum: float
    interval: tuple[float, float] | None = None


# name in the legend, sign, place beside the width's tick
STYLES = {
    "certified": ("certified bound", "o", -0.16),
    "sampled": ("DSS, sampled", "s", 0.0),
    "printed": ("printed in the paper", "x", 0.16),
}


def gap_plot(name: str, points: Sequence[Point]) -> Picture | None:
    """The picture of one experiment; None without points."""
    if not points:
        return None
    return picture(lambda theme: _draw(points, theme), _alt(name, points))


def _alt(name: str, points: Sequence[Point]) -> str:
    parts = [f"Energy gap against width, {name}."]
    for p in points:
        show = show_up if p.kind == "certified" else estimate
        parts.append(f"Width {p.width}, {STYLES[p.kind][0]}: mean {show(p.mean)}, largest {show(p.maximum)}.")
    return " ".join(parts)


def _draw(points: Sequence[Point], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    widths = sorted({p.width for p in points})
    figure = Figure(figsize=(7.2, 3.5), layout="constrained")
    ax = figure.subplots()
    colours = {"certified": theme.bound, "sampled": theme.sample, "printed": theme.level}
    for kind, (label, sign, shift) in STYLES.items():
        for n, p in enumerate([p for p in points if p.kind == kind]):
            x, colour, first = widths.index(p.width) + shift, colours[kind], n == 0
            ax.plot([x], [p.mean], sign, color=colour, ms=6, label=f"{label}: mean" if first else None)
            if p.interval is not None:
                ax.vlines(x, *p.interval, color=colour, lw=1.6, label="95 % interval of the mean" if first else "_")
            ax.plot([x + 0.05], [p.maximum], "_", color=colour, ms=11, mew=2, label="largest" if first else None)
    _scale(ax, points)
    ax.set_xticks(range(len(widths)), [str(w) for w in widths])
    ax.set_xlim(-0.5, len(widths) - 0.5)
    ax.set_xlabel("width")
    ax.set_ylabel("gap over E")
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8.5)
    return figure


def _scale(ax: Axes, points: Sequence[Point]) -> None:
    """Logarithmic over the positive gaps, with a linear piece that holds 0."""
    positive = [v for p in points for v in (p.mean, p.maximum, *(p.interval or ())) if v > 0]
    if positive:
        least, largest = min(positive), max(positive)
        linear = max(least, 1e-6 * largest)  # rounding errors of sampled figures are no decades worth drawing
        ax.set_yscale("symlog", linthresh=linear, linscale=0.5)
        ax.set_ylim(-0.25 * linear, 2.5 * largest)
        # Decades far inside the linear piece would be written over the 0.
        ax.yaxis.set_major_formatter(lambda v, _: "0" if v == 0 else "" if v < linear / 2 else f"{v:.0e}")
        ax.yaxis.set_minor_formatter("")
    else:
        ax.set_ylim(-0.1, 1.0)
        ax.set_yticks([0.0], ["0"])
