"""Theorem 4.1 (Nguyen, Bréchet, Mondelli 2021), program by program: the best head on each sub-network that the path passes, certified."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from verifier.kernel.fast.liveness import live_part
from verifier.kernel.statements import Problem, SubnetworkHeadOptimum
from verifier.kernel.statements.path import apply_writes
from verifier.kernel.statements.problem import Parameters
from verifier.numbers import show_up
from verifier.report.claim_rows import Program, programs
from verifier.report.fields import estimate, number, table, text
from verifier.report.recheck import CheckedPath, Recheck
from verifier.report.region_programs import LOSS, mean_word
from verifier.report.segments import SAMPLERS, SegmentRow, program_size


@dataclass(frozen=True)
class SubnetworkPrograms:
    """problem: what each program minimises, in symbols. estimate: whose samples stand beside the maxima, or None."""

    rows: list[SegmentRow]
    problem: str
    estimate: str | None


def subnetwork_programs(found: Recheck, problem: Problem, record: dict[str, Any]) -> SubnetworkPrograms | None:
    """None where no accepted path passes programs by the record. Which sub-network a claim is about is read from its arrays: the record's names decide
    nothing."""
    for path in (p for p in found.paths if p.bounds is not None):
        entry = table(table(record.get("paths")).get(path.claim.path))
        of_segment, named = entry.get("segments"), entry.get("programs")
        whole = _fits(of_segment, path) and all(type(k) is int for k in entry["segments"])
        if len(problem.A.weights) > 2 and whole and _fits(named, path) and any(entry["programs"]):
            return _section(path, entry, found, problem, record)
    return None


def _fits(value: Any, path: CheckedPath) -> bool:
    return isinstance(value, list) and len(value) == len(path.claim.moves)


def _section(
    path: CheckedPath, entry: dict[str, Any], found: Recheck, problem: Problem, record: dict[str, Any]
) -> SubnetworkPrograms:
    assert path.bounds is not None  # as `subnetwork_programs` has seen to
    shown, claims = {p.name: p for p in programs(found, record)}, {c.name: c for c, _ in found.subnetwork_heads}
    nearest = table(entry.get("nearest"))
    sampler = named if (named := text(nearest.get("construction"))) in SAMPLERS else None
    maxima = table(nearest.get("maxima")) if sampler else {}
    vertices = [problem.A]
    for move in path.claim.moves:
        vertices.append(apply_writes(vertices[-1], move))
    rows = []
    for key, group in groupby(range(len(path.claim.moves)), key=lambda i: entry["segments"][i]):
        moves = list(group)
        last = moves[-1]
        name = text(entry["programs"][last])
        claim = claims.get(name)
        if claim is not None and not _at(vertices[last + 1], claim, problem):
            claim = None  # the record names a program that is not about what the path passes here
        walked = f"{moves[0] + 1}" if len(moves) == 1 else f"{moves[0] + 1}–{last + 1}"
        maximum = show_up(max(path.bounds.uppers[i] for i in moves), 8)
        sampled = estimate(number(maxima.get(str(key))), 8)
        rows.append(_row(name, shown.get(name), claim, problem, maximum, sampled, walked))
    o = problem.objective
    price = " + κ ‖θ‖₁" if o.kappa > 0 else ""
    price += " + κ ‖c‖₁" if o.penalise_output_bias and o.kappa > 0 else ""
    free, more = (", c", " + c") if problem.A.biases[-1] is not None else ("", "")
    symbols = f"min over θ{free}: {mean_word(problem)} {LOSS[o.loss]}{price}, f_j = θ z_j{more}, z_j: what the sub-network’s last hidden layer gives on x_j"
    return SubnetworkPrograms(rows, symbols, sampler)


def _at(v: Parameters, claim: SubnetworkHeadOptimum, problem: Problem) -> bool:
    """Whether the claim's sub-network is what of this vertex reaches an output, number by number."""
    p, q = live_part(v, v)[0], claim.subnetwork(problem)
    return len(p.weights) == len(q.weights) and all(
        _same(a, b) for a, b in zip((*p.weights[:-1], *p.biases[:-1]), (*q.weights[:-1], *q.biases[:-1]))
    )


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return (a is None) == (b is None) and (a is None or b is None or np.array_equal(a, b))


def _row(
    name: str,
    p: Program | None,
    claim: SubnetworkHeadOptimum | None,
    problem: Problem,
    maximum: str,
    sampled: str,
    moves: str,
) -> SegmentRow:
    if p is None or claim is None:
        what = "left to --exhaustive or --method theorem41" if name else "to B itself"
        return SegmentRow(name or "the rest", what, "–", "note", "–", "–", "–", "–", "–", "–", maximum, sampled, moves)
    size, cones = program_size(claim, problem)
    widths = "-".join(map(str, claim.widths.tolist()))
    title = f"hidden widths {widths}" + (
        "" if claim.head_limit is None else f" (the minimum over heads with {p.heads})"
    )
    return SegmentRow(
        name, title, p.verdict, p.tone, p.interval, p.status, p.primal, p.dual, size, cones, maximum, sampled, moves
    )
