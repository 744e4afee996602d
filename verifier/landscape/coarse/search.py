"""The lowest level that a path from one network to another must reach: flood from the higher one, and cut the parts that let it pass without reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from verifier.landscape.coarse.face_bounds import FaceBounds
from verifier.landscape.coarse.flood import Flood, Proof
from verifier.landscape.coarse.legs import Leg, straight_on
from verifier.landscape.coarse.less import Less
from verifier.landscape.coarse.partition import Partition
from verifier.landscape.coarse.polish import lowered, polished
from verifier.landscape.coarse.segments import Point, highest_of
from verifier.landscape.coarse.state import SearchState
from verifier.landscape.coarse.ways import faults
from verifier.landscape.sealed import readable
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
# Programs, and steps of the flood, after which the clock is looked at again.
PROGRAMS_UNSEEN, STEPS_UNSEEN = 16, 1024
# Where a way fails in so few parts, these are cut in eight: near a pass halves would be cut one by one, and each cut asks for a way.
FEW, FINER = 2, 3
# The share of what a level is over E that duals may prove less of networks of one neuron less than programs promise.
SPARE = 0.1
# The share of its time by which a search may end late, for duals without which nothing would be proved of what it has found.
LATE = 1.5
# The first level, as a share of what the way is over E: with many coordinates to prove anything takes minutes, less is proved sooner, and levels grow.
FIRST, FIRST_OF_MANY, FEW_COORDINATES, GROWTH = 0.125, 2.0**-6, 6, 4.0
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


@dataclass(frozen=True)
class Limits:
    """When a search ends. seconds: of CPU. close: when lower and upper differ by this share of what upper is over the larger end; enough: when upper is no
    more than this. progress(lower, upper, programs, parts)."""

    programs: int
    seconds: float
    close: float = 0.01
    enough: float = 0.0
    progress: Callable[[float, float, int, int], None] = lambda *so_far: None


@dataclass(frozen=True, eq=False)
class CoarseBarrier:
    """lower <= least level of a path <= upper, in float64.

    lower: by the proof; None where it found nothing above the larger end. upper: of a path to the goal. turned: some path reaches a neuron at 0 below
    about this level, where it may change a sign; the search proves nothing above it. legs: the path to the goal; without one, that to a neuron at 0.
    programs: solved. seconds: CPU.
    waiting: parts that the flood had reached below the last level, so far without a way to the other network. state: from which another run goes on.
    """

    narrow: Narrow
    lower: float
    upper: float
    turned: float
    proof: Proof | None
    legs: tuple[Leg, ...]
    programs: int
    parts: int
    seconds: float
    ended: Ended
    waiting: int
    state: SearchState

    @property
    def closed(self) -> bool:
        return self.ended is Ended.CLOSED


def coarse_barrier(
    s: Narrow,
    start: Point,
    goal: Point | None,
    *,
    fades: Sequence[Point],
    floor: float = 0.0,
    known: float = 0.0,
    resume: SearchState | None = None,
    limits: Limits,
) -> CoarseBarrier:
    """The level that every path from `start`, whose neurons have the signs of s, to a network of other signs, or to `goal`, must reach.

    start, goal: (u (m, n), c). fades: a path from the start to a network with a neuron at 0, in straight segments. floor: F of the other network where
    there is no goal. known: a level that another search proves. resume: where a search for the same stopped; raises UnreadableState for another's.
    """
    began = time.process_time()
    fan = Fan.of(s)
    partition = Partition(fan)
    less = Less(s)
    search = Flood(s, start, goal, partition, FaceBounds(s, fan, partition.came), less)
    coordinates = len(s.signs) * s.inputs.shape[1]
    many = coordinates > FEW_COORDINATES
    # With more it is what makes a search end, with fewer both are cheap; just here the duals of all networks of one neuron less cost most of the time.
    at_once = goal is None or coordinates != FEW_COORDINATES
    E = max([floor, *(s.value(*p) for p in (start, goal) if p is not None)])
    lower = max(E, known)
    proof: Proof | None = None
    legs: tuple[Leg, ...] = (Leg(s, tuple(fades) if goal is None else (start, goal)),)
    upper, turned = np.inf if goal is None else legs[0].highest, highest_of(s, fades)

    if resume is not None:
        with readable():
            search.take_up(resume.tree, resume.known)
            less.take_up(resume.less)
        lower, proof = max(lower, resume.lower), resume.proof
        upper, turned, legs = resume.upper, resume.turned, resume.legs
    # The clock is a call of the system: looked at after some programs, or many cheap steps.
    looked, steps = -1, 0

    def programs() -> int:
        return search.bounds.programs + less.programs

    def over() -> bool:
        nonlocal looked, steps
        steps += 1
        if looked >= 0 and programs() - looked < PROGRAMS_UNSEEN and steps < STEPS_UNSEEN:
            return programs() >= limits.programs
        looked, steps = programs(), 0
        limits.progress(lower, min(upper, turned), programs(), len(partition.near))
        return programs() >= limits.programs or time.process_time() - began > limits.seconds

    def late() -> bool:
        over()  # for its progress
        return time.process_time() - began > LATE * limits.seconds

    def middle() -> float:
        top = min(upper, turned)
        if lower == E:
            # Something first: a search that is stopped early should not go empty-handed.
            return lower + (FIRST_OF_MANY if many else FIRST) * (top - lower)
        near = 0.995 * limits.close * (top - E)
        half = 0.5 * (lower + top)
        if many:
            half = min(half, E + GROWTH * (lower - E))
        return max(half, top - near) if top - lower <= 4.0 * near else half

    def begin(how: Callable[[float], None]) -> None:
        """The next level, from the start alone or from what is reached: what bars all ways to a neuron at 0 first, as far as anything does."""
        level = middle()
        if at_once:
            less.reach(level, SPARE * (level - E), over)
        how(level)

    def all_zeros(share: float) -> None:
        """What every path has to rise to that passes a network with a neuron at 0 and the other signs of s, wherever it lies; share: of what the lowest
        way there is over E, more is of no use so far."""
        nonlocal lower, proof, turned, legs
        low = min(less.lowest, turned)
        while not over():
            found = less.lowest
            direct = min(less.straight(start), key=lambda leg: leg.highest)
            if direct.highest < turned:
                turned, legs = direct.highest, (direct,)
            low = min(found, turned)
            short = 0.995 * limits.close * (low - E)
            level = E + share * (low - short - E)
            if level <= E * (1.0 + WORTH) or low <= limits.enough:
                return
            # A way to a low one of them is no path at less: the level may have to be lower, and does not follow `turned`.
            if less.reach(level, 0.3 * (low - level), over) or less.lowest >= found:
                break
        if turned > low + limits.close * (low - E):
            # Straight is higher than has to be: the way to the lowest one, its top lowered.
            to = min(less.straight(start), key=lambda leg: s.value(*leg.points[-1]))
            way = Leg(s, tuple(lowered(s, list(to.points))[0]))
            if way.highest < turned:
                turned, legs = way.highest, (way,)
        less.settle(less.reached(), late)
        if less.proved > lower * (1.0 + WORTH):
            search.everywhere(less.proved)
            proof = search.proof()
            lower = max(lower, proof.level)

    ended = Ended.BUDGET
    try:
        if goal is None:
            # Something first, as duals take longer than the programs of a higher level.
            for share in (FIRST, 1.0):
                all_zeros(share)
        begin(search.restart)
        while not over():
            top = min(upper, turned)
            if top - lower <= limits.close * (top - E) or top <= max(E * (1.0 + WORTH), limits.enough):
                ended = Ended.CLOSED
                break
            way = search.flood(over)
            if way is None:
                if search.queue:  # time is over
                    break
                if not search.confirm(late):
                    continue
                if search.large():
                    ended = Ended.LARGE
                    break
                proof = search.proof()
                lower = max(lower, proof.level)
                if min(upper, turned) - lower > limits.close * (min(upper, turned) - E):
                    begin(search.rise)
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
                legs = (Leg(s, tuple(lower_way)),)
            else:
                to_zero = Leg(s, tuple(way.points))
                turned = to_zero.highest
                if goal is None:
                    legs = (to_zero,)
                elif (on := straight_on(s, way.points[-1], s.signs, goal)) and max(turned, on.highest) < upper:
                    upper, legs = max(turned, on.highest), (to_zero, on)
            begin(search.restart)
    except KeyboardInterrupt:
        # What was proved is whole; the caller goes on with it, and a second interruption ends the program.
        ended = Ended.INTERRUPTED
    # Ways may lie below E: where weight decay is not balanced, as they are.
    return CoarseBarrier(
        s, lower, max(upper, E), max(turned, E), proof, legs, programs(), len(partition.near),
        time.process_time() - began, ended, len(search.inside), SearchState(lower, upper, turned, fan.tree(), search.known(), less.state(), proof, legs),
    )  # fmt: skip
