"""The trusted checker. Imports numpy, python-flint and the standard library; nothing else of this package."""

from verifier.kernel.check import check
from verifier.kernel.statements import (
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
from verifier.kernel.table import Claim

__all__ = [
    "Claim", "EndpointValue", "HeadOptimum", "Move", "Objective", "Parameters", "PathUpperBound", "Problem", "Rejected", "Verdict", "Write", "check",
]  # fmt: skip
