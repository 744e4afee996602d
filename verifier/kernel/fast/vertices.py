"""F at an endpoint: fast evaluation of `endpoint_value`."""

from __future__ import annotations

from verifier.kernel.fast.forward import objective_at
from verifier.kernel.statements import EndpointValue, Problem, require


def check_endpoint(problem: Problem, claim: EndpointValue) -> dict[str, float]:
    """Numbers found for the claim; rejects unless the enclosure of F lies inside the claimed interval."""
    F = objective_at(problem, problem.A if claim.network == "A" else problem.B)
    require(claim.lower <= F.lower, f"lower end: found at least {F.lower!r}, claimed {claim.lower!r}")
    require(F.upper <= claim.upper, f"upper end: found at most {F.upper!r}, claimed {claim.upper!r}")
    return {"lower": F.lower, "upper": F.upper}
