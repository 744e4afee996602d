"""Outcomes as values, and two number types that cannot be mistaken for each other: certified and sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verifier.paths.path import Path


class Outcome(Enum):
    """The word of a verdict line: how a question ended. `exit_code` is the command's, unless something in a batch was worse.

    CERTIFIED and REFUTED stand over what the kernel checked (REFUTED also over counts that contradict a theorem), the others over nothing that is proved.
    """

    CERTIFIED = "CERTIFIED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"
    AUDITED = "AUDITED"
    COUNTED = "COUNTED"
    SAMPLED = "SAMPLED"
    EVALUATED = "EVALUATED"

    @property
    def exit_code(self) -> int:
        bad = {
            Outcome.REFUTED: 5,
            Outcome.REJECTED: 5,
            Outcome.FAILED: 1,
            Outcome.INCOMPLETE: 1,
            Outcome.INCONCLUSIVE: 3,
        }
        return bad.get(self, 0)


@dataclass(frozen=True)
class Finding:
    """A verdict line and its exit code. text: without the word."""

    outcome: Outcome
    text: str
    exit_code: int

    @classmethod
    def of(cls, outcome: Outcome, text: str) -> Finding:
        return cls(outcome, text, outcome.exit_code)

    @property
    def sentence(self) -> str:
        return f"{self.outcome.value} {self.text}"


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
    least_exceedance: of DSS, the smallest exceedance of its level over the segments it visited, 0 without a hit; neither a bound nor an estimate of anything.
    matched: its end is a permuted copy of B, so that it is about another pair. settings: what it was run with.
    string: its polyline; maxima: of its segments, in order.
    """

    method: str
    maximum: float
    gap: float
    points: int
    cpu_seconds: float
    note: str = ""
    construction: str = ""
    hit: bool | None = None
    least_exceedance: float | None = None
    stopped: bool = False
    matched: bool = False
    settings: Mapping[str, Any] | None = None
    string: Path | None = field(default=None, repr=False)
    maxima: tuple[float, ...] | None = field(default=None, repr=False)


# In a batch the worst exit code wins.
_SEVERITY = (5, 1, 4, 3, 0)


def worst_exit_code(codes: list[int]) -> int:
    return next((c for c in _SEVERITY if c in codes), 0)


# The paths that a barrier is about, by what its claim says of the output layer (docs/certificate-v2.md, `barrier_lower_bound`).
PATHS = {
    "trained": "path",
    "frozen": "path with this output layer",
    "trained above frozen layers": "path with these layers below the last hidden one",
    "frozen above frozen layers": "path with these layers but the last hidden one",
}
# Barriers that a path of the first kind cannot stay below: those about all paths, and about such as keep no more than it does.
BINDING = {
    "trained": ("trained",),
    "frozen": ("trained", "frozen"),
    "trained above frozen layers": ("trained", "trained above frozen layers"),
    "frozen above frozen layers": tuple(PATHS),
}
# What is frozen on them.
FROZEN = {
    "frozen": "with the output layer frozen",
    "trained above frozen layers": "with the layers below the last hidden one frozen",
    "frozen above frozen layers": "with all layers but the last hidden one frozen",
}
