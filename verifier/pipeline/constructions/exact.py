"""The exact gap of a tiny problem."""

from __future__ import annotations

import sys
from pathlib import Path as FilePath

from verifier.errors import UsageError, VerifierError
from verifier.pipeline.constructions.proposal import Proposal, Request
from verifier.pipeline.setting import Setting

# Every cell could be visited in about a minute.
MOST_CELLS_OF_ALL = 10**6
# Neurons for which the number of cells is written: Python writes no numbers of thousands of digits.
MOST_WRITTEN = 100


def exact(s: Setting, r: Request) -> Proposal:
    """Bottleneck search over activation cells (docs/mathematics.md, section 8, Theorem E)."""
    from verifier.landscape.gap import exact_gap

    if r.of_all and (why := why_not_tiny(s)) is not None:
        return Proposal(skipped=f"exact: {why}")
    o = r.options
    resumed = o.state is not None and FilePath(o.state).exists()
    if not r.of_all and o.output_layer == "trained" and not resumed:
        settled = _instead(s, r)
        if settled is not None:
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


def _instead(s: Setting, r: Request) -> Proposal | None:
    """Another search for the same gap, where the cells are too many to look at all of them; None where they are looked at one by one. Says which and why."""
    from verifier.landscape.tree import MOST_CELLS
    from verifier.pipeline.constructions.cones import BY_NAME, coarse_proposal
    from verifier.pipeline.constructions.sign_count import closed_by_sign_count

    if why_not_covered(s) is None and cell_count(s) <= MOST_CELLS:
        r.say(f"exact: {_cells(s)}, few enough to look at them one by one")
        return None
    if (settled := closed_by_sign_count(s)) is not None:
        r.say(
            f"exact: {_cells(s)}; the sign counts of A and B differ and settle the gap instead, as --method sign-count"
        )
        return settled
    try:
        found = coarse_proposal(s, r, BY_NAME, "exact")
    except UsageError as error:
        r.say(
            f"exact: {_cells(s)}, looked at from A and B outwards, at most {r.options.most_cells:,}, as no coarser search covers the pair ({error})"
        )
        return None
    r.say(f"exact: {_cells(s)}, too many to look at one by one; coarse ones were searched instead, as --method cones")
    return found


def _cells(s: Setting) -> str:
    digits = str(cell_count(s)) if s.A.network.widths[1] <= MOST_WRITTEN else None
    if digits is None:
        return "too many activation cells to write their number"
    return f"about {digits if len(digits) <= 6 else f'{digits[0]}.{digits[1]}e{len(digits) - 1}'} activation cells"


def cell_count(s: Setting) -> int:
    """Activation cells of the pair's networks, inputs in general position; an exact integer, as widths of hundreds would overflow a float."""
    from verifier.regions.arrangement import generic_count

    network = s.A.network
    cones = generic_count(s.data.samples, network.widths[0] + (network.b is not None))
    return int((2 * cones) ** network.widths[1])


def _bracket(lower: float, upper: float, visited: int) -> None:
    """Progress of the exact search on a terminal."""
    if visited % 500 == 0:
        print(
            f"\rexact: pass in [{lower:.6g}, {upper:.6g}] after {visited} cells ", end="", file=sys.stderr, flush=True
        )


def why_not_tiny(s: Setting) -> str | None:
    """Why --method all leaves the exact gap out: cells do not cover the problem, or there are more than MOST_CELLS_OF_ALL; None when it is tiny."""
    if (why := why_not_covered(s)) is not None:
        return why
    if cell_count(s) > MOST_CELLS_OF_ALL:
        return "needs a tiny problem here: these networks have too many cells; --method exact tries all the same"
    return None


def why_not_covered(s: Setting) -> str | None:
    """Why cells say nothing of this problem, however few they are; None when they do."""
    from verifier.landscape.setting import LOSSES, PENALTIES

    o, network = s.objective, s.A.network
    if o.weights is not None:
        return "covers the plain mean over samples, not sample weights"
    if o.loss.name not in LOSSES or o.penalty not in PENALTIES or network.theta.shape[0] != 1:
        return f"covers one output, the losses {', '.join(LOSSES)} and the penalties {', '.join(PENALTIES)}"
    return None
