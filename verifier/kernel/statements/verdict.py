"""What the kernel answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AlongPath:
    """Upper bounds of F along a path. interior: over the part of it that needs one (-inf if nothing does). uppers: per move, the bound that was used."""

    interior: float
    uppers: tuple[float, ...]


@dataclass(frozen=True)
class Verdict:
    """Outcome for one claim. statement: the claim in one sentence that carries all its qualifications, established only when accepted.

    why: the reason for a rejection, "" otherwise. computed: the numbers the evaluation found itself. along: of an accepted path, what the fast evaluation
    found on the way, so that whoever shows it need not walk again.
    """

    accepted: bool
    statement: str
    why: str
    computed: dict[str, float]
    along: AlongPath | None = None

    @property
    def sentence(self) -> str:
        return f"VERIFIED {self.statement}" if self.accepted else f"REJECTED {self.statement} -- {self.why}"
