"""Bars of the losses per layer of deep paths, A and B side by side for each path, with E as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.numbers import show_up
from verifier.report.axes import colour, log_axis
from verifier.report.fields import estimate
from verifier.report.layers import Series
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def layers_plot(series: list[Series], E: float | None) -> Picture | None:
    """None without series. E: certified, rounded up."""
    return picture(lambda theme: _draw(series, E, theme), _alt(series, E)) if series else None


def _alt(series: list[Series], E: float | None) -> str:
    parts = ["Loss per layer behind each path, evaluated."]
    if E is not None:
        parts.append(f"E is {show_up(E, 5)}.")
    for s in series:
        for e in "AB":
            values = ", ".join(f"layer {l} {estimate(v, 4)}" for (l, end), v in sorted(s.values.items()) if end == e)
            if values:
                parts.append(f"{s.name}, {e}: {values}.")
    return " ".join(parts)


def _draw(series: list[Series], E: float | None, theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    layers = sorted({l for s in series for l, _ in s.values})
    figure = Figure(
        figsize=(max(7.2, min(13.0, 0.34 * len(layers) * 2 * len(series) + 1.5)), 3.9), layout="constrained"
    )
    ax = figure.subplots()
    values = [v for s in series for v in s.values.values()] + ([] if E is None else [E])
    floor = log_axis(ax, values)
    base = 0.0 if floor is None else floor
    width = 0.8 / (2 * len(series))
    for k, s in enumerate(series):
        for side, e in enumerate("AB"):
            here = [(p, s.values[l, e]) for p, l in enumerate(layers) if (l, e) in s.values]
            at = [p + width * (2 * k + side + 0.5) - 0.4 for p, _ in here]
            shade = colour(theme, k)
            # B's bars are hatched outlines: endpoints differ by more than a colour.
            ax.bar(
                at, [v - base for _, v in here], 0.86 * width, bottom=base, edgecolor=shade, lw=1.0, label=f"{s.name}, {e}",
                facecolor=shade if e == "A" else "none", hatch=None if e == "A" else "////",
            )  # fmt: skip
    if E is not None:
        ax.axhline(E, color=theme.level, lw=1.4, ls=(0, (5, 3)), label="E = max(F(A), F(B))")
    ax.set_xticks(range(len(layers)), [str(l) for l in layers])
    ax.set_xlabel("layer l (0: a sub-network on the inputs)" if 0 in layers else "hidden layer l")
    ax.set_ylabel("F, evaluated")
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", length=0)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False, fontsize=8.5)
    return figure
