"""The least F of the networks that a path between different sign counts passes, in the way that suits them (docs/mathematics.md, section 12)."""

from __future__ import annotations

import time
from collections.abc import Callable

from verifier.landscape.coarse.parts import LOST, Parts
from verifier.landscape.coarse.relaxed import LOSSES
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.search import CLOSE, NarrowMinimum, least_narrow

# Parts after which the time that a dual takes is measured again, and the share of it by which later ones may be slower.
MEASURE, SLOWER = 256, 2.0
# A promise below this share of a network's F is none.
NOTHING = 1e-3


def least_passed(
    s: Narrow, *, most_programs: int, seconds: float, floor: float = 0.0, progress: Callable[[float, float, int], None] | None = None
) -> NarrowMinimum:  # fmt: skip
    """The least F of s, in the way that suits it; arguments as of `least_narrow`."""
    way = (
        least_of_parts
        if len(s.signs) > 1 and s.objective.kappa == 0.0 and s.objective.loss.name in LOSSES
        else least_narrow
    )
    return way(s, most_programs=most_programs, seconds=seconds, floor=floor, progress=progress)


def least_of_parts(
    s: Narrow, *, most_programs: int, seconds: float, floor: float = 0.0, progress: Callable[[float, float, int], None] | None = None
) -> NarrowMinimum:  # fmt: skip
    """As `least_narrow`, for squared, logistic and Huber loss. Part of the seconds is kept for duals."""
    start = time.process_time()
    search, taken, per_dual = Parts(s), list[float](), 0.0

    def spent() -> float:
        return time.process_time() - start

    while True:
        lower = search.lower
        if progress is not None:
            progress(lower, search.upper, search.programs)
        if lower >= search.upper * (1.0 - CLOSE) or search.upper <= floor or search.programs >= most_programs:
            break
        if search.programs % MEASURE < 2:
            before = spent()
            search.prove(search.queue[len(search.queue) // 2][2])
            taken.append(spent() - before)
            # The first one loads libraries.
            per_dual = sum(taken[1:]) / max(1, len(taken) - 1)
        if spent() + SLOWER * per_dual * len(search.queue) > seconds:
            break
        if not search.cut_lowest():
            break

    def late() -> bool:
        if progress is not None:
            progress(lower, search.upper, search.programs)
        return spent() > 1.5 * seconds

    if lower > max(floor, NOTHING * search.upper):
        search.prove_all(lower * (1.0 - LOST), late)
    duals = search.duals()
    return NarrowMinimum(
        s, min(d.bound for d in duals), search.upper, search.u, search.c, search.fan.tree(), duals, search.programs, spent()
    )  # fmt: skip
