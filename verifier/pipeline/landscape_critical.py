"""The critical width of a data set: the least width of which every sublevel set of F is connected, by certificates of all widths up to it."""

from __future__ import annotations

from typing import Any

from verifier.errors import said_by
from verifier.numbers import show_down, show_up

# A width is said to be connected when its largest gap is certified to be at most this share of F of the network that is 0.
RESOLVED = 1e-5


def connected(w: dict[str, Any]) -> bool | None:
    """Whether a width's landscape is certified to be connected at every level outside its intervals; None where nothing certified decides it."""
    whole = w.get("whole", {})
    if whole.get("status") != "CERTIFIED":
        return None
    if whole["minima"] == 1 and whole["gap_upper"] <= RESOLVED * whole["zero"]:
        return True
    return False if whole["gap_lower"] > 0.0 else None


def critical_record(widths: list[dict[str, Any]]) -> dict[str, Any]:
    """The critical width among widths 1, 2, ..., as records of their landscapes; or why it is not known. resolution: levels within intervals of which
    nothing is said are no longer. gap: that two networks of the width below are certified to have, None for width 1."""
    for w, below in zip(widths, [None, *widths]):
        found = connected(w)
        if found is None:
            why = (
                w.get("refused")
                or w["whole"].get("why")
                or f"its largest gap is only known to be at most {show_up(w['whole']['gap_upper'], 3)}"
            )
            return {"width": None, "why": said_by(f"width {w['width']} is not decided", why, room="landscape")}
        if found:
            return {
                "width": w["width"], "why": None, "resolution": w["whole"]["gap_upper"], "certificate": w["whole"]["certificate"],
                "gap": below and below["whole"]["gap_lower"], "certificate_below": below and below["whole"]["certificate"],
            }  # fmt: skip
    last = widths[-1]["width"]
    return {"width": None, "why": f"no width up to {last} has connected sublevel sets only"}


def critical_words(record: dict[str, Any]) -> str:
    """One sentence; empty where the critical width was not asked for."""
    found = record.get("critical")
    if not found:
        return ""
    if found["width"] is None:
        return f"critical width not determined: {found['why']}"
    m = found["width"]
    text = f"critical width {m}, gaps up to {show_up(found['resolution'], 2)} aside: no two networks of width {m} have a larger one"
    if found["gap"] is None:
        return text
    return f"{text}, two of width {m - 1} have one of at least {show_down(found['gap'], 7)}"
