"""What certified lower bounds of passes prove of a group together: docs/many.md, proposition 4."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True)
class Apart:
    """Every path between the two networks reaches F >= level, by the barrier that the certificate of the pair `by` proves."""

    level: float
    by: Pair


def lower_bounds(n: int, barriers: Mapping[Pair, float], passes: Mapping[Pair, float]) -> dict[Pair, Apart]:
    """Per pair (a, b), a < b, the highest level that barriers of pairs prove; pairs of which nothing is proved are missing.

    barriers: certified levels that every path of a pair reaches. passes: certified upper bounds of the pass of pairs. A path from c to d may go over a
    and b: so pass(c, d) <= max(pass(c, a), pass(a, b), pass(b, d)), and where the first and the last lie below a level that pass(c, d) reaches, so
    does pass(a, b).
    """

    def below(k: int, e: int, level: float) -> bool:
        return k == e or passes.get((min(k, e), max(k, e)), math.inf) < level

    out: dict[Pair, Apart] = {}
    for (c, d), level in sorted(barriers.items(), key=lambda item: (-item[1], item[0])):
        one, other = ([k for k in range(n) if below(k, e, level)] for e in (c, d))
        for a in one:
            for b in other:
                out.setdefault((min(a, b), max(a, b)), Apart(level, (c, d)))
    return out


def between(left: Sequence[int], right: Sequence[int], apart: Mapping[Pair, Apart]) -> float | None:
    """A level that every path from one of `left` to one of `right` reaches; None where none is proved of all of them."""
    found = [apart.get((min(a, b), max(a, b))) for a in left for b in right]
    levels = [f.level for f in found if f is not None]
    return min(levels) if levels and len(levels) == len(found) else None


def separated(inside: Sequence[int], level: float, apart: Mapping[Pair, Apart]) -> tuple[int, ...]:
    """Networks of which no two lie in one component of `F <= level`, found greedily: as many components are certain."""
    out: list[int] = []
    for k in inside:
        mine = [apart.get((min(k, e), max(k, e))) for e in out]
        if all(f is not None and f.level > level for f in mine):
            out.append(k)
    return tuple(out)
