"""The lowest level that a path from one network to another must reach: flood from the higher one, and cut the parts that let it pass without reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from verifier.kernel.statements.cone_barrier import MOST_PAIRS
from verifier.landscape.coarse.face_bounds import FaceBounds
from verifier.landscape.coarse.flood import Flood, Proof
from verifier.landscape.coarse.partition import Partition
from verifier.landscape.coarse.polish import polished
from verifier.landscape.coarse.segments import Point, highest, highest_of, kinks
from verifier.landscape.coarse.ways import GRID, faults
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
# (u on arrival, c, u on leaving): neurons may change slots where one of them is 0.
Bend = tuple[Array, float, Array]
# Programs, and steps of the flood, after which the clock is looked at again.
PROGRAMS_UNSEEN, STEPS_UNSEEN = 16, 1024
# Where a way fails in so few parts, these are cut in eight: near a pass halves would be cut one by one, and each cut asks for a way.
FEW, FINER = 2, 3
# Levels above E by less than this share of it are E: to prove them takes any number of parts.
WORTH = 1e-7


class Ended(Enum):
    """Why a search ended."""

    CLOSED = "closed"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    # What would prove the next level is larger than what a certificate may hold.
    LARGE = "large"
    # The flood passes at the level, no network does, and every part that lets it is as narrow as the search makes them.
    NARROWEST = "narrowest"


@dataclass(frozen=True, eq=False)
class CoarseBarrier:
    """lower <= least level of a path <= upper, in float64.

    lower: by the proof; None where it found nothing above the larger end. upper: of the path through the stops in straight segments. turned: some
    path reaches a neuron at 0 below about this level, where it may change a sign; the search proves nothing above it. programs: solved. seconds: CPU.
    waiting: parts that the flood had reached below the last level, so far without a way to the other network.
    """

    narrow: Narrow
    lower: float
    upper: float
    turned: float
    proof: Proof | None
    stops: tuple[Bend, ...]
    programs: int
    parts: int
    seconds: float
    ended: Ended
    waiting: int

    @property
    def closed(self) -> bool:
        return self.ended is Ended.CLOSED


def _bends(points: Sequence[Point]) -> tuple[Bend, ...]:
    return tuple((u, c, u) for u, c in points)


def coarse_barrier(
    s: Narrow,
    start: Point,
    goal: Point | None,
    *,
    upper: float,
    turned: float = np.inf,
    floor: float = 0.0,
    most_programs: int,
    seconds: float,
    close: float = 0.01,
    progress: Callable[[float, float, int, int], None] | None = None,
) -> CoarseBarrier:
    """The level that every path from `start`, whose neurons have the signs of s, to a network of other signs, or to `goal`, must reach.

    start, goal: (u (m, n), c). upper, turned: levels that some path to the goal, or to a neuron at 0, does not exceed; one of them is finite. floor: F of
    the other network where there is no goal. close: the search ends when lower and upper differ by this share of what
    upper is over the larger end. seconds: of CPU. progress(lower, upper, programs, parts).
    """
    fan = Fan(s.inputs, s.directions, len(s.signs))
    partition = Partition(fan)
    search = Flood(s, start, goal, partition, FaceBounds(s, fan, partition.came))
    began = time.process_time()
    E = max([floor, *(s.value(*p) for p in (start, goal) if p is not None)])
    lower = E
    proof: Proof | None = None
    stops = () if goal is None else _bends([start, goal])

    # The clock is a call of the system: looked at after some programs, or many cheap steps.
    looked, steps = -1, 0

    def over() -> bool:
        nonlocal looked, steps
        steps += 1
        if looked >= 0 and search.bounds.programs - looked < PROGRAMS_UNSEEN and steps < STEPS_UNSEEN:
            return search.bounds.programs >= most_programs
        looked, steps = search.bounds.programs, 0
        if progress is not None:
            progress(lower, min(upper, turned), search.bounds.programs, len(partition.near))
        return search.bounds.programs >= most_programs or time.process_time() - began > seconds

    def middle() -> float:
        top = min(upper, turned)
        if proof is None:
            # Something first: a search that is stopped early should not go empty-handed.
            return lower + 0.125 * (top - lower)
        near = 0.995 * close * (top - E)
        return max(0.5 * (lower + top), top - near) if top - lower <= 4.0 * near else 0.5 * (lower + top)

    def all_zeros() -> None:
        """What every path has to rise to that passes a network with a neuron at 0 and the other signs of s, wherever it lies; a way to a low one of them
        is no path at less."""
        nonlocal lower, proof, turned
        low = turned
        while not over():
            level = low - 0.995 * close * (low - E)
            if level <= E * (1.0 + WORTH):
                return
            search.everywhere(level)
            found = search.seal(over)
            while found is None and not search.queue and not search.confirm():
                found = search.seal(over)
            if found is None:
                if not search.queue:
                    proof = search.proof()
                    lower = max(lower, proof.level)
                return
            if found.true >= level:
                return
            low, to = found.true, (found.u, found.c)
            turned = min(turned, highest(s, start, to, np.union1d(GRID, kinks(s, start[0], found.u))))

    ended = Ended.BUDGET
    try:
        if goal is None:
            all_zeros()
        search.restart(middle())
        while not over():
            top = min(upper, turned)
            if top - lower <= close * (top - E) or top <= E * (1.0 + WORTH):
                ended = Ended.CLOSED
                break
            way = search.flood(over)
            if way is None:
                if search.queue:  # time is over
                    break
                if not search.confirm():
                    continue
                if len(search.inside) * (len(partition.near) - len(search.inside)) > MOST_PAIRS:
                    ended = Ended.LARGE
                    break
                proof = search.proof()
                lower = max(lower, proof.level)
                if min(upper, turned) - lower > close * (min(upper, turned) - E):
                    search.rise(middle())
                continue
            to_cut = faults(s, fan, way, search.level)
            if to_cut:
                cuts = [search.cut(part, i, FINER if len(to_cut) <= FEW else 1) for part, i in to_cut]
                if not any(cuts):
                    ended = Ended.NARROWEST
                    break
                continue
            if way.to_goal:
                lower_way, upper = polished(s, way.points)
                stops = _bends(lower_way)
            else:
                turned = highest_of(s, way.points)
                if goal is not None:
                    at, c = way.points[-1]
                    leaving, height = search.from_zero(at, c)
                    if max(turned, height) < upper:
                        upper, stops = (
                            max(turned, height),
                            (*_bends(way.points[:-1]), (at, c, leaving), *_bends([goal])),
                        )
            search.restart(middle())
    except KeyboardInterrupt:
        # What was proved is whole; the caller goes on with it, and a second interruption ends the program.
        ended = Ended.INTERRUPTED
    return CoarseBarrier(
        s, lower, upper, turned, proof, stops, search.bounds.programs, len(partition.near),
        time.process_time() - began, ended, len(search.inside),
    )  # fmt: skip
