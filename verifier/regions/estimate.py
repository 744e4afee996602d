"""Whether a region holds a zero-loss point, in floats with a margin, for large experiments; what is not clear goes to the exact verdict."""

from __future__ import annotations

import numpy as np

from verifier.regions.margins import strictly_inside
from verifier.regions.program import RegionProgram
from verifier.regions.solve import solve
from verifier.regions.verdict import decide

Array = np.ndarray

# Slack over the largest entry that counts as clearly inside, and loss over mean y^2 that counts as clearly positive: far above rounding.
CLEAR = 1e-7


def zero_loss(program: RegionProgram) -> tuple[str, str]:
    """(verdict, evidence): verdict as in `verifier.regions.verdict`; evidence "program" or "settled".

    program: the direct solver's minimum is clearly positive, or a linear program finds a point clearly inside. settled: exact, by `decide`.
    """
    mean_square = float(np.mean(program.targets**2))
    if program.groups and mean_square > 0:
        if (program.n <= 3 or program.matrix.shape[1] < len(program.targets)) and solve(
            program
        ).value > CLEAR * mean_square:
            return "positive", "program"
        found = strictly_inside(program)
        if found is not None and _margin(program, found[0]) > CLEAR:
            return "zero_inside", "program"
        if found is None and solve(program).value > CLEAR * mean_square:
            return "positive", "program"
    return decide(program).verdict, "settled"


def _margin(program: RegionProgram, u: Array) -> float:
    """Smallest slack to a unit normal over the largest vector, or -1 when f is not y to 1e-9."""
    y = program.targets
    if float(np.linalg.norm(program.matrix @ u.ravel() - y)) > 1e-9 * float(np.linalg.norm(y)):
        return -1.0
    size = float(np.linalg.norm(u, axis=1).max())
    return float(np.einsum("gcn,gn->gc", program.normals, u).min()) / size if size else -1.0
