"""N21's path for one hidden layer (Theorem 4.1): half of A's rows, then half of B's."""

from __future__ import annotations

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.endpoints import require_one_hidden_layer
from verifier.paths.exchange.moves import moves_through
from verifier.paths.exchange.problem import Waypoint
from verifier.paths.path import Path
from verifier.programs import ProgramResult, sparse_head

Array = np.ndarray


def halves(A: Network, B: Network, risk: Risk) -> Path:
    """A -> best head on half of A's rows -> best head on half of B's -> B; see `halves_with_programs`."""
    return halves_with_programs(A, B, risk)[0]


def halves_with_programs(A: Network, B: Network, risk: Risk) -> tuple[Path, dict[str, ProgramResult]]:
    """A -> best head on half of A's rows -> best head on half of B's -> B, and the two head programs.

    `sup F <= max(F(A), F(B), Q_A, Q_B)` with Q the programs' values. The halves are those backward elimination keeps, m // 2
    rows each. Raises UsageError for deep networks or different architectures.
    """
    require_one_hidden_layer("halves", A, B)
    m = A.W.shape[0]
    programs: dict[str, ProgramResult] = {}
    waypoints: list[Waypoint] = []
    for side, (letter, network) in enumerate((("A", A), ("B", B))):
        name = f"halves, best head on m/2 rows of {letter}"
        Z, prices = network.features(risk.X), risk.objective.row_prices(network)
        result = sparse_head(
            Z,
            risk.targets,
            risk.objective,
            prices,
            m // 2,
            bias=network.c is not None,
            name=name,
            outputs=network.theta.shape[0],
        )
        support = np.asarray(result.support, dtype=np.int64)
        programs[name] = result.of_rows(network.W[support], None if network.b is None else network.b[support])
        waypoints.append(Waypoint(support + side * m, result.head, result.head_bias, result.primal_value))
    moves = moves_through(A, B, waypoints, list(programs))
    notes: dict[str, object] = {"Q_A": waypoints[0].value, "Q_B": waypoints[1].value}
    return Path("halves", A, moves, notes), programs
