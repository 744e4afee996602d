"""The table of all bounds: certified, a-priori and sampled figures side by side, each saying which of these it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from verifier.kernel import Problem
from verifier.kernel.statements import ConeBarrier, SignCountBarrier
from verifier.numbers import plural, show_down, show_up
from verifier.outcomes import FROZEN
from verifier.report.fields import estimate, number, rows, seconds, table, text
from verifier.report.headline import MISSED, misses, path_error, sampled_maximum
from verifier.report.recheck import CheckedPath, Recheck
from verifier.report.theorems import Theorem


@dataclass(frozen=True)
class Row:
    """One figure. status, tone: a word and its colour. error: it is rejected or contradicts another figure."""

    name: str
    status: str
    tone: str
    value: str = "–"
    gap: str = "–"
    over_lower: str = "–"
    over_level: str = "–"
    seconds: str = "–"
    remark: str = ""
    error: bool = False


def certified_rows(found: Recheck, problem: Problem, record: dict[str, Any]) -> list[Row]:
    """Path bounds, least gap first, rejected ones last."""
    order = sorted(found.paths, key=lambda p: (not p.accepted, *p.rank))
    return [_certified(p, problem, record) for p in order]


def _certified(path: CheckedPath, problem: Problem, record: dict[str, Any]) -> Row:
    c = path.claim
    error, top = path_error(path, record), sampled_maximum(record, c.path)
    remarks, status, tone = [plural(len(c.moves), "move")], "certified", "ok"
    if c.along(problem) != "straight segments":
        remarks.append(c.along(problem))
    if path.up_to_permutation:
        remarks.insert(0, "up to permutation: ends in B with its hidden neurons permuted, the same function")
    if not path.accepted:
        status, tone, error = "REJECTED", "bad", "not established: these figures are only claimed"
    elif error:
        status, tone = "ERROR", "bad"
    if (
        path.bounds is not None
        and len(c.moves) > 1
        and math.isfinite(path.bounds.interior)
        and path.bounds.interior < c.sup
    ):
        remarks.append(f"F ≤ {show_up(path.bounds.interior, 5)} between its first and its last move that change F")
    if top is not None:
        remarks.append(f"sampled maximum {estimate(top, 6)}")
    return Row(
        path.title,
        status,
        tone,
        value=show_up(c.sup, 6),
        gap=show_up(c.gap),
        over_lower=show_up(c.gap_over_lower),
        over_level="–" if c.gap_over_level is None else show_up(c.gap_over_level),
        seconds=seconds(table(table(record.get("paths")).get(c.path)).get("cpu_seconds")),
        remark=error or "; ".join(remarks),
        error=error is not None,
    )


def lower_rows(found: Recheck, problem: Problem, record: dict[str, Any]) -> list[Row]:
    """Barriers that no path avoids."""
    out = []
    ends = [c.upper for c, v in found.endpoints.values() if v.accepted]
    for claim, verdict in found.barriers:
        over = math.nextafter(claim.level - min(ends), -math.inf) if len(ends) == 2 else None
        if isinstance(claim, SignCountBarrier):
            searched, stay = table(record.get("sign_count")), plural(len(problem.A.weights[-2]) - 1, "other neuron")
            remark = f"every path passes a network with one neuron at 0 and {stay}, {claim.positive} positive; {plural(len(claim.nu), 'part')} of their space"
        elif isinstance(claim, ConeBarrier):
            searched, within = table(record.get("cones")), int(claim.inside.sum())
            remark = f"no path leaves {plural(within, 'coarse cell')} around {claim.around} below it; {plural(len(claim.faces), 'way')} out"
        else:
            searched = table(record.get("exact"))
            remark = f"no path leaves {plural(len(claim.cells), 'cell')} around {claim.around} below it; {plural(len(claim.faces), 'face')}"
        if claim.output_layer in FROZEN:
            remark += f"; {FROZEN[claim.output_layer]}"
        if searched.get("closed") is False:
            remark += "; the search was stopped, so the gap may be larger"
        out.append(
            Row(
                f"barrier {claim.name}",
                "certified" if verdict.accepted else "REJECTED",
                "ok" if verdict.accepted else "bad",
                value=f"≥ {show_down(claim.level, 6)}",
                gap=f"≥ {show_down(claim.gap)}",
                over_lower="–" if over is None else f"≥ {show_down(max(0.0, over))}",
                remark=remark if verdict.accepted else "not established: these figures are only claimed",
                error=not verdict.accepted,
            )
        )
    return out


def sampled_rows(found: Recheck, record: dict[str, Any]) -> list[Row]:
    """Estimates of the record: DSS and others, never bounds; one that lies under a certified barrier says so."""
    least, level = None if found.least is None else found.least[1], found.level
    out = []
    for e in rows(record.get("estimates")):
        top, points, beads = number(e.get("maximum")), number(e.get("points")), number(e.get("beads"))
        remarks = [
            "" if points is None else f"{plural(int(points), 'point')}",
            "" if beads is None else f"{beads:.0f} beads",
            text(e.get("note")),
            MISSED if misses(e, found.barrier) else "",
        ]
        over = [None if top is None or x is None else max(0.0, top - x) for x in (least, level)]
        out.append(
            Row(
                text(e.get("method"), "unnamed"),
                "sampled",
                "note",
                value=estimate(top, 6),
                gap=estimate(number(e.get("gap")), 4),
                over_lower=estimate(over[0], 4),
                over_level=estimate(over[1], 4),
                seconds=seconds(e.get("cpu_seconds")),
                remark="; ".join(r for r in remarks if r),
            )
        )
    return out


def apriori_rows(found: list[Theorem]) -> list[Row]:
    """The theorems' values as rows of the table of all bounds."""
    return [
        Row(
            t.name,
            "a-priori",
            "note",
            value="–" if t.is_excess else t.value,
            gap=t.value if t.is_excess else "–",
            remark="; ".join(x for x in (t.applies, t.note) if x),
        )
        for t in found
    ]
