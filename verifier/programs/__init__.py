"""Convex programs over a fixed first layer; each returns primal, dual, status and times."""

from verifier.programs.dual import dual_value, repair_dual
from verifier.programs.elimination import elimination_order, removal_costs
from verifier.programs.fast_head import fast_head
from verifier.programs.head import solve_head
from verifier.programs.result import ProgramResult
from verifier.programs.sparse_head import SparseHead, sparse_head, sparse_supports

__all__ = [
    "ProgramResult",
    "SparseHead",
    "dual_value",
    "elimination_order",
    "fast_head",
    "removal_costs",
    "repair_dual",
    "solve_head",
    "sparse_head",
    "sparse_supports",
]
