"""The trusted checker. Imports numpy, python-flint and the standard library; nothing else of this package."""

from verifier.kernel.check import check
from verifier.kernel.statements import (
    Claim,
    EndpointValue,
    HeadOptimum,
    Move,
    Objective,
    Parameters,
    PathUpperBound,
    Problem,
    Rejected,
    Verdict,
    Write,
)

__all__ = [
    "Claim",
    "EndpointValue",
    "HeadOptimum",
    "Move",
    "Objective",
    "Parameters",
    "PathUpperBound",
    "Problem",
    "Rejected",
    "Verdict",
    "Write",
    "check",
]
