"""Ways to a neuron at 0, barred all at once: F on all networks of one neuron less (docs/mathematics.md, section 14)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from verifier.landscape.coarse.legs import Leg, straight_on
from verifier.landscape.coarse.parts import LOST, Parts
from verifier.landscape.coarse.segments import Point
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.sign_count.repair import Dual

# Programs for one sign: where that many do not bar all ways at once, they are barred one by one.
MOST = 20_000


@dataclass(eq=False)
class _One:
    """Networks without the neuron at `place`, the first of its sign. barred: F is at least this on all of them, as far as duals say where they were made.
    vain: no level from here on is tried, as F is lower on one of them, duals do not prove what programs promise, or that took too many."""

    place: int
    parts: Parts
    barred: float = 0.0
    vain: float = np.inf


@dataclass(frozen=True, eq=False)
class LessState:
    """Where a search over the networks without a neuron of one sign stopped. tree, values, duals: as `Parts.take_up` takes them. barred, vain: as in the
    search; met: networks, the lowest last."""

    tree: np.ndarray
    values: np.ndarray
    barred: float
    vain: float
    met: tuple[Point, ...]
    duals: Mapping[int, Dual]


class Less:
    """The networks of s without a positive neuron, and those without a negative one."""

    def __init__(self, s: Narrow) -> None:
        self.s = s
        self.of: dict[int, _One] = {}
        for sign in (1, -1):
            if sign in s.signs:
                i = s.signs.index(sign)
                self.of[sign] = _One(i, Parts(replace(s, signs=s.signs[:i] + s.signs[i + 1 :]), 0.0))

    def state(self) -> dict[int, LessState]:
        out = {}
        for sign, one in self.of.items():
            tree, values, duals = one.parts.state()
            out[sign] = LessState(tree, values, one.barred, one.vain, tuple(one.parts.met), duals)
        return out

    def take_up(self, state: Mapping[int, LessState]) -> None:
        """Raises ValueError for a state of other networks."""
        if set(state) != set(self.of):
            raise ValueError("it is of other signs")
        for sign, kept in state.items():
            one = self.of[sign]
            one.parts.take_up(kept.tree, kept.values, kept.duals, kept.met)
            one.barred, one.vain = min(kept.barred, one.parts.lower), kept.vain

    @property
    def programs(self) -> int:
        return sum(one.parts.programs for one in self.of.values())

    def bars(self, neuron: int, level: float) -> bool:
        """Whether no way to this neuron at 0 need be looked at."""
        return self.of[self.s.signs[neuron]].barred >= level

    def reach(self, level: float, spare: float, stop: Callable[[], bool]) -> bool:
        """Whether all ways to a neuron at 0 are barred, as far as programs say. spare: duals may prove less than programs promise by this."""
        # Each of them, also where one is not barred.
        found = [self._reach(one, level, spare, stop) for one in self.of.values()]
        return all(found)

    def _reach(self, one: _One, level: float, spare: float, stop: Callable[[], bool]) -> bool:
        parts, promised = one.parts, level + min(spare, 2.0 * LOST * level)
        if one.barred < level and promised < one.vain:
            most = parts.programs + MOST
            if parts.reach(promised, lambda: parts.programs > most or stop()):
                one.barred = level
            elif not stop():
                one.vain = min(one.vain, promised, parts.upper)
        return one.barred >= level

    def settle(self, level: float, stop: Callable[[], bool]) -> bool:
        """Make the duals of what is barred at the level: whether they prove it of every sign of which programs promised it."""
        before = [one for one in self.of.values() if one.barred >= level]
        for one in before:
            one.parts.prove_all(level, stop)
            one.barred = min(one.barred, *(dual.bound for dual in one.parts.duals()))
            if one.barred < level:
                one.vain = one.barred
        return all(one.barred >= level for one in before)

    def reached(self) -> float:
        """What programs promise of all networks with a neuron at 0, and spare; it counts as barred."""
        level = min(one.parts.lower for one in self.of.values()) * (1.0 - 2.0 * LOST)
        for one in self.of.values():
            one.barred = max(one.barred, level)
        return level

    @property
    def proved(self) -> float:
        """F is at least this on all networks with a neuron at 0."""
        return min(one.barred for one in self.of.values())

    @property
    def lowest(self) -> float:
        """F of the lowest network met with a neuron at 0."""
        return min(one.parts.upper for one in self.of.values())

    def met(self) -> list[Point]:
        """Networks with a neuron at 0 that were the lowest of their signs when they were met; of each sign the lowest one last."""
        return [(np.insert(u, one.place, 0.0, axis=0), c) for one in self.of.values() for u, c in one.parts.met]

    def straight(self, start: Point) -> list[Leg]:
        """From there to each of them, their neurons in the slots of their signs where that is lowest."""
        ways = [straight_on(self.s, to, self.s.signs, start) for to in self.met()]
        return [way.reversed() for way in ways if way is not None]

    def proofs(self, level: float) -> dict[int, tuple[np.ndarray, list[Dual]]]:
        """Per sign that is barred: the tree, and the dual of each part, of all neurons."""
        return {
            sign: (one.parts.fan.tree(), [_widened(dual, one.place) for dual in one.parts.duals()])
            for sign, one in self.of.items()
            if one.barred >= level
        }


def _widened(dual: Dual, place: int) -> Dual:
    """With a neuron at 0, on which it asks for nothing."""
    return replace(
        dual, slopes=np.insert(dual.slopes, place, 0.0, axis=0), pulls=np.insert(dual.pulls, place, 0.0, axis=0)
    )
