"""The second evaluation of `sign_count_barrier` (docs/mathematics.md, section 12)."""

from __future__ import annotations

from flint import arb

from verifier.kernel.reference.cone_duals import Dual, Space, neuron_signs, parts
from verifier.kernel.reference.numbers import require_at_most, rounded_down, rounded_up
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import Problem, SignCountBarrier, require


def check_sign_count(problem: Problem, claim: SignCountBarrier) -> dict[str, float]:
    stay, p = len(problem.A.weights[-2]) - 1, claim.positive
    ends = [neuron_signs(problem.A), neuron_signs(problem.B)]
    # One end has p + 1 neurons or more that are positive, the other one m - p or more that are negative.
    crosses = [x.count(1) >= p + 1 and y.count(-1) >= stay + 1 - p for x, y in (ends, ends[::-1])]
    require(any(crosses), "the numbers of positive neurons do not force a path through these networks")
    space = Space(problem, claim.directions.tolist())
    cones = list(parts(claim.tree.tolist(), len(claim.directions), stay))
    require(len(cones) == len(claim.nu), "duals and cones differ in number")
    kept = [1 if i < p else -1 for i in range(stay)]
    duals = zip(claim.nu.tolist(), claim.slopes.tolist(), claim.pulls.tolist(), strict=True)
    bounds = [space.bound(part, kept, Dual(*dual)) for part, dual in zip(cones, duals, strict=True)]
    for bound in bounds if claim.level > 0.0 else []:  # losses and penalties are at least 0
        require_at_most(arb(claim.level), bound, "a cone's dual does not prove the level")
    E = endpoint_value(problem, problem.A).max(endpoint_value(problem, problem.B))
    if claim.gap > 0.0:
        require_at_most(E + arb(claim.gap), arb(claim.level), "the gap over E is not certain")
    return {"level": max(0.0, min(map(rounded_down, bounds))), "E_upper": rounded_up(E)}
