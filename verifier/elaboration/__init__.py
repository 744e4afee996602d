"""From proposals to claims: which entries a move changes, where a chord is cut, what numbers are claimed.

Runs the kernel's fast evaluation on what it proposes, so that a claim that would be rejected is never written.
"""

from verifier.elaboration.claims import (
    ElaboratedPath,
    elaborate_path,
    endpoint_claims,
    head_claim,
    kernel_problem,
    path_upper_bound,
    subnetwork_head_claim,
)

__all__ = [
    "ElaboratedPath",
    "elaborate_path",
    "endpoint_claims",
    "head_claim",
    "kernel_problem",
    "path_upper_bound",
    "subnetwork_head_claim",
]
