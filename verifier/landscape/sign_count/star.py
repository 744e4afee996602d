"""The star path: A, the lowest networks with one neuron fewer, B, in straight segments of u (docs/constructions.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from verifier.landscape.moves import Moves, Stop
from verifier.landscape.setting import products
from verifier.landscape.sign_count.narrow import Narrow, neuron_signs
from verifier.landscape.sign_count.search import NarrowMinimum
from verifier.landscape.slots import handed_over, in_slots
from verifier.networks.network import Network
from verifier.paths.path import Path

Array = np.ndarray
# Points of a segment at which F is looked at to choose among orders of the neurons.
GRID = np.linspace(0.0, 1.0, 101)
# The points of a path in u, with F of these signs; (points of one with the same ends that rises no higher, the largest F on it).
Lowered = Callable[[Narrow, list[tuple[Array, float]]], tuple[list[tuple[Array, float]], float]]


def star_path(A: Network, B: Network, minima: Sequence[NarrowMinimum], name: str, lowered: Lowered) -> Path:
    """From A through the minimisers, whose numbers of positive neurons lead one by one from A's to B's, to B.

    Each leg keeps all signs: straight, or by the points that `lowered` makes of a segment that rises. Where a minimiser is reached its neurons are in slots
    of their signs, those for which F stays lowest on the straight way in a sample; the slot that is left holds 0 and changes its sign. notes: the largest F
    met in samples of the legs, highest.
    """
    falling = minima[0].narrow.signs.count(1) < _heads(A, -1).tolist().count(1)
    start, goal = (_heads(A, -1), _heads(B, 1)) if falling else (_heads(A, 1), _heads(B, -1))
    stops = [_stop(A, minima[0], start, "")]
    for found in minima:
        last = stops[-1]
        reached = min(
            _placed(found, last.signs), key=lambda u: _highest(found, last.signs, (last.moved(), last.c), (u, found.c))
        )
        free = _free_slot(reached, last.signs, -1 if falling else 1)
        signs = last.signs.copy()
        signs[free] *= -1
        stops.append(Stop(reached, found.c, found.upper, signs, f"to the lowest network found with neuron {free} at 0"))
    end, found = _stop(B, minima[-1], goal, "to B"), minima[-1]
    left = min(_placed(found, goal), key=lambda u: _highest(found, goal, (u, found.c), (end.u, end.c)))
    stops[-1] = replace(stops[-1], signs=goal, handed=tuple(handed_over(stops[-1].u, left)))
    stops.append(end)
    stops = [stops[0], *(stop for v, w in pairwise(stops) for stop in _leg(found, v, w, lowered))]
    moves = Moves(A)
    moves.follow(stops, B)
    highest = max(_highest(found, v.signs, (v.moved(), v.c), (w.u, w.c)) for v, w in pairwise(stops))
    return Path(name, A, tuple(moves.moves), {"highest": highest}).without_still_moves()


def _leg(found: NarrowMinimum, v: Stop, w: Stop, lowered: Lowered) -> list[Stop]:
    """The stops behind v, up to w."""
    s = replace(found.narrow, signs=tuple(v.signs.tolist()))
    points = lowered(s, [(v.moved(), v.c), (w.u, w.c)])[0][1:-1]
    return [*(Stop(u, c, s.value(u, c), v.signs, f"lower than straight, {w.label}") for u, c in points), w]


def _heads(network: Network, otherwise: int) -> Array:
    """Signs of the neurons (m,); those that are 0 may have any, and get `otherwise`."""
    return np.array([sign or otherwise for sign in neuron_signs(network)])


def _stop(network: Network, found: NarrowMinimum, signs: Array, label: str) -> Stop:
    c = 0.0 if network.c is None else float(network.c[0])
    u = products(network)
    return Stop(u, c, _value(found, signs, u, c), signs, label)


def _value(found: NarrowMinimum, signs: Array, u: Array, c: float) -> float:
    return replace(found.narrow, signs=tuple(signs.tolist())).value(u, c)


def _placed(found: NarrowMinimum, signs: Array) -> Iterator[Array]:
    """The minimiser in slots of these signs, in every order; one slot holds 0."""
    with_zero = np.vstack([found.u, np.zeros((1, found.narrow.inputs.shape[1]))])
    return in_slots(with_zero, (*found.narrow.signs, 0), signs.tolist())


def _free_slot(u: Array, signs: Array, towards: int) -> int:
    """A slot that holds 0 and changes its sign next."""
    return next(i for i in range(len(u)) if not u[i].any() and signs[i] != towards)


def _highest(found: NarrowMinimum, signs: Array, start: tuple[Array, float], end: tuple[Array, float]) -> float:
    """The largest sampled F on the segment."""
    return max(_value(found, signs, (1 - t) * start[0] + t * end[0], (1 - t) * start[1] + t * end[1]) for t in GRID)
