"""What kinds of claims there are: for each its validation, which both evaluations share, and its two evaluations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verifier.kernel.fast import (
    barrier,
    cone_barrier,
    every_width,
    forward,
    heads,
    landscape,
    paths,
    region_optimum,
    regions,
    sign_count,
)
from verifier.kernel.papers import reference_violations, validation, violations
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.reference import barrier as reference_barrier
from verifier.kernel.reference import cone_barrier as reference_cone_barrier
from verifier.kernel.reference import every_width as reference_every_width
from verifier.kernel.reference import heads as reference_heads
from verifier.kernel.reference import landscape as reference_landscape
from verifier.kernel.reference import objective as reference_objective
from verifier.kernel.reference import paths as reference_paths
from verifier.kernel.reference import region_optimum as reference_region_optimum
from verifier.kernel.reference import sign_count as reference_sign_count
from verifier.kernel.statements import (
    AlongPath,
    BarrierLowerBound,
    ConeBarrier,
    EndpointValue,
    EveryWidthLowerBound,
    HeadOptimum,
    JacobianRank,
    Landscape,
    PathUpperBound,
    Problem,
    RegionMinimum,
    RegionOptimum,
    SignCountBarrier,
    SubnetworkHeadOptimum,
    validate_barrier,
    validate_cone_barrier,
    validate_endpoint,
    validate_every_width,
    validate_head,
    validate_landscape,
    validate_path,
    validate_rank,
    validate_region,
    validate_region_optimum,
    validate_sign_count,
    validate_subnetwork_head,
)

Claim = (
    EndpointValue
    | PathUpperBound
    | HeadOptimum
    | SubnetworkHeadOptimum
    | BarrierLowerBound
    | SignCountBarrier
    | ConeBarrier
    | Landscape
    | RegionMinimum
    | RegionOptimum
    | EveryWidthLowerBound
    | JacobianRank
    | ClaimViolation
)
Computed = dict[str, float]


@dataclass(frozen=True)
class Rule:
    """`fast` and `reference` return the numbers they found, and reject unless these establish a claim that `validate` let pass; for a path, `fast` returns
    with them what it found on the way.

    channels: whether it is defined for convolutional networks too.
    """

    validate: Callable[[Problem, Any], None]
    fast: Callable[[Problem, Any], Computed | tuple[Computed, AlongPath]]
    reference: Callable[[Problem, Any], Computed]
    channels: bool = False


RULES: dict[type, Rule] = {
    EndpointValue: Rule(validate_endpoint, forward.check_endpoint, reference_objective.check_endpoint, True),
    PathUpperBound: Rule(validate_path, paths.check_path, reference_paths.check_path, True),
    HeadOptimum: Rule(validate_head, heads.check_head, reference_heads.check_head),
    SubnetworkHeadOptimum: Rule(
        validate_subnetwork_head, heads.check_subnetwork_head, reference_heads.check_subnetwork_head
    ),
    BarrierLowerBound: Rule(validate_barrier, barrier.check_barrier, reference_barrier.check_barrier),
    SignCountBarrier: Rule(validate_sign_count, sign_count.check_sign_count, reference_sign_count.check_sign_count),
    ConeBarrier: Rule(
        validate_cone_barrier, cone_barrier.check_cone_barrier, reference_cone_barrier.check_cone_barrier
    ),
    Landscape: Rule(validate_landscape, landscape.check_landscape, reference_landscape.check_landscape),
    RegionMinimum: Rule(validate_region, regions.check_region, reference_barrier.check_region),
    RegionOptimum: Rule(
        validate_region_optimum, region_optimum.check_region_optimum, reference_region_optimum.check_region_optimum
    ),
    EveryWidthLowerBound: Rule(
        validate_every_width, every_width.check_every_width, reference_every_width.check_every_width
    ),
    JacobianRank: Rule(validate_rank, regions.check_rank, reference_barrier.check_rank),
    ClaimViolation: Rule(
        validation.validate_violation, violations.check_violation, reference_violations.check_violations
    ),
}
