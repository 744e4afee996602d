"""N21's a-priori value for one hidden layer (Nguyen, Brechet, Mondelli 2021, Theorem 4.1; theory.md sections 3 and 8)."""

from __future__ import annotations

from verifier.networks.network import Network
from verifier.objective import Objective
from verifier.theory.bounds import AprioriBound, Hypothesis, convex_loss


def halves_bound(A: Network, B: Network, objective: Objective, E: float, Q_A: float, Q_B: float) -> AprioriBound:
    """`max(E, Q_A, Q_B)` with Q the values of heads on half of each network's rows; needs no Lipschitz constant."""
    m = A.W.shape[0]
    penalty = Hypothesis(
        "the objective has no penalty, or one that is convex in the head",
        True,
        objective.penalty
        if objective.penalty != "weight_decay"
        else "weight decay, inside the path in its balanced form",
    )
    depth = Hypothesis("one hidden layer", A.depth == 2 and B.depth == 2, f"L = {A.depth}")
    room = Hypothesis("two row sets of m // 2 fit into m slots", m >= 1, f"m = {m}")
    return AprioriBound(
        "theorem 4.1, halves",
        "Nguyen, Brechet, Mondelli 2021, Theorem 4.1, one hidden layer",
        max(E, Q_A, Q_B),
        (convex_loss(objective), penalty, depth, room),
        "a level for the whole path, not an excess",
    )
