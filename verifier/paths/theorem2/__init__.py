"""T2's path (Baturin 2026, Theorem 2): `theorem2` for one (l, alpha), `theorem2_grid` for the best of a grid."""

from verifier.paths.theorem2.grid import GridRow, Theorem2Grid, grid, theorem2_grid, theorem2_table
from verifier.paths.theorem2.segments import theorem2

__all__ = ["GridRow", "Theorem2Grid", "grid", "theorem2", "theorem2_grid", "theorem2_table"]
