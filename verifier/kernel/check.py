"""The verdict on one claim. Default is reject: any exception, NaN or overflow rejects."""

from __future__ import annotations

import numpy as np
from flint import ctx

from verifier.kernel.environment import probe
from verifier.kernel.fast import regions
from verifier.kernel.fast.barrier import check_barrier
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.heads import check_head
from verifier.kernel.fast.paths import check_path
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.papers.violations import check_violation
from verifier.kernel.reference import check as reference
from verifier.kernel.statements import (
    BarrierLowerBound,
    Claim,
    EndpointValue,
    HeadOptimum,
    JacobianRank,
    PathUpperBound,
    Problem,
    RegionMinimum,
    Verdict,
    require,
    require_relu,
    validate,
)

PAPERS = {
    "baturin2026": "Baturin 2026",
    "nguyen2021": "Nguyen, Brechet, Mondelli 2021",
    "karhadkar2023": "Karhadkar, Murray, Tseran, Montufar 2023",
}


def check_endpoint(problem: Problem, claim: EndpointValue) -> dict[str, float]:
    """Numbers found for the claim; rejects unless the enclosure of F lies inside the claimed interval."""
    require(claim.network in ("A", "B"), "an endpoint is A or B")
    F = objective_at(problem, problem.A if claim.network == "A" else problem.B, endpoint=True)
    require(claim.lower <= F.lower, f"lower end: found at least {F.lower!r}, claimed {claim.lower!r}")
    require(F.upper <= claim.upper, f"upper end: found at most {F.upper!r}, claimed {claim.upper!r}")
    return {"lower": F.lower, "upper": F.upper}


def _sentence(claim: Claim) -> str:
    if isinstance(claim, EndpointValue):
        return f"{claim.lower!r} <= F({claim.network}) <= {claim.upper!r}"
    if isinstance(claim, HeadOptimum):
        heads = "all heads" if claim.head_limit is None else f"heads with entries at most {claim.head_limit!r}"
        return f"program {claim.name}: {claim.lower!r} <= min F over {heads}, and min F <= {claim.upper!r}"
    if isinstance(claim, BarrierLowerBound):
        which = "with the output layer as it is" if claim.output_layer == "frozen" else "of parameters"
        return f"barrier {claim.name}: every path {which} from A to B reaches F >= {claim.level!r}, at least {claim.gap!r} over E"
    if isinstance(claim, RegionMinimum):
        return regions.sentence(claim)
    if isinstance(claim, JacobianRank):
        return f"region {claim.name}: the Jacobian has {'full' if claim.full else 'less than full'} column rank"
    if isinstance(claim, ClaimViolation):
        paper, _, statement = claim.statement.partition(".")
        named = (
            f"{statement} of {PAPERS[paper]}" if paper in PAPERS else f"{claim.statement} of {PAPERS['baturin2026']}"
        )
        return f"counterexample {claim.name}: statement {named} fails by at least {claim.margin!r}"
    return f"path {claim.path}: F <= {claim.sup!r} all along it, and at most {claim.gap!r} over E"


def _fast(problem: Problem, claim: Claim) -> dict[str, float]:
    validate(problem)
    if isinstance(claim, EndpointValue):
        return check_endpoint(problem, claim)
    if isinstance(claim, HeadOptimum):
        return check_head(problem, claim)
    if isinstance(claim, PathUpperBound):
        return check_path(problem, claim)
    require_relu(problem)
    if isinstance(claim, BarrierLowerBound):
        return check_barrier(problem, claim)
    if isinstance(claim, RegionMinimum):
        return regions.check_region(problem, claim)
    if isinstance(claim, JacobianRank):
        return regions.check_rank(problem, claim)
    require(isinstance(claim, ClaimViolation), "unknown claim")
    return check_violation(problem, claim)


def check(problem: Problem, claim: Claim, *, evaluation: str = "fast") -> Verdict:
    """Verdict of the "fast" (midpoint-radius) or the "reference" (Arb and rationals) evaluation. Never raises on a bad claim."""
    try:
        require(evaluation in ("fast", "reference"), f"unknown evaluation {evaluation!r}")
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"), ctx.workprec(53):
            probe()
            computed = _fast(problem, claim) if evaluation == "fast" else reference.check(problem, claim)
    except Exception as error:
        return Verdict(False, f"REJECTED {_safe_sentence(claim)} -- {type(error).__name__}: {error}", {})
    return Verdict(True, f"VERIFIED {_sentence(claim)}", computed)


def _safe_sentence(claim: Claim) -> str:
    try:
        return _sentence(claim)
    except Exception:
        return "claim"
