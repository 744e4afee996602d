"""Theorem 2's table over (l, alpha) as a picture: the estimate of the path's maximum in every cell, as the record has it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from verifier.numbers import plural
from verifier.report.fields import estimate, number
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Cells of a picture that can be read.
MOST = 24
Cells = dict[tuple[int, float], float]


def grid_plot(rows: Sequence[Mapping[str, Any]], E: float | None) -> Picture | None:
    """None unless the rows are a grid of at least two cells, each with l, alpha and a finite estimate."""
    cells: Cells = {}
    for row in rows:
        l, alpha, value = number(row.get("l")), number(row.get("alpha")), number(row.get("estimate"))
        if l is None or alpha is None or value is None or l != int(l):
            return None
        cells[int(l), alpha] = value
    ls, alphas = sorted({l for l, _ in cells}), sorted({a for _, a in cells})
    if not (2 <= len(cells) == len(ls) * len(alphas) == len(rows)) or max(len(ls), len(alphas)) > MOST:
        return None
    (l, alpha), least = min(cells.items(), key=lambda item: item[1])
    alt = (
        f"Estimated maximum of F along Theorem 2's path over {plural(len(ls), 'value')} of l and {len(alphas)} of alpha, between {estimate(least)} and "
        f"{estimate(max(cells.values()))}; the least at l = {l}, alpha = {alpha:g}"
    )
    alt += "." if E is None else f"; E is {estimate(E)}."
    return picture(lambda theme: _draw(cells, ls, alphas, E, theme), alt)


def _draw(cells: Cells, ls: list[int], alphas: list[float], E: float | None, theme: Theme) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    values = [[cells[l, alpha] for l in ls] for alpha in alphas]
    low, high = min(cells.values()), max(cells.values())
    figure = Figure(figsize=(max(4.6, 1.6 + 1.0 * len(ls)), 1.5 + 0.52 * len(alphas)), layout="constrained")
    ax = figure.subplots()
    ax.imshow(values, aspect="auto", origin="lower", cmap="cividis", vmin=low, vmax=high if high > low else low + 1.0)
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            dark = high > low and (value - low) / (high - low) < 0.55
            ax.text(
                x, y, f"{value:.4g}", ha="center", va="center", color="#ffffff" if dark else "#000000", fontsize=8.5
            )
            if value == low or (E is not None and value <= E):
                edge = "#ffffff" if dark else "#000000"
                line = "solid" if value == low else (0, (2, 2))
                ax.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, ec=edge, lw=1.4, ls=line))
    ax.set_xticks(range(len(ls)), [str(l) for l in ls])
    ax.set_yticks(range(len(alphas)), [f"{a:g}" if math.isfinite(a) else "–" for a in alphas])
    ax.set_xlabel("l, neurons of the common network")
    ax.set_ylabel("alpha, radians")
    ax.tick_params(length=0)
    ax.set_facecolor(theme.faint)
    return figure
