"""The disconnectivity graph: a leaf per network at its F, groups joined at the certified upper bound of the pass between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verifier.many.together import Merge
from verifier.numbers import plural, show_down, show_up
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAUTION = "Upper bounds: true passes may be lower."
CAUTION_APART = "Upper bounds: true passes may be lower, but not lower than a dotted line."
NAMED = 12  # merges that the text alternative spells out


def merge_plot(names: Sequence[str], values: Sequence[float], merges: Sequence[Merge], level: float) -> Picture | None:
    """The picture; None when nothing merges. values: F per network, for the leaves."""
    if not merges:
        return None
    order = leaf_order(len(names), merges)
    return picture(lambda theme: _draw(order, names, values, merges, level, theme), _alt(names, values, merges))


def leaf_order(n: int, merges: Sequence[Merge]) -> list[int]:
    """Leaves from left to right so that no branches cross; groups that nothing joins stay side by side."""
    runs = {k: [k] for k in range(n)}
    for m in merges:
        left, right = runs[min(m.left)], runs[min(m.right)]
        together = left + right
        for k in together:
            runs[k] = together
    return [k for run in {id(r): r for r in runs.values()}.values() for k in run]


def _alt(names: Sequence[str], values: Sequence[float], merges: Sequence[Merge]) -> str:
    parts = [
        f"Disconnectivity graph of {plural(len(names), 'network')} from certified upper bounds; true passes may be lower.",
        f"F of the networks runs from {min(values):.4g} to {max(values):.4g}.",
    ]
    for m in merges[:NAMED]:
        left, right = (", ".join(names[k] for k in sorted(group)) for group in (m.left, m.right))
        parts.append(f"{left} and {right} are joined at F at most {show_up(m.height, 5)}{_apart(m)}.")
    if len(merges) > NAMED:
        rest = merges[NAMED:]
        parts.append(f"{plural(len(rest), 'more join')}, the last at F at most {show_up(rest[-1].height, 5)}.")
    groups = len(names) - len(merges)
    parts.append("All are joined." if groups == 1 else f"{groups} groups are not joined by any certified path.")
    return " ".join(parts)


def _apart(m: Merge) -> str:
    return "" if m.apart is None else f" and not joined below {show_down(m.apart, 5)}"


def _draw(
    order: list[int], names: Sequence[str], values: Sequence[float], merges: Sequence[Merge], level: float, theme: Theme
) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(7.2, min(20.0, 1.2 + 0.42 * len(order))), 4.0), layout="constrained")
    ax = figure.subplots()
    # Each group hangs from the point (x, height) where its last two parts met.
    at = {k: (float(x), values[k]) for x, k in enumerate(order)}
    for m in merges:
        (x0, y0), (x1, y1) = at[min(m.left)], at[min(m.right)]
        ax.plot([x0, x0, x1, x1], [y0, m.height, m.height, y1], color=theme.bound, lw=1.6, solid_joinstyle="round")
        if m.apart is not None:
            ax.plot([x0, x1], [m.apart, m.apart], color=theme.bound, lw=1.6, ls=":")
        for k in m.left | m.right:
            at[k] = ((x0 + x1) / 2, m.height)
    ax.plot(range(len(order)), [values[k] for k in order], "o", color=theme.sample, ms=5, label="network, F in float64")
    ax.plot([], [], color=theme.bound, lw=1.6, label="certified upper bound of the pass")
    lower = any(m.apart is not None for m in merges)
    if lower:
        ax.plot([], [], color=theme.bound, lw=1.6, ls=":", label="not joined below, certified")
    ax.axhline(level, color=theme.level, lw=0.9, ls="--", label="level of the components")
    labels = [_short(names[k]) for k in order]
    ax.set_xticks(range(len(order)), labels, rotation=60 if max(map(len, labels)) * len(labels) > 70 else 0)
    ax.set_xlim(-0.6, len(order) - 0.4)
    ax.set_ylabel("F")
    ax.grid(axis="y", color=theme.faint, lw=0.6)
    ax.set_axisbelow(True)
    figure.legend(loc="outside upper left", frameon=False, fontsize=8.5, ncols=3)
    ax.set_title(CAUTION_APART if lower else CAUTION, fontsize=8.5, loc="left", color=theme.level)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= 14 else "…" + name[-13:]
