"""The verdict in one sentence, and the consistency flags: both from today's checks, never from the record's own words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from verifier.kernel.statements import (
    Barrier,
    EveryWidthLowerBound,
    HeadOptimum,
    Landscape,
    PathUpperBound,
    Problem,
    RegionOptimum,
)
from verifier.numbers import plural, show_down, show_up
from verifier.outcomes import BINDING, PATHS
from verifier.report.fields import number, numbers, rows, table, text
from verifier.report.recheck import CheckedPath, Recheck

# A string sampled at 200 points a segment may miss its peak by this share.
SAMPLING = 1e-2


@dataclass(frozen=True)
class Headline:
    """word: CERTIFIED, REFUTED, INCONCLUSIVE, REJECTED or ERROR. tone: ok, warn or bad, for the colour beside the word."""

    word: str
    tone: str
    sentence: str


def headline(found: Recheck, problem: Problem, record: dict[str, Any], flags: list[str]) -> Headline:
    """Verdict of the whole certificate. One rejected claim rejects it; one contradiction makes it an error."""
    failed = sum(not v.accepted for _, v in found.all)
    if failed:
        return Headline(
            "REJECTED",
            "bad",
            f"The kernel does not confirm {failed} of this certificate's {plural(len(found.all), 'claim')}; nothing that rests on them is established.",
        )
    if flags:
        return Headline("ERROR", "bad", f"This certificate contradicts itself: {flags[0]}")
    answer = _answer(found, record)
    sentence = answer.sentence
    if answer.path is not None:
        sentence += f" The path consists of {answer.path.along(problem)}."
        if answer.path.permutation is not None:
            sentence += " It ends in B with its hidden neurons permuted, which is the same function."
    sentence += _padded_words(problem, record) + _left_out_words(record)
    if _polished(record):
        sentence += " By the record, A and B are polished copies of the networks that were loaded."
    return Headline(answer.word, "ok" if answer.word == "CERTIFIED" else "warn", sentence)


def _left_out_words(record: dict[str, Any]) -> str:
    """Networks that are not all of their files."""
    ends = table(record.get("endpoints"))
    parts = []
    for name in ("A", "B"):
        left = table(table(ends.get(name)).get("source")).get("left_out")
        if isinstance(left, list) and left:
            parts.append(
                f" By the record, {name} is its file without {', '.join(text(k) for k in left)}, left out as asked."
            )
    return "".join(parts)


def _padded_words(problem: Problem, record: dict[str, Any]) -> str:
    """Which networks were given dead neurons, as the record says."""
    ends = table(record.get("endpoints"))
    narrow = [(n, numbers(table(ends.get(n)).get("padded_from"))) for n in ("A", "B")]
    widths = [problem.X.shape[1], *(len(W) for W in problem.A.weights)]
    then = ", and was then polished" if _polished(record) else ", the same function"
    fits = lambda v: len(v) == len(widths) and all(1 <= x <= n for x, n in zip(v, widths))
    return "".join(
        f" By the record, {n} is the loaded network of widths {'-'.join(str(int(x)) for x in v)} with dead neurons added{then}."
        for n, v in narrow
        if v and fits(v)
    )


def _polished(record: dict[str, Any]) -> bool:
    return table(table(record.get("provenance")).get("options")).get("polish") is True


@dataclass(frozen=True)
class Answer:
    """word, sentence: as in Headline. path: the claim that the answer rests on."""

    word: str
    sentence: str
    path: PathUpperBound | None = None


def _answer(found: Recheck, record: dict[str, Any]) -> Answer:
    E, best = found.E, found.best
    asked = number(table(table(record.get("provenance")).get("options")).get("level"))
    level = found.level if found.level is not None else asked
    if level is not None:
        return _answer_level(found, level)
    low = found.barrier or found.frozen_barrier
    if best is None:
        if low is not None and low.gap > 0.0:
            return Answer("INCONCLUSIVE", f"No path is certified here; {_barrier_words(low)}")
        whole = next((c for c, v in found.all if v.accepted and isinstance(c, Landscape)), None)
        if whole is not None:
            return Answer("CERTIFIED", _whole_words(whole))
        return Answer("INCONCLUSIVE", "No path between A and B is certified here, so the barrier is not bounded.")
    claim = best.claim
    above = "" if E is None else f" = {show_up(E[1], 5)}"
    if best.up_to_permutation:
        return Answer("CERTIFIED", _up_to_permutation(claim, above), claim)
    if claim.gap == 0.0:
        return Answer(
            "CERTIFIED",
            f"There is no barrier over E = max(F(A), F(B)){above}: along the path {claim.path} from A to B, F never exceeds E.",
            claim,
        )
    return Answer(
        "CERTIFIED",
        f"The barrier between A and B is at most {show_up(claim.gap)} over E = max(F(A), F(B)){above}: "
        f"along the path {claim.path}, F never exceeds {show_up(claim.sup, 5)}."
        + ("" if low is None or low.gap == 0.0 else f" {_barrier_words(low)[0].upper()}{_barrier_words(low)[1:]}"),
        claim,
    )


def _whole_words(c: Landscape) -> str:
    longest = max(float(np.nextafter(b - a, np.inf)) for a, b in c.intervals.tolist())
    low = f"at least {show_down(c.gap_lower, 9)} and " if c.gap_lower > 0.0 else ""
    return (
        f"The whole landscape of networks of this shape is known outside {plural(len(c.intervals), 'interval')} no longer than {show_up(longest, 2)}: "
        f"{plural(len(c.minima), 'minimum', 'minima')} and {plural(len(c.joins), 'pass', 'passes')} that differ by "
        f"more, and the number of components of {{F ≤ X}} for every other X. The largest gap of two such networks is {low}at most {show_up(c.gap_upper, 9)}."
    )


def _up_to_permutation(claim: PathUpperBound, above: str) -> str:
    gap = "no barrier" if claim.gap == 0.0 else f"a barrier of at most {show_up(claim.gap)}"
    return (
        f"Up to permutation there is {gap} over E = max(F(A), F(B)){above}: along the path {claim.path} from A to a permuted copy of B, "
        f"F never exceeds {'E' if claim.gap == 0.0 else show_up(claim.sup, 5)}. No path between A and B themselves is certified here."
    )


def _which_paths(low: Barrier) -> str:
    return PATHS[low.output_layer].replace("path", "path from A to B", 1)


def _barrier_words(low: Barrier) -> str:
    return f"every {_which_paths(low)} reaches F ≥ {show_down(low.level, 9)}, at least {show_down(low.gap, 9)} over E."


def _refuted_by(low: Barrier, level: float) -> Answer:
    return Answer("REFUTED", f"No {_which_paths(low)} stays at or below the level {level!r}: {_barrier_words(low)}")


def _answer_level(found: Recheck, level: float) -> Answer:
    """The question was whether A and B are joined at or below a level."""
    high = [n for n, (c, _) in sorted(found.endpoints.items()) if c.lower > level]
    if high:
        return Answer(
            "REFUTED", f"No path from A to B stays at or below the level {level!r}: F({high[0]}) itself lies above it."
        )
    low = found.barrier
    if low is not None and low.level > level:
        return _refuted_by(low, level)
    asked = [p for p in found.paths if p.accepted and p.claim.level == level]
    # As without a level: a path to a permuted copy of B answers only where there is no other.
    about = [p.claim for p in asked if not p.up_to_permutation] or [p.claim for p in asked]
    known = [(c.gap_over_level, k) for k, c in enumerate(about) if c.gap_over_level is not None]
    kept = found.frozen_barrier
    if kept is not None and kept.level > level and min(known, default=(1.0, 0))[0] > 0.0:
        return _refuted_by(kept, level)
    if not known:
        return Answer("INCONCLUSIVE", f"No path is certified against the level {level!r}.")
    gap, k = min(known)
    B = "B" if about[k].permutation is None else "a permuted copy of B"
    if gap == 0.0:
        words = (
            f"A and {B} are joined at or below the level {level!r}: along the path {about[k].path}, F never exceeds it."
        )
        return Answer("CERTIFIED", words, about[k])
    return Answer(
        "INCONCLUSIVE",
        f"The best certified path from A to {B}, {about[k].path}, exceeds the level {level!r} by at most {show_up(gap)}.",
        about[k],
    )


MISSED = "under the barrier: its samples missed the pass"


def misses(estimate: dict[str, Any], low: Barrier | None) -> bool:
    """Whether an estimate of the record lies under what its path certainly reaches. A matched copy of B is the end of other paths."""
    top = number(estimate.get("maximum"))
    return low is not None and top is not None and top < low.level and estimate.get("matched") is not True


def sampled_maximum(record: dict[str, Any], path: str) -> float | None:
    """The largest sampled value of F that the record holds for a path."""
    sampled = table(table(table(record.get("paths")).get(path)).get("sampled"))
    values = numbers(sampled.get("F")) or []
    stated = number(sampled.get("maximum"))
    return max([*values, *([] if stated is None else [stated])], default=None)


def path_error(path: CheckedPath, record: dict[str, Any]) -> str | None:
    """The contradiction of a certified bound under a sampled maximum of the same path."""
    top = sampled_maximum(record, path.claim.path)
    if top is None or top <= path.claim.sup:
        return None
    return (
        f"path {path.claim.path}: the certified bound {show_up(path.claim.sup, 8)} lies under a sampled value {show_down(top, 8)} "
        "of the same path, so one of the two is wrong."
    )


def rows_of(claim: HeadOptimum, problem: Problem) -> str | None:
    """ "A" or "B" when the program's rows are exactly that network's first layer, so that its value is about that network's heads."""
    for name, network in (("A", problem.A), ("B", problem.B)):
        if len(network.weights) != 2:
            continue
        bias = network.biases[0]
        same_bias = (claim.row_bias is None) == (bias is None) and (
            claim.row_bias is None or bias is None or np.array_equal(claim.row_bias, bias)
        )
        if np.array_equal(claim.rows, network.weights[0]) and same_bias:
            return name
    return None


def consistency_flags(found: Recheck, problem: Problem, record: dict[str, Any]) -> list[str]:
    """One sentence per contradiction between numbers of one certificate. None is expected, ever."""
    flags = [e for p in found.paths if (e := path_error(p, record))]
    endpoints = table(record.get("endpoints"))
    for name, (claim, _) in sorted(found.endpoints.items()):
        F = number(table(endpoints.get(name)).get("F"))
        if F is not None and not claim.lower <= F <= claim.upper:
            flags.append(
                f"network {name}: the recorded F = {F:.8g} lies outside the certified interval "
                f"[{show_down(claim.lower, 8)}, {show_up(claim.upper, 8)}]."
            )
    flags += _barrier_flags(found, record)
    flags += _every_width_flags(found)
    for head, _ in found.heads:
        if head.lower > head.upper:
            flags.append(f"program {head.name}: its lower bound lies over its upper bound.")
        owner = rows_of(head, problem)
        end = found.endpoints.get(owner or "")
        if end is not None and head.head_limit is None and head.lower > end[0].upper:
            flags.append(f"program {head.name}: the least F over heads on {owner}'s rows lies over F({owner}).")
    return flags + _record_flags(found, record)


def _barrier_flags(found: Recheck, record: dict[str, Any]) -> list[str]:
    """A path, certified or sampled, below what no path can stay below."""
    flags = []
    for barrier, _ in found.barriers:
        low = f"the barrier certified at {show_down(barrier.level, 9)}"
        flags += [
            f"path {p.claim.path}: its certified maximum {show_up(p.claim.sup, 9)} lies under {low}."
            for p in found.paths
            if p.claim.sup < barrier.level
            and not p.up_to_permutation
            and barrier.output_layer in BINDING[p.claim.output_layer]
        ]
        # An estimate samples a path and may miss its peak: a path that is too low is a defect only when it is this far below.
        flags += [
            f"{text(e.get('method'), 'unnamed')}: its sampled maximum {top:.9g} lies under {low}."
            for e in rows(record.get("estimates"))
            if barrier.output_layer == "trained"  # an estimate's string may move what others keep
            and misses(e, barrier)
            and (top := number(e.get("maximum"))) is not None
            and top < barrier.level * (1.0 - SAMPLING)
        ]
    return flags


def _every_width_flags(found: Recheck) -> list[str]:
    """Something certified below what no network of any width is below."""
    least = max((c.lower for c, v in found.all if v.accepted and isinstance(c, EveryWidthLowerBound)), default=0.0)
    known = [(f"F({name})", c.upper) for name, (c, v) in sorted(found.endpoints.items()) if v.accepted]
    known += [(f"path {p.claim.path}", p.claim.sup) for p in found.paths if p.accepted]
    known += [(c.name, c.upper) for c, v in found.all if v.accepted and isinstance(c, (HeadOptimum, RegionOptimum))]
    return [
        f"{who}: its certified upper bound {show_up(upper, 9)} lies under {show_down(least, 9)}, which is certified to be below F at every width."
        for who, upper in known
        if upper < least
    ]


def _record_flags(found: Recheck, record: dict[str, Any]) -> list[str]:
    """Places where the record tells another story than the claims."""
    flags = []
    claims = {c.name: c for c, _ in found.heads}
    for row in rows(record.get("programs")):
        claim = claims.get(text(row.get("name")))
        stated = number(row.get("certified_lower")), number(row.get("certified_upper"))
        if claim is not None and None not in stated and stated != (claim.lower, claim.upper):
            flags.append(f"program {claim.name}: the recorded interval is not the claimed one.")
    regions = {c.name: c for c, _ in found.all if isinstance(c, RegionOptimum)}
    for row in rows(record.get("regions")):
        region = regions.get(text(row.get("name")))
        stated = number(row.get("certified_lower")), number(row.get("certified_upper"))
        if region is not None and None not in stated and stated != (region.lower, region.upper):
            flags.append(f"region {region.name}: the recorded interval is not the claimed one.")
    recorded = text(table(record.get("verdict")).get("outcome"))
    word = _answer(found, record).word
    if recorded and found.accepted and recorded != word:
        flags.append(f"the record says {recorded}, but its claims say {word}.")
    return flags
