"""The table of region programs: for A, B and waypoints the best rows in their own activation region, certified, and how many regions paths cross.

`region_section` makes the context of `templates/region_programs.html.jinja` from what the kernel found and the record's rows `regions` (`region_record`,
`left_out_record`) and `regions_crossed` (path name to number).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from verifier.kernel.statements import Problem, RegionOptimum, Verdict
from verifier.numbers import plural, show_down, show_up
from verifier.report.claim_rows import badge
from verifier.report.fields import estimate, number, rows, seconds, table, text, words
from verifier.report.recheck import Recheck

LOSS = {
    "logistic": "log(1 + exp(−y_j f_j))",
    "cross_entropy": "log Σ_k exp(f_jk) − f_jy",
    "squared": "‖f_j − y_j‖₂²",
    "huber": "Σ_k huber(f_jk − y_jk)",
    "hinge": "max(0, 1 − y_j f_j)",
    "absolute": "‖f_j − y_j‖₁",
}
PENALTY = {
    "none": "",
    "l1": " + κ Σ_i ‖θ_i‖₁",
    "path": " + κ Σ_i ‖θ_i‖₁ ‖w_i‖₂",
    "weight_decay": " + κ/2 Σ_i (‖w_i‖₂² + ‖θ_i‖₂²)",
}


@dataclass(frozen=True)
class Row:
    """One network. verdict, tone: the kernel's word. sentence: best in its region, and how far the network is above. error: rejected."""

    name: str
    verdict: str
    tone: str
    sentence: str
    interval: str = "–"
    width: str = "–"
    problem: str = "–"
    size: str = "–"
    cones: str = "–"
    solver: str = "–"
    primal: str = "–"
    dual: str = "–"
    active: str = "–"
    seconds: str = "–"
    error: bool = False


@dataclass(frozen=True)
class RegionSection:
    """rows: solved and left-out programs. crossed: (path, sentence)."""

    rows: list[Row]
    crossed: list[tuple[str, str]]


def region_section(found: Recheck, problem: Problem, record: dict[str, Any]) -> RegionSection | None:
    """None where the certificate has no region program and the record names none."""
    recorded = rows(record.get("regions"))
    by_name = {text(r.get("name")): r for r in recorded if not r.get("left_out")}
    out = [_solved(c, v, by_name.get(c.name, {}), found, problem) for c, v in found.all if isinstance(c, RegionOptimum)]
    out += [_left_out(r) for r in recorded if r.get("left_out") is True]
    known = {p.claim.path for p in found.paths}
    counts = [(name, n) for name, n in table(record.get("regions_crossed")).items() if name in known]
    crossed = [
        (name, f"crosses {plural(n, 'activation region')} (computed, by the record)")
        for name, n in counts
        if type(n) is int and 1 <= n < 10**12
    ]
    return RegionSection(out, crossed) if out or crossed else None


def mean_word(problem: Problem) -> str:
    """How the mean over samples is written."""
    return "mean_j" if problem.weights is None else "weighted mean_j"


def problem_in_symbols(problem: Problem, claim: RegionOptimum) -> str:
    """The program as a formula."""
    o, biased = problem.objective, problem.A.biases[1] is not None
    free = claim.output_bias == "free"
    price = PENALTY[o.penalty] + (" + κ ‖c‖₁" if o.penalise_output_bias else "")
    limit = "" if claim.row_limits is None else ", ‖w_i‖₂ ≤ R_i"
    bound = "" if claim.bias_limit is None else f", |c_k| ≤ {claim.bias_limit!r}"
    return (
        f"min over w{', c' if free else ''}: {mean_word(problem)} {LOSS[o.loss]}{price}, f_j = Σ_i θ_i a_ij w_i·x̃_j{' + c' if biased else ''}; "
        f"(2a_ij − 1) w_i·x̃_j ≥ 0{limit}{bound}"
    )


def _who(claim: RegionOptimum, recorded: dict[str, Any]) -> str:
    """A, B, or what the record calls a stored network; it cannot pass one off as A or B."""
    if claim.of in ("A", "B"):
        return claim.of
    title = text(recorded.get("title"))
    return f"stored network, by the record: {title}" if title else f"stored network of claim {claim.name}"


def _solved(claim: RegionOptimum, verdict: Verdict, recorded: dict[str, Any], found: Recheck, problem: Problem) -> Row:
    word, tone = badge(verdict)
    who = _who(claim, recorded)
    K, m = claim.nu.shape[1], len(claim.point)
    variables = number(recorded.get("variables"))
    return Row(
        who,
        word,
        tone,
        _sentence(who, claim, recorded, found) if verdict.accepted else f"not established: {verdict.why}",
        interval=f"[{show_down(claim.lower, 9)}, {show_up(claim.upper, 9)}]",
        width=show_up(_relative_width(claim), 2),
        problem=problem_in_symbols(problem, claim),
        size=f"{words(recorded.get('variables'))} × {words(recorded.get('constraints'))}"
        if variables is not None
        else f"{plural(m, 'row')}, {plural(K, 'output')}",
        cones=_cones(recorded),
        solver=" · ".join(text(recorded.get(k)) for k in ("solver", "status") if text(recorded.get(k))) or "–",
        primal=estimate(number(recorded.get("primal")), 9),
        dual=estimate(number(recorded.get("dual")), 9),
        active=_active(recorded),
        seconds=seconds(recorded.get("cpu_seconds")),
        error=not verdict.accepted,
    )


def _relative_width(claim: RegionOptimum) -> float:
    """Rounded upwards; 0 for an interval of one point."""
    span = math.nextafter(claim.upper - claim.lower, math.inf) if claim.upper > claim.lower else 0.0
    return span if claim.upper == 0.0 else math.nextafter(span / claim.upper, math.inf) if span else 0.0


def _sentence(who: str, claim: RegionOptimum, recorded: dict[str, Any], found: Recheck) -> str:
    best = f"best in its activation region: between {show_down(claim.lower, 7)} and {show_up(claim.upper, 7)}{_among(claim)}"
    end = found.endpoints.get(claim.of)
    if end is not None and end[1].accepted:
        low = math.nextafter(end[0].lower - claim.upper, -math.inf)
        high = math.nextafter(end[0].upper - claim.lower, math.inf)
        # A network may be longer than the row limits allow, and then lie below the best of the shorter ones.
        if low > 0.0:
            return f"{best}; {who} is above it by {show_down(low)} to {show_up(high)}"
        return f"{best}; {who} is above it by at most {show_up(max(0.0, high))}"
    return best


def _among(claim: RegionOptimum) -> str:
    """Among which networks the best is meant, where not among all with this head and pattern."""
    limits = [
        *(["rows no longer than stored limits"] if claim.row_limits is not None else []),
        *(["output biases no larger than a stored limit"] if claim.bias_limit is not None else []),
    ]
    return f" (among {' and '.join(limits)})" if limits else ""


def _cones(recorded: dict[str, Any]) -> str:
    kinds = (("second_order", "second-order"), ("exponential", "exponential"))
    parts = [f"{words(recorded[k])} {name}" for k, name in kinds if number(recorded.get(k))]
    return ", ".join(parts) or ("none" if number(recorded.get("variables")) is not None else "–")


def _active(recorded: dict[str, Any]) -> str:
    active, collapsed, m = (number(recorded.get(k)) for k in ("active_constraints", "collapsed", "neurons"))
    if active is None:
        return "–"
    gone = "" if collapsed is None or m is None else f"; {collapsed:.0f} of {plural(int(m), 'row')} are 0"
    return f"{active:.0f}{gone}"


def _left_out(recorded: dict[str, Any]) -> Row:
    spent = number(recorded.get("estimated_seconds"))
    about = "" if spent is None or not spent >= 0.0 else f", estimated at {spent:.2g} s"
    return Row(
        text(recorded.get("title"), "unnamed"),
        "not solved",
        "note",
        f"left to --exhaustive{about}",
        size=f"{words(recorded.get('variables'))} × {words(recorded.get('constraints'))}",
        cones=_cones(recorded),
        solver=text(recorded.get("solver"), "–"),
    )
