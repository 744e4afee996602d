"""Theorem 2's level from both sides: `max(e(l), delta_A(m, 0), delta_A(k, alpha), delta_B(k, alpha), delta_B(m, 0))`, of accepted claims alone.

Which program a claim is about is read from its arrays: the record's names decide nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from flint import arb, ctx

from verifier.kernel.statements import EveryWidthLowerBound, HeadOptimum, Problem
from verifier.kernel.statements.problem import Parameters
from verifier.numbers import show_down, show_up
from verifier.report.recheck import Recheck

# Segments whose programs have its terms; 4 leaves theta*, which 3 has reached.
FULL_A, SPARSE_A, STAR, SPARSE_B, FULL_B = 1, 2, 3, 5, 6


@dataclass(frozen=True)
class Term:
    """A term, its certified bounds as shown, and what proves the lower one."""

    name: str
    lower: str
    upper: str
    why: str


class AtZero(Enum):
    """Why the level is one at the angle 0 where others were asked for."""

    LOWEST = "the path at α = 0 has the lowest estimate of all"
    NOT_TURNED = "the path of the lowest estimate is for a larger angle, within which none of its rows turned"


def at_zero(level: Theorem2Level, tried: Sequence[float], chosen: float | None) -> str:
    """The reason in words, empty where there is nothing to explain. tried: angles, chosen: that of the path; both of the record, of whose figures none
    is shown as proved."""
    others = sorted({a for a in tried if a > 0.0})
    if level.alpha > 0.0 or not others:
        return ""
    why = AtZero.NOT_TURNED if chosen else AtZero.LOWEST
    angles = ", ".join(f"{a:g}" for a in others)
    return (
        f"The angle is 0 here, though {angles} {'were' if len(others) > 1 else 'was'} tried too: a certificate holds the programs of one path, and "
        f"{why.value}; the others’ estimates stand in the table over (l, alpha)."
    )


@dataclass(frozen=True)
class Theorem2Level:
    """The level at one (l, alpha), as shown, its terms, and what they say about the least level over all (l, alpha).

    alpha: an upper bound of the angle between the path's rows and the networks', in radians. lengths: rows have to keep their lengths, as under the l1
    penalty a longer row pays less.
    """

    name: str
    alpha: float
    lower: str
    upper: str
    terms: list[Term]
    every: str
    of_every_width: bool
    lengths: bool


def theorem2_level(solved: dict[int, HeadOptimum], found: Recheck, problem: Problem) -> Theorem2Level | None:
    """None unless accepted claims about all five programs are there, on rows that the definitions allow.

    solved: by segment, the program whose solution the path meets there.
    """
    accepted = {id(c) for c, v in found.heads if v.accepted}
    if not set(solved) >= {FULL_A, SPARSE_A, STAR, SPARSE_B, FULL_B} or any(
        id(c) not in accepted for c in solved.values()
    ):
        return None
    m, l = len(problem.A.weights[0]), len(solved[STAR].rows)
    k = max(len(solved[s].rows) for s in (SPARSE_A, SPARSE_B))
    whole = all(_same_rows(solved[s], p) for s, p in ((FULL_A, problem.A), (FULL_B, problem.B)))
    angles = [_angle(solved[s], p) for s, p in ((SPARSE_A, problem.A), (SPARSE_B, problem.B))]
    if not (whole and l + k <= m) or any(a is None for a in angles):
        return None
    alpha = max(a for a in angles if a is not None)
    if alpha > 0.0 and problem.objective.penalty == "l1":
        return None  # a longer row pays less there, and an angle does not say how long a row is
    # Every term is F of some network of one hidden layer, or the least of several.
    widths = [c for c, v in found.all if isinstance(c, EveryWidthLowerBound) and v.accepted]
    width = max((c.lower for c in widths if c.lower > 0.0), default=0.0)
    of_width = "the bound for every width" if width > 0.0 else "no loss is negative"
    spread = show_up(alpha, 3)
    terms, lowers = [Term(f"e({l})", show_down(width, 8), show_up(solved[STAR].upper, 8), of_width)], [width]
    for letter, full, sparse in (("A", FULL_A, SPARSE_A), ("B", FULL_B, SPARSE_B)):
        least = 0.0 if solved[full].head_limit is not None else solved[full].lower
        of_head = "its program's dual"
        if least < width or solved[full].head_limit is not None:
            least, of_head = width, of_width
        lowers.append(least)
        # Without an angle the k rows are among the m, so that the best head on all of them is at least as good.
        thin, of_thin = (least, "as on all rows") if alpha == 0.0 else (width, of_width)
        terms.append(Term(f"δ_{letter}({m}, 0)", show_down(least, 8), show_up(solved[full].upper, 8), of_head))
        terms.append(
            Term(f"δ_{letter}({m - l}, {spread})", show_down(thin, 8), show_up(solved[sparse].upper, 8), of_thin)
        )
    lower, upper = max(lowers), max(solved[s].upper for s in (FULL_A, SPARSE_A, STAR, SPARSE_B, FULL_B))
    every = (
        f"For every l and α it is at least {show_down(lower, 8)}, as δ_A({m}, 0) and δ_B({m}, 0) do not depend on them"
    )
    every += (
        f"; so the least level over all of them, with any constant C, lies between {show_down(lower, 8)} and {show_up(upper, 8)}."
        if alpha == 0.0
        else "."
    )
    return Theorem2Level(
        f"ε({l}, {spread})",
        alpha,
        show_down(lower, 8),
        show_up(upper, 8),
        terms,
        every,
        width > 0.0,
        problem.objective.penalty == "l1",
    )


def _augmented(rows: np.ndarray, bias: np.ndarray | None) -> np.ndarray:
    return np.asarray(rows if bias is None else np.hstack([rows, bias[:, None]]), dtype=np.float64) + 0.0


def _same_rows(claim: HeadOptimum, network: Parameters) -> bool:
    return np.array_equal(_augmented(claim.rows, claim.row_bias), _augmented(network.weights[0], network.biases[0]))


def _angle(claim: HeadOptimum, network: Parameters) -> float | None:
    """An upper bound, in radians, of the largest angle between a row of the claim and the nearest row of the network; 0 exactly where every row is one
    of the network's. None where a row is 0, which has no angle, or the nearest is at a right angle or beyond."""
    known = _augmented(network.weights[0], network.biases[0])
    have, largest = {row.tobytes() for row in known}, 0.0
    for row in _augmented(claim.rows, claim.row_bias):
        if row.tobytes() in have:
            continue
        lengths = np.linalg.norm(known, axis=1) * np.linalg.norm(row)
        if not row.any():
            return None
        cosines = np.where(lengths > 0.0, known @ row / np.where(lengths > 0.0, lengths, 1.0), -1.0)
        with ctx.workprec(200):
            u, w = ([arb(float(x)) for x in v] for v in (row, known[int(cosines.argmax())]))
            inner = sum((a * b for a, b in zip(u, w)), arb(0))
            size = (sum((a * a for a in u), arb(0)) * sum((b * b for b in w), arb(0))).sqrt()
            if not inner > 0:
                return None
            # Cauchy and Schwarz: the square is not negative, though its ball may reach below 0.
            angle = arb.atan2((size * size - inner * inner).nonnegative_part().sqrt(), inner)
            largest = max(largest, float(np.nextafter(float(angle.abs_upper()), np.inf)))
    return largest
