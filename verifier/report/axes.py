"""What plots of F share: colours that tell paths apart, and an axis that is logarithmic where values span decades."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verifier.report.svg import Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("bound", "sample", "transfer", "layer", "rescale")
LOG_RATIO = 30.0
# What lies under this share of the largest value is cut on a log axis: where data are separated, a trained loss can be 1e-12 and less.
SMALLEST_SHARE = 1e-9


def colour(theme: Theme, k: int) -> str:
    """The k-th colour for paths."""
    name = COLOURS[k % len(COLOURS)]
    return theme.kinds[name] if name in theme.kinds else str(getattr(theme, name))


def log_axis(ax: Axes, values: list[float]) -> float | None:
    """Make the axis of F logarithmic where all values are positive and span more than LOG_RATIO; returns its lower end, None for a linear one."""
    if not values or min(values) <= 0 or max(values) <= LOG_RATIO * min(values):
        return None
    floor = max(0.6 * min(values), SMALLEST_SHARE * max(values))
    ax.set_yscale("log")
    ax.set_ylim(floor, 1.7 * max(values))
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter("")
    return floor
