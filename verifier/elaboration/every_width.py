"""The claim of a bound over all widths: the kernel's own number, moved down by the margin of all claims."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from verifier.elaboration.claims import below
from verifier.errors import VerifierError
from verifier.kernel.fast.every_width import check_every_width
from verifier.kernel.statements import EveryWidthLowerBound, Problem, Rejected

if TYPE_CHECKING:
    from verifier.programs.every_width.result import EveryWidthProgram

# Shares by which a dual is shrunk, one after the other, where the kernel does not see its pull below its price. Its grid has 44 bits (`programs.dual`),
# and 9 more fit a float64, so that what is left is exact, and so are sums of 0.
SHRUNK = (0.0, 2.0**-9, 2.0**-7, 2.0**-4)


def every_width_claim(problem: Problem, program: EveryWidthProgram, name: str = "every width") -> EveryWidthLowerBound:
    """The bound that the kernel finds. Raises VerifierError when it accepts no shrunk dual either."""
    m, why = program.matrices, "nothing tried"
    for share in SHRUNK:
        factor = 1.0 - share
        claim = EveryWidthLowerBound(
            name,
            0.0,
            nu=np.ascontiguousarray(program.nu * factor),
            raised=None if m is None else m.raised * factor,
            lowered=None if m is None else m.lowered * factor,
            curved=None if m is None else m.curved * factor,
            ball=None if m is None else m.ball * factor,
            factor=None if m is None else m.factor * np.sqrt(factor),
        )
        try:
            found = check_every_width(problem, claim)
        except Rejected as error:
            why = str(error)
            continue
        return replace(claim, lower=max(0.0, below(found["lower"])))
    raise VerifierError(f"{name}: the kernel does not accept the dual: {why}")


def every_width_record(program: EveryWidthProgram, claim: EveryWidthLowerBound) -> dict[str, Any]:
    """The record's row for the report; JSON-able, float64 for display, no evidence."""
    return {
        "name": claim.name, "certified_lower": claim.lower, "dual": float(program.dual),
        "primal": float(program.primal) if np.isfinite(program.primal) else None,
        "solver": program.solver, "status": program.status, "rounds": program.rounds, "matrices": program.matrices is not None,
        "samples": len(program.nu), "outputs": program.nu.shape[1], "cpu_seconds": float(program.seconds),
    }  # fmt: skip
