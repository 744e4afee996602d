"""Figures 3 and 4 of N21 redone: loss per layer, loss along two paths, largest loss against width; means with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from verifier.numbers import plural, show_up
from verifier.report.svg import Picture, Theme, picture
from verifier.stability.summary import Group, Mean, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# label, sign, colour of the theme, line
STYLES = {
    "a": ("(A) Theorem 4.1, uniform subsets", "o", "bound", "-"),
    "search": ("(A) the tool's own choices", "D", "layer", "--"),
    "b": ("(B) dropout", "s", "sample", "-"),
    "forgotten": ("(B) forgotten biases", "x", "transfer", ":"),
}
QUANTITIES = {"loss": "Loss", "error": "Error", "test_loss": "Test loss", "test_error": "Test error"}
Rows = dict[str, dict[int, Mean]]
LOG_RATIO = 30.0
# A scaled head can bring the loss of separated data to 1e-12 and less; curves along paths are cut this far under E.
UNDER_E = 0.1
SMALLEST = 1e-12


def layer_plot(group: Group, quantity: str = "loss") -> Picture:
    """Figure 3(a) to (c) for one architecture, and Figure 6: of a quantity of `summary.JUDGED`."""
    rows, trained = (
        (group.layers, group.reference)
        if quantity == "loss"
        else (group.judged[quantity].layers, group.judged[quantity].trained)
    )
    words = QUANTITIES[quantity]
    return picture(
        lambda theme: _draw_layers(rows, trained, len(group.hidden), words, theme),
        _layers_alt(rows, trained, words, group),
    )


def width_plot(groups: Sequence[Group]) -> Picture:
    """Figure 4: the largest value over the layers, by architecture."""
    return picture(lambda theme: _draw_widths(groups, theme), _widths_alt(groups))


def pair_plot(curves: Sequence[tuple[str, list[float], list[float], float | None]], E: float | None) -> Picture:
    """Figure 3(d). curves: (method, position in [0, 1], F sampled there, certified maximum or None when rejected)."""
    alt = ["Loss along paths between two networks."]
    for name, _, F, sup in curves:
        said = "its certificate is rejected" if sup is None else f"certified never above {show_up(sup)}"
        sampled = f"sampled up to {max(F):.4g}, " if F else ""
        alt.append(f"{name}: {sampled}{said}.")
    return picture(lambda theme: _draw_pair(curves, E, theme), " ".join(alt))


def _layers_alt(series: Rows, trained: Mean, words: str, group: Group) -> str:
    parts = [
        f"{words} per layer, widths {group.name}, mean of {plural(trained.count, 'network')}; trained {show(trained)}."
    ]
    for n, rows in series.items():
        values = ", ".join(f"layer {l} {m.value:.3g}" for l, m in rows.items())
        parts.append(f"{STYLES[n][0]}: {values}.")
    return " ".join(parts)


def _widths_alt(groups: Sequence[Group]) -> str:
    parts = ["Largest loss over the layers against width, means."]
    for g in groups:
        values = ", ".join(f"{STYLES[n][0]} {m.value:.3g}" for n, m in g.maxima.items())
        parts.append(f"{g.name}: {values}, trained {g.reference.value:.3g}.")
    return " ".join(parts)


def judged_plot(curves: Sequence[tuple[str, list[float], list[float]]], words: str) -> Picture:
    """Figure 6 along two paths. curves: (method, position in [0, 1], value there). words: what is drawn."""
    alt = " ".join(
        [f"{words} along paths between two networks.", *(f"{name}: up to {max(y):.4g}." for name, _, y in curves if y)]
    )
    return picture(lambda theme: _draw_judged(curves, words, theme), alt)


def _draw_judged(curves: Sequence[tuple[str, list[float], list[float]]], words: str, theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    ax = figure.subplots()
    for k, (name, at, y) in enumerate(curves):
        ax.plot(at, y, color=(theme.bound, theme.sample, theme.kinds["transfer"])[k % 3], lw=1.4, label=name)
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks([0.0, 1.0], ["A", "B"])
    ax.set_xlabel("along the path, one step per move")
    return _finish(figure, ax, [v for _, _, y in curves for v in y if v > 0], theme, columns=2, words=words)


def _colour(theme: Theme, name: str) -> str:
    return theme.kinds[name] if name in theme.kinds else str(getattr(theme, name))


def _series(ax: Axes, x: Sequence[float], means: Sequence[Mean], name: str, shift: float, theme: Theme) -> list[float]:
    """Line through the means with intervals; returns all positive values drawn."""
    label, sign, key, line = STYLES[name]
    colour, at = _colour(theme, key), [v + shift for v in x]
    ax.plot(at, [m.value for m in means], line, marker=sign, ms=5, lw=1.3, color=colour, label=label)
    values = [m.value for m in means]
    for place, m in zip(at, means):
        if m.interval is not None:
            ax.vlines(place, max(m.interval[0], SMALLEST), m.interval[1], color=colour, lw=1.8)
            values.append(m.interval[1])
    return [v for v in values if v > 0]


def _finish(figure: Figure, ax: Axes, values: list[float], theme: Theme, columns: int = 3, words: str = "F") -> Figure:
    if values and max(values) > LOG_RATIO * min(values):
        ax.set_yscale("log")
        # An interval that reaches below 0 would stretch the axis to nothing.
        ax.set_ylim(max(SMALLEST, 0.5 * min(values)), 2.0 * max(values))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    ax.set_ylabel(words)
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    figure.legend(
        *ax.get_legend_handles_labels(), loc="outside upper center", ncols=columns, frameon=False, fontsize=8.5
    )
    return figure


def _shifts(names: Sequence[str], room: float) -> dict[str, float]:
    """Side by side, so that intervals do not cover each other."""
    return {n: room * (k - (len(names) - 1) / 2) for k, n in enumerate(names)}


def _draw_layers(series: Rows, trained: Mean, hidden: int, words: str, theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    ax = figure.subplots()
    values = [trained.value] if trained.value > 0 else []
    shifts = _shifts(list(series), 0.07)
    for n, rows in series.items():
        values += _series(ax, list(rows), list(rows.values()), n, shifts[n], theme)
    ax.axhline(trained.value, color=theme.level, lw=1.2, ls=(0, (1, 2)), label="trained networks")
    ax.set_xticks(range(hidden + 1))
    ax.set_xlabel("layer l (0: the inputs)")
    return _finish(figure, ax, values, theme, words=words)


def _draw_widths(groups: Sequence[Group], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    ax = figure.subplots()
    x = np.arange(len(groups))
    reference = [g.reference.value for g in groups]
    values = [v for v in reference if v > 0]
    names = list(groups[0].maxima)
    shifts = _shifts(names, 0.09)
    for n in names:
        values += _series(ax, list(x), [g.maxima[n] for g in groups], n, shifts[n], theme)
    ax.plot(x, reference, color=theme.level, lw=1.2, ls=(0, (1, 2)), label="trained networks")
    equal = all(len(set(g.hidden)) == 1 for g in groups) and len({len(g.hidden) for g in groups}) == 1
    ax.set_xticks(x, [str(g.hidden[0]) if equal else g.name for g in groups])
    ax.set_xlabel(f"width of each of the {plural(len(groups[0].hidden), 'hidden layer')}" if equal else "hidden widths")
    return _finish(figure, ax, values, theme)


def _draw_pair(
    curves: Sequence[tuple[str, list[float], list[float], float | None]], E: float | None, theme: Theme
) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.9), layout="constrained")
    ax = figure.subplots()
    values: list[float] = []
    for k, (name, at, F, sup) in enumerate(curves):
        colour = (theme.bound, theme.sample, theme.kinds["transfer"])[k % 3]
        if F:
            ax.plot(at, F, color=colour, lw=1.4, label=f"{name}, sampled")
            values += [v for v in F if v > 0]
        if sup is not None:
            ax.axhline(sup, color=colour, lw=1.6, ls=(0, (6, 2)), alpha=0.7, label=f"{name}, certified maximum")
            values.append(sup)
    if E is not None:
        ax.axhline(E, color=theme.level, lw=1.2, ls=(0, (1, 2)), label="E = max(F(A), F(B))")
        values.append(E)
    ax.set_xlim(0.0, 1.0)
    ax.set_xticks([0.0, 1.0], ["A", "B"])
    ax.set_xlabel("along the path, one step per move")
    floor = 0.0 if E is None else UNDER_E * E
    return _finish(figure, ax, [max(v, floor) for v in values if v > 0], theme, columns=2)
