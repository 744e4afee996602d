"""The claim of a region program: the kernel's own numbers for its point and its dual, moved out by the margin of all claims."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from verifier.elaboration.claims import above, below
from verifier.errors import VerifierError
from verifier.kernel.fast.region_optimum import check_region_optimum
from verifier.kernel.statements import Problem, RegionOptimum, Rejected
from verifier.networks.network import Network
from verifier.programs.region.result import RegionProgram

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
            claim, point=_own_rows(network), point_bias=None if program.bias is None else _copied(network.c)
        )
        try:
            found = check_region_optimum(problem, claim)
        except Rejected as why:
            raise VerifierError(f"region {name}: the kernel does not accept the region program: {why}") from None
    return replace(claim, lower=max(0.0, below(found["lower"])), upper=above(found["upper"]))


def _copied(array: Array | None) -> Array | None:
    return None if array is None else np.array(array)


def _own_rows(network: Network) -> Array:
    return np.array(network.W) if network.b is None else np.column_stack([network.W, network.b])
