"""Theorem 2, segment by segment: each one's convex program, what the kernel certifies about it, and what an estimate samples nearest to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.kernel.statements import HeadOptimum, Problem, SubnetworkHeadOptimum
from verifier.kernel.statements.path import apply_writes
from verifier.kernel.statements.problem import Parameters
from verifier.numbers import show_up
from verifier.report.claim_rows import Program, programs
from verifier.report.fields import estimate, number, table, text
from verifier.report.recheck import CheckedPath, Recheck
from verifier.report.region_programs import LOSS, mean_word
from verifier.report.theorem2_level import Theorem2Level, at_zero, theorem2_level

SEGMENTS = 6
# Estimates whose strings have samples to set beside a segment.
SAMPLERS = ("dss", "polychain", "bezier", "neb")
# Prices of a head on fixed rows.
PENALTY = {
    "none": "",
    "l1": " + κ Σ_i ‖θ_i‖₁",
    "path": " + κ Σ_i ‖w_i‖₂ ‖θ_i‖₁",
    "weight_decay": " + κ Σ_i ‖w_i‖₂ ‖θ_i‖₂",
}


@dataclass(frozen=True)
class SegmentRow:
    """One segment. moves: of the path, counted from 1.

    maximum: certified, of the kernel's bounds of its moves. nearest: sampled, of the part of the string nearest to it."""

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
    moves: str


@dataclass(frozen=True)
class Segments:
    """problem: what each program minimises, in symbols. estimate: whose samples stand beside the maxima, or None. along: of what the path consists.
    level: the theorem's own level, where claims bound it. at_zero: why it is one at the angle 0, where others were tried."""

    rows: list[SegmentRow]
    problem: str
    estimate: str | None
    along: str
    level: Theorem2Level | None
    at_zero: str


def segments(found: Recheck, problem: Problem, record: dict[str, Any]) -> Segments | None:
    """None where no accepted path of the certificate is divided into the theorem's segments: recorded as 1 to 6 in order, one number per move."""
    if len(problem.A.weights) != 2:
        return None
    for path in (p for p in found.paths if p.bounds is not None):
        entry = table(table(record.get("paths")).get(path.claim.path))
        numbered = _list(entry.get("segments"))
        known = [k for k in numbered if type(k) is int]
        whole = len(known) == len(numbered) == len(path.claim.moves) and known == sorted(known)
        # A segment may have no move of its own; a path that has few of them is none of the theorem's.
        if whole and set(known) <= set(range(1, SEGMENTS + 1)) and len(set(known)) >= SEGMENTS - 2:
            return _section(path, entry, found, problem, record)
    return None


def _section(
    path: CheckedPath, entry: dict[str, Any], found: Recheck, problem: Problem, record: dict[str, Any]
) -> Segments:
    of_segment, named = _list(entry.get("segments")), _list(entry.get("programs"))
    shown = {p.name: p for p in programs(found, record)}
    claims = {c.name: c for c, _ in found.heads}
    nearest = table(entry.get("nearest"))
    assert path.bounds is not None  # as `segments` has seen to
    uppers = path.bounds.uppers
    vertices = [problem.A]
    for move in path.claim.moves:
        vertices.append(apply_writes(vertices[-1], move))
    sampler = named_sampler if (named_sampler := text(nearest.get("construction"))) in SAMPLERS else None
    maxima = table(nearest.get("maxima")) if sampler else {}
    last: str | None = None
    out: list[SegmentRow] = []
    solved: dict[int, HeadOptimum] = {}
    for k in range(1, SEGMENTS + 1):
        moves = [i for i, s in enumerate(of_segment) if s == k]
        own = [text(named[i]) for i in moves if i < len(named) and named[i]]
        # Segment 4 leaves the network that the program of segment 3 has found.
        last = own[0] if own else last if k == 4 else None
        bounds = [uppers[i] for i in moves]
        maximum = show_up(max(bounds), 8) if bounds else "–"
        sampled = estimate(number(maxima.get(str(k))), 8)
        claim = claims.get(last or "")
        ends = [vertices[j] for i in moves for j in (i, i + 1)]
        if claim is not None and not any(_holds(v, claim) for v in ends):
            claim = None  # the record names a program whose solution this segment does not meet
        if claim is not None:
            solved[k] = claim
        walked = "–" if not moves else f"{moves[0] + 1}" if len(moves) == 1 else f"{moves[0] + 1}–{moves[-1] + 1}"
        out.append(_row(k, shown.get(last or ""), claim, problem, maximum, sampled, walked))
    o = problem.objective
    price = PENALTY[o.penalty] if o.kappa > 0 else ""
    price += " + κ ‖c‖₁" if o.penalise_output_bias and o.kappa > 0 else ""
    free, more = (", c", " + c") if problem.A.biases[1] is not None else ("", "")
    symbols = f"min over θ{free}: {mean_word(problem)} {LOSS[o.loss]}{price}, f_j = Σ_i θ_i max(0, w_i·x̃_j){more}"
    level = theorem2_level(solved, found, problem)
    grid = _list(table(record.get("tables")).get("theorem2"))
    tried = [a for row in grid if (a := number(table(row).get("alpha"))) is not None]
    why = "" if level is None else at_zero(level, tried, number(table(entry.get("notes")).get("alpha")))
    return Segments(out, symbols, sampler, path.claim.along(problem), level, why)


def _holds(v: Parameters, claim: HeadOptimum) -> bool:
    """Whether a vertex is the program's solution: the same rows under the same heads, neurons whose head is 0 aside."""
    if len(v.weights) != 2 or v.weights[0].shape[1] != claim.rows.shape[1]:
        return False
    return _heard(v.weights[0], v.biases[0], v.weights[1], v.biases[1]) == _heard(
        claim.rows, claim.row_bias, claim.head, claim.head_bias
    )


def _heard(
    rows: np.ndarray, row_bias: np.ndarray | None, head: np.ndarray, bias: np.ndarray | None
) -> tuple[list[bytes], bytes]:
    columns = [rows, *([] if row_bias is None else [row_bias[:, None]]), head.T]
    table = np.hstack(columns)[(head != 0).any(axis=0)] + 0.0  # -0 is 0
    return sorted(line.tobytes() for line in table), b"" if bias is None else (bias + 0.0).tobytes()


def _row(
    k: int, p: Program | None, claim: HeadOptimum | None, problem: Problem, maximum: str, sampled: str, moves: str
) -> SegmentRow:
    name = f"segment {k}"
    if p is None or claim is None:
        what = "no claimed program has its solution at a vertex of this segment"
        return SegmentRow(name, what, "–", "note", "–", "–", "–", "–", "–", "–", maximum, sampled, moves)
    size, cones = program_size(claim, problem)
    # Without a penalty the lower end may hold for heads up to a limit only.
    title = p.name if claim.head_limit is None else f"{p.name} (the minimum over heads with {p.heads})"
    return SegmentRow(
        name, title, p.verdict, p.tone, p.interval, p.status, p.primal, p.dual, size, cones, maximum, sampled, moves
    )


def program_size(claim: HeadOptimum | SubnetworkHeadOptimum, problem: Problem) -> tuple[str, str]:
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
