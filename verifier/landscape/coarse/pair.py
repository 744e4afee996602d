"""Two networks, and the level that every path between them must reach: which of them the flood starts from, and what it proves of the pair."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from verifier.certificate.hashing import arrays_sha256
from verifier.errors import MalformedInputError, UsageError
from verifier.landscape.coarse.legs import Leg, stops_of, straight_on, straight_to
from verifier.landscape.coarse.polish import lowered
from verifier.landscape.coarse.relaxed import relaxed_minimum, scaled
from verifier.landscape.coarse.search import LATE, CoarseBarrier, Limits, coarse_barrier
from verifier.landscape.coarse.segments import Point
from verifier.landscape.coarse.state import state_of
from verifier.landscape.moves import Moves
from verifier.landscape.sealed import UnreadableState, read_state, readable, write_state
from verifier.landscape.setting import products
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow, neuron_signs, with_signs
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.path import Path

Array = np.ndarray
Progress = Callable[[float, float, int, int], None]
# Seconds between two lines of progress.
OFTEN = 15.0
# Levels that differ by this share are one.
LEVEL = 1e-9
# Beyond a neuron at 0 a path may rise over its first part by this share of that part's rise over E; with it a closed bracket stays one.
RISE = 5e-5
# CPU seconds of compilation that are worth a word.
NOTED = 2.0


@dataclass(frozen=True, eq=False)
class PairBarrier:
    """around: the network that the flood started from, "A" or "B". legs: the lowest path met, from there to the other; none where none was met.
    programs, seconds: CPU, of the search and of what was spent on that path besides. E: the larger end, as it is."""

    A: Network
    B: Network
    around: str
    search: CoarseBarrier
    legs: tuple[Leg, ...]
    programs: int
    seconds: float
    E: float

    def path(self, name: str) -> Path | None:
        """The lowest path met, from A to B. notes: its highest F in float64."""
        if not self.legs:
            return None
        legs = self.legs if self.around == "A" else _backwards(self.legs)
        moves = Moves(self.A)
        moves.follow(stops_of(legs), self.B)
        return Path(name, self.A, tuple(moves.moves), {"highest": self.upper}).without_still_moves()

    @property
    def upper(self) -> float:
        """The highest F on that path; inf where there is none."""
        return max(self.E, _top(self.legs)) if self.legs else np.inf


def pair_barrier(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    most_programs: int,
    seconds: float,
    exact: tuple[Array, int] | None = None,
    state: FilePath | None = None,
    close: float = 0.01,
    say: Callable[[str], None] = lambda text: None,
    often: float = OFTEN,
) -> PairBarrier:
    """The search from the network with the larger F, as fewer parts lie below it; from the other one where a neuron of the first is 0, or fades to 0
    below E, so that signs may change there and nothing is proved around it. exact: as in `with_signs`. state: file that the
    search is saved to when it stops early, and taken up from when it is there.

    Raises UsageError where both have a neuron that is 0: then no sign pattern holds either; MalformedInputError for a state of something else.
    """
    ends = {"A": A, "B": B}
    values = {k: risk.value(net) for k, net in ends.items()}
    pattern = {k: neuron_signs(net) for k, net in ends.items()}
    starts = {
        k: (with_signs(A, risk, tuple(pattern[k]), "cones", exact), _point(ends[k]))
        for k in sorted(ends, key=lambda k: -values[k])
        if 0 not in pattern[k]
    }
    if not starts:
        raise UsageError(
            "cones: A and B have a neuron that is 0 each (head or row), where its sign may change at once; such pairs are not covered"
        )
    zero = {k: _to_zero(*start) for k, start in starts.items()}
    E = max(values.values())
    around = next((k for k in starts if zero[k].highest > E * (1.0 + LEVEL)), next(iter(starts)))
    other = "B" if around == "A" else "A"
    s, start = starts[around]
    goal = _point(ends[other]) if all(t in (0, v) for v, t in zip(s.signs, pattern[other])) else None
    began = time.process_time()
    relaxed_minimum(s, Fan.of(s), [()] * len(s.signs), np.inf)
    if (spent := time.process_time() - began) > NOTED:
        say(f"cones: numba compiled the programs in {spent:.0f} CPU s; they are kept for the next search")
    say(
        f"cones: a search of at most {seconds:.0f} CPU s, or {LATE:g} times that with a last proof; Ctrl-C ends it with what is proved by then"
    )

    told = _Told(say, often, time.process_time(), seconds)
    searches = _Searches(E, Limits(most_programs, seconds, close, progress=told.progress()))
    # Features that are rounded to the same numbers are others.
    features = "" if exact is None else hashlib.sha256(repr((exact[0].tolist(), exact[1])).encode()).hexdigest()
    about = arrays_sha256({"X": s.inputs, "targets": s.targets}, features)
    question = f"cones {risk.objective!r} {A.sha256()} {B.sha256()} {about}"
    if state is not None and state.exists():
        with read_state(state, question) as searches.before:
            say(f"cones: goes on from {state}")
    try:
        found = searches.run(s, start, goal, zero[around])
    except UnreadableState as error:
        raise MalformedInputError(
            f"search state {state}: {error}; choose another name, or remove it to start anew"
        ) from error
    legs = found.legs if goal is not None else ()
    try:
        if goal is None:
            say(f"cones: a path from {around} reaches a network with a neuron at 0; the way from there to {other}")
            around, found, legs = _both_sides(
                found,
                around,
                pattern[other],
                _point(ends[other]),
                searches,
                told.progress("on the way between these two "),
            )
        elif not found.closed or found.turned < found.upper:
            # It may have met no lower path than the straight one: stopped early, or as a neuron fades to 0 below that.
            legs = tuple(map(_lowered, found.legs))
    except KeyboardInterrupt:
        # As within a search: what was proved is whole, and is not lost with a path.
        say("cones: interrupted; what is proved by now stands")
    if state is not None and not (searches.closed and not state.exists()):
        write_state(state, searches.after, question)
        if not searches.closed:
            say(f"cones: the search is kept in {state}, from which the next run with the same --state goes on")
    return PairBarrier(A, B, around, found, legs, searches.programs, searches.seconds, E)


@dataclass(eq=False)
class _Searches:
    """Searches of one pair out of one budget, and what they have spent: programs, CPU seconds. E: the larger end. before, after: what another run knew when it
    stopped, and what this one does, under a name of each search. closed: whether all of them are."""

    E: float
    limits: Limits
    programs: int = 0
    seconds: float = 0.0
    before: Mapping[str, Array] = field(default_factory=dict)
    after: dict[str, Array] = field(default_factory=dict)
    closed: bool = True

    def run(
        self, s: Narrow, start: Point, goal: Point | None, fades: Leg, known: float = 0.0, **limits: Any
    ) -> CoarseBarrier:
        left = replace(
            self.limits, programs=self.limits.programs - self.programs, seconds=self.limits.seconds - self.seconds, **limits
        )  # fmt: skip
        name = _name(s, start, goal)
        with readable():
            resume = state_of(self.before, name, s) if f"{name}.tree" in self.before else None
        found = coarse_barrier(
            s, start, goal, fades=fades.points, floor=self.E, known=known, resume=resume, limits=left
        )
        self.after |= found.state.arrays(name)
        self.closed = self.closed and found.closed
        self.programs, self.seconds = self.programs + found.programs, self.seconds + found.seconds
        return found


def _name(s: Narrow, start: Point, goal: Point | None) -> str:
    """Of a search: the same of the same one alone."""
    ends = {
        f"{k}{part}": np.asarray(v) for k, p in enumerate((start, goal)) if p is not None for part, v in zip("uc", p)
    }
    return arrays_sha256(ends, str(s.signs))[:16]


def _both_sides(
    found: CoarseBarrier, around: str, pattern: Sequence[int], end: Point, searches: _Searches, between: Progress
) -> tuple[str, CoarseBarrier, tuple[Leg, ...]]:  # fmt: skip
    """(around, the search that proves more, the lowest path met from there): every path passes a network with a neuron at 0, which is as far as the first
    search looks. From there to the other network, straight or by a search from that one; where that is higher, a search for the lowest way from the other
    one to any such network, for what it proves. pattern, end: of the other network. between: hears of the search for a path alone."""
    straight = straight_to(found.legs[-1], pattern, end)
    if straight is None:
        return around, found, ()
    legs = (*found.legs, _lowered(straight))
    low = found.turned + RISE * (found.turned - searches.E)
    if _top(legs) <= low or not found.closed:
        return around, found, legs
    other, s, at, fades = "B" if around == "A" else "A", straight.s, straight.points[0], _to_zero(straight.s, end)
    way = searches.run(s, end, at, fades, known=found.lower, enough=low, progress=between)
    ways = [legs, (*found.legs, *_backwards(way.legs))]
    if min(map(_top, ways)) <= low or not way.closed:
        return around, found, min(ways, key=_top)
    # Paths are higher on the other side: what is proved there counts.
    back = searches.run(s, end, None, fades, known=found.lower, enough=low)
    on = straight_on(s, back.legs[-1].points[-1], s.signs, at)
    assert on is not None
    ways.append((*found.legs, *_backwards((*back.legs, on))))
    lowest = min(ways, key=_top)
    if back.proof is None or back.lower <= found.lower:
        return around, found, lowest
    return other, back, _backwards(lowest)


@dataclass(eq=False)
class _Told:
    """Progress in a sentence now and then. began: on the clock of CPU seconds. seconds: what all searches may take."""

    say: Callable[[str], None]
    often: float
    began: float
    seconds: float
    last: float = field(default_factory=time.monotonic)

    def progress(self, where: str = "") -> Progress:
        def progress(lower: float, upper: float, programs: int, parts: int) -> None:
            if time.monotonic() >= self.last + self.often:
                self.last = time.monotonic()
                spent = time.process_time() - self.began
                self.say(
                    f"cones: {where}a level of {lower:.6g} is proved, {upper:.6g} is too high (float64, not certified yet); "
                    f"{spent:.0f} of {self.seconds:.0f} CPU s, {programs} programs, {parts} parts"
                )

        return progress


def _backwards(legs: Sequence[Leg]) -> tuple[Leg, ...]:
    return tuple(leg.reversed() for leg in legs[::-1])


def _lowered(leg: Leg) -> Leg:
    points, _ = lowered(leg.s, list(leg.points))
    return replace(leg, points=tuple(points))


def _top(legs: Sequence[Leg]) -> float:
    return max(leg.highest for leg in legs)


def _point(network: Network) -> Point:
    return products(network), 0.0 if network.c is None else float(network.c[0])


def _to_zero(s: Narrow, start: Point) -> Leg:
    """The lowest of the straight ways to a neuron at 0, the others scaled to the least F there."""
    legs = []
    for i in range(len(s.signs)):
        u = start[0].copy()
        u[i] = 0.0
        to, c, _ = scaled(s, u, start[1])
        legs.append(Leg(s, (start, (to, c))))
    return min(legs, key=lambda leg: leg.highest)
