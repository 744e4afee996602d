"""What a certificate says, as plain values, the kernel's only input: claims, and the strict validation that both evaluations share.

Every float is taken as the exact dyadic rational it is. Nothing is trusted: shapes, types and finiteness are checked before any arithmetic.
"""

from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements.barrier import BarrierLowerBound, validate_barrier
from verifier.kernel.statements.endpoint import EndpointValue
from verifier.kernel.statements.head import HeadOptimum, validate_head
from verifier.kernel.statements.path import Move, PathUpperBound, Write, apply_writes, breakpoints_of
from verifier.kernel.statements.problem import (
    LOSSES,
    PENALTIES,
    Objective,
    Parameters,
    Problem,
    augmented_inputs,
    augmented_rows,
    require_relu,
    same_parameters,
    validate,
    validate_parameters,
)
from verifier.kernel.statements.refusal import Rejected, require, require_array, require_finite
from verifier.kernel.statements.region import (
    JacobianRank,
    RegionMinimum,
    require_list,
    require_pattern,
    validate_region,
)
from verifier.kernel.statements.verdict import Verdict

Claim = EndpointValue | PathUpperBound | HeadOptimum | BarrierLowerBound | RegionMinimum | JacobianRank | ClaimViolation

__all__ = [
    "LOSSES",
    "PENALTIES",
    "BarrierLowerBound",
    "Claim",
    "ClaimViolation",
    "EndpointValue",
    "HeadOptimum",
    "JacobianRank",
    "Move",
    "Objective",
    "Parameters",
    "PathUpperBound",
    "Problem",
    "RegionMinimum",
    "Rejected",
    "Verdict",
    "Write",
    "apply_writes",
    "augmented_inputs",
    "augmented_rows",
    "breakpoints_of",
    "require",
    "require_array",
    "require_finite",
    "require_list",
    "require_pattern",
    "require_relu",
    "same_parameters",
    "validate",
    "validate_barrier",
    "validate_head",
    "validate_parameters",
    "validate_region",
]
