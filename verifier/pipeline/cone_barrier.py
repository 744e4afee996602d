"""A barrier over coarse cells as a claim, from the search that floods them (docs/mathematics.md, section 14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from verifier.elaboration.cone_barriers import ConeUnion, cone_barrier_claim
from verifier.kernel.statements import ConeBarrier, Problem
from verifier.kernel.statements.kept import of_paths
from verifier.landscape.coarse.pair import PairBarrier
from verifier.landscape.coarse.search import WORTH, Ended
from verifier.numbers import plural, show_down
from verifier.pipeline.record import plain

# Why a search did not close its bracket. {}: the parts that lay below the level tried last.
WHY = {
    Ended.BUDGET: "its budget ended with {} below the level tried last and ways out left",
    Ended.INTERRUPTED: "so much was proved before the search was interrupted, with {} below the higher level that it tried",
    Ended.LARGE: "a proof of the level tried last, {} below it, would hold more parts than a certificate may",
    Ended.NARROWEST: "its relaxed programs let the flood pass where no cone is cut any further, {} below the level tried last",
}


def cone_barrier(
    problem: Problem, found: PairBarrier, say: Callable[[str], None], name: str = "cones"
) -> tuple[ConeBarrier | None, dict[str, Any]]:
    """The barrier, None when none lies above E, and the record of its search. Raises VerifierError when the kernel rejects it."""
    search, claim = found.search, None
    if search.proof is not None:
        p, s = search.proof, search.narrow
        union = ConeUnion(found.around, p.start, p.goal, s.signs, s.directions, p.tree, p.inside, p.faces, p.less)
        claim = cone_barrier_claim(problem, union, [(d.nu, d.slopes, d.pulls) for d in p.duals], name=name)
        claim = claim if claim.gap > 0.0 else None
    cost = f"{plural(found.programs, 'program')}, {found.seconds:.1f} CPU s"
    if claim is None:
        say(f"{no_barrier(found, name)}, {cost}")
    else:
        say(
            f"{name}: certified gap >= {show_down(claim.gap)} over E: no path {of_paths(claim.output_layer)} leaves "
            f"{int(claim.inside.sum())} of {plural(len(claim.inside), 'coarse cell')} around "
            f"{claim.around} below {show_down(claim.level, 8)}{_ends(found)}, {cost}"
        )
    return claim, plain(
        {
            "lower": search.lower, "upper": found.upper, "zero_neuron": search.turned, "closed": search.closed, "ended": search.ended.value,
            "waiting": search.waiting, "programs": found.programs, "parts": search.parts, "cpu_seconds": found.seconds,
        }
    )  # fmt: skip


def no_barrier(found: PairBarrier, name: str = "cones") -> str:
    """What is said of a search that proved nothing above E, and why."""
    search, why = found.search, _ends(found)
    if search.closed:
        fades = search.turned <= min(search.upper, search.lower * (1.0 + WORTH))
        why = (
            f"; a neuron of {found.around} fades to 0 without a rise over E, but for {WORTH:g} of it (float64), and there signs may change"
            if fades
            else f"; a path stays at E, but for {WORTH:g} of it (float64)"
        )
    if search.ended is Ended.INTERRUPTED:
        return f"{name}: no barrier over E was proved before the search was interrupted: {_between(found)}"
    return f"{name}: no barrier over E was found{why}"


def _ends(found: PairBarrier) -> str:
    search = found.search
    if search.closed:
        return ""
    return f"; {WHY[search.ended].format(plural(search.waiting, 'part'))}: {_between(found)}"


def _between(found: PairBarrier) -> str:
    search = found.search
    ends = f"lies in [{search.lower:.6g}, {found.upper:.6g}]" if found.legs else f"is at least {search.lower:.6g}"
    text = f"the level {ends} (float64, not certified)"
    if search.turned >= found.upper:
        return text
    return (
        f"{text}, and the search proves at most {search.turned:.6g}, below which a neuron of {found.around} reaches 0"
    )
