"""Tables of claims and of convex programs, each row with the kernel's word on it today."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from verifier.kernel import Claim
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import (
    BarrierLowerBound,
    ConeBarrier,
    EndpointValue,
    EveryWidthLowerBound,
    HeadOptimum,
    JacobianRank,
    Landscape,
    PathUpperBound,
    RegionMinimum,
    RegionOptimum,
    SignCountBarrier,
    SubnetworkHeadOptimum,
    Verdict,
)
from verifier.numbers import show_down, show_up
from verifier.report.fields import estimate, number, rows, seconds, text, words
from verifier.report.recheck import Recheck


@dataclass(frozen=True)
class ClaimRow:
    """A claim, its verdict, and the exact statement with the reason for a rejection."""

    kind: str
    name: str
    status: str
    tone: str
    sentence: str


@dataclass(frozen=True)
class Program:
    """A head program: the solver's float64 figures, and the certified interval where the certificate holds one.

    heads: for which heads the lower end is proved.
    """

    name: str
    title: str
    size: str
    status: str
    primal: str
    dual: str
    compile: str
    solve: str
    interval: str = "–"
    gap: str = "–"
    verdict: str = "not claimed"
    tone: str = "note"
    heads: str = "–"


def badge(verdict: Verdict) -> tuple[str, str]:
    """Word and colour of a verdict."""
    return ("VERIFIED", "ok") if verdict.accepted else ("REJECTED", "bad")


def claim_rows(found: Recheck) -> list[ClaimRow]:
    """Every claim with the kernel's word on it, in the order of the file."""
    out = []
    for claim, verdict in found.all:
        kind, name = _kind(claim)
        sentence = verdict.statement if verdict.accepted else f"{verdict.statement} -- {verdict.why}"
        out.append(ClaimRow(kind, name, *badge(verdict), sentence))
    return out


def _kind(claim: Claim) -> tuple[str, str]:
    if isinstance(claim, EndpointValue):
        return "endpoint value", claim.network
    if isinstance(claim, PathUpperBound):
        return "path upper bound", claim.path
    kinds = {
        BarrierLowerBound: "barrier lower bound",
        SignCountBarrier: "sign-count barrier",
        ConeBarrier: "barrier over coarse cells",
        Landscape: "whole landscape",
        RegionMinimum: "region minimum",
        RegionOptimum: "region optimum",
        EveryWidthLowerBound: "every-width lower bound",
        JacobianRank: "Jacobian rank",
        SubnetworkHeadOptimum: "head optimum on a sub-network",
        ClaimViolation: "counterexample",
    }
    return kinds.get(type(claim), "head optimum"), claim.name


def programs(found: Recheck, record: dict[str, Any]) -> list[Program]:
    """Recorded programs with their claims; claims without a record row come last."""
    both: list[tuple[HeadOptimum | SubnetworkHeadOptimum, Verdict]] = [*found.heads, *found.subnetwork_heads]
    claims = {c.name: (c, v) for c, v in both}
    out = []
    for row in rows(record.get("programs")):
        name = text(row.get("name"), "unnamed")
        out.append(_program(name, row, claims.pop(name, None)))
    return out + [_program(name, {}, pair) for name, pair in claims.items()]


def _program(
    name: str, row: dict[str, Any], pair: tuple[HeadOptimum | SubnetworkHeadOptimum, Verdict] | None
) -> Program:
    size = " × ".join(words(row[k]) for k in ("samples", "rows", "outputs") if number(row.get(k)) is not None)
    solver = Program(
        name,
        text(row.get("title")),
        size or "–",
        " · ".join(words(row[k]) for k in ("solver", "status") if row.get(k) is not None) or "–",
        estimate(number(row.get("primal")), 8),
        estimate(number(row.get("dual")), 8),
        seconds(row.get("compile_seconds")),
        seconds(row.get("solve_seconds")),
    )
    if pair is None:
        return solver
    claim, verdict = pair
    word, tone = badge(verdict)
    return replace(
        solver,
        interval=f"[{show_down(claim.lower, 8)}, {show_up(claim.upper, 8)}]",
        # The difference is rounded to nearest in float64, so one more step outwards.
        gap=show_up(max(0.0, math.nextafter(claim.upper - claim.lower, math.inf)), 3),
        verdict=word,
        tone=tone,
        heads="all heads" if claim.head_limit is None else f"entries at most {show_down(claim.head_limit, 4)}",
    )
