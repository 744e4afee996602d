"""The second evaluation of `sign_count_barrier` (docs/mathematics.md, section 12)."""

from __future__ import annotations

from flint import arb

from verifier.kernel.reference.cone_duals import Dual, Space, parts
from verifier.kernel.reference.numbers import require_at_most, rounded_down, rounded_up
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import Parameters, Problem, SignCountBarrier, require


def check_sign_count(problem: Problem, claim: SignCountBarrier) -> dict[str, float]:
    stay, p = len(problem.A.weights[0]) - 1, claim.positive
    ends = [_signs(problem.A), _signs(problem.B)]
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


def _signs(p: Parameters) -> list[int]:
    """+1, -1, or 0 where the head or the whole row is 0."""
    shifts = [0.0] * len(p.weights[0]) if p.biases[0] is None else p.biases[0].tolist()
    out = []
    for head, row, shift in zip(p.weights[1].tolist()[0], p.weights[0].tolist(), shifts, strict=True):
        silent = head == 0.0 or all(v == 0.0 for v in [*row, shift])
        out.append(0 if silent else 1 if head > 0.0 else -1)
    return out
