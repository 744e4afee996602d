"""How far A, B and the best path are from the best network of any width: certified lower bounds beside what is certified of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from verifier.kernel.statements import EveryWidthLowerBound
from verifier.numbers import show_down, show_up
from verifier.report.claim_rows import badge
from verifier.report.fields import number, seconds, table, text, words
from verifier.report.recheck import Recheck


@dataclass(frozen=True)
class EveryWidth:
    """One claim. sentences: the bound, then A, B and the best path against it. how: solver and time, by the record. error: rejected."""

    name: str
    verdict: str
    tone: str
    sentences: list[str]
    how: str
    error: bool


def every_width_section(found: Recheck, record: dict[str, Any]) -> list[EveryWidth]:
    """One per claim, in the order of the file; none where the certificate has none."""
    recorded = table(record.get("every_width"))
    out = []
    for claim, verdict in found.all:
        if not isinstance(claim, EveryWidthLowerBound):
            continue
        sentences = _sentences(claim, found) if verdict.accepted else [f"not established: {verdict.why}"]
        row = recorded if text(recorded.get("name")) == claim.name else {}
        out.append(EveryWidth(claim.name, *badge(verdict), sentences, _how(row), not verdict.accepted))
    return out


def _sentences(claim: EveryWidthLowerBound, found: Recheck) -> list[str]:
    out = [
        f"No ReLU network of one hidden layer with A's inputs, outputs and biases, whatever its width, has F below {show_down(claim.lower, 8)}."
    ]
    ends = [(f"F({name})", c.upper) for name, (c, v) in sorted(found.endpoints.items()) if v.accepted]
    if (best := found.best) is not None:
        ends.append((f"the maximum of F along the path {best.title}", best.claim.sup))
    for who, upper in ends:
        # Differences and quotients are rounded to nearest in float64, so one more step outwards each.
        over = max(0.0, math.nextafter(upper - claim.lower, math.inf))
        percent = math.nextafter(100.0 * over / claim.lower, math.inf) if claim.lower > 0.0 else math.inf
        share = f", which is {show_up(math.nextafter(percent, math.inf), 3)} % of it" if percent < math.inf else ""
        out.append(f"{who[0].upper()}{who[1:]} lies at most {show_up(over, 4)} above that bound{share}.")
    return out


def _how(row: dict[str, Any]) -> str:
    if not row:
        return ""
    primal = number(row.get("primal"))
    passed = "" if primal is None else f"; a network that the search passed has F of about {primal:.8g} (float64)"
    return f"{words(row.get('solver'))}, {words(row.get('status'))}, {seconds(row.get('cpu_seconds'))} CPU s{passed}"
