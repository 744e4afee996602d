"""Whether a region holds a zero-loss point, in floats with a margin, for large experiments; what is not clear goes to the exact verdict."""

from __future__ import annotations

import numpy as np

from verifier.regions.decide import decide
from verifier.regions.margins import strictly_inside
from verifier.regions.program import RegionProgram
from verifier.regions.solve import RAYS, solve

Array = np.ndarray

# Slack over the largest vector that counts as clearly inside: far above rounding.
INSIDE = 1e-7
# Loss over mean y^2 that counts as clearly positive. A direct fit's slopes are right to 1e-11 of |y|, against a residual of 1e-6 |y|
# here; Clarabel's loss is right to about 1e-12.
POSITIVE = {RAYS: 1e-12}
POSITIVE_ELSE = 1e-8


def zero_loss(program: RegionProgram) -> tuple[str, str]:
    """(verdict, evidence): verdict as in `verifier.regions.decide`; evidence "program" or "settled".

    program: the direct solver's minimum is clearly positive, or a linear program finds a point clearly inside. settled: exact, by `decide`.
    """
    program, _ = program.scaled
    mean_square = float(np.mean(program.targets**2))
    if program.groups and mean_square > 0:
        # For n > 3 the linear program is tried first unless there are fewer unknowns than samples.
        first = program.n <= 3 or program.matrix.shape[1] < len(program.targets)
        if first and _clearly_positive(program, mean_square):
            return "positive", "program"
        found = strictly_inside(program)
        if found is not None and _margin(program, found[0]) > INSIDE:
            return "zero_inside", "program"
        if found is None and not first and _clearly_positive(program, mean_square):
            return "positive", "program"
    return decide(program).verdict, "settled"


def _clearly_positive(program: RegionProgram, mean_square: float) -> bool:
    solution = solve(program)
    return solution.value > POSITIVE.get(solution.solver, POSITIVE_ELSE) * mean_square


def _margin(program: RegionProgram, u: Array) -> float:
    """Smallest slack to a unit normal over the largest vector, or -1 when f is not y to 1e-9."""
    y = program.targets
    if float(np.linalg.norm(program.matrix @ u.ravel() - y)) > 1e-9 * float(np.linalg.norm(y)):
        return -1.0
    size = float(np.linalg.norm(u, axis=1).max())
    return float(np.einsum("gcn,gn->gc", program.normals, u).min()) / size if size else -1.0
