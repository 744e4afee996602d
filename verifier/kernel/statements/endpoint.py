"""Claims about F at an endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.kernel.statements.problem import Problem
from verifier.kernel.statements.refusal import require, require_interval


@dataclass(frozen=True)
class EndpointValue:
    """`lower <= F(network) <= upper`, network is "A" or "B"; weight decay is taken as it is."""

    network: str
    lower: float
    upper: float

    def sentence(self, problem: Problem) -> str:
        literal = ", weight decay as it is" if problem.objective.penalty == "weight_decay" else ""
        return f"{self.lower!r} <= F({self.network}) <= {self.upper!r}{literal}"


def validate_endpoint(problem: Problem, claim: EndpointValue) -> None:
    require(claim.network in ("A", "B"), "an endpoint is A or B")
    require_interval(claim.lower, claim.upper)
