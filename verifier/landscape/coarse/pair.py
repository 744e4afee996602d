"""Two networks, and the level that every path between them must reach: which of them the flood starts from, and what it proves of the pair."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.landscape.coarse.relaxed import relaxed_minimum, scaled
from verifier.landscape.coarse.search import CoarseBarrier, coarse_barrier
from verifier.landscape.coarse.segments import Point, highest, kinks
from verifier.landscape.coarse.ways import GRID
from verifier.landscape.moves import Moves, Stop
from verifier.landscape.setting import products
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import Narrow, neuron_signs, with_signs
from verifier.landscape.sign_count.star import handed_over
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.path import Path

Array = np.ndarray
# Seconds between two lines of progress.
OFTEN = 15.0
# Levels that differ by this share are one.
LEVEL = 1e-9
# CPU seconds of compilation that are worth a word.
NOTED = 2.0


@dataclass(frozen=True, eq=False)
class PairBarrier:
    """around: the network that the flood started from, "A" or "B"."""

    A: Network
    B: Network
    around: str
    search: CoarseBarrier

    def path(self, name: str) -> Path | None:
        """The path in straight segments of u that the search found, from A to B; None where it found none, or only to a neuron at 0."""
        bends, s = list(self.search.stops), self.search.narrow
        if len(bends) < 2:
            return None
        if self.around == "B":
            bends = [(leaving, c, arriving) for arriving, c, leaving in bends[::-1]]
        signs, last = np.array(s.signs), len(bends) - 1
        stops = [
            Stop(
                u, c, s.value(u, c), signs, "to B" if k == last else f"to a low network on face {k}", tuple(handed_over(u, leaving))
            )
            for k, (u, c, leaving) in enumerate(bends)
        ]  # fmt: skip
        moves = Moves(self.A)
        moves.follow(stops, self.B)
        return Path(name, self.A, tuple(moves.moves), {"highest": self.search.upper}).without_still_moves()


def pair_barrier(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    most_programs: int,
    seconds: float,
    close: float = 0.01,
    say: Callable[[str], None] = lambda text: None,
    often: float = OFTEN,
) -> PairBarrier:
    """The search from the network with the larger F, as fewer parts lie below it; from the other one where a neuron of the first is 0, or fades to 0
    below E, so that signs may change there and nothing is proved around it.

    Raises UsageError where both have a neuron that is 0: then no sign pattern holds either.
    """
    ends = {"A": A, "B": B}
    values = {k: risk.value(net) for k, net in ends.items()}
    pattern = {k: neuron_signs(net) for k, net in ends.items()}
    starts = {
        k: (with_signs(A, risk, tuple(pattern[k]), "cones"), _point(ends[k]))
        for k in sorted(ends, key=lambda k: -values[k])
        if 0 not in pattern[k]
    }
    if not starts:
        raise UsageError(
            "cones: A and B have a neuron that is 0 each (head or row), where its sign may change at once; such pairs are not covered"
        )
    zero = {k: _to_zero(*start) for k, start in starts.items()}
    E = max(values.values())
    around = next((k for k in starts if zero[k] > E * (1.0 + LEVEL)), next(iter(starts)))
    other = "B" if around == "A" else "A"
    s, start = starts[around]
    goal = _point(ends[other]) if all(t in (0, v) for v, t in zip(s.signs, pattern[other])) else None
    began = time.process_time()
    relaxed_minimum(s, Fan(s.inputs, s.directions, len(s.signs)), [()] * len(s.signs), np.inf)
    if (spent := time.process_time() - began) > NOTED:
        say(f"cones: numba compiled the programs in {spent:.0f} CPU s; they are kept for the next search")
    last = [time.monotonic()]
    say(f"cones: a search of at most {seconds:.0f} CPU s; Ctrl-C ends it with what is proved by then")

    def progress(lower: float, upper: float, programs: int, parts: int) -> None:
        if time.monotonic() >= last[0] + often:
            last[0] = time.monotonic()
            say(
                f"cones: a level of {lower:.6g} is proved, {upper:.6g} is too high (float64, not certified yet); {programs} programs, {parts} parts"
            )

    found = coarse_barrier(
        s, start, goal, upper=np.inf if goal is None else _highest(s, start, goal), turned=zero[around],
        most_programs=most_programs, seconds=seconds, close=close, floor=values[other], progress=progress,
    )  # fmt: skip
    return PairBarrier(A, B, around, found)


def _point(network: Network) -> Point:
    return products(network), 0.0 if network.c is None else float(network.c[0])


def _highest(s: Narrow, a: Point, b: Point) -> float:
    return highest(s, a, b, np.union1d(GRID, kinks(s, a[0], b[0])))


def _to_zero(s: Narrow, start: Point) -> float:
    """A level that some path to a neuron at 0 does not exceed, about."""
    best = np.inf
    for i in range(len(s.signs)):
        u = start[0].copy()
        u[i] = 0.0
        to, c, _ = scaled(s, u, start[1])
        best = min(best, _highest(s, start, (to, c)))
    return best
