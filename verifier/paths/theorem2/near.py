"""Sparse networks within an angle of an endpoint's rows: on rows as they are, merged, or free to turn; and which of them a path passes."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from verifier.objective import Risk
from verifier.paths.theorem2.sides import Side, SparseSide, sparse_sides
from verifier.paths.theorem2.thinning import top
from verifier.paths.theorem2.turned import turned

# CPU seconds of region programs for one side at one (l, alpha), and for a whole grid.
OF_A_SIDE, OF_A_GRID = 10.0, 30.0


@dataclass(frozen=True, eq=False)
class Near:
    """Candidates for delta_X(m - l, alpha), each at least that. value: the least of theirs. way: the one that the path from X's best head reaches with the
    least sampled maximum, `top`. free: whether rows were free to turn within the angle (else they are X's own, or merged ones)."""

    side: Side
    fixed: SparseSide
    value: float
    way: SparseSide
    top: float
    free: bool = False

    def also(self, found: SparseSide, risk: Risk) -> Near:
        """With one candidate more."""
        over = top(self.side, found, risk)
        value = min(self.value, found.value)
        return replace(self, value=value) if over >= self.top else replace(self, value=value, way=found, top=over)

    def of_larger(self, smaller: Near) -> Near:
        """With what is known at a smaller angle, which is within this one too."""
        out = replace(self, value=min(self.value, smaller.value))
        return out if smaller.top >= self.top else replace(out, way=smaller.way, top=smaller.top)

    def turned(self, risk: Risk, alpha: float, seconds: float) -> Near:
        """With rows free to turn within alpha, as far as CPU seconds go."""
        found = turned(self.side, self.fixed, risk, alpha, seconds)
        return self if found is None else replace(self.also(found, risk), free=True)


def near(side: Side, risk: Risk, ls: list[int], alphas: list[float]) -> dict[tuple[int, float], Near]:
    """For each (l, alpha) the best heads found on m - l rows as they are and, for alpha > 0, on merged rows."""
    fixed, out = sparse_sides(side, risk, ls, 0.0), dict[tuple[int, float], Near]()
    for alpha in alphas:
        merged = sparse_sides(side, risk, ls, alpha) if alpha > 0.0 else fixed
        for l in ls:
            found = Near(side, fixed[l], fixed[l].value, fixed[l], top(side, fixed[l], risk))
            out[l, alpha] = found if alpha == 0.0 else found.also(merged[l], risk)
    return out


def nearest(side: Side, risk: Risk, l: int, alpha: float) -> Near:
    """At one (l, alpha), rows free to turn."""
    found = near(side, risk, [l], [alpha])[l, alpha]
    return found if alpha == 0.0 else found.turned(risk, alpha, OF_A_SIDE)


class Budget:
    """CPU seconds that region programs may still take."""

    def __init__(self, seconds: float) -> None:
        self._end = time.process_time() + seconds

    @property
    def of_a_side(self) -> float:
        return max(0.0, min(OF_A_SIDE, self._end - time.process_time()))
