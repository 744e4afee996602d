"""Loss along one path: sampled curve, certified bound per move, E, the kind of each move, and activation changes below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from verifier.numbers import plural, show_up
from verifier.report.axes import log_axis
from verifier.report.fields import estimate
from verifier.report.moves import KINDS, QUIET, PathCurve, kinds_summary
from verifier.report.svg import Picture, Theme, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# F is constant on idle and transfer moves, so they are drawn narrower than the others on long paths.
QUIET_WIDTH = 0.35


def path_plot(curve: PathCurve, E: float | None, sup: float | None, level: float | None = None) -> Picture | None:
    """The picture of a path; None when neither a bound nor a sample of it is known.

    sup: the certified bound, None when rejected. level: the given level besides E.
    """
    if not curve.count or (not curve.uppers and not curve.F):
        return None
    return picture(lambda theme: _draw(curve, E, level, theme), _alt(curve, E, sup))


def _alt(curve: PathCurve, E: float | None, sup: float | None) -> str:
    parts = [
        f"Loss along path {curve.name}, {plural(curve.count, 'move')} ({kinds_summary(curve.kinds) or 'kinds unknown'})."
    ]
    if sup is None:
        parts.append("Its claim is rejected: no bound is drawn.")
    else:
        against = "" if E is None else ", which is E or less" if sup <= E else f"; E is {show_up(E, 5)}"
        parts.append(f"The certified bound never exceeds {show_up(sup, 5)}{against}.")
    if curve.F:
        parts.append(f"The sampled curve runs between {estimate(min(curve.F))} and {estimate(max(curve.F))}.")
    if curve.changes is not None:
        parts.append(f"Up to {100 * max(curve.changes):.0f} % of the activations differ from A's along the way.")
    return " ".join(parts)


def corners(curve: PathCurve) -> np.ndarray:
    """Horizontal place of each vertex."""
    kinds = curve.kinds or ("head",) * curve.count
    quiet = QUIET_WIDTH if curve.count > 12 else 1.0
    return np.concatenate([[0.0], np.cumsum([quiet if k in QUIET else 1.0 for k in kinds])])


def _draw(curve: PathCurve, E: float | None, level: float | None, theme: Theme) -> Figure:
    from matplotlib.figure import Figure

    used = [k for k in KINDS if k in curve.kinds]
    heights = [6.0] + ([0.42 * max(1, len(used))] if used else []) + ([1.7] if curve.changes is not None else [])
    figure = Figure(figsize=(8.8, 0.6 + 0.47 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    x = corners(curve)
    _draw_loss(axes[0], curve, x, E, level, theme)
    if used:
        _draw_kinds(axes[1], curve, x, used, theme)
    if curve.changes is not None:
        axes[-1].plot(x, 100 * np.array(curve.changes), color=theme.ink, lw=1.1)
        axes[-1].set_ylabel("switched, %")
        axes[-1].set_ylim(0, max(1.0, 105 * max(curve.changes)))
    step = max(1, -(-curve.count // 12))
    ticks = [*range(0, curve.count - step // 2, step), curve.count]
    axes[-1].set_xticks(x[ticks], ["A" if k == 0 else "B" if k == curve.count else str(k) for k in ticks])
    axes[-1].set_xlabel("vertices of the path, from A to B")
    axes[-1].set_xlim(x[0], x[-1])
    return figure


def _draw_loss(ax: Axes, curve: PathCurve, x: np.ndarray, E: float | None, level: float | None, theme: Theme) -> None:
    values = [*curve.F, *curve.uppers, *([] if E is None else [E])]
    if curve.uppers:
        ax.stairs(
            curve.uppers, x, baseline=None, color=theme.bound, lw=2.8, alpha=0.75, label="certified bound of each move"
        )
    if curve.F:
        places = np.interp(curve.position, np.arange(curve.count + 1), x)
        ax.plot(places, curve.F, color=theme.sample, lw=1.3, label="F, sampled")
    if E is not None:
        ax.axhline(E, color=theme.level, lw=1.1, ls=(0, (5, 3)), label="E = max(F(A), F(B))")
    if level is not None:
        ax.axhline(level, color=theme.ink, lw=1.0, ls=(0, (1, 2)), label="given level")
        values.append(level)
    log_axis(ax, values)
    if curve.count <= 60:
        for place in x[1:-1]:
            ax.axvline(place, color=theme.faint, lw=0.6, zorder=0)
    ax.set_ylabel("F")
    ax.tick_params(labelbottom=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, fontsize=8.5)


def _draw_kinds(ax: Axes, curve: PathCurve, x: np.ndarray, used: list[str], theme: Theme) -> None:
    """One lane per kind, so that the place says what the colour says."""
    for lane, kind in enumerate(used):
        bars = [(x[k], x[k + 1] - x[k]) for k, name in enumerate(curve.kinds) if name == kind]
        ax.broken_barh(bars, (lane - 0.32, 0.64), facecolors=theme.kinds[kind], edgecolors="none")
    ax.set_yticks(range(len(used)), used)
    ax.set_ylim(len(used) - 0.5, -0.5)
    ax.tick_params(length=0, labelbottom=False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
