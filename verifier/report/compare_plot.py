"""All paths of a deep pair in one picture, Figure 3(d) of Nguyen, Bréchet, Mondelli 2021 with proofs: sampled dots, certified maxima as lines, E."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verifier.numbers import show_up
from verifier.report.axes import colour, log_axis
from verifier.report.fields import estimate
from verifier.report.moves import PathCurve
from verifier.report.path_plot import corners
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More than this many in one picture cannot be told apart; the others have their own.
MOST = 5
MARKS = ("o", "s", "D", "^", "v")
LINES = ("-", (0, (7, 2)), (0, (4, 2)), (0, (7, 2, 1.5, 2)), (0, (2, 1.5)))
# Paths may coincide for long stretches: what is drawn first is larger, so that it shows behind the others.
MARK_SIZES, LINE_WIDTHS = (5.0, 3.2, 2.4, 2.0, 1.6), (5.0, 3.0, 2.0, 1.6, 1.2)


def compare_plot(curves: list[tuple[PathCurve, float | None]], E: float | None) -> Picture | None:
    """curves: each path with its certified maximum, None when rejected; the first MOST are drawn. None for fewer than two paths."""
    shown = [(c, sup) for c, sup in curves if c.count and (c.F or sup is not None)][:MOST]
    return picture(lambda theme: _draw(shown, E, theme), _alt(shown, E)) if len(shown) > 1 else None


def _alt(curves: list[tuple[PathCurve, float | None]], E: float | None) -> str:
    parts = ["Loss along the paths from A to B, each stretched to the same length."]
    if E is not None:
        parts.append(f"E is {show_up(E, 5)}.")
    for curve, sup in curves:
        sampled = f"sampled up to {estimate(max(curve.F))}, " if curve.F else ""
        said = "its claim is rejected" if sup is None else f"certified never above {show_up(sup, 5)}"
        parts.append(f"{curve.name}: {sampled}{said}.")
    return " ".join(parts)


def _draw(curves: list[tuple[PathCurve, float | None]], E: float | None, theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.8, 4.3), layout="constrained")
    ax = figure.subplots()
    values = [] if E is None else [E]
    for k, (curve, sup) in enumerate(curves):
        shade = colour(theme, k)
        if curve.F:
            x = corners(curve)
            at = np.interp(curve.position, np.arange(curve.count + 1), x) / x[-1]
            ax.plot(at, curve.F, color=shade, lw=0.7, alpha=0.5)
            ax.plot(at, curve.F, MARKS[k], ms=MARK_SIZES[k], mew=0, color=shade, label=f"{curve.name}, sampled")
            values += curve.F
        if sup is not None:
            name = f"{curve.name}, certified maximum"
            ax.axhline(sup, color=shade, lw=LINE_WIDTHS[k], ls=LINES[k], alpha=0.8, label=name)
            values.append(sup)
    if E is not None:
        ax.axhline(E, color=theme.ink, lw=1.0, ls=(0, (1, 2)), label="E = max(F(A), F(B))")
    log_axis(ax, values)
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks([0.0, 1.0], ["A", "B"])
    ax.set_xlabel("along each path; idle and transfer moves narrower on long ones")
    ax.set_ylabel("F")
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=8.5, handlelength=3.0)
    return figure
