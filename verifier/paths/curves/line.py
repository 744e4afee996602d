"""Straight lines: the plain one as a proposal, and the matched one as an estimate about a permuted endpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk
from verifier.paths.curves.rebasin import permuted_network, weight_matching
from verifier.paths.endpoints import require_one_hidden_layer
from verifier.paths.path import Move, Path

Array = np.ndarray


def line(A: Network, B: Network) -> Path:
    """The single chord from A to B, any depth; breakpoints are left to elaboration."""
    if A.architecture != B.architecture:
        raise UsageError(f"line: networks of different architecture, {A.architecture} and {B.architecture}")
    return Path("line", A, (Move(B, "straight line"),), literal=True)


@dataclass(frozen=True, eq=False)
class MatchedLineEstimate:
    """Sampled, never a bound, and about another pair: A and a permuted copy of B.

    network: B with neurons permuted, row i of it is row permutation[i] of B. maximum: largest F on the line's grid.
    excess: maximum less max(F(A), F(B)). at: parameter of the maximum.
    """

    network: Network
    permutation: Array
    maximum: float
    excess: float
    at: float
    note: str = "sampled; the endpoint is a permuted copy of B, so this is no path between A and B"


def matched_line_estimate(A: Network, B: Network, risk: Risk, points: int = 51) -> MatchedLineEstimate:
    """Permute B to match A, then sample F on the straight line between them at `points` places."""
    require_one_hidden_layer("matched line", A, B)
    (p,) = weight_matching(A, B)
    network = permuted_network(B, (p,))
    grid = np.linspace(0.0, 1.0, points)
    values = [risk.value(linear_combination(A, network, float(t))) for t in grid]
    E = max(risk.value(A), risk.value(B))
    top = int(np.argmax(values))
    return MatchedLineEstimate(network, p, float(values[top]), float(values[top]) - E, float(grid[top]))
