"""The picture of F on the plane through A, B and a waypoint of a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verifier.report.fields import estimate, number
from verifier.report.plane import Plane
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plane_plot(plane: Plane, E: float | None) -> Picture:
    middle = _line_maximum(plane)
    alt = (
        f"Sampled F on the plane through A, B and waypoint C of path {plane.path}, between {estimate(plane.low)} and {estimate(plane.high)}. "
        f"Straight from A to B it reaches about {estimate(middle)} on this grid"
    )
    alt += "." if number(E) is None else f"; E is {estimate(E)}."
    return picture(lambda theme: _draw(plane, E, theme), alt)


def _line_maximum(plane: Plane) -> float:
    """Largest value on the straight line A to B, interpolated from the grid row nearest to it and along it."""
    row = int(np.argmin(np.abs(np.array(plane.y) - plane.corners["A"][1])))
    inside = [f for s, f in zip(plane.x, plane.F[row]) if 0.0 <= s <= 1.0]
    return max(inside, default=plane.F[row][0])


def _levels(plane: Plane) -> tuple[np.ndarray, bool]:
    low, high = plane.low, plane.high
    if not high > low:
        return np.array([low - 0.5, low + 0.5]), False
    if low > 0 and high > 10 * low:
        return np.geomspace(low, high, 13), True
    return np.linspace(low, high, 13), False


def _draw(plane: Plane, E: float | None, theme: Theme) -> Figure:
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    levels, logarithmic = _levels(plane)
    figure = Figure(figsize=(7.0, 4.6), layout="constrained")
    ax = figure.subplots()
    norm = (LogNorm if logarithmic else Normalize)(levels[0], levels[-1])
    filled = ax.contourf(plane.x, plane.y, plane.F, levels=levels, norm=norm, cmap="cividis")
    bar = figure.colorbar(filled, ax=ax, label="F, sampled", ticks=levels[::2], format="%.3g")
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    if E is not None and plane.low < E < plane.high:
        ax.contour(plane.x, plane.y, plane.F, levels=[E], colors=["#ffffff"], linewidths=1.4, linestyles="dashed")
    a, b, c = (plane.corners[name] for name in "ABC")
    ax.plot([a[0], b[0]], [a[1], b[1]], color="#ffffff", lw=0.9, alpha=0.8)
    for name, place in (("A", a), ("B", b), ("C", c)):
        ax.plot(*place, marker="o", ms=5.5, mfc="#ffffff", mec="#000000", mew=0.8)
        box = {"boxstyle": "round,pad=0.2", "fc": "#ffffff", "ec": "none", "alpha": 0.85}
        ax.annotate(name, place, xytext=(8, 7), textcoords="offset points", color="#000000", weight="bold", bbox=box)
    ax.set_xlabel("along B − A, in units of |B − A|")
    ax.set_ylabel("towards C, same units")
    ax.set_facecolor(theme.faint)
    return figure
