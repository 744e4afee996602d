"""T2 over a grid of (l, alpha): a-priori values from fast programs, then the path of the most promising one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from verifier.errors import UsageError
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.endpoints import require_one_hidden_layer
from verifier.paths.path import Path
from verifier.paths.theorem2.reference import Reference
from verifier.paths.theorem2.segments import Programs, theorem2
from verifier.paths.theorem2.sides import Side, SparseSide, best_reference, coupled, make_side, sparse_sides

Array = np.ndarray


@dataclass(frozen=True)
class GridRow:
    """T2's terms at one (l, alpha), all float estimates.

    e_l: value of the l-neuron network found. full_X, sparse_X: delta_X(m, 0), delta_X(m-l, alpha) as found. head_mass: the
    largest of |beta|, |gamma| over both sides, weighted by row lengths. chord_excess: by how much the sampled maximum of the
    two chords exceeds their ends. estimate: the largest of all these values along the path, sampled.
    """

    l: int
    alpha: float
    e_l: float
    full_A: float
    sparse_A: float
    sparse_B: float
    full_B: float
    head_mass: float
    chord_excess: float
    estimate: float


def grid(m: int, outputs: int = 1) -> list[tuple[int, float]]:
    """Default (l, alpha): l in {1, m/4, m/2, 3m/4}, alpha in {0, 0.05, 0.2} radians.

    With many coupled coefficients (m K > 200) each cell costs tens of seconds: l in {m/4, m/2}, alpha in {0, 0.2}.
    """
    if coupled(m, outputs):
        return [(l, alpha) for l in sorted({max(1, m // 4), max(1, m // 2)}) for alpha in (0.0, 0.2)]
    ls = sorted({l for l in (1, m // 4, m // 2, (3 * m) // 4) if 1 <= l < m})
    return [(l, alpha) for l in ls for alpha in (0.0, 0.05, 0.2)]


def _chord_samples(side: Side, sparse: SparseSide, risk: Risk, points: int) -> Array:
    """F at `points` interior places of the chord of segment 2 or 5."""
    rows = augmented_rows(side.network)
    new_rows, gamma = rows.copy(), np.zeros_like(side.full[0])
    new_rows[sparse.slots], gamma[:, sparse.slots] = sparse.rows, sparse.head
    inputs = augmented_inputs(risk.X, side.network.b is not None)
    values = []
    for t in np.linspace(0.0, 1.0, points + 2)[1:-1]:
        V = (1 - t) * rows + t * new_rows
        head = (1 - t) * side.full[0] + t * gamma
        bias = None
        if side.full[1] is not None and sparse.bias is not None:
            bias = (1 - t) * side.full[1] + t * sparse.bias
        Z = np.maximum(inputs @ V.T, 0.0)
        values.append(risk.objective.head_value(Z, risk.targets, risk.objective.prices_of_rows(V), head, bias))
    return np.array(values)


def theorem2_table(
    A: Network,
    B: Network,
    risk: Risk,
    pairs: Iterable[tuple[int, float]] | None = None,
    *,
    seed: int = 0,
) -> tuple[list[GridRow], dict[int, Reference]]:
    """All rows of the table and the reference network of each l."""
    require_one_hidden_layer("theorem2", A, B)
    m = A.W.shape[0]
    K = A.theta.shape[0]
    cells = list(grid(m, K) if pairs is None else pairs)
    costly = coupled(m, K)
    if not cells or any(not 1 <= l < m for l, _ in cells):
        raise UsageError(f"theorem2: needs 1 <= l < m, but the width is m = {m} and the grid is {cells}")
    ls, alphas = sorted({l for l, _ in cells}), sorted({alpha for _, alpha in cells})
    sides = make_side("A", A, risk), make_side("B", B, risk)
    # Wide references are cheap to find among the rows and dear to train.
    references = {
        l: best_reference(
            sides,
            l,
            risk,
            seed,
            iterations=60 if costly or l > 32 else 150,
            restarts=1 if costly or l > 32 else 2,
        )
        for l in ls
    }
    rows = []
    for alpha in alphas:
        found = [sparse_sides(side, risk, ls, alpha) for side in sides]
        for l in ls:
            if (l, alpha) not in cells:
                continue
            rows.append(_row(l, alpha, references[l].value, sides, [f[l] for f in found], risk))
    return rows, references


def _row(
    l: int,
    alpha: float,
    e_l: float,
    sides: tuple[Side, Side],
    sparse: list[SparseSide],
    risk: Risk,
) -> GridRow:
    excess, mass = 0.0, 0.0
    for side, s in zip(sides, sparse):
        norms = np.linalg.norm(augmented_rows(side.network), axis=1)
        gamma = float(np.linalg.norm(s.rows, axis=1) @ np.abs(s.head).sum(axis=0))
        mass = max(mass, float(norms @ np.abs(side.full[0]).sum(axis=0)), gamma)
        if s.merged.largest_angle > 0:
            top = float(_chord_samples(side, s, risk, 7).max())
            excess = max(excess, top - max(side.full_value, s.value))
    values = [e_l, sides[0].full_value, sparse[0].value, sparse[1].value, sides[1].full_value]
    tops = [max(side.full_value, s.value) for side, s in zip(sides, sparse)]
    estimate = max(*values, max(tops) + excess)
    return GridRow(
        l=l,
        alpha=alpha,
        e_l=e_l,
        full_A=values[1],
        sparse_A=values[2],
        sparse_B=values[3],
        full_B=values[4],
        head_mass=mass,
        chord_excess=excess,
        estimate=estimate,
    )


@dataclass(frozen=True, eq=False)
class Theorem2Grid:
    """The chosen path with its programs, and the whole table; notes are the path's, with the theorem's terms."""

    path: Path
    programs: Programs
    rows: list[GridRow]

    @property
    def notes(self) -> dict[str, object]:
        return self.path.notes

    @property
    def waypoints(self) -> dict[str, Network]:
        """The five networks between the path's segments, by what they are."""
        names = (
            "best head on A's rows",
            "sparse network of A",
            "theta*",
            "sparse network of B",
            "best head on B's rows",
        )
        moves = self.path.moves
        ends = {k: m.to for m in moves if (k := m.segment) is not None}
        return {name: ends[k] for k, name in enumerate(names, start=1) if k in ends}

    @property
    def table(self) -> list[dict[str, float]]:
        """The rows as plain numbers."""
        return [dataclasses.asdict(row) for row in self.rows]


def theorem2_grid(
    A: Network,
    B: Network,
    risk: Risk,
    pairs: Iterable[tuple[int, float]] | None = None,
    *,
    seed: int = 0,
    solver: str = "auto",
) -> Theorem2Grid:
    """Path and programs of the (l, alpha) whose sampled estimate is least, and the whole table.

    pairs: the grid, `grid(m)` by default. solver: of the path's programs, as of `solve_head`.
    Ties go to the smaller alpha, where segments 2 and 5 need no chord.
    Raises UsageError for m = 1, where no 1 <= l < m exists.
    """
    rows, references = theorem2_table(A, B, risk, pairs, seed=seed)
    best = min(rows, key=lambda row: (row.estimate, row.alpha))
    reference = references[best.l]
    path, programs = theorem2(A, B, risk, l=best.l, alpha=best.alpha, seed=seed, reference=reference, solver=solver)
    return Theorem2Grid(path, programs, rows)
