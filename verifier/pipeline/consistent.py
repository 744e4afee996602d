"""Bounds from below and from above of one gap must not contradict each other: asserted in every run, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable

from verifier.errors import VerifierError
from verifier.kernel import Claim
from verifier.kernel.statements import Barrier
from verifier.outcomes import CertifiedBound


class BoundsContradict(VerifierError):
    """A certified upper bound lies below a certified lower bound: the kernel is wrong. Never ignored."""


def require_consistent(claims: Iterable[Claim], bounds: Iterable[CertifiedBound]) -> None:
    """Raise BoundsContradict when a path between A and B is certified to stay below a certified barrier. A path to a permuted copy of B may."""
    bounds = [b for b in bounds if not b.up_to_permutation]
    for barrier in (c for c in claims if isinstance(c, Barrier)):
        for b in bounds:
            if b.sup < barrier.level:
                raise BoundsContradict(
                    f"path {b.method} is certified to stay at or below {b.sup!r}, under the barrier certified at {barrier.level!r}; "
                    "this is a defect of verifier, please report it with the two checkpoints"
                )
