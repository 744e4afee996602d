"""Lower bound of the barrier between networks of different sign counts: fast evaluation of `sign_count_barrier` (docs/mathematics.md, section 12).

Every path passes a network with a neuron that is 0, and the others, of known signs, lie in one of finitely many products of cones. In each of
these a dual bounds F from below.
"""

from __future__ import annotations

from verifier.kernel.fast.balls import down
from verifier.kernel.fast.cone_duals import Cones, Fan, dual_bound, live_neurons, read_tree
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.statements import Parameters, Problem, SignCountBarrier, require


def check_sign_count(problem: Problem, claim: SignCountBarrier) -> dict[str, float]:
    """Numbers found for the claim; rejects unless every path passes networks on which F is at least the level."""
    require_separated(problem, claim.positive)
    fan = Fan(problem, claim.directions)
    leaves = read_tree(fan, claim.tree.tolist(), len(problem.A.weights[-2]) - 1)
    require(len(leaves) == len(claim.nu), "the partition has another number of cones than there are duals")
    # Losses and penalties are at least 0.
    level = max(0.0, min(_leaf_bound(problem, claim, fan, cones, k) for k, cones in enumerate(leaves)))
    require(claim.level <= level, f"level: found at least {level!r}, claimed {claim.level!r}")
    E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
    gap = max(0.0, down(claim.level - E))
    require(claim.gap <= gap, f"gap over E: found at least {gap!r}, claimed {claim.gap!r}")
    return {"level": level, "E_upper": E, "gap": gap}


def sign_counts(p: Parameters) -> tuple[int, int]:
    """(positive, negative): neurons with a head > 0, with a head < 0, and a row that is not 0. All others count for neither."""
    heads = [head for _, head, _ in live_neurons(p)]
    return sum(head > 0.0 for head in heads), sum(head < 0.0 for head in heads)


def require_separated(problem: Problem, positive: int) -> None:
    """Reject unless one network has more positive neurons than may stay, and the other one more negative neurons than may stay."""
    m = len(problem.A.weights[-2])
    a, b = sign_counts(problem.A), sign_counts(problem.B)
    many_of_both = (a[0] > positive and b[1] > m - 1 - positive) or (b[0] > positive and a[1] > m - 1 - positive)
    require(many_of_both, f"a path need not pass a network of {m - 1} neurons of which {positive} are positive")


def _leaf_bound(problem: Problem, claim: SignCountBarrier, fan: Fan, cones: Cones, k: int) -> float:
    """What the dual k proves of F where neuron i lies in cones[i]; rejects a dual that proves nothing."""
    signs = [1 if i < claim.positive else -1 for i in range(len(cones))]
    return dual_bound(problem, fan, cones, signs, claim.nu[k], claim.slopes[k], claim.pulls[k])
