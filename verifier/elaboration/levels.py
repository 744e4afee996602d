"""The level and the gap of a barrier's claim, as the kernel finds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from verifier.elaboration.claims import above, below
from verifier.errors import VerifierError
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.statements import ConeBarrier, Problem, Rejected, SignCountBarrier

T = TypeVar("T", ConeBarrier, SignCountBarrier)


def with_level(
    problem: Problem, claim: T, validate: Callable[[Problem, T], None], check: Callable[[Problem, T], dict[str, float]]
) -> T:
    """The claim, which asks for no level, with the one that its check finds, and the gap over E that follows. Raises VerifierError where it is rejected."""
    try:
        validate(problem, claim)
        level = max(0.0, below(check(problem, claim)["level"]))
        E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
        return replace(claim, level=level, gap=max(0.0, below(level - above(E))))
    except Rejected as why:
        raise VerifierError(f"barrier {claim.name}: the kernel does not accept the lower bound: {why}") from None
