"""What the kernel answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """Outcome for one claim: its sentence, and the numbers the evaluation computed itself."""

    accepted: bool
    sentence: str
    computed: dict[str, float]
