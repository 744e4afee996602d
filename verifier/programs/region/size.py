"""How large a rows program is, and about how long it takes, before it is solved."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.programs.region.newton import uses_schur
from verifier.programs.region.rows_program import RowsProgram

INTERIOR_POINT, CVXPY = "interior point", "CVXPY"
# CVXPY serves programs that take it about this long at most; the interior point does the larger ones.
SHORT = 0.5
# Measured with one thread (benchmarks/region_programs.py): iterations (for losses with kinks the second number), floating-point operations per second
# of the Newton matrix, seconds per entry of CVXPY's matrix, and what each route takes for nothing.
ITERATIONS, RATE, PER_ENTRY, START = (40, 80), 3e10, 1.2e-5, 0.1


@dataclass(frozen=True)
class RegionSize:
    """variables: rows' entries and free output biases. constraints: signs (neuron, sample). second_order, exponential: cones.

    nonzeros: of the matrix from rows to outputs. cvxpy_seconds, interior_seconds: estimates, within a factor of about three.
    """

    variables: int
    constraints: int
    second_order: int
    exponential: int
    nonzeros: int
    cvxpy_seconds: float
    interior_seconds: float

    @property
    def route(self) -> str:
        """Which of the two solves it when nobody asks for one."""
        return CVXPY if self.cvxpy_seconds <= SHORT or self.interior_seconds > self.cvxpy_seconds else INTERIOR_POINT

    @property
    def seconds(self) -> float:
        """Of that route."""
        return self.cvxpy_seconds if self.route == CVXPY else self.interior_seconds


def region_size(P: RowsProgram) -> RegionSize:
    """Counts, and seconds by the operations of each route's largest step."""
    N, n, r, K = P.shape
    rows = r * n
    nonzeros = int(P.active.sum()) * n
    loss = P.objective.loss
    cones = N * max(K, 2) if loss.name in ("logistic", "cross_entropy") else 0
    blocks = float(N) * r * n * n
    if uses_schur(N, rows, K):
        newton = blocks + float(N) * N * rows + N**3 / 3
    else:
        # Several outputs touch only the pairs of neurons that are active together.
        pairs = float(N) * r * r if K == 1 else float((P.active @ P.active.T).sum()) / 2
        newton = pairs * n * n + rows**3 / 3
    projections = 2e-3 * r * max(1.0, N * n / 2e4)
    return RegionSize(
        variables=rows + (K if P.free else 0),
        constraints=r * N,
        second_order=0 if P.decay is not None else r,
        exponential=cones,
        nonzeros=nonzeros,
        cvxpy_seconds=START + PER_ENTRY * nonzeros * K + projections,
        interior_seconds=ITERATIONS[not loss.smooth] * (2 * (newton + blocks) / RATE + 1e-3) + projections,
    )
