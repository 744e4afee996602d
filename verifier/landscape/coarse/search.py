"""The lowest level that a path from one network to another must reach: flood from the higher one, and cut the parts that let it pass without reason."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import permutations

import numpy as np

from verifier.kernel.statements.cone_barrier import MOST_PAIRS
from verifier.landscape.coarse.face_bounds import BEYOND, FaceBounds
from verifier.landscape.coarse.partition import Partition, absent
from verifier.landscape.coarse.polish import polished
from verifier.landscape.coarse.segments import Point, highest, highest_of, kinks
from verifier.landscape.coarse.ways import GRID, Way, faults
from verifier.landscape.sign_count.fan import Cones, Fan, Part
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.repair import Dual

Array = np.ndarray
# (u on arrival, c, u on leaving): neurons may change slots where one of them is 0.
Bend = tuple[Array, float, Array]
# Programs, and steps of the flood, after which the clock is looked at again.
PROGRAMS_UNSEEN, STEPS_UNSEEN = 16, 1024
# Where a way fails in so few parts, these are cut in eight: near a pass halves would be cut one by one, and each cut asks for a way.
FEW, FINER = 2, 3
# Levels above E by less than this share of it are E: to prove them takes any number of parts.
WORTH = 1e-7
# Cuts one within the other: more lead nowhere, and the kernel takes 256.
DEEPEST = 100


@dataclass(frozen=True, eq=False)
class Proof:
    """level: F is at least this on every way out. start, goal, tree, inside, faces: as in the kernel's ConeBarrier. duals: in the order of their numbers."""

    level: float
    start: int
    goal: int
    tree: Array
    inside: Array
    faces: Array
    duals: tuple[Dual, ...]


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


@dataclass(eq=False)
class _Search:
    s: Narrow
    start: Point
    goal: Point | None
    partition: Partition
    bounds: FaceBounds
    level: float = 0.0
    inside: dict[Part, tuple[Part, Cones] | None] = field(default_factory=dict)
    reached: dict[Part, list[Part]] = field(default_factory=dict)
    # Ways to a neuron at 0 come last: they are many, and where another network is reached below the level none of them matters.
    queue: list[tuple[bool, float, int, Part, Part | int, Cones]] = field(default_factory=list)
    depth: dict[Part, int] = field(default_factory=dict)
    pushed: int = 0
    first: Part = field(init=False)
    last: Part | None = None

    def __post_init__(self) -> None:
        p = self.partition
        self.at_start = p.coordinates(self.start[0])
        self.at_goal = None if self.goal is None else p.coordinates(self.goal[0])
        self.first = next(part for part in p.near if p.holds(part, self.at_start))
        if self.at_goal is not None:
            self.last = next(part for part in p.near if p.holds(part, self.at_goal))

    def restart(self, level: float) -> None:
        """From the start alone. Cuts stay: where they were needed at one level they are at the next."""
        self.level, self.inside, self.reached, self.queue = level, {}, {}, []
        self.admit(self.first, None)

    def rise(self, level: float) -> None:
        """A higher level: what was reached below the old one stays reached."""
        self.level, self.queue = level, []
        for part in list(self.inside):
            self.look(part)

    def admit(self, part: Part, came: tuple[Part, Cones] | None) -> None:
        self.inside[part] = came
        if came is not None:
            self.reached.setdefault(came[0], []).append(part)
        self.look(part)

    def look(self, part: Part) -> None:
        for i in range(len(part.cones)):
            self.push(part, i, absent(part.cones, i))
        for other, face in self.partition.near[part].items():
            if other not in self.inside:
                self.push(part, other, face)

    def push(self, part: Part, to: Part | int, face: Cones) -> None:
        within = (part.cones,) if isinstance(to, int) else (part.cones, to.cones)
        least = self.bounds.least(face, within, self.level)
        if least < self.level:
            self.pushed += 1
            heapq.heappush(self.queue, (isinstance(to, int), least, self.pushed, part, to, face))

    def flood(self, stop: Callable[[], bool]) -> Way | None:
        """The first exit met, None when there is none left or time is over."""
        if self.last is not None and self.last in self.inside:
            return self.trace(self.last, [], True)
        while self.queue and not stop():
            late, least, _, part, to, face = heapq.heappop(self.queue)
            if part not in self.inside:
                continue
            if isinstance(to, int):
                if face != absent(part.cones, to):
                    continue
            elif to in self.inside or to not in self.partition.near or self.partition.near[part].get(to) != face:
                continue
            value = self.bounds.at(face, self.level).value
            if value >= self.level:
                continue
            if value > least + BEYOND * self.level:
                # Others may be lower now.
                self.pushed += 1
                heapq.heappush(self.queue, (late, value, self.pushed, part, to, face))
                continue
            if isinstance(to, int):
                return self.trace(part, [face], False)
            if to is self.last:
                self.inside[to] = (part, face)
                out = self.trace(to, [], True)
                del self.inside[to]
                return out
            self.admit(to, (part, face))
        return None

    def ways_out(self) -> Iterator[tuple[Part, Part | int, Cones]]:
        """(part inside, neuron at 0 or part outside, the face)."""
        for part in self.inside:
            for i in range(len(part.cones)):
                yield part, i, absent(part.cones, i)
            for other, face in self.partition.near[part].items():
                if other not in self.inside:
                    yield part, other, face

    def confirm(self) -> bool:
        """Whether duals prove what programs promised of all ways out; those which they do not prove are ways to flood."""
        for part, to, face in list(self.ways_out()):
            while (bound := self.bounds.at(face, self.level)).value >= self.level:
                if self.bounds.proved(bound).bound >= self.level:
                    break
            else:
                self.push(part, to, face)
        return not self.queue

    def trace(self, part: Part, faces: list[Cones], to_goal: bool) -> Way:
        chain, parts = list(faces), [part]
        while (came := self.inside[parts[-1]]) is not None:
            parts.append(came[0])
            chain.append(came[1])
        parts, chain = parts[::-1], chain[::-1]
        points = [self.start, *((self.bounds.known[f].u, self.bounds.known[f].c) for f in chain)]
        if to_goal:
            assert self.goal is not None
            points.append(self.goal)
        return Way(points, parts, chain, [self.bounds.known[f] for f in chain], to_goal)

    def from_zero(self, u: Array, c: float) -> tuple[Array, float]:
        """(rows, highest F on the straight segment to the goal): a network with a neuron at 0 may have its neurons in other slots of their signs."""
        assert self.goal is not None
        signs, best = self.s.signs, (u, np.inf)
        for order in permutations(range(len(u))):
            if all(signs[i] == signs[k] or not u[i].any() for i, k in zip(order, range(len(u)))):
                at = (u[list(order)], c)
                height = highest(self.s, at, self.goal, np.union1d(GRID, kinks(self.s, at[0], self.goal[0])))
                best = (u[list(order)], height) if height < best[1] else best
        return best

    def cut(self, part: Part, neuron: int, times: int = 1) -> bool:
        """In halves, these again across their widest neurons so many times; False where the part cannot be cut."""
        if not self.partition.fan.edges or self.depth.get(part, 0) >= DEEPEST:
            return False
        halves = self.partition.cut(part, neuron)
        for half in halves:
            # Where no network of a whole part lies below the level, none does on its many faces.
            self.bounds.at(half.cones, self.level)
        self.depth.update((half, self.depth.get(part, 0) + 1) for half in halves)
        if part is self.first:
            self.first = next(h for h in halves if self.partition.holds(h, self.at_start))
        if part is self.last and self.at_goal is not None:
            self.last = next(h for h in halves if self.partition.holds(h, self.at_goal))
        if part in self.inside:
            self.forget(part)
        if not self.inside:
            self.queue.clear()
            self.admit(self.first, None)
        for half in halves:
            self.reenter(half)
        if times > 1:
            width = self.partition.fan.width
            for half in halves:
                self.cut(half, min(range(len(half.cones)), key=lambda i: width(half, i)), times - 1)
        return True

    def forget(self, part: Part) -> None:
        """Take out the part and all that was reached through it, and look again from what stays."""
        gone, waiting = [], [part]
        while waiting:
            at = waiting.pop()
            if at in self.inside:
                gone.append(at)
                del self.inside[at]
                waiting += self.reached.pop(at, [])
        for p in gone:
            if p is not part:
                self.reenter(p)

    def reenter(self, part: Part) -> None:
        for other, face in self.partition.near[part].items():
            if other in self.inside:
                self.push(other, part, face)

    def proof(self) -> Proof:
        leaves = self.partition.fan.leaves()
        index = {part: k for k, part in enumerate(leaves)}
        rows: list[tuple[int, int, int]] = []
        duals: list[Dual] = []
        places: dict[int, int] = {}
        for part, to, face in self.ways_out():
            dual = self.bounds.proved(self.bounds.known[face])
            if id(dual) not in places:
                places[id(dual)] = len(duals)
                duals.append(dual)
            rows.append((index[part], -1 - to if isinstance(to, int) else index[to], places[id(dual)]))
        inside = np.zeros(len(leaves), dtype=np.int64)
        inside[[index[part] for part in self.inside]] = 1
        goal = -1 if self.last is None else index[self.last]
        return Proof(
            min(d.bound for d in duals), index[self.first], goal, self.partition.fan.tree(), inside,
            np.array(rows, dtype=np.int64).reshape(-1, 3), tuple(duals),
        )  # fmt: skip


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
    search = _Search(s, start, goal, partition, FaceBounds(s, fan, partition.came))
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

    search.restart(middle())
    ended = Ended.BUDGET
    try:
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
