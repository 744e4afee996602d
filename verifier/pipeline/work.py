"""What one run of `certify` gathers before it writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from verifier.kernel import Claim, EndpointValue
from verifier.kernel.statements import Barrier, Verdict
from verifier.networks.network import Network
from verifier.outcomes import CertifiedBound, SampledEstimate
from verifier.paths.path import Path


@dataclass
class Work:
    """Everything one run gathers for its certificate."""

    claims: list[Claim] = field(default_factory=list)
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    forms: dict[str, str] = field(default_factory=dict)
    bounds: list[CertifiedBound] = field(default_factory=list)
    estimates: list[SampledEstimate] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    # Networks on the way of Theorem 2, by what they are, and that path.
    posed: dict[str, Network] = field(default_factory=dict)
    segmented: Path | None = None
    strings: dict[str, Path] = field(default_factory=dict)
    # Claims as read back from what was written, with the kernel's verdicts, all accepted, and CPU seconds spent on that.
    accepted: list[tuple[Claim, Verdict]] = field(default_factory=list)
    cpu_check: float = 0.0
    # Whether a certificate of this run is in its place.
    written: bool = False

    @property
    def proved(self) -> bool:
        """Whether a claim says more than the values of A and B."""
        return any(not isinstance(c, EndpointValue) for c in self.claims)

    @property
    def barrier(self) -> bool:
        """Whether a claim says that every path from A to B rises above E."""
        return any(isinstance(c, Barrier) and c.gap > 0.0 for c in self.claims)

    @property
    def between(self) -> list[CertifiedBound]:
        """Bounds of paths between A and B themselves; the others end in a permuted copy of B."""
        return [b for b in self.bounds if not b.up_to_permutation]
