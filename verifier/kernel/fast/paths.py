"""Bound of F along a polyline: fast evaluation of `path_upper_bound`.

Head, idle and transfer moves are bounded by their ends, chords by the chord lemma (`chord.py`), rescalings by `rescale.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from verifier.kernel.fast.balls import Ball, exact, up
from verifier.kernel.fast.blocks import blocks, mean_above
from verifier.kernel.fast.chord import Chord, chord_between
from verifier.kernel.fast.forward import Interval, affine, hidden, objective_at
from verifier.kernel.fast.liveness import changed_rows
from verifier.kernel.fast.moves import require_kind
from verifier.kernel.fast.rescale import rescale_upper
from verifier.kernel.mapping import over_blocks
from verifier.kernel.statements import (
    AlongPath,
    Move,
    Parameters,
    PathUpperBound,
    Problem,
    apply_writes,
    breakpoints_of,
    permuted,
    require,
    same_parameters,
)


@dataclass(frozen=True)
class PathBounds(AlongPath):
    """What the evaluation found: bounds along the path, and F at the endpoints."""

    A: Interval
    B: Interval


class _Vertex:
    """A vertex; with one hidden layer along with its pre-activations, kept up to date column by column. Deeper networks are evaluated where somebody
    asks, and only their live part: most moves of their paths are idle."""

    def __init__(self, problem: Problem, p: Parameters, form: str, finer: bool) -> None:
        self.problem, self.p, self.form, self.finer = problem, p, form, finer
        self.u = hidden(p, problem.X, problem.negative_slope) if problem.shallow else None

    def moved(self, w: Parameters) -> _Vertex:
        new = _Vertex.__new__(_Vertex)
        new.problem, new.p, new.form, new.finer, new.u = self.problem, w, self.form, self.finer, self.u
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
        return objective_at(self.problem, self.p, u=self.u, form=self.form, finer=self.finer)

    def chord(self, after: _Vertex) -> Chord:
        """The segment to another vertex."""
        if self.u is None or after.u is None:
            return chord_between(self.problem, self.p, after.p, self.form)
        return Chord(self.problem, self.p, after.p, 1, self.u, after.u, self.form)


@dataclass(frozen=True)
class _Step:
    """One move on one block of samples: F behind it from above (inf where nobody asks), and the bounds over it: the ends of a chord's pieces, or that
    of a rescaling's box."""

    value: float
    over: list[float]


def _walk(problem: Problem, moves: tuple[Move, ...], needed: list[bool], form: str, finer: bool) -> list[_Step]:
    """The moves one by one, keeping one vertex and its pre-activations at a time."""
    vertex, out = _Vertex(problem, problem.A, form, finer), []
    for k, move in enumerate(moves):
        after, over = vertex.moved(apply_writes(vertex.p, move)), []
        if move.kind == "chord":
            over = vertex.chord(after).ends(breakpoints_of(move))
        elif move.factors is not None:
            over = [rescale_upper(problem, vertex.p, after.p, move.factors, form)]
        out.append(_Step(after.value().upper if needed[k] else np.inf, over))
        vertex = after
    return out


def bound_path(
    problem: Problem,
    moves: tuple[Move, ...],
    form: str = "literal",
    permutation: tuple[np.ndarray, ...] | None = None,
    finer: bool | None = None,
) -> PathBounds:
    """Walk the moves from A; reject unless each is what it says and the last ends in B, or in B with its neurons permuted.

    Vertices joined to A or to B by constant moves have F = F(A) or F(B), at most E by definition: they need no bound. In balanced form the same
    holds for the balanced copies of A and B, which are at or below A and B (AM-GM).

    finer: vertices of deep networks have split products. None: where the gap is not 0 but so small that this may decide it.
    """
    if finer is None:
        found = bound_path(problem, moves, form, permutation, False)
        over = found.interior - max(found.A.lower, found.B.lower)
        widths = found.A.upper - found.A.lower + found.B.upper - found.B.lower
        undecided = not problem.shallow and 0.0 < over <= 8.0 * widths
        return bound_path(problem, moves, form, permutation, True) if undecided else found
    A, B = (objective_at(problem, p, finer=finer) for p in (problem.A, problem.B))
    corner = problem.A
    for move in moves:
        before, corner = corner, apply_writes(corner, move)
        require_kind(before, corner, move)
    require(same_parameters(corner, permuted(problem.B, permutation)), "the path does not end in B")
    # Weight decay as it is changes with neurons that nobody hears; it is convex, so that such moves are bounded by their ends like head moves.
    quiet = () if problem.objective.penalty == "weight_decay" and form == "literal" else ("idle", "transfer")
    n, changing = len(moves), [k for k, move in enumerate(moves) if move.kind not in quiet]
    first, last = (changing[0], changing[-1]) if changing else (n, -1)
    needed = [first <= k < last and move.kind not in quiet for k, move in enumerate(moves)]
    parts = blocks(problem)
    walk = partial(_walk, moves=moves, needed=needed, form=form, finer=finer)
    walks = over_blocks(walk, [part.problem for part in parts])
    value, interior, uppers = A.upper, -np.inf, []
    for k, move in enumerate(moves):
        start, steps = value, [walk[k] for walk in walks]
        if k >= last:
            value = B.upper
        elif needed[k]:
            value = mean_above(parts, [s.value for s in steps])
            interior = max(interior, value)
        reach = max(start, value)
        if move.kind == "chord":
            reach = max(mean_above(parts, ends) for ends in zip(*(s.over for s in steps), strict=True))
            interior = max(interior, reach)
        elif move.kind == "rescale":
            near = mean_above(parts, [s.over[0] for s in steps])
            reach, interior = max(start, near), max(interior, near)
        uppers.append(reach)
    return PathBounds(float(interior), tuple(uppers), A, B)


def check_path(problem: Problem, claim: PathUpperBound) -> tuple[dict[str, float], AlongPath]:
    """Numbers found for the claim, and bounds along it; rejects unless every claimed number is at or above them, those of split products if need be."""
    claimed = {"sup": claim.sup, "gap": claim.gap, "gap_over_lower": claim.gap_over_lower}
    if claim.gap_over_level is not None:
        claimed["gap_over_level"] = claim.gap_over_level
    found = bound_path(problem, claim.moves, claim.form, claim.permutation)
    computed = _numbers(found, claim)
    if not problem.shallow and not all(computed[name] <= claimed[name] for name in claimed):
        found = bound_path(problem, claim.moves, claim.form, claim.permutation, True)
        computed = _numbers(found, claim)
    for name, number in claimed.items():
        require(computed[name] <= number, f"{name} on the path: found at most {computed[name]!r}, claimed {number!r}")
    return computed, AlongPath(found.interior, found.uppers)


def _numbers(found: PathBounds, claim: PathUpperBound) -> dict[str, float]:
    E = max(found.A.lower, found.B.lower)
    least = min(found.A.lower, found.B.lower)
    sup = max(found.A.upper, found.B.upper, found.interior)
    computed = {"sup": sup, "gap": excess(found.interior, E), "gap_over_lower": excess(sup, least), "E_lower": E}
    return computed if claim.level is None else computed | {"gap_over_level": excess(sup, claim.level)}


def excess(high: float, low: float) -> float:
    """max(0, high - low), rounded up; exactly 0 when high <= low."""
    return 0.0 if high <= low else up(high - low)
