"""Outcomes as values, and two number types that cannot be mistaken for each other: certified and sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verifier.paths.path import Path


class Outcome(Enum):
    """How a question ended. `exit_code` is the command's."""

    CERTIFIED = "CERTIFIED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        return {"CERTIFIED": 0, "REFUTED": 5, "INCONCLUSIVE": 3}[self.value]


@dataclass(frozen=True)
class CertifiedBound:
    """The kernel found `F <= sup` on the path of `method`, hence `gap`, `gap_over_lower` and `gap_over_level`.

    along: which path that is, e.g. "straight segments", or the image of stored ones under the balancing map of weight decay.
    up_to_permutation: the path ends in B with its hidden neurons permuted. That is the same function, but no path between A and B, so it bounds
        no gap of theirs.
    """

    method: str
    sup: float
    gap: float
    gap_over_lower: float
    gap_over_level: float | None
    cpu_seconds: float
    along: str = "straight segments"
    up_to_permutation: bool = False

    @property
    def kind(self) -> str:
        """For tables, beside "sampled"."""
        return "certified, up to permutation" if self.up_to_permutation else "certified"


@dataclass(frozen=True)
class SampledEstimate:
    """A maximum over finitely many evaluations: never a bound, neither above nor below.

    method: its name for people; construction: as `--method` takes it. maximum: of F over `points` points. gap: maximum - E in float64, not rounded
    outwards. note: a sentence for people; what it says that anyone decides on stands in the fields below.

    hit: of DSS, whether the search gave up at its depth, which is no evidence of a barrier; None elsewhere. stopped: it ran out of its time first.
    matched: its end is a permuted copy of B, so that it is about another pair. settings: what it was run with. string: its polyline.
    """

    method: str
    maximum: float
    gap: float
    points: int
    cpu_seconds: float
    note: str = ""
    construction: str = ""
    hit: bool | None = None
    stopped: bool = False
    matched: bool = False
    settings: Mapping[str, Any] | None = None
    string: Path | None = field(default=None, repr=False)


# In a batch the worst exit code wins.
_SEVERITY = (5, 1, 4, 3, 0)


def worst_exit_code(codes: list[int]) -> int:
    return next((c for c in _SEVERITY if c in codes), 0)
