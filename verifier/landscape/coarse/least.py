"""The least F of the networks that a path between different sign counts passes, where two neurons or more stay and size has no price: branch and bound by the
programs of coarse cells, which are solved by the thousand; duals are made at the end, for the parts that are left (docs/mathematics.md, section 12)."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from verifier.landscape.coarse.relaxed import LOSSES, Relaxed, relaxed_minimum
from verifier.landscape.coarse.ways import loosest
from verifier.landscape.sign_count.fan import Fan, Part
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.relaxation import Relaxation
from verifier.landscape.sign_count.repair import Dual, holding, nothing
from verifier.landscape.sign_count.search import CLOSE, NarrowMinimum, descended, least_narrow

Array = np.ndarray
# Parts after which the time that a dual takes is measured again, and the share of it by which later ones may be slower.
MEASURE, SLOWER = 256, 2.0
# Bounds that lie lower than the programs promised by no more than this share are what they promised.
LOST = 1e-3
# A promise below this share of a network's F is none.
NOTHING = 1e-3
# Where opposite neurons grow along a common direction the bounds of relu are apart by any number however narrow the cones: the lowest part's are cut no more
# when one less its widest angle's cosine is below this, as the promise hardly rises by it, and duals of needles can hardly be made exact.
NARROW = 2.0**-16
# How often a part is cut for want of a dual, and how far above it one is looked for.
DEEPER, ABOVE = 6, 4


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


@dataclass(eq=False)
class _Leaf:
    """value: F is at least this on the part, as far as programs say. found: by which multipliers, of the part itself or of one that it was cut from.
    looseness: of its own program. above: what it was cut from. deeper: how often that was for want of a dual."""

    value: float
    part: Part
    found: Relaxed
    looseness: Array
    above: _Leaf | None = None
    deeper: int = 0
    dual: Dual | None = None


class _Search:
    """queue: all parts that are whole, the lowest value first."""

    def __init__(self, s: Narrow) -> None:
        self.s, self.fan = s, Fan(s.inputs, s.directions, len(s.signs))
        self.relaxation = Relaxation.of(s, self.fan)
        self.programs, self.queue = 0, list[tuple[float, int, _Leaf]]()
        u, c = np.zeros((len(s.signs), s.inputs.shape[1])), float(np.median(s.targets)) * s.output_bias
        self.u, self.c, self.upper = u, c, s.value(u, c)
        for root in self.fan.roots:
            self.visit(root, None)

    def visit(self, part: Part, above: _Leaf | None) -> _Leaf:
        self.programs += 1
        found = relaxed_minimum(self.s, self.fan, part.cones, self.upper)
        leaf = _Leaf(found.value, part, found, found.solved.looseness, above)
        if above is not None and above.value > leaf.value:
            leaf = replace(leaf, value=above.value, found=above.found)
        heapq.heappush(self.queue, (leaf.value, self.programs, leaf))
        # Not for a little: where opposite neurons grow along a common direction F falls without end, and paths there are poor.
        if found.true < self.upper * (1.0 - CLOSE):
            for u, c in ((found.u, found.c), descended(self.s, found.u, found.c)[:2]):
                if self.s.sound(u, c) and (value := self.s.value(u, c)) < self.upper:
                    self.u, self.c, self.upper = u, c, value
        return leaf

    def cut(self, leaf: _Leaf) -> list[_Leaf]:
        """What it was cut into; nothing where it is too narrow."""
        neuron = loosest(self.fan, leaf.part, leaf.looseness)
        if 1.0 - self.fan.width(leaf.part, neuron) < NARROW:
            return []
        return [self.visit(half, leaf) for half in self.fan.cut(leaf.part, neuron)]

    def prove(self, leaf: _Leaf) -> Dual:
        if leaf.dual is None:
            # Multipliers of a part hold on all that lies in it, but are repaired on the rays of the part at hand.
            dual = holding(self.s, self.fan, leaf.part.cones, leaf.found.solved)
            if dual is None or dual.bound < leaf.value * (1.0 - LOST):
                # An interior point lies where more can be made exact than a point on rays.
                other = self.relaxation.solve(leaf.part.cones)
                again = None if other is None else holding(self.s, self.fan, leaf.part.cones, other)
                dual = again if dual is None or (again is not None and again.bound > dual.bound) else dual
            leaf.dual = nothing(self.s) if dual is None else dual
        return leaf.dual


def least_of_parts(
    s: Narrow, *, most_programs: int, seconds: float, floor: float = 0.0, progress: Callable[[float, float, int], None] | None = None
) -> NarrowMinimum:  # fmt: skip
    """As `least_narrow`, for squared, logistic and Huber loss. Part of the seconds is kept for duals."""
    start = time.process_time()
    search, taken, per_dual = _Search(s), list[float](), 0.0

    def spent() -> float:
        return time.process_time() - start

    while search.queue:
        lower = search.queue[0][0]
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
        lowest = heapq.heappop(search.queue)
        if not search.cut(lowest[2]):
            heapq.heappush(search.queue, lowest)
            break
    _prove_all(search, floor, lambda: spent() > 1.5 * seconds, progress)
    whole = {id(leaf.part): search.prove(leaf) for _, _, leaf in search.queue if leaf.dual is not None}
    duals = tuple(whole.get(id(part), nothing(s)) for part in search.fan.leaves())
    return NarrowMinimum(
        s, min(d.bound for d in duals), search.upper, search.u, search.c, search.fan.tree(), duals, search.programs, spent()
    )  # fmt: skip


def _prove_all(
    search: _Search, floor: float, late: Callable[[], bool], progress: Callable[[float, float, int], None] | None
) -> None:
    """Duals of all parts; parts whose dual proves less than every program promised are cut while there is time."""
    promised = search.queue[0][0]
    waiting = deque(leaf for _, _, leaf in search.queue)
    while promised > max(floor, NOTHING * search.upper) and waiting and not late():
        leaf = waiting.popleft()
        if progress is not None:
            progress(promised, search.upper, search.programs)
        best, above = search.prove(leaf), leaf.above
        # What holds on a part holds on all that was cut from it.
        for _ in range(ABOVE):
            if best.bound >= promised * (1.0 - LOST) or above is None:
                break
            best, above = max(best, search.prove(above), key=lambda dual: dual.bound), above.above
        leaf.dual = best
        if best.bound < promised * (1.0 - LOST) and leaf.deeper < DEEPER:
            halves = search.cut(leaf)
            for half in halves:
                half.deeper = leaf.deeper + 1
            waiting.extend(halves)
