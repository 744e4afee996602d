"""Flood a partition from one network below a level: parts reached, what bars the others, and the proof when nothing is left."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from verifier.kernel.statements.cone_barrier import MOST_CONES, MOST_PAIRS
from verifier.landscape.coarse.face_bounds import BEYOND, FaceBounds, KnownFaces
from verifier.landscape.coarse.less import Less
from verifier.landscape.coarse.partition import Partition, absent
from verifier.landscape.coarse.segments import Point
from verifier.landscape.coarse.ways import Way
from verifier.landscape.sign_count.fan import Cones, Part
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.repair import Dual

Array = np.ndarray
# Cuts one within the other: more lead nowhere, and the kernel takes 256.
DEEPEST = 100


@dataclass(frozen=True, eq=False)
class Proof:
    """level: F is at least this on every way out. start, goal, tree, inside, faces: as in the kernel's ConeBarrier. less: per sign whose ways to 0 are barred
    at once, the tree and the numbers of its duals. duals: in the order of their numbers."""

    level: float
    start: int
    goal: int
    tree: Array
    inside: Array
    faces: Array
    less: dict[int, tuple[Array, list[int]]]
    duals: tuple[Dual, ...]


@dataclass(eq=False)
class Flood:
    """What lies below a level around the start: parts inside, ways on in a queue, the lowest first; nearly all of it is changed as parts are cut."""

    s: Narrow
    start: Point
    goal: Point | None
    partition: Partition
    bounds: FaceBounds
    less: Less
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

    def take_up(self, tree: Array, known: KnownFaces) -> None:
        """Cut as another flood was, before any level. Raises ValueError for a tree of other cones."""
        self.bounds.take_up(known)
        self.partition.fan.cut_again(tree, self._halve)

    def known(self) -> KnownFaces:
        """What is known of the faces of parts that are whole, and of these."""
        near = self.partition.near
        zeros = (absent(part.cones, i) for part in near for i in range(len(part.cones)))
        return self.bounds.state(
            chain((part.cones for part in near), zeros, (face for faces in near.values() for face in faces.values()))
        )

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
            if not self.less.bars(i, self.level):
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
        """(part inside, neuron at 0 or part outside, the face) of all that are not barred at once."""
        for part in self.inside:
            for i in range(len(part.cones)):
                if not self.less.bars(i, self.level):
                    yield part, i, absent(part.cones, i)
            for other, face in self.partition.near[part].items():
                if other not in self.inside:
                    yield part, other, face

    def confirm(self, stop: Callable[[], bool]) -> bool:
        """Whether duals prove what programs promised of all ways out; those which they do not prove are ways to flood. False when time is over."""
        if not self.less.settle(self.level, stop):
            for part in self.inside:
                self.look(part)
        for part, to, face in list(self.ways_out()):
            if stop():
                return False
            while (bound := self.bounds.at(face, self.level)).value >= self.level:
                if self.bounds.proved(bound).bound >= self.level:
                    break
            else:
                self.push(part, to, face)
        return not self.queue

    def large(self) -> bool:
        """Whether the kernel would refuse the proof, as it had too much to look at."""
        outside = [part for part in self.partition.near if part not in self.inside]
        cones = [{cone for part in parts for cone in part.cones} for parts in (self.inside, outside)]
        return len(self.inside) * len(outside) > MOST_PAIRS or len(cones[0]) * len(cones[1]) > MOST_CONES

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

    def cut(self, part: Part, neuron: int, times: int = 1) -> bool:
        """In halves, these again across their widest neurons so many times; False where the part cannot be cut."""
        if not self.partition.fan.edges or self.depth.get(part, 0) >= DEEPEST:
            return False
        halves = self._halve(part, neuron)
        for half in halves:
            # Where no network of a whole part lies below the level, none does on its many faces.
            self.bounds.at(half.cones, self.level)
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

    def _halve(self, part: Part, neuron: int) -> tuple[Part, ...]:
        halves = self.partition.cut(part, neuron)
        self.depth.update((half, self.depth.get(part, 0) + 1) for half in halves)
        if part is self.first:
            self.first = next(h for h in halves if self.partition.holds(h, self.at_start))
        if part is self.last and self.at_goal is not None:
            self.last = next(h for h in halves if self.partition.holds(h, self.at_goal))
        return halves

    def everywhere(self, level: float) -> None:
        """All parts inside, so that only points at which a neuron is 0 lead out."""
        self.level, self.inside, self.reached, self.queue = level, dict.fromkeys(self.partition.near), {}, []

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
        less: dict[int, tuple[Array, list[int]]] = {}
        places: dict[int, int] = {}
        for part, to, face in self.ways_out():
            dual = self.bounds.proved(self.bounds.known[face])
            if id(dual) not in places:
                places[id(dual)] = len(duals)
                duals.append(dual)
            rows.append((index[part], -1 - to if isinstance(to, int) else index[to], places[id(dual)]))
        for sign, (tree, of_parts) in self.less.proofs(self.level).items():
            less[sign] = tree, list(range(len(duals), len(duals) + len(of_parts)))
            duals += of_parts
        inside = np.zeros(len(leaves), dtype=np.int64)
        inside[[index[part] for part in self.inside]] = 1
        goal = -1 if self.last is None else index[self.last]
        return Proof(
            min(d.bound for d in duals), index[self.first], goal, self.partition.fan.tree(), inside,
            np.array(rows, dtype=np.int64).reshape(-1, 3), less, tuple(duals),
        )  # fmt: skip
