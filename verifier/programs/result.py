"""What a convex program returns: numbers to be checked, never evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class ProgramResult:
    """A solved head program (theory.md section 5). Both values are recomputed in numpy from head and dual.

    name: what was solved, for the report. N, r, K: samples, rows, outputs.
    head: (K, r). head_bias: (K,), or None without a bias.
    dual: nu (N, K), repaired (`verifier.programs.dual`); certifies `F >= dual_value`.
    primal_value: F at (head, head_bias). dual_value: lower estimate of the minimum; when kappa = 0 it holds for heads
        with entries at most head_limit in absolute value.
    status: the solver's word. compile_seconds, solve_seconds: wall time.
    support: indices of the rows a sparse program was restricted to, else None.
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

    @property
    def gap(self) -> float:
        """primal_value - dual_value, an estimate of the distance to the optimum."""
        return self.primal_value - self.dual_value
