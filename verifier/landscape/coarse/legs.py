"""A path in legs: straight segments of u while each slot keeps its sign; between two legs a neuron is 0, and the others may change slots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product

import numpy as np

from verifier.landscape.coarse.segments import Point, highest_of
from verifier.landscape.moves import Stop
from verifier.landscape.sign_count.narrow import Narrow
from verifier.landscape.slots import handed_over, in_slots


@dataclass(frozen=True, eq=False)
class Leg:
    """s: with the signs of the slots. points: (u (m, n), c) in order; straight in between."""

    s: Narrow
    points: tuple[Point, ...]

    @cached_property
    def highest(self) -> float:
        """The largest F."""
        return highest_of(self.s, self.points)

    def reversed(self) -> Leg:
        return replace(self, points=self.points[::-1])


def straight_on(s: Narrow, at: Point, signs: Sequence[int], end: Point) -> Leg | None:
    """From a network of s with a neuron at 0 straight to `end`, whose slots have these signs: its neurons in the slots from which that is lowest. None where
    its signs are not among these."""
    there = replace(s, signs=tuple(signs))
    legs = [Leg(there, ((u, at[1]), end)) for u in in_slots(at[0], s.signs, signs)]
    return min(legs, key=lambda leg: leg.highest, default=None)


def straight_to(last: Leg, pattern: Sequence[int], end: Point) -> Leg | None:
    """From the end of a leg, where a neuron is 0, to `end`. pattern: the signs of its neurons, 0: any."""
    found = [
        straight_on(last.s, last.points[-1], signs, end)
        for signs in product(*[(v,) if v else (1, -1) for v in pattern])
    ]
    return min((leg for leg in found if leg is not None), key=lambda leg: leg.highest, default=None)


def stops_of(legs: Sequence[Leg]) -> list[Stop]:
    """The legs' points as a path's stops, the neurons handed over from slot to slot between two legs."""
    stops: list[Stop] = []
    for k, leg in enumerate(legs):
        last = k == len(legs) - 1
        for n, (u, c) in enumerate(leg.points[bool(k) :]):
            ends = n == len(leg.points[bool(k) :]) - 1
            following = legs[k + 1] if ends and not last else leg
            handed = tuple(handed_over(u, following.points[0][0])) if ends and not last else ()
            label = "to B" if ends and last else f"to a low network on face {len(stops)}"
            stops.append(Stop(u, c, leg.s.value(u, c), np.array(following.s.signs), label, handed))
    return stops
