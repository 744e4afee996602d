"""The least F of networks of known signs, branch and bound by the programs of coarse cells, which are solved by the thousand; duals are made at the end, for
the parts that are left (docs/mathematics.md, section 12)."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from verifier.landscape.coarse.relaxed import relaxed_minimum
from verifier.landscape.coarse.ways import loosest
from verifier.landscape.sign_count.fan import Fan, Part
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Relaxation, Solved
from verifier.landscape.sign_count.repair import Dual, holding, nothing
from verifier.landscape.sign_count.search import CLOSE, descended

Array = np.ndarray
# Bounds that lie lower than the programs promised by no more than this share are what they promised.
LOST = 1e-3
# Where opposite neurons grow along a common direction the bounds of relu are apart by any number however narrow the cones: the lowest part's are cut no more
# when one less its widest angle's cosine is below this, as the promise hardly rises by it, and duals of needles can hardly be made exact.
NARROW = 2.0**-16
# How often a part is cut for want of a dual, and how far above it one is looked for.
DEEPER, ABOVE = 6, 4


@dataclass(eq=False)
class Leaf:
    """value: F is at least this on the part, as far as programs say. solved: by which multipliers, of the part itself or of one that it was cut from; None
    where another run solved it. looseness: of its own program, which was not followed above the level `cut`. above: what it was cut from. deeper: how often
    that was for want of a dual."""

    value: float
    part: Part
    solved: Solved | None
    looseness: Array
    cut: float
    above: Leaf | None = None
    deeper: int = 0
    dual: Dual | None = None


class Parts:
    """queue: all parts that are whole, the lowest value first. u (k, n), c, upper: the lowest network met, and its F. met: it and those that were the lowest
    before. programs: solved."""

    def __init__(self, s: Narrow, enough: float = np.inf) -> None:
        """enough: levels above it are of no use to the caller, so far."""
        self.s, self.fan = s, Fan.of(s)
        self.relaxation = Relaxation.of(s, self.fan)
        self.enough, self.programs, self.queue = enough, 0, list[tuple[float, int, Leaf]]()
        u, c = np.zeros((len(s.signs), s.inputs.shape[1])), float(np.median(s.targets)) * s.output_bias
        self.u, self.c, self.upper = u, c, s.value(u, c)
        self.met = [(u, c)]
        for root in self.fan.roots:
            self.visit(root, None)

    def take_up(
        self, tree: Array, values: Array, duals: Mapping[int, Dual], met: Sequence[tuple[Array, float]]
    ) -> None:
        """Where another search over these networks stopped. values (L, 2): of every part, in the tree's order, its value and cut; duals: of some of them, by
        their places. Raises ValueError for a tree of other cones."""
        self.queue = []
        self.fan.cut_again(tree, self.fan.cut)
        for u, c in met:
            if (value := self.s.value(u, c)) < self.upper:
                self.u, self.c, self.upper = u, c, value
                self.met.append((u, c))
        loose = np.zeros(len(self.s.signs))
        for place, (part, (value, cut)) in enumerate(zip(self.fan.leaves(), values.tolist(), strict=True)):
            self.queue.append((value, -1 - place, Leaf(value, part, None, loose, cut, dual=duals.get(place))))
        heapq.heapify(self.queue)

    def state(self) -> tuple[Array, Array, dict[int, Dual]]:
        """(tree, values, duals) as above: of duals those that prove what was promised."""
        of = {id(leaf.part): leaf for _, _, leaf in self.queue}
        leaves = [of[id(part)] for part in self.fan.leaves()]
        made = {
            k: leaf.dual
            for k, leaf in enumerate(leaves)
            if leaf.dual is not None and leaf.dual.bound >= leaf.value * (1.0 - LOST)
        }
        return self.fan.tree(), np.array([(leaf.value, leaf.cut) for leaf in leaves]).reshape(-1, 2), made

    @property
    def lower(self) -> float:
        """F is at least this, as far as programs say."""
        return self.queue[0][0]

    def visit(self, part: Part, above: Leaf | None) -> Leaf:
        self.programs += 1
        cut = min(self.upper, self.enough)
        found = relaxed_minimum(self.s, self.fan, part.cones, cut)
        leaf = Leaf(found.value, part, found.solved, found.solved.looseness, cut, above)
        if above is not None and above.value > leaf.value:
            leaf = replace(leaf, value=above.value, solved=self.multipliers(above))
        heapq.heappush(self.queue, (leaf.value, self.programs, leaf))
        # Not for a little: where opposite neurons grow along a common direction F falls without end, and paths there are poor.
        if found.true < self.upper * (1.0 - CLOSE):
            for u, c in ((found.u, found.c), descended(self.s, found.u, found.c)[:2]):
                if self.s.sound(u, c) and (value := self.s.value(u, c)) < self.upper:
                    self.u, self.c, self.upper = u, c, value
                    self.met.append((u, c))
        return leaf

    def cut_lowest(self) -> bool:
        """False where the lowest part is too narrow."""
        lowest = heapq.heappop(self.queue)
        if self.cut(lowest[2]):
            return True
        heapq.heappush(self.queue, lowest)
        return False

    def cut(self, leaf: Leaf) -> list[Leaf]:
        """What it was cut into; nothing where it is too narrow."""
        if not leaf.part.cones:
            return []
        neuron = loosest(self.fan, leaf.part, leaf.looseness)
        if 1.0 - self.fan.width(leaf.part, neuron) < NARROW:
            return []
        return [self.visit(half, leaf) for half in self.fan.cut(leaf.part, neuron)]

    def reach(self, level: float, stop: Callable[[], bool]) -> bool:
        """Whether F is at least the level, as far as programs say: cut until it is, or a network lies below, or a part is too narrow, or time is over."""
        self.enough = level
        while self.lower < level <= self.upper and not stop():
            leaf = self.queue[0][2]
            if leaf.cut < min(level, self.upper):
                # Its program was left when it reached a lower level.
                heapq.heappop(self.queue)
                self.visit(leaf.part, leaf)
            elif not self.cut_lowest():
                break
        return self.lower >= level

    def multipliers(self, leaf: Leaf) -> Solved:
        if leaf.solved is None:
            self.programs += 1
            leaf.solved = relaxed_minimum(self.s, self.fan, leaf.part.cones, leaf.cut).solved
        return leaf.solved

    def prove(self, leaf: Leaf) -> Dual:
        if leaf.dual is None:
            # Multipliers of a part hold on all that lies in it, but are repaired on the rays of the part at hand.
            dual = holding(self.s, self.fan, leaf.part.cones, self.multipliers(leaf))
            if dual is None or dual.bound < leaf.value * (1.0 - LOST):
                # An interior point lies where more can be made exact than a point on rays.
                other = self.relaxation.solve(leaf.part.cones)
                again = None if other is None else holding(self.s, self.fan, leaf.part.cones, other)
                dual = again if dual is None or (again is not None and again.bound > dual.bound) else dual
            leaf.dual = nothing(self.s) if dual is None else dual
        return leaf.dual

    def prove_all(self, needed: float, stop: Callable[[], bool]) -> None:
        """Duals of all parts; parts whose dual proves less than `needed` are cut while there is time."""
        waiting, gone = deque(leaf for _, _, leaf in self.queue), set[int]()
        while waiting and not stop():
            leaf = waiting.popleft()
            best, above = self.prove(leaf), leaf.above
            # What holds on a part holds on all that was cut from it.
            for _ in range(ABOVE):
                if best.bound >= needed or above is None:
                    break
                best, above = max(best, self.prove(above), key=lambda dual: dual.bound), above.above
            leaf.dual = best
            if best.bound < needed and leaf.deeper < DEEPER:
                halves = self.cut(leaf)
                if halves:
                    gone.add(id(leaf))
                for half in halves:
                    half.deeper = leaf.deeper + 1
                waiting.extend(halves)
        self.queue = [kept for kept in self.queue if id(kept[2]) not in gone]
        heapq.heapify(self.queue)

    def duals(self) -> tuple[Dual, ...]:
        """Of the parts that are whole, in the tree's order; one that proves nothing where none was made."""
        whole = {id(leaf.part): leaf.dual for _, _, leaf in self.queue if leaf.dual is not None}
        return tuple(whole.get(id(part)) or nothing(self.s) for part in self.fan.leaves())
