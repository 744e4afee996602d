"""Statements of Karhadkar, Murray, Tseran, Montufar 2023, "Mildly overparameterized ReLU networks have a favorable loss landscape"."""

from verifier.audit.claim import Statement
from verifier.audit.karhadkar2023 import (
    counts,
    figures,
    global_minima,
    one_dimensional,
    polyline,
    ranks,
    regions_wide,
)

STATEMENTS: list[Statement] = [
    *ranks.STATEMENTS,
    *regions_wide.STATEMENTS,
    *counts.STATEMENTS,
    *one_dimensional.STATEMENTS,
    *global_minima.STATEMENTS,
    *polyline.STATEMENTS,
    *figures.STATEMENTS,
]
