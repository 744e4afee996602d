"""Bound of F along a polyline: fast evaluation of `path_upper_bound`.

Head, idle and transfer moves are bounded by their ends, chords and `layer` moves by the chord lemma (`chord.py`), rescalings by `rescale.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.fast.balls import Ball, exact, relu, up
from verifier.kernel.fast.blocks import blocks, mean_above
from verifier.kernel.fast.chord import Chord, chord_between
from verifier.kernel.fast.forward import Interval, affine, hidden, objective_at
from verifier.kernel.fast.liveness import changed_rows
from verifier.kernel.fast.moves import classify
from verifier.kernel.fast.rescale import factors, rescale_upper
from verifier.kernel.statements import (
    Move,
    Parameters,
    PathUpperBound,
    Problem,
    apply_writes,
    breakpoints_of,
    require,
    same_parameters,
)

CONSTANT = ("idle", "transfer")
PIECEWISE = ("chord", "layer")


@dataclass(frozen=True)
class PathBounds:
    """What the evaluation found: F at the endpoints, and a bound of F over the rest of the path that needs one (-inf if nothing does).

    kinds: the kernel's own name for each move. uppers: per move, the bound of F over it that was used.
    """

    A: Interval
    B: Interval
    interior: float
    kinds: tuple[str, ...]
    uppers: tuple[float, ...]


class _Vertex:
    """A vertex; with one hidden layer along with its pre-activations, kept up to date column by column. Deeper networks are evaluated where somebody
    asks, and only their live part: most moves of their paths are idle."""

    def __init__(self, problem: Problem, p: Parameters) -> None:
        self.problem, self.p = problem, p
        self.u = hidden(p, problem.X, problem.negative_slope) if len(p.weights) == 2 else None

    def moved(self, w: Parameters) -> _Vertex:
        new = _Vertex.__new__(_Vertex)
        new.problem, new.p, new.u = self.problem, w, self.u
        if self.u is None:
            return new
        index = np.flatnonzero(changed_rows(self.p, w, 1))
        if index.size == 0:
            return new
        b = w.biases[0]
        part = affine(exact(self.problem.X), exact(w.weights[0][index]), None if b is None else exact(b[index]))
        mid, rad = self.u.mid.copy(), self.u.rad.copy()
        mid[:, index], rad[:, index] = part.mid, part.rad
        new.u = Ball(mid, rad)
        return new

    def value(self) -> Interval:
        S = None if self.u is None else relu(self.u, self.problem.negative_slope)
        return objective_at(self.problem, self.p, features=S, endpoint=False)

    def chord(self, after: _Vertex) -> Chord:
        """The segment to another vertex."""
        if self.u is None or after.u is None:
            return chord_between(self.problem, self.p, after.p)
        return Chord(self.problem, self.p, after.p, 1, self.u, after.u)


@dataclass(frozen=True)
class _Step:
    """One move on one block of samples: F behind it from above (inf where nobody asks), and the bounds over it: the ends of a chord's or
    `layer` move's pieces, or that of a rescaling's box."""

    value: float
    over: list[float]


def _walk(
    problem: Problem, corners: list[Parameters], kinds: list[str], moves: tuple[Move, ...], needed: list[bool]
) -> list[_Step]:
    """The moves one by one, keeping one vertex's pre-activations at a time."""
    vertex, out = _Vertex(problem, corners[0]), []
    for k, (move, kind) in enumerate(zip(moves, kinds)):
        after, over = vertex.moved(corners[k + 1]), []
        if kind in PIECEWISE:
            over = vertex.chord(after).ends(breakpoints_of(move))
        elif kind == "rescale":
            c = factors(vertex.p, after.p)
            require(c is not None, "a rescaling has no factors")
            assert c is not None  # for the type checker; `require` above decides
            over = [rescale_upper(problem, vertex.p, after.p, c)]
        out.append(_Step(after.value().upper if needed[k] else np.inf, over))
        vertex = after
    return out


def bound_path(problem: Problem, moves: tuple[Move, ...]) -> PathBounds:
    """Walk the moves from A; reject unless they end in B.

    Vertices joined to A or to B by constant moves have F = F(A) or F(B), at most E by definition: they need no bound. Under
    weight decay the same holds for the balanced copies of A and B, which are at or below A and B (AM-GM).
    """
    A = objective_at(problem, problem.A, endpoint=True)
    B = objective_at(problem, problem.B, endpoint=True)
    corners, kinds = [problem.A], []
    for move in moves:
        corners.append(apply_writes(corners[-1], move))
        kinds.append(classify(corners[-2], corners[-1], move))
    require(same_parameters(corners[-1], problem.B), "the path does not end in B")
    n, changing = len(moves), [k for k, kind in enumerate(kinds) if kind not in CONSTANT]
    first, last = (changing[0], changing[-1]) if changing else (n, -1)
    needed = [first <= k < last and kind not in CONSTANT for k, kind in enumerate(kinds)]
    parts = blocks(problem)
    walks = [_walk(part, corners, kinds, moves, needed) for part in parts]
    sizes, value = [len(part.X) for part in parts], A.upper
    interior, uppers = -np.inf, []
    for k in range(n):
        start, steps = value, [walk[k] for walk in walks]
        if k >= last:
            value = B.upper
        elif needed[k]:
            value = mean_above(sizes, [s.value for s in steps])
            interior = max(interior, value)
        reach = max(start, value)
        if kinds[k] in PIECEWISE:
            reach = max(mean_above(sizes, ends) for ends in zip(*(s.over for s in steps), strict=True))
            interior = max(interior, reach)
        elif kinds[k] == "rescale":
            near = mean_above(sizes, [s.over[0] for s in steps])
            reach, interior = max(start, near), max(interior, near)
        uppers.append(reach)
    return PathBounds(A, B, float(interior), tuple(kinds), tuple(uppers))


def check_path(problem: Problem, claim: PathUpperBound) -> dict[str, float]:
    """Numbers found for the claim; rejects unless every claimed number is at or above them."""
    found = bound_path(problem, claim.moves)
    E = max(found.A.lower, found.B.lower)
    least = min(found.A.lower, found.B.lower)
    sup = max(found.A.upper, found.B.upper, found.interior)
    computed = {"sup": sup, "E_lower": E, "gap": excess(found.interior, E), "gap_over_lower": excess(sup, least)}
    require(
        computed["sup"] <= claim.sup, f"sup F on the path: found at most {computed['sup']!r}, claimed {claim.sup!r}"
    )
    require(computed["gap"] <= claim.gap, f"gap over E: found at most {computed['gap']!r}, claimed {claim.gap!r}")
    require(
        computed["gap_over_lower"] <= claim.gap_over_lower,
        f"gap over the lower endpoint: found at most {computed['gap_over_lower']!r}, claimed {claim.gap_over_lower!r}",
    )
    if claim.level is not None:
        require(
            claim.gap_over_level is not None and bool(np.isfinite(claim.level)), "a level needs a claimed gap over it"
        )
        computed["gap_over_level"] = excess(sup, claim.level)
        require(
            computed["gap_over_level"] <= (claim.gap_over_level or 0.0),
            f"gap over the level: found at most {computed['gap_over_level']!r}, claimed {claim.gap_over_level!r}",
        )
    return computed


def excess(high: float, low: float) -> float:
    """max(0, high - low), rounded up; exactly 0 when high <= low."""
    return 0.0 if high <= low else up(high - low)
