"""Sampled F on the plane through A, B and the middle vertex of a path; evaluated for the page, from the certificate's own arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.fast.maps import multiplications
from verifier.kernel.statements import Problem, apply_writes
from verifier.networks.network import Network, network_of
from verifier.networks.vector import flat, unflatten
from verifier.objective import Risk, risk_of
from verifier.report.recheck import CheckedPath, Recheck

Array = np.ndarray
# A picture must not cost more than a proof: multiplications of all values of the plane, and of one.
MOST, MOST_OF_ONE = 10**10, 10**9


@dataclass(frozen=True)
class Plane:
    """x (p,), y (q,), F (q, p) with rows over y, all sampled; corners: where A, B and the waypoint C lie.

    In units of |B - A|: A at (0, 0), B at (1, 0). A, B and C lie on the grid, and the line through A and B is one of its rows.
    """

    path: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    F: tuple[tuple[float, ...], ...]
    corners: dict[str, tuple[float, float]]

    @property
    def low(self) -> float:
        return min(min(row) for row in self.F)

    @property
    def high(self) -> float:
        return max(max(row) for row in self.F)


def best_plane(found: Recheck, problem: Problem) -> Plane | None:
    """Of the best accepted path that has a vertex between its ends; F with weight decay in the form that its claim has. None where no path has one, or one
    value costs too much."""
    inside = [p for p in sorted(found.paths, key=lambda p: p.rank) if p.accepted and len(p.claim.moves) > 1]
    cost = len(problem.X) * multiplications(problem.geometry, problem.A)
    if not inside or cost > MOST_OF_ONE:
        return None
    claim = inside[0].claim
    A, B = (network_of(problem, p) for p in (problem.A, problem.B))
    size = int(np.clip(np.sqrt(MOST / cost), 7, 21))
    return plane(A, B, _middle(problem, inside[0]), risk_of(problem), claim.form, name=claim.path, size=size)


def _middle(problem: Problem, path: CheckedPath) -> Network:
    vertex = problem.A
    for move in path.claim.moves[: (len(path.claim.moves) + 1) // 2]:
        vertex = apply_writes(vertex, move)
    return network_of(problem, vertex)


def plane(A: Network, B: Network, C: Network, risk: Risk, form: str, *, name: str, size: int) -> Plane:
    """F, with weight decay in this form, on a grid of about size x size points of the plane through A, B and C, the waypoint of the path `name`."""
    a, b, c = (flat(n) for n in (A, B, C))
    u = b - a
    length = float(np.linalg.norm(u)) or 1.0
    along = float((c - a) @ u) / length**2
    v = c - a - along * u
    height = float(np.linalg.norm(v)) / length
    x = _with(np.linspace(min(0.0, along) - 0.2, max(1.0, along) + 0.2, size), 0.0, 1.0, along)
    y = _with(np.linspace(-0.3 * (height or 1.0), 1.3 * (height or 1.0), size), 0.0, height)

    def at(s: float, t: float) -> Network:
        return unflatten(A, a + s * u + (t / height * v if height else 0.0))

    F = tuple(tuple(risk.value_in(form, at(float(s), float(t))) for s in x) for t in y)
    corners = {"A": (0.0, 0.0), "B": (1.0, 0.0), "C": (along, height)}
    return Plane(name, tuple(x.tolist()), tuple(y.tolist()), F, corners)


def _with(grid: Array, *points: float) -> Array:
    """The grid with the points that lie nearest to these moved onto them, each at most once."""
    grid, taken = grid.copy(), set[int]()
    for p in points:
        k = int(np.argmin(np.abs(grid - p)))
        if k in taken:
            grid = np.insert(grid, k + int(p > grid[k]), p) if p != grid[k] else grid
        else:
            grid[k] = p
            taken.add(k)
    return np.unique(grid)
