"""Matplotlib figures as data-URI SVG images: the same bytes every time, legible in light and dark."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Theme:
    """Colours of one appearance; the report's CSS uses the same ones.

    bound, sample, level: certified bound, sampled curve, E. kinds: one colour per kind of move.
    """

    ink: str
    faint: str
    bound: str
    sample: str
    level: str
    surface: str
    kinds: dict[str, str]


# Hues of Okabe and Ito's colour-blind-safe set, darkened or lightened until they stand out against each surface.
LIGHT = Theme(
    "#1f2328", "#d5d8dc", "#0b5cad", "#b14d00", "#59636e", "#ffffff",
    {"head": "#0b5cad", "idle": "#7a828a", "transfer": "#8a3ffc", "chord": "#b14d00", "layer": "#00695c", "rescale": "#8c6d00"},
)  # fmt: skip
DARK = Theme(
    "#e6e8eb", "#3a4048", "#6cb6ff", "#f0a35e", "#9aa4af", "#15181c",
    {"head": "#6cb6ff", "idle": "#8b949e", "transfer": "#c297ff", "chord": "#f0a35e", "layer": "#5cc8b5", "rescale": "#d9b84a"},
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One drawing in both appearances. alt: the finding, in words. width, height: CSS pixels."""

    light: str
    dark: str
    alt: str
    width: int
    height: int


def picture(draw: Callable[[Theme], Figure], alt: str) -> Picture:
    """Draw in both themes. `draw` returns a Figure that it made without pyplot."""
    from matplotlib import rc_context

    uris, size = [], (0, 0)
    for theme in (LIGHT, DARK):
        settings: dict[Any, Any] = {
            "svg.hashsalt": "verifier", "svg.fonttype": "path", "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 9.0,
            "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": theme.level, "axes.labelcolor": theme.ink,
            "text.color": theme.ink, "xtick.color": theme.level, "ytick.color": theme.level, "xtick.labelcolor": theme.ink,
            "ytick.labelcolor": theme.ink, "axes.facecolor": "none", "figure.facecolor": "none", "savefig.facecolor": "none",
            "axes.linewidth": 0.8, "path.simplify": True, "text.parse_math": False, "text.usetex": False, "axes.unicode_minus": True,
        }  # fmt: skip
        with rc_context(settings):
            figure = draw(theme)
            buffer = io.BytesIO()
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        size = tuple(round(96 * inches) for inches in figure.get_size_inches())
        uris.append("data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode("ascii"))
    return Picture(uris[0], uris[1], alt, *size)
