"""A-priori rows of Nguyen, Bréchet, Mondelli 2021 beside a path of Theorem 4.1: the theorem's own level and Corollaries 4.3 and 4.4."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.theory.bounds import AprioriBound, HasNotes, convex_loss, number
from verifier.theory.corollary43 import corollary43
from verifier.theory.corollary44 import corollary44

Array = np.ndarray


def nguyen2021_bounds(A: Network, B: Network, risk: Risk, path: HasNotes) -> list[AprioriBound]:
    """Levels for the whole path (not excesses), float estimates: Theorem 4.1 with the Q_l found, Corollaries 4.3 and 4.4.

    path: built by `verifier.paths.towers.theorem41`; its notes hold max_value, the largest Q_l.
    """
    out = []
    if "max_value" in path.notes:
        E = max(risk.value(n) for n in (A, B))
        found = max(E, number(path.notes, "max_value"))
        note = "a level for the whole path, not an excess; Q_l are those found, upper bounds of the theorem's infima"
        out.append(
            AprioriBound(
                "theorem 4.1",
                "Nguyen, Brechet, Mondelli 2021, Theorem 4.1",
                found,
                (convex_loss(risk.objective),),
                note,
            )
        )
    return [*out, corollary43(A, B, risk), *corollary44(A, B, risk)]
