"""What a certificate says, as plain values, the kernel's only input: claims, and the strict validation that both evaluations share.

Every float is taken as the exact dyadic rational it is. Nothing is trusted: shapes, types and finiteness are checked before any arithmetic.
"""

from verifier.kernel.statements.barrier import BarrierLowerBound, ConeTable, FaceDuals, kinds_of, validate_barrier
from verifier.kernel.statements.cone_barrier import ConeBarrier, validate_cone_barrier
from verifier.kernel.statements.endpoint import EndpointValue, validate_endpoint
from verifier.kernel.statements.every_width import EveryWidthLowerBound, validate_every_width
from verifier.kernel.statements.geometry import Geometry, Pooling, Reading, Window, map_sizes
from verifier.kernel.statements.head import HeadOptimum, validate_head
from verifier.kernel.statements.landscape import Landscape, validate_landscape
from verifier.kernel.statements.path import (
    FORMS,
    KINDS,
    Move,
    PathUpperBound,
    Write,
    apply_writes,
    breakpoints_of,
    permuted,
    validate_path,
)
from verifier.kernel.statements.problem import (
    LOSSES,
    PENALTIES,
    Objective,
    Parameters,
    Problem,
    augmented_inputs,
    augmented_rows,
    columns_of,
    columns_per_neuron,
    last_rows,
    same_parameters,
    validate,
)
from verifier.kernel.statements.refusal import Rejected, require, require_array
from verifier.kernel.statements.region import JacobianRank, RegionMinimum, validate_rank, validate_region
from verifier.kernel.statements.region_optimum import RegionOptimum, region_network, validate_region_optimum
from verifier.kernel.statements.sign_count import SignCountBarrier, validate_sign_count
from verifier.kernel.statements.subnetwork_head import SubnetworkHeadOptimum, validate_subnetwork_head
from verifier.kernel.statements.verdict import AlongPath, Verdict

# What bounds every path between A and B from below.
Barrier = BarrierLowerBound | SignCountBarrier | ConeBarrier

__all__ = [
    "FORMS", "KINDS", "LOSSES", "PENALTIES", "AlongPath", "Barrier", "BarrierLowerBound", "ConeBarrier", "ConeTable", "EndpointValue",
    "EveryWidthLowerBound", "FaceDuals", "Geometry", "HeadOptimum", "JacobianRank", "Landscape", "Move", "Objective", "Parameters", "PathUpperBound",
    "Pooling", "Problem", "Reading", "RegionMinimum", "RegionOptimum", "Rejected", "SignCountBarrier", "SubnetworkHeadOptimum", "Verdict", "Window",
    "Write", "apply_writes", "augmented_inputs", "augmented_rows", "breakpoints_of", "columns_of", "columns_per_neuron", "kinds_of", "last_rows", "map_sizes",
    "permuted", "region_network", "require", "require_array", "same_parameters", "validate", "validate_barrier", "validate_cone_barrier", "validate_endpoint",
    "validate_every_width", "validate_head", "validate_landscape", "validate_path", "validate_rank", "validate_region", "validate_region_optimum",
    "validate_sign_count", "validate_subnetwork_head",
]  # fmt: skip
