"""Pairs that differ in the number of positive neurons: the path through the lowest networks with one neuron fewer, which is a lower bound too."""

from __future__ import annotations

import time
from collections.abc import Callable

from verifier.errors import UsageError
from verifier.landscape.coarse.least import least_passed
from verifier.landscape.coarse.polish import lowered
from verifier.landscape.sign_count.narrow import narrow, positives_passed, require_covered, sign_counts
from verifier.landscape.sign_count.search import NarrowMinimum
from verifier.landscape.sign_count.star import star_path
from verifier.numbers import plural
from verifier.pipeline.constructions.cutting import cut_at_kinks
from verifier.pipeline.constructions.proposal import BarrierProposal, Proposal, Request
from verifier.pipeline.constructions.tops import Top, top_of
from verifier.pipeline.setting import Setting
from verifier.pipeline.sign_count import narrow_barrier

# Of method all, and by name: coordinates of the neurons that stay, as a search starts from 2 to their number cones; programs and CPU seconds of one search.
OF_ALL, BY_NAME = (6, 2_000, 10.0), (12, 20_000, 120.0)
# Both ends of a gap meet when they differ by this share of the upper one.
MEET = 1e-6
# Seconds between two sentences about a long search.
OFTEN = 10.0


def sign_count(s: Setting, r: Request) -> Proposal:
    """Least F by branch and bound for every number of positive neurons that is passed, and the star path (docs/mathematics.md, section 12)."""
    try:
        top = top_of(s, r.options, "sign-count")
        minima = narrow_minima(top, of_all=r.of_all, say=r.say)
    except UsageError as error:
        if not r.of_all:
            raise
        # Nobody asked for it by name.
        return Proposal(skipped=str(error))
    return star_proposal(s, top, minima)


def closed_by_sign_count(s: Setting, top: Top) -> Proposal | None:
    """The proposal when its two ends meet, for a construction that would look for the same gap in another way; None when they do not."""
    try:
        minima = narrow_minima(top, of_all=True)
    except UsageError:
        return None
    proposal = star_proposal(s, top, minima)
    highest = proposal.paths[0].notes["highest"]
    lower = max(s.E, *(m.lower for m in minima))
    return proposal if isinstance(highest, float) and highest <= lower * (1.0 + MEET) else None


def narrow_minima(top: Top, *, of_all: bool, say: Callable[[str], None] = lambda text: None) -> list[NarrowMinimum]:
    """One search per number of positive neurons that every path passes, in the order in which a path from A passes them. say: hears of long ones.

    Raises UsageError where sign counts prove nothing, or the search would be hopeless.
    """
    A, B, risk = top.A, top.B, top.risk
    require_covered(A, B, risk.objective, risk.targets)
    passed = positives_passed(A, B)
    if not passed:
        raise UsageError(
            "sign-count: every number of positive neurons is that of A and of B; such pairs are not told apart by it; --method cones covers them"
        )
    most, most_programs, seconds = OF_ALL if of_all else BY_NAME
    stay = A.theta.shape[1] - 1
    coordinates = stay * (risk.X.shape[1] + (A.b is not None))
    top.require_searched("sign-count", most, coordinates, BY_NAME[0])
    falling = sign_counts(A)[0] > passed[-1]
    searches = [narrow(A, risk, p, top.exact) for p in (passed[::-1] if falling else passed)]
    # A pass at or below E is no barrier, however far below.
    return [
        least_passed(n, most_programs=most_programs, seconds=seconds, floor=top.E, progress=_told(say, len(searches)))
        for n in searches
    ]


def _told(say: Callable[[str], None], searches: int) -> Callable[[float, float, int], None]:
    """Progress of one search in a sentence, every OFTEN seconds."""
    last = time.monotonic()

    def progress(lower: float, upper: float, programs: int) -> None:
        nonlocal last
        if time.monotonic() >= last + OFTEN:
            last = time.monotonic()
            of = "" if searches == 1 else f" (one of {searches} searches)"
            say(
                f"sign-count: the least F passed lies in [{lower:.6g}, {upper:.6g}] (float64, by programs; duals may prove less) "
                f"after {plural(programs, 'program')}{of}"
            )

    return progress


def star_proposal(s: Setting, top: Top, minima: list[NarrowMinimum]) -> Proposal:
    """The path through the minimisers, cut where that makes its bound tight, and the searches for the barrier."""
    path = top.in_full(star_path(top.A, top.B, minima, "sign-count", lowered))
    barrier = BarrierProposal("sign_count", lambda problem, say: narrow_barrier(problem, minima, say))
    return Proposal([cut_at_kinks(path, s, max(s.E, *(m.upper for m in minima)))], barrier=barrier)
