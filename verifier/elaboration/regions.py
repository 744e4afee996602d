"""The claim of a region program: the kernel's own numbers for its point and its dual, moved out by the margin of all claims."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from verifier.elaboration.claims import above, below
from verifier.errors import VerifierError
from verifier.kernel.fast.region_optimum import check_region_optimum
from verifier.kernel.statements import Problem, RegionOptimum, Rejected
from verifier.objective import augmented_rows
from verifier.programs.region.result import RegionProgram
from verifier.programs.region.size import RegionSize

Array = np.ndarray


def region_claim(problem: Problem, program: RegionProgram, name: str, *, of: str = "stored") -> RegionOptimum:
    """The interval that the kernel finds for a region program of the problem's objective and data.

    of: "A" or "B" where the program's network is that one, else "stored", and the claim holds the network.
    Where the kernel does not take the solver's point, the network itself is the point.

    Raises VerifierError when the kernel rejects that too.
    """
    network, stored = program.network, of == "stored"
    claim = RegionOptimum(
        name=name,
        of=of,
        rows=np.array(network.W) if stored else None,
        row_bias=_copied(network.b) if stored else None,
        head=np.array(network.theta) if stored else None,
        head_bias=_copied(network.c) if stored else None,
        active=program.active,
        output_bias="kept" if program.bias is None else "free",
        row_limits=program.row_limits,
        bias_limit=program.bias_limit,
        point=np.ascontiguousarray(program.rows),
        point_bias=_copied(program.bias),
        nu=np.ascontiguousarray(program.nu),
        tight=np.ascontiguousarray(program.tight),
        multipliers=np.ascontiguousarray(program.multipliers),
        lower=0.0,
        upper=math.inf,
    )
    try:
        found = check_region_optimum(problem, claim)
    except Rejected:
        claim = replace(
            claim,
            point=np.array(augmented_rows(network)),
            point_bias=None if program.bias is None else _copied(network.c),
        )
        try:
            found = check_region_optimum(problem, claim)
        except Rejected as why:
            raise VerifierError(f"region {name}: the kernel does not accept the region program: {why}") from None
    return replace(claim, lower=max(0.0, below(found["lower"])), upper=above(found["upper"]))


def _copied(array: Array | None) -> Array | None:
    return None if array is None else np.array(array)


def region_record(title: str, program: RegionProgram, claim: RegionOptimum) -> dict[str, Any]:
    """The record's row of a region program, for the report; JSON-able, float64 for display, no evidence. title: whose region it is, in words."""
    size, free = program.size, program.bias is not None
    return {
        "name": claim.name, "title": title, "F": float(program.F), "samples": len(program.nu), "outputs": program.nu.shape[1],
        "variables": size.variables, "constraints": size.constraints, "second_order": size.second_order, "exponential": size.exponential,
        "nonzeros": size.nonzeros, "free_output_bias": free, "solver": program.solver, "status": program.status, "iterations": program.iterations,
        "primal": float(program.primal), "dual": float(program.dual), "certified_lower": claim.lower, "certified_upper": claim.upper,
        "active_constraints": program.tight_constraints, "collapsed": program.collapsed, "neurons": len(program.network.W),
        "cpu_seconds": float(program.seconds), "estimated_seconds": float(size.seconds),
    }  # fmt: skip


def left_out_record(title: str, size: RegionSize) -> dict[str, Any]:
    """The row of a program that was not solved because it would take long: its size and the estimate."""
    return {
        "title": title, "left_out": True, "variables": size.variables, "constraints": size.constraints, "second_order": size.second_order,
        "exponential": size.exponential, "nonzeros": size.nonzeros, "solver": size.route, "estimated_seconds": float(size.seconds),
    }  # fmt: skip
