"""What the kernel answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Outcome for one claim. statement: the claim in one sentence that carries all its qualifications, established only when accepted.

    why: the reason for a rejection, "" otherwise. computed: the numbers the evaluation found itself.
    """

    accepted: bool
    statement: str
    why: str
    computed: dict[str, float]

    @property
    def sentence(self) -> str:
        return f"VERIFIED {self.statement}" if self.accepted else f"REJECTED {self.statement} -- {self.why}"
