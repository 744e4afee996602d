"""A task that failed, as a value: its row stands beside the others, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.errors import VerifierError


@dataclass(frozen=True)
class Failure:
    """reason: on one line. exit_code: of the command, should nothing worse have happened."""

    reason: str
    exit_code: int


def failure(error: BaseException) -> Failure:
    """Usage errors of single tasks count as internal ones: what the user wrote was checked before any task ran."""
    known = isinstance(error, VerifierError)
    reason = " ".join((str(error) if known else f"{type(error).__name__}: {error}").split())
    code = error.exit_code if isinstance(error, VerifierError) and error.exit_code in (4, 5) else 1
    return Failure(reason, code)
