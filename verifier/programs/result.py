"""What a convex program returns: numbers to be checked, never evidence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """A solved head program (docs/mathematics.md, section 5). Both values are recomputed in numpy from head and dual.

    name: what was solved, for the report. N, r, K: samples, rows, outputs.
    head: (K, r). head_bias: (K,), or None without a bias.
    dual: nu (N, K), repaired (`verifier.programs.dual`); certifies `F >= dual_value`.
    primal_value: F at (head, head_bias). dual_value: lower estimate of the minimum; when kappa = 0 it holds for heads
        with entries at most head_limit in absolute value.
    status: the solver's word. compile_seconds, solve_seconds: wall time.
    support: indices of the network's rows a sparse program was restricted to, else None; head has one column for each.
    rows, row_bias: the first-layer rows (r, d) and biases (r,) the features came from, where the caller attached them;
        the kernel recomputes the features from these.
    layers: in their place the hidden layers (W_l, b_l) of a sub-network with several.
    """

    name: str
    N: int
    r: int
    K: int
    head: Array
    head_bias: Array | None
    dual: Array
    primal_value: float
    dual_value: float
    head_limit: float
    status: str
    solver: str
    compile_seconds: float
    solve_seconds: float
    support: Array | None = None
    rows: Array | None = None
    row_bias: Array | None = None
    layers: tuple[tuple[Array, Array | None], ...] | None = None

    def of_rows(self, rows: Array, row_bias: Array | None) -> ProgramResult:
        """Copy with its first-layer rows attached."""
        if len(rows) != self.r or (row_bias is not None and len(row_bias) != self.r):
            raise ValueError(f"ProgramResult {self.name}: {self.r} rows expected, got {len(rows)}")
        return dataclasses.replace(self, rows=rows, row_bias=row_bias)

    def of_layers(self, layers: tuple[tuple[Array, Array | None], ...]) -> ProgramResult:
        """Copy with the hidden layers of its sub-network attached."""
        if len(layers) < 2 or len(layers[-1][0]) != self.r:
            raise ValueError(f"ProgramResult {self.name}: layers that end in {self.r} neurons expected")
        return dataclasses.replace(self, layers=layers)

    @property
    def gap(self) -> float:
        """primal_value - dual_value, an estimate of the distance to the optimum."""
        return self.primal_value - self.dual_value
