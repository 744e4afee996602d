"""Statements of Karhadkar, Murray, Tseran, Montufar 2023, "Mildly overparameterized ReLU networks have a favorable loss landscape"."""

from verifier.audit.karhadkar2023 import (
    counts,
    figures,
    global_minima,
    one_dimensional,
    pictures,
    polyline,
    ranks,
    regions_wide,
)
from verifier.audit.karhadkar2023.wrong import WRONG
from verifier.audit.pages import with_pages
from verifier.audit.wrong import with_wrong

# Of the preprint ("Under review"): 9 pages, references on pages 10 to 12, then the appendix.
PAGES = {
    "lemma2": 4,
    **dict.fromkeys(("t3.bourgain", "lemma4", "t5", "prop6", "prop6.most", "prop7", "cor8"), 5),
    **dict.fromkeys(("lemma9", "t10", "lemma11", "figures.t10"), 6),
    **dict.fromkeys(("t12", "figures.t12", "figure5"), 7),
    **dict.fromkeys(("prop13.cone", "prop13.onto", "prop13.sums", "prop13.affine"), 7),
    **dict.fromkeys(("figure1", "figure2", "figure3", "figure3.parameters"), 8),
    **dict.fromkeys(("example14", "figure4"), 17),
    **dict.fromkeys(("lemma15", "prop13.table"), 23),
    **dict.fromkeys(("figure7", "figure8"), 26),
    "figure6.line": 27,
}

_ALL = with_wrong(
    [
        *ranks.STATEMENTS,
        *regions_wide.STATEMENTS,
        *counts.STATEMENTS,
        *one_dimensional.STATEMENTS,
        *global_minima.STATEMENTS,
        *polyline.STATEMENTS,
        *figures.STATEMENTS,
        *pictures.STATEMENTS,
    ],
    WRONG,
)
STATEMENTS = with_pages(_ALL, PAGES)
