"""N21's a-priori value for one hidden layer (Nguyen, Brechet, Mondelli 2021, Theorem 4.1; docs/constructions.md, section 1, and docs/deep.md)."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.theory.bounds import AprioriBound, HasNotes, Hypothesis, convex_loss, number

Array = np.ndarray


def halves_bound(A: Network, B: Network, risk: Risk, path: HasNotes) -> AprioriBound:
    """`max(E, Q_A, Q_B)` with Q the values of heads on half of each network's rows; needs no Lipschitz constant.

    path: built by `verifier.paths.towers.halves`; its notes hold Q_A and Q_B.
    """
    E = max(risk.value(A), risk.value(B))
    Q_A, Q_B = number(path.notes, "Q_A"), number(path.notes, "Q_B")
    m = A.W.shape[0]
    penalty = Hypothesis(
        "the objective has no penalty, or one that is convex in the head",
        True,
        risk.objective.penalty
        if risk.objective.penalty != "weight_decay"
        else "weight decay, inside the path in its balanced form",
    )
    depth = Hypothesis("one hidden layer", A.shallow and B.shallow, f"L = {A.depth}")
    room = Hypothesis("two row sets of m // 2 fit into m slots", m >= 1, f"m = {m}")
    return AprioriBound(
        "theorem 4.1, halves",
        "Nguyen, Brechet, Mondelli 2021, Theorem 4.1, one hidden layer",
        max(E, Q_A, Q_B),
        (convex_loss(risk.objective), penalty, depth, room),
        "a level for the whole path, not an excess",
    )
