"""What the kernel finds for a certificate: a verdict per claim, and each path's bound move by move.

Certified numbers of a report come from here and from accepted claims; the record only adds what nothing checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verifier.certificate.file import Certificate
from verifier.kernel import Claim, check
from verifier.kernel.statements import (
    AlongPath,
    Barrier,
    EndpointValue,
    HeadOptimum,
    PathUpperBound,
    SubnetworkHeadOptimum,
    Verdict,
)
from verifier.outcomes import FROZEN


@dataclass(frozen=True)
class CheckedPath:
    """A path's claim, its verdict, and the labels of its moves."""

    claim: PathUpperBound
    verdict: Verdict
    labels: tuple[str, ...]

    @property
    def bounds(self) -> AlongPath | None:
        """Move by move, as the fast evaluation found them; None of a rejected path."""
        return self.verdict.along

    @property
    def accepted(self) -> bool:
        return self.verdict.accepted

    @property
    def up_to_permutation(self) -> bool:
        """The path ends in a permuted copy of B: it bounds no gap between A and B themselves."""
        return self.claim.permutation is not None

    @property
    def title(self) -> str:
        """The path's name; one up to permutation says so wherever it stands beside others."""
        return f"{self.claim.path}, up to permutation" if self.up_to_permutation else self.claim.path

    @property
    def rank(self) -> tuple[bool, float, float, float]:
        """Least first: paths between A and B themselves before those to a permuted copy of B, then gap over E, maximum, maximum away from the ends."""
        return (
            self.up_to_permutation,
            self.claim.gap,
            self.claim.sup,
            np.inf if self.bounds is None else self.bounds.interior,
        )


@dataclass(frozen=True)
class Recheck:
    """All claims of a certificate with their verdicts, in the order of the file and by kind.

    E, least: certified (lower, upper) of the larger and the smaller endpoint value, None unless both endpoint claims are accepted.
    """

    all: tuple[tuple[Claim, Verdict], ...]
    endpoints: dict[str, tuple[EndpointValue, Verdict]]
    paths: tuple[CheckedPath, ...]
    heads: tuple[tuple[HeadOptimum, Verdict], ...]
    subnetwork_heads: tuple[tuple[SubnetworkHeadOptimum, Verdict], ...] = ()
    barriers: tuple[tuple[Barrier, Verdict], ...] = ()

    @property
    def barrier(self) -> Barrier | None:
        """The accepted lower bound of the highest level, for all paths."""
        return self._highest("trained")

    @property
    def frozen_barrier(self) -> Barrier | None:
        """The same for paths that keep some layers; it says nothing about others."""
        return self._highest(*FROZEN)

    def _highest(self, *output_layers: str) -> Barrier | None:
        good = [c for c, v in self.barriers if v.accepted and c.output_layer in output_layers]
        return max(good, key=lambda c: c.level, default=None)

    @property
    def accepted(self) -> bool:
        return all(v.accepted for _, v in self.all)

    @property
    def E(self) -> tuple[float, float] | None:
        ends = self._ends()
        return None if ends is None else (max(c.lower for c in ends), max(c.upper for c in ends))

    @property
    def least(self) -> tuple[float, float] | None:
        ends = self._ends()
        return None if ends is None else (min(c.lower for c in ends), min(c.upper for c in ends))

    @property
    def best(self) -> CheckedPath | None:
        """The accepted path of least rank: one up to permutation only where no other is accepted."""
        good = [p for p in self.paths if p.accepted]
        return min(good, key=lambda p: p.rank) if good else None

    @property
    def level(self) -> float | None:
        """The level that the path claims are about besides E."""
        return next((p.claim.level for p in self.paths if p.claim.level is not None), None)

    def _ends(self) -> list[EndpointValue] | None:
        found = [self.endpoints[n] for n in ("A", "B") if n in self.endpoints]
        return [c for c, _ in found] if len(found) == 2 and all(v.accepted for _, v in found) else None


def recheck(certificate: Certificate, verdicts: Sequence[Verdict] | None = None) -> Recheck:
    """Check every claim with the kernel's fast evaluation.

    verdicts: on all claims in their order, where this process has them already for this very file (the caller compares its digest).
    """
    problem = certificate.problem
    labels = {p["name"]: tuple(str(m["label"]) for m in p["moves"]) for p in certificate.document["paths"]}
    if verdicts is None:
        verdicts = [check(problem, c) for c in certificate.claims]
    found = tuple(zip(certificate.claims, verdicts, strict=True))
    paths = tuple(CheckedPath(c, v, labels[c.path]) for c, v in found if isinstance(c, PathUpperBound))
    endpoints = {c.network: (c, v) for c, v in found if isinstance(c, EndpointValue)}
    heads = tuple((c, v) for c, v in found if isinstance(c, HeadOptimum))
    deep = tuple((c, v) for c, v in found if isinstance(c, SubnetworkHeadOptimum))
    barriers = tuple((c, v) for c, v in found if isinstance(c, Barrier))
    return Recheck(found, endpoints, paths, heads, deep, barriers)
