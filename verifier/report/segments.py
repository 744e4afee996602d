"""Theorem 2, segment by segment: each one's convex program, what the kernel certifies about it, and what an estimate samples nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from verifier.kernel.statements import HeadOptimum, Problem
from verifier.numbers import show_up
from verifier.report.claim_rows import Program, programs
from verifier.report.fields import estimate, number, table, text
from verifier.report.recheck import CheckedPath, Recheck
from verifier.report.region_programs import LOSS

SEGMENTS = 6
# Prices of a head on fixed rows.
PENALTY = {
    "none": "",
    "l1": " + κ Σ_i ‖θ_i‖₁",
    "path": " + κ Σ_i ‖w_i‖₂ ‖θ_i‖₁",
    "weight_decay": " + κ Σ_i ‖w_i‖₂ ‖θ_i‖₂",
}


@dataclass(frozen=True)
class SegmentRow:
    """One segment. maximum: certified, of the kernel's bounds of its moves. nearest: sampled, of the part of the string nearest to it."""

    name: str
    title: str
    verdict: str
    tone: str
    interval: str
    solver: str
    primal: str
    dual: str
    size: str
    cones: str
    maximum: str
    nearest: str


@dataclass(frozen=True)
class Segments:
    """problem: what each program minimises, in symbols. estimate: whose samples stand in the last column, or None."""

    rows: list[SegmentRow]
    problem: str
    estimate: str | None


def segments(found: Recheck, problem: Problem, record: dict[str, Any]) -> Segments | None:
    """None where no path of the certificate has segments of the theorem."""
    for path in found.paths:
        entry = table(table(record.get("paths")).get(path.claim.path))
        if any(type(k) is int for k in _list(entry.get("segments"))):
            return _section(path, entry, found, problem, record)
    return None


def _section(
    path: CheckedPath, entry: dict[str, Any], found: Recheck, problem: Problem, record: dict[str, Any]
) -> Segments:
    of_segment, named = _list(entry.get("segments")), _list(entry.get("programs"))
    shown = {p.name: p for p in programs(found, record)}
    claims = {c.name: c for c, _ in found.heads}
    nearest = table(entry.get("nearest"))
    uppers = path.bounds.uppers if path.bounds else ()
    last: str | None = None
    out = []
    for k in range(1, SEGMENTS + 1):
        moves = [i for i, s in enumerate(of_segment) if s == k]
        own = [text(named[i]) for i in moves if i < len(named) and named[i]]
        # Segment 4 leaves the network that the program of segment 3 has found.
        last = own[0] if own else last if k == 4 else None
        bounds = [uppers[i] for i in moves if i < len(uppers)]
        maximum = show_up(max(bounds), 8) if bounds else "–"
        sampled = estimate(number(table(nearest.get("maxima")).get(str(k))), 8)
        out.append(_row(k, shown.get(last or ""), claims.get(last or ""), problem, maximum, sampled))
    o = problem.objective
    price = PENALTY[o.penalty] if o.kappa > 0 else ""
    price += " + κ ‖c‖₁" if o.penalise_output_bias and o.kappa > 0 else ""
    symbols = f"min over θ{', c' if problem.A.biases[1] is not None else ''}: mean_j {LOSS[o.loss]}{price}, f_j = Σ_i θ_i max(0, w_i·x̃_j)"
    return Segments(out, symbols, text(nearest.get("construction")) or None)


def _row(
    k: int, p: Program | None, claim: HeadOptimum | None, problem: Problem, maximum: str, sampled: str
) -> SegmentRow:
    name = f"segment {k}"
    if p is None or claim is None:
        what = "no program: the segment keeps what it has"
        return SegmentRow(name, what, "–", "note", "–", "–", "–", "–", "–", "–", maximum, sampled)
    size, cones = _size(claim, problem)
    return SegmentRow(
        name, p.name, p.verdict, p.tone, p.interval, p.status, p.primal, p.dual, size, cones, maximum, sampled
    )


def _size(claim: HeadOptimum, problem: Problem) -> tuple[str, str]:
    """Variables × constraints, and cones, of the program as CVXPY states it."""
    o = problem.objective
    N, K, r = len(problem.X), claim.head.shape[0], claim.head.shape[1]
    exponential = {"logistic": 2 * N, "cross_entropy": N * K}.get(o.loss, 0)
    second = r if o.kappa > 0 and o.penalty == "weight_decay" and K > 1 else 0
    parts = [f"{exponential} exponential"] * bool(exponential) + [f"{second} second-order"] * bool(second)
    variables = K * r + (K if claim.head_bias is not None else 0)
    constraints = {"hinge": 2 * N, "absolute": 2 * N * K}.get(o.loss, 0)
    return f"{variables} × {constraints}", ", ".join(parts) or "none"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
