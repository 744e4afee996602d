"""T2 over a grid of (l, alpha): a-priori values from fast programs, then the path of the most promising one."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.endpoints import require_one_hidden_layer
from verifier.paths.path import Path
from verifier.paths.theorem2.near import OF_A_GRID, Budget, Near, near
from verifier.paths.theorem2.reference import Reference
from verifier.paths.theorem2.segments import Programs, theorem2
from verifier.paths.theorem2.sides import best_reference, coupled, make_side

Sides = tuple[Near, Near]


@dataclass(frozen=True)
class GridRow:
    """T2's terms at one (l, alpha), all float estimates.

    e_l: value of the l-neuron network found. full_X, sparse_X: delta_X(m, 0), delta_X(m-l, alpha) as found. head_mass: the
    largest of |beta|, |gamma| over both sides of the path, weighted by row lengths. chord_excess: by how much the sampled maximum of its
    segments 2 and 5 exceeds their ends. estimate: the largest F along the path, sampled. free_X: whether X's rows were free to
    turn within alpha, by region programs; else only its own rows, merged ones, and what is known at smaller angles were candidates.
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
    free_A: bool
    free_B: bool


def grid(m: int, outputs: int = 1) -> list[tuple[int, float]]:
    """Default (l, alpha): l in {1, m/4, m/2, 3m/4}, alpha in {0, 0.05, 0.2} radians.

    With many coupled coefficients (m K > 200) each cell costs tens of seconds: l in {m/4, m/2}, alpha in {0, 0.2}.
    """
    if coupled(m, outputs):
        return [(l, alpha) for l in sorted({max(1, m // 4), max(1, m // 2)}) for alpha in (0.0, 0.2)]
    ls = sorted({l for l in (1, m // 4, m // 2, (3 * m) // 4) if 1 <= l < m})
    return [(l, alpha) for l in ls for alpha in (0.0, 0.05, 0.2)]


def theorem2_table(
    A: Network,
    B: Network,
    risk: Risk,
    pairs: Iterable[tuple[int, float]] | None = None,
    *,
    seed: int = 0,
    seconds: float = OF_A_GRID,
) -> tuple[list[GridRow], dict[int, Reference], dict[tuple[int, float], Sides]]:
    """All rows of the table, the reference network of each l, and A's and B's sparse sides of each (l, alpha). seconds: see `theorem2_grid`."""
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
    every = [near(side, risk, ls, alphas) for side in sides]
    found: dict[tuple[int, float], Sides] = {cell: (every[0][cell], every[1][cell]) for cell in cells}
    budget = Budget(seconds)
    # The most promising first; wherever rows may turn they are let free while there is time.
    for cell in sorted(cells, key=lambda cell: (_estimate(references[cell[0]], found[cell]), cell[1])):
        if cell[1] > 0.0:
            a, b = found[cell]
            a = a.turned(risk, cell[1], budget.of_a_side)
            found[cell] = a, b.turned(risk, cell[1], budget.of_a_side)
    for l in ls:
        angles = sorted(alpha for k, alpha in cells if k == l)
        for smaller, larger in pairwise(angles):
            a, b = (x.of_larger(y) for x, y in zip(found[l, larger], found[l, smaller]))
            found[l, larger] = a, b
    ordered = sorted(cells, key=lambda cell: (cell[1], cell[0]))
    return [_row(*cell, references[cell[0]], found[cell]) for cell in ordered], references, found


def _estimate(reference: Reference, sides: Sides) -> float:
    return max(reference.value, *(found.top for found in sides))


def _row(l: int, alpha: float, reference: Reference, sides: Sides) -> GridRow:
    excess, mass = 0.0, 0.0
    for found in sides:
        side, s = found.side, found.way
        norms = np.linalg.norm(augmented_rows(side.network), axis=1)
        gamma = float(np.linalg.norm(s.rows, axis=1) @ np.abs(s.head).sum(axis=0))
        mass = max(mass, float(norms @ np.abs(side.full[0]).sum(axis=0)), gamma)
        excess = max(excess, found.top - max(side.full_value, s.value))
    A, B = sides
    return GridRow(
        l=l,
        alpha=alpha,
        e_l=reference.value,
        full_A=A.side.full_value,
        sparse_A=A.value,
        sparse_B=B.value,
        full_B=B.side.full_value,
        head_mass=mass,
        chord_excess=excess,
        estimate=_estimate(reference, sides),
        free_A=A.free,
        free_B=B.free,
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
    seconds: float = OF_A_GRID,
    solver: str = "auto",
) -> Theorem2Grid:
    """Path and programs of the (l, alpha) whose sampled estimate is least, and the whole table.

    pairs: the grid, `grid(m)` by default. seconds: of CPU time for region programs that let rows turn, where alpha > 0.
    solver: of the path's programs, as of `solve_head`.
    Ties go to the smaller alpha.
    Raises UsageError for m = 1, where no 1 <= l < m exists.
    """
    rows, references, found = theorem2_table(A, B, risk, pairs, seed=seed, seconds=seconds)
    best = min(rows, key=lambda row: (row.estimate, row.alpha))
    sparse = [side.way for side in found[best.l, best.alpha]]
    path, programs = theorem2(
        A, B, risk, l=best.l, alpha=best.alpha, seed=seed, reference=references[best.l], sparse=sparse, solver=solver
    )
    return Theorem2Grid(path, programs, rows)
