"""The second evaluation: the same claims in Arb balls of 128 bits and exact rationals, written from theory.md and numerics.md.

Shares no arithmetic with the fast evaluation: stored floats become exact balls, every comparison is between balls and holds
only when certain. Slow and plain on purpose.
"""

from __future__ import annotations

from flint import ctx

from verifier.kernel.papers.reference_violations import check_violations
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.reference.heads import check_head
from verifier.kernel.reference.landscape import check_landscape
from verifier.kernel.reference.objective import check_endpoint
from verifier.kernel.reference.paths import check_path
from verifier.kernel.statements import (
    BarrierLowerBound,
    Claim,
    EndpointValue,
    HeadOptimum,
    JacobianRank,
    PathUpperBound,
    Problem,
    RegionMinimum,
    require,
    require_relu,
    validate,
)


def check(problem: Problem, claim: Claim) -> dict[str, float]:
    """Numbers found (rounded for display only); rejects unless the claim is certain."""
    validate(problem)
    with ctx.workprec(128):
        if isinstance(claim, EndpointValue):
            return check_endpoint(problem, claim)
        if isinstance(claim, HeadOptimum):
            return check_head(problem, claim)
        if isinstance(claim, PathUpperBound):
            return check_path(problem, claim)
        require_relu(problem)
        if isinstance(claim, (BarrierLowerBound, RegionMinimum, JacobianRank)):
            return check_landscape(problem, claim)
        require(isinstance(claim, ClaimViolation), "unknown claim")
        return check_violations(problem, claim)
