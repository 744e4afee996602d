"""Heat map of a fraction over samples and width, with the theorem's line where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from verifier.numbers import plural
from verifier.regions.experiment import CellResult
from verifier.regions.presets import EPSILON, Preset, theorem_width
from verifier.regions.summary import half_widths
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def heat_map(preset: Preset, panel: str, results: Sequence[CellResult]) -> Picture:
    """The picture of one panel."""
    return picture(lambda theme: _draw(preset, results, theme), _alt(preset, panel, results))


def _alt(preset: Preset, panel: str, results: Sequence[CellResult]) -> str:
    what = "full-rank Jacobian" if preset.kind == "rank" else "zero-loss point"
    halves = half_widths(results)
    needed = [(n, d1) for n, d1 in halves.items() if d1 is not None]
    text = f"Heat map, {panel}: share of random regions with a {what}, over the number of samples and the width."
    if needed:
        (n0, d0), (n1, d1) = needed[0], needed[-1]
        text += f" Half of the regions have it from width {d0} on with {plural(n0, 'sample')}"
        text += f", and from width {d1} on with {plural(n1, 'sample')}." if n1 != n0 else "."
    if len(needed) < len(halves):
        text += f" With {len(halves) - len(needed)} of the {len(halves)} numbers of samples no width of the grid reaches half."
    return text


def _draw(preset: Preset, results: Sequence[CellResult], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    ns, widths = sorted({r.cell.n for r in results}), sorted({r.cell.d1 for r in results})
    table = np.full((len(widths), len(ns)), np.nan)
    for r in results:
        table[widths.index(r.cell.d1), ns.index(r.cell.n)] = r.fraction
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    ax = figure.subplots()
    # Vector squares: an embedded bitmap would blur when the page is enlarged.
    mesh = ax.pcolormesh(_edges(ns), _edges(widths), table, cmap="viridis", vmin=0.0, vmax=1.0, linewidth=0)
    bar = figure.colorbar(mesh, ax=ax, label="share of regions")
    bar.outline.set_visible(False)
    if preset.line:
        x = np.linspace(_edges(ns)[0], _edges(ns)[-1], 200)
        y = np.array([theorem_width(preset.line, max(v, 0.2)) for v in x])
        inside = y <= _edges(widths)[-1]
        formula = "4 n log(2n/ε)" if preset.line == "12" else "2 n log(n/ε)"
        for colour, width in (("#ffffff", 3.0), ("#000000", 1.4)):
            # A white rim keeps the black line visible on dark squares.
            label = f"{formula}, ε = {EPSILON:g}" if colour == "#000000" else None
            ax.plot(x[inside], y[inside], "--", color=colour, lw=width, label=label)
        if inside.any():
            legend = ax.legend(
                loc="lower left",
                bbox_to_anchor=(0.0, 1.0),
                fontsize=8,
                facecolor="#ffffff",
                labelcolor="#000000",
                framealpha=0.9,
            )
            legend.get_frame().set_linewidth(0.0)
    ax.set_ylim(_edges(widths)[0], _edges(widths)[-1])
    ax.set_xticks(ns)
    ax.set_yticks(widths if len(widths) <= 10 else widths[1::2])
    ax.set_xlabel("samples n")
    ax.set_ylabel("width d1")
    return figure


def _edges(values: list[int]) -> np.ndarray:
    """Borders of squares around the grid's values."""
    v = np.array(values, dtype=float)
    if len(v) == 1:
        return np.array([v[0] - 0.5, v[0] + 0.5])
    middle = (v[:-1] + v[1:]) / 2
    return np.concatenate([[v[0] - (middle[0] - v[0])], middle, [v[-1] + (v[-1] - middle[-1])]])
