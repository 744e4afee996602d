"""What a gap is measured from: how much room the endpoints leave under E, and when a figure means little."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements import Parameters, PathUpperBound, Problem, apply_writes
from verifier.numbers import show_down, show_up
from verifier.report.headline import rows_of
from verifier.report.recheck import CheckedPath, Recheck

# Endpoints further apart than this share of E get a warning: most of the path then lies under one of them for free.
FAR = 0.1
UNIT = 1.0 + 1e-6


@dataclass(frozen=True)
class Slack:
    """Sentences about the gap, and warnings about what it hides."""

    sentences: tuple[str, ...]
    warnings: tuple[str, ...]


def slack(found: Recheck, problem: Problem) -> Slack:
    """The gap over E, over the lower endpoint and over the level, and how far under E the best path runs."""
    best, E, least = found.best, found.E, found.least
    sentences, warnings = [], []
    if best is not None:
        c = best.claim
        sentences.append(
            f"On the best path, {best.title}, F {'never exceeds E' if c.gap == 0.0 else f'exceeds E by at most {show_up(c.gap)}'}, "
            f"and it exceeds the lower of the two endpoints by at most {show_up(c.gap_over_lower)} (certified)."
        )
        if c.level is not None and c.gap_over_level is not None:
            sentences.append(
                f"It exceeds the given level {c.level!r} by at most {show_up(c.gap_over_level)} (certified)."
            )
        if E is not None:
            sentences += _room(best, E[0])
    sentences += _heads(found, problem)
    if E is not None and least is not None:
        apart = math.nextafter(E[0] - least[1], -math.inf)
        if apart > FAR * E[0]:
            warnings.append(
                f"The endpoints are far from each other in value: F(A) and F(B) differ by at least {show_down(apart)}, more than "
                f"{FAR:.0%} of E. A path may pass anywhere under the higher one; the gap over the lower endpoint is the stricter figure."
            )
    if problem.objective.penalty == "l1":
        warnings.append(_l1_warning(found, problem))
    return Slack(tuple(sentences), tuple(warnings))


def _room(best: CheckedPath, E: float) -> list[str]:
    if (
        best.bounds is None
        or len(best.claim.moves) < 2
        or best.claim.gap > 0.0
        or not np.isfinite(best.bounds.interior)
    ):
        return []
    room = math.nextafter(E - best.bounds.interior, 0.0)
    share = "" if E <= 0 else f" ({show_down(100 * room / E, 3)} %)"
    return [
        f"Between the end of its first move that changes F and the start of its last one this path "
        f"stays at or below {show_up(best.bounds.interior, 5)}, at least {show_down(room, 3)}{share} "
        "under E (certified). That room is slack: E is high because the endpoints are not minima or differ in value, "
        "and a zero gap over E asks that much less of a path."
    ]


def _heads(found: Recheck, problem: Problem) -> list[str]:
    """How far each endpoint is from the best head on its own rows, where the certificate holds that program."""
    out = []
    for claim, verdict in found.heads:
        name = rows_of(claim, problem)
        end = found.endpoints.get(name or "")
        if verdict.accepted and name and end is not None and end[0].lower > claim.upper:
            drop = math.nextafter(end[0].lower - claim.upper, 0.0)
            # The program reads weight decay in its balanced form, which rescaling every neuron reaches.
            decay = problem.objective.penalty == "weight_decay"
            how = "changing its head and rescaling its neurons" if decay else "changing its head alone"
            sentence = f"Network {name} is not a minimum: {how} lowers F by at least {show_down(drop, 3)} (certified)."
            if sentence not in out:
                out.append(sentence)
    return out


def _l1_warning(found: Recheck, problem: Problem) -> str:
    general = (
        "Penalty l1 with free rows can be scaled away: doubling a neuron's row and halving its head entry keeps the function and "
        "halves the penalty, so gaps under it mean little unless rows are confined to the unit sphere or ball."
    )
    best = found.best
    if best is None or len(problem.A.weights) != 2:
        return general
    longest = longest_row(problem, best.claim)
    if longest <= UNIT:
        return f"{general} On the best path they are: no row of any vertex is longer than {longest:.6g}."
    return f"{general} On the best path they are not: the longest row of a vertex has length {longest:.6g}."


def longest_row(problem: Problem, claim: PathUpperBound) -> float:
    """The largest |(w_i, b_i)| over all vertices of a path and all first-layer neurons, a float64 estimate."""
    vertex, longest = problem.A, _longest(problem.A)
    for move in claim.moves:
        after = apply_writes(vertex, move)
        if after.weights[0] is not vertex.weights[0] or after.biases[0] is not vertex.biases[0]:
            longest = max(longest, _longest(after))
        vertex = after
    return longest


def _longest(p: Parameters) -> float:
    square = np.sum(p.weights[0] ** 2, axis=1)
    if p.biases[0] is not None:
        square = square + p.biases[0] ** 2
    return float(np.sqrt(square.max()))
