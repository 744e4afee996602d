"""Where a way of the flood is no path below the level: which parts to cut, and across which neuron."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from verifier.landscape.coarse.face_bounds import FaceBound
from verifier.landscape.coarse.relaxed import scaled
from verifier.landscape.coarse.segments import Point, highest, kinks
from verifier.landscape.sign_count.fan import Cones, Fan, Part
from verifier.landscape.sign_count.narrow import Narrow

Array = np.ndarray
# Points of a segment at which F is looked at.
GRID = np.linspace(0.0, 1.0, 17)
# How often a segment between two low networks is halved, at the lowest network on the same rays, to stay below the level.
BRIDGES = 3
# Times of a segment at which F is looked at.
Looks = Callable[[Point, Point], Array]


@dataclass(eq=False)
class Way:
    """Points from the start to B or to a neuron at 0, the parts in which their segments lie, and the faces crossed with what is known there."""

    points: list[Point]
    parts: list[Part]
    faces: list[Cones]
    known: list[FaceBound]
    to_goal: bool


def faults(s: Narrow, fan: Fan, way: Way, level: float) -> list[tuple[Part, int]]:
    """Parts to cut, and across which neuron: where a relaxed program let the flood pass though no network near its minimiser lies below the level, or
    the segment between two such networks rises above it. None: the way's points, some added here, make a path below the level."""
    lies = [bound.true >= level for bound in way.known]
    out: dict[Part, int] = {}
    for k, bound in enumerate(way.known):
        if lies[k]:
            sides = way.parts[k : k + 2]
            i = loosest(fan, sides[0], bound.looseness)
            # Only a cut of the narrower cone makes a face smaller that neuron i does not cross.
            part = next((p for p in sides if p.cones[i] == way.faces[k][i]), None)
            out.setdefault(max(sides, key=lambda p: -fan.width(p, i)) if part is None else part, i)
    fine = [k for k in range(len(way.points) - 1) if not any(lies[max(0, k - 1) : k + 1])]
    between: dict[int, list[Point]] = {k: [] for k in fine}
    for looks in (_on_grid, lambda a, b: kinks(s, a[0], b[0])):
        for k in fine:
            a, b = way.points[k], way.points[k + 1]
            more = _bridge(s, [a, *between[k], b], level, looks, BRIDGES)
            if more is None:
                out.setdefault(way.parts[k], _apart(fan, way.parts[k], a[0], b[0]))
            else:
                between[k] = more
        if out:
            return list(out.items())
    way.points[:] = [q for k, p in enumerate(way.points) for q in (p, *between.get(k, []))]
    return []


def _on_grid(a: Point, b: Point) -> Array:
    return GRID


def _bridge(s: Narrow, points: list[Point], level: float, looks: Looks, cuts: int) -> list[Point] | None:
    """Points between the first and the last so that F lies below the level where it is looked at on all segments; None where halving finds none."""
    out: list[Point] = []
    for a, b in pairwise(points):
        if highest(s, a, b, looks(a, b)) >= level:
            if cuts == 0:
                return None
            u, c, value = scaled(s, 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]))
            more = _bridge(s, [a, (u, c), b], level, looks, cuts - 1) if value < level else None
            if more is None:
                return None
            out += more
        out.append(b)
    return out[:-1]


def loosest(fan: Fan, part: Part, loose: Array) -> int:
    """The neuron whose bounds of relu cost most; where none costs anything, the widest cone."""
    total = max(float(loose.sum()), 1e-300)
    return min(range(len(part.cones)), key=lambda i: (-round(float(loose[i]) / total, 1), fan.width(part, i)))


def _apart(fan: Fan, part: Part, u: Array, v: Array) -> int:
    """The neuron whose cut leaves rows u and v (m, n) on different sides, the further from it the better; else that along whose cut they differ most.
    Wide cones count more."""
    back, scores = np.linalg.inv(fan.directions), [0.0] * len(part.cones)
    for i, rays in enumerate(part.cones):
        x, y, cosine = fan.widest(part, i)
        basis = np.linalg.inv(np.array([fan.coordinates[r] for r in rays]))
        at_u, at_v = (_shares(w[i] @ back @ basis) for w in (u, v))
        before, after = at_u[x] - at_u[y], at_v[x] - at_v[y]
        crossing = 1.0 + min(abs(before), abs(after)) if before * after < 0.0 else 0.3 * abs(before - after) + 0.02
        scores[i] = float(crossing * np.arccos(min(1.0, max(-1.0, cosine))))
    return int(np.argmax(scores))


def _shares(weights: Array) -> Array:
    """Of each ray; even shares where the row is 0."""
    total = float(weights.sum())
    out: Array = weights / total if total > 1e-12 else np.full(len(weights), 1.0 / len(weights))
    return out
