"""The exact gap of a tiny problem."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from verifier.errors import UsageError, VerifierError, said_by
from verifier.kernel import Claim
from verifier.kernel.statements import Problem
from verifier.landscape.gap import exact_gap
from verifier.landscape.kept_layers import why_not_above
from verifier.landscape.tree import MOST_CELLS
from verifier.numbers import plural
from verifier.paths.path import Path
from verifier.pipeline.constructions.cells import cell_count, cell_words, why_not_covered, why_not_tiny
from verifier.pipeline.constructions.cones import BY_NAME, coarse_proposal
from verifier.pipeline.constructions.proposal import BarrierProposal, Proposal, Request
from verifier.pipeline.constructions.sign_count import OFTEN, closed_by_sign_count
from verifier.pipeline.constructions.tops import top_of
from verifier.pipeline.exact import barrier_and_record
from verifier.pipeline.setting import Setting

# Cells that are looked at in a few seconds; of more, sign counts are tried first where they differ.
FEW = 20_000


def exact(s: Setting, r: Request) -> Proposal:
    """Bottleneck search over activation cells (docs/mathematics.md, section 8, Theorem E)."""
    if r.of_all and (why := why_not_tiny(top_of(s, r.options, "exact"))) is not None:
        return Proposal(skipped=f"exact: {why}")
    if s.A.network.same_parameters(s.B.network):
        return Proposal([Path("exact", s.A.network, ())], remarks=("exact: A and B are the same network",))
    o = r.options
    state = o.state_file("exact")
    resumed = state is not None and state.exists()
    above = why_not_above(s.A.network, s.B.network, o.hidden_layers) is None
    if not r.of_all and o.output_layer == "trained" and above and not resumed:
        settled = _instead(s, r)
        if settled is not None:
            return settled
    try:
        found = exact_gap(
            *s.pair, most_cells=o.most_cells, state=state, output_layer=o.output_layer,
            hidden_layers=o.hidden_layers, progress=_bracket if o.progress else _said(r.say),
        )  # fmt: skip
    except VerifierError as error:
        why = said_by("exact", error, room="landscape")
        if not r.of_all:
            raise type(error)(why) from error
        # Nobody asked for it by name: what cells do not cover must not cost the other constructions' bounds.
        return Proposal(skipped=why)

    def barrier(problem: Problem, say: Callable[[str], None]) -> tuple[Claim | None, dict[str, Any]]:
        try:
            return barrier_and_record(problem, found, say)
        except VerifierError as error:
            raise type(error)(said_by("exact: no lower bound", error, room="landscape")) from error

    return Proposal([found.path], barrier=BarrierProposal("exact", barrier))


def _instead(s: Setting, r: Request) -> Proposal | None:
    """Another search for the same gap, where the cells are too many to look at all of them; None where they are looked at one by one. Says which and why."""
    top = top_of(s, r.options, "exact")
    tiny = why_not_covered(top) is None and cell_count(top) <= MOST_CELLS
    if not (tiny and cell_count(top) <= FEW) and (settled := closed_by_sign_count(s, top)) is not None:
        r.say(
            f"exact: {cell_words(top)}; the sign counts of A and B differ and settle the gap instead, as --method sign-count"
        )
        return settled
    if tiny:
        r.say(f"exact: {cell_words(top)}, few enough to look at them one by one")
        return None
    try:
        found = coarse_proposal(s, top, r, BY_NAME, "exact")
    except UsageError as error:
        r.say(
            f"exact: {cell_words(top)}, looked at from A and B outwards, at most {r.options.most_cells:,}, as no coarser search covers the pair ({error})"
        )
        return None
    r.say(
        f"exact: {cell_words(top)}, too many to look at one by one; coarse ones were searched instead, as --method cones"
    )
    return found


def _said(say: Callable[[str], None]) -> Callable[[float, float, int], None]:
    """Progress of the exact search without a terminal: a sentence now and then."""
    last = [time.monotonic()]

    def hear(lower: float, upper: float, visited: int) -> None:
        if time.monotonic() >= last[0] + OFTEN:
            last[0] = time.monotonic()
            say(f"exact: pass in [{lower:.6g}, {upper:.6g}] after {plural(visited, 'cell')}")

    return hear


def _bracket(lower: float, upper: float, visited: int) -> None:
    """Progress of the exact search on a terminal."""
    if visited % 500 == 0:
        print(
            f"\rexact: pass in [{lower:.6g}, {upper:.6g}] after {plural(visited, 'cell')} ",
            end="",
            file=sys.stderr,
            flush=True,
        )
