"""Pictures of an exact landscape: disconnectivity graph, components against the level, gap against the width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from verifier.numbers import plural
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAVES = 40  # minima drawn, those with the largest gaps


def tree_plot(width: dict[str, Any]) -> Picture | None:
    """Disconnectivity graph of the joins with the largest gaps; None when there is one minimum only."""
    joins = sorted(width["joins"][: LEAVES - 1], key=lambda j: j["level"])
    if not joins:
        return None
    shown, total = len(joins) + 1, width["minima_count"]
    part = "" if shown >= total else f" Drawn are the {shown} with the largest gaps."
    top = max(joins, key=lambda j: j["gap"])
    alt = (
        f"Disconnectivity graph for width {width['width']}: {plural(total, 'local minimum', 'local minima')}, the lowest at F = "
        f"{width['lowest']:.5g}. The largest gap is {top['gap']:.5g}: a minimum at F = {top['value']:.5g} is left through a pass at {top['level']:.5g}. "
        f"All are joined at {joins[-1]['level']:.5g}.{part}"
    )
    return picture(lambda theme: _draw_tree(joins, width, theme), alt)


def _draw_tree(joins: Sequence[dict[str, Any]], width: dict[str, Any], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    values = {j["younger"]: j["value"] for j in joins}
    values[0] = width["lowest"]
    # A minimum that none of the drawn joins ends stands for the group it belongs to: follow older minima to one that is drawn.
    older = {j["younger"]: j["older"] for j in width["joins"]}
    runs: dict[int, list[int]] = {k: [k] for k in values}

    def drawn(k: int) -> int:
        while k not in runs and k in older:
            k = older[k]
        return k if k in runs else 0

    for j in joins:
        left, right = runs[drawn(j["older"])], runs[j["younger"]]
        if left is not right:
            together = left + right
            for k in together:
                runs[k] = together
    order = [k for run in {id(r): r for r in runs.values()}.values() for k in run]
    at = {k: (float(x), values[k]) for x, k in enumerate(order)}
    group = {k: frozenset([k]) for k in order}
    figure = Figure(figsize=(7.6, 3.8), layout="constrained")
    ax = figure.subplots()
    for j in joins:
        a, b = drawn(j["older"]), j["younger"]
        if group[a] == group[b]:
            continue
        (x0, y0), (x1, y1) = at[a], at[b]
        ax.plot([x0, x0, x1, x1], [y0, j["level"], j["level"], y1], color=theme.bound, lw=1.4, solid_joinstyle="round")
        together_set = group[a] | group[b]
        for k in together_set:
            group[k], at[k] = together_set, ((x0 + x1) / 2, j["level"])
    ax.plot(range(len(order)), [values[k] for k in order], "o", color=theme.sample, ms=4.5)
    ax.set_xticks([])
    ax.set_xlabel("local minima")
    ax.set_ylabel("F")
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    return figure


def components_plot(width: dict[str, Any]) -> Picture | None:
    """Number of connected components of {F <= level} against the level."""
    steps = width["steps"]
    if not steps:
        return None
    most = max(c for _, c in steps)
    alt = (
        f"Number of connected components of the set F at most a level, for width {width['width']}: none below {steps[0][0]:.5g}, at most {most}, "
        f"and one at every level from {width['connected_from']:.5g} on."
    )
    return picture(lambda theme: _draw_components(steps, width, theme), alt)


def _draw_components(steps: Sequence[Sequence[float]], width: dict[str, Any], theme: Theme) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    levels, counts = [s[0] for s in steps], [s[1] for s in steps]
    room = 0.08 * (levels[-1] - levels[0] or abs(levels[0]) or 1.0)
    figure = Figure(figsize=(7.6, 2.8), layout="constrained")
    ax = figure.subplots()
    ax.step(
        [levels[0] - room, *levels, levels[-1] + room],
        [0, *counts, counts[-1]],
        where="post",
        color=theme.bound,
        lw=1.6,
    )
    ax.axvline(width["connected_from"], color=theme.level, lw=0.9, ls="--", label="connected from here on")
    ax.set_xlabel("level of F")
    ax.set_ylabel("components")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    figure.legend(loc="outside upper left", frameon=False, fontsize=8.5)
    return figure


def widths_plot(widths: Sequence[dict[str, Any]]) -> Picture | None:
    """Largest gap against the width; None for fewer than two widths."""
    if len(widths) < 2:
        return None
    parts = "; ".join(f"{w['width']}: {w['largest_gap']:.5g}" for w in widths)
    first, last = widths[0], widths[-1]
    change = "smaller" if last["largest_gap"] < first["largest_gap"] else "no smaller"
    alt = f"Largest gap between two local minima against the width. {parts}. At width {last['width']} it is {change} than at width {first['width']}."
    return picture(lambda theme: _draw_widths(widths, theme), alt)


def _draw_widths(widths: Sequence[dict[str, Any]], theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    x = [w["width"] for w in widths]
    figure = Figure(figsize=(7.6, 2.8), layout="constrained")
    ax = figure.subplots()
    ax.plot(
        x, [w["largest_gap"] for w in widths], "o-", color=theme.bound, lw=1.6, label="largest gap of two local minima"
    )
    ax.plot(
        x,
        [w["connected_from"] for w in widths],
        "s--",
        color=theme.level,
        lw=1.0,
        ms=4,
        label="level from which {F ≤ level} is connected",
    )
    ax.plot(x, [w["lowest"] for w in widths], "^:", color=theme.sample, lw=1.0, ms=4, label="least F")
    ax.set_xticks(x)
    ax.set_xlabel("width m")
    ax.set_ylim(bottom=0.0)
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    figure.legend(loc="outside upper left", frameon=False, fontsize=8.5, ncols=3)
    return figure
