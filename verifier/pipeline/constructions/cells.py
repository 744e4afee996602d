"""Whether a problem is small enough for its activation cells to be looked at one by one, or covered by them at all."""

from __future__ import annotations

from verifier.landscape.kept_layers import LOSSES, PENALTIES
from verifier.pipeline.constructions.tops import Top
from verifier.regions.arrangement import generic_count

# Every cell could be visited in about a minute.
MOST_CELLS_OF_ALL = 10**6
# Neurons for which the number of cells is written: Python writes no numbers of thousands of digits.
MOST_WRITTEN = 100


def why_not_tiny(top: Top) -> str | None:
    """Why --method all leaves the exact gap out: cells do not cover the problem, or there are more than MOST_CELLS_OF_ALL; None when it is tiny."""
    if (why := why_not_covered(top)) is not None:
        return why
    if cell_count(top) > MOST_CELLS_OF_ALL:
        return "needs a tiny problem here: these networks have too many cells; --method exact tries all the same"
    return None


def why_not_covered(top: Top) -> str | None:
    """Why cells say nothing of this problem, however few they are; None when they do."""
    o, network = top.risk.objective, top.A
    if o.weights is not None:
        return "covers the plain mean over samples, not sample weights"
    if o.loss.name not in LOSSES or o.penalty not in PENALTIES or network.theta.shape[0] != 1:
        return f"covers one output, the losses {', '.join(LOSSES)} and the penalties {', '.join(PENALTIES)}"
    return None


def cell_words(top: Top) -> str:
    """How many there are, in words."""
    digits = str(cell_count(top)) if top.A.widths[1] <= MOST_WRITTEN else None
    if digits is None:
        return "too many activation cells to write their number"
    return f"about {digits if len(digits) <= 6 else f'{digits[0]}.{digits[1]}e{len(digits) - 1}'} activation cells"


def cell_count(top: Top) -> int:
    """Activation cells of the pair's networks, inputs in general position; an exact integer, as widths of hundreds would overflow a float."""
    network = top.A
    cones = generic_count(len(top.risk.X), network.widths[0] + (network.b is not None))
    return int((2 * cones) ** network.widths[1])
