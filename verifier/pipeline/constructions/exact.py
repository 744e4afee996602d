"""The exact gap of a tiny problem."""

from __future__ import annotations

import sys

from verifier.errors import VerifierError
from verifier.landscape.gap import exact_gap
from verifier.landscape.setting import LOSSES, PENALTIES
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.constructions.sign_count import closed_by_sign_count
from verifier.pipeline.setting import Setting
from verifier.regions.arrangement import generic_count

# Every cell could be visited in about a minute.
MOST_CELLS_OF_ALL = 10**6


def exact(s: Setting, r: Request) -> Proposal:
    """Bottleneck search over activation cells (docs/mathematics.md, section 8, Theorem E)."""
    if r.of_all and (why := why_not_tiny(s)) is not None:
        return Proposal(skipped=f"exact: {why}")
    o = r.options
    by_name = not r.of_all and o.output_layer == "trained" and o.state is None
    # Too many cells to look at all of them: where sign counts settle the gap, none has to be.
    if by_name and why_not_tiny(s) is not None and (settled := closed_by_sign_count(s)) is not None:
        return settled
    try:
        found = exact_gap(
            *s.pair, most_cells=o.most_cells, state=None if o.state is None else str(o.state), output_layer=o.output_layer,
            progress=_bracket if o.progress else None,
        )  # fmt: skip
    except VerifierError as error:
        if not r.of_all:
            raise
        # Nobody asked for it by name: what cells do not cover must not cost the other constructions' bounds.
        return Proposal(skipped=f"exact: {error}")
    return Proposal([found.path], exact=found)


def _bracket(lower: float, upper: float, visited: int) -> None:
    """Progress of the exact search on a terminal."""
    if visited % 500 == 0:
        print(
            f"\rexact: pass in [{lower:.6g}, {upper:.6g}] after {visited} cells ", end="", file=sys.stderr, flush=True
        )


def why_not_tiny(s: Setting) -> str | None:
    """Why --method all leaves the exact gap out: cells do not cover the problem, or there are more than MOST_CELLS_OF_ALL; None when it is tiny."""
    o, network = s.objective, s.A.network
    if o.weights is not None:
        return "covers the plain mean over samples, not sample weights"
    if o.loss.name not in LOSSES or o.penalty not in PENALTIES or network.theta.shape[0] != 1:
        return f"covers one output, the losses {', '.join(LOSSES)} and the penalties {', '.join(PENALTIES)}"
    cones = generic_count(s.data.samples, network.widths[0] + (network.b is not None))
    # Exact integers: widths of hundreds would overflow a float.
    if (2 * cones) ** network.widths[1] > MOST_CELLS_OF_ALL:
        return "needs a tiny problem here: these networks have too many cells; --method exact tries all the same"
    return None
