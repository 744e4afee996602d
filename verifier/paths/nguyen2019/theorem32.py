"""Theorem 3.2: rank(X) = N and decreasing widths connect every sublevel set."""

from __future__ import annotations

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.nguyen2019 import hypotheses
from verifier.paths.nguyen2019.lemma33 import Curves
from verifier.paths.nguyen2019.polyline import Polyline
from verifier.paths.nguyen2019.proposition35 import align_all
from verifier.paths.path import Move, Path

Array = np.ndarray


def theorem32(A: Network, B: Network, risk: Risk) -> Path:
    """A -> constant loss -> one segment along which f is affine -> constant loss -> B: sup F = max(F(A), F(B)) up to rounding.

    X: (N, d) of rank N; widths n_1 > ... > n_L; Leaky ReLU. Raises UsageError where a hypothesis fails, or a penalty is set.
    """
    name = "theorem32"
    hypotheses.setting(name, risk.objective, risk.X, A, B)
    hypotheses.assumption21(name, A)
    hypotheses.decreasing(name, A, 1)
    rank = int(np.linalg.matrix_rank(risk.X))
    if rank < len(risk.X):
        raise UsageError(
            f"{name}: expected X of rank N = {len(risk.X)}, got rank {rank}; use fewer samples, or theorem51 with a wide first layer"
        )
    lines = [Polyline(network, risk.X) for network in (A, B)]
    for line in lines:
        drive(line, 1, risk.X, np.linalg.pinv(risk.X))
    path = join(name, *lines)
    path.notes["condition of the data"] = float(np.linalg.cond(risk.X))
    return path


def drive(line: Polyline, p: int, D: Array, R: Array) -> Curves:
    """Layers p + 1..L to the common matrices at constant output, all features from layer p on positive; D R = I as in `Curves`.

    There the network is linear in layer p and in the features, so a straight move of layer p moves the output straight.
    """
    curves = Curves(line, p, D, R)
    align_all(curves)
    return curves


def join(method: str, a: Polyline, b: Polyline) -> Path:
    """Both lines and the segment between their ends, which differ in one layer at most and between which f is affine.

    The paper goes down to a common output Y with smaller loss (equation 5). The direct segment does as well: f is affine, the loss convex.
    """
    back = b.path(method).reversed()
    bridge = Path(method, a.network, (Move(b.network, "f goes straight from A's output to B's"),))
    path = a.path(method).then(bridge).then(back).without_still_moves()
    path.notes.update({"moves of A": len(a.moves), "moves of B": len(b.moves), **a.notes})
    return path
