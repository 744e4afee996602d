"""Statements of Karhadkar, Murray, Tseran, Montufar 2023, "Mildly overparameterized ReLU networks have a favorable loss landscape"."""

from verifier.audit.karhadkar2023 import (
    counts,
    figures,
    global_minima,
    one_dimensional,
    polyline,
    ranks,
    regions_wide,
)
from verifier.audit.karhadkar2023.wrong import WRONG
from verifier.audit.wrong import with_wrong

STATEMENTS = with_wrong(
    [
        *ranks.STATEMENTS,
        *regions_wide.STATEMENTS,
        *counts.STATEMENTS,
        *one_dimensional.STATEMENTS,
        *global_minima.STATEMENTS,
        *polyline.STATEMENTS,
        *figures.STATEMENTS,
    ],
    WRONG,
)
