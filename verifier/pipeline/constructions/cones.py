"""Pairs whose neurons have equal signs, or nearly: no path leaves a union of coarse cells below a level, at any number of samples."""

from __future__ import annotations

from dataclasses import dataclass, replace

from verifier.errors import UsageError
from verifier.landscape.coarse.pair import PairBarrier, pair_barrier
from verifier.landscape.coarse.relaxed import LOSSES
from verifier.landscape.sign_count.narrow import neuron_signs, positives_passed, require_covered
from verifier.pipeline.cone_barrier import cone_barrier, no_barrier
from verifier.pipeline.constructions.cells import why_not_tiny
from verifier.pipeline.constructions.cutting import cut_at_kinks
from verifier.pipeline.constructions.proposal import BarrierProposal, Proposal, Request
from verifier.pipeline.constructions.tops import Top, top_of
from verifier.pipeline.setting import Setting


@dataclass(frozen=True)
class Budget:
    """coordinates: of all neurons at most, as a search starts from 2 to their number parts. programs, seconds: of one search; CPU."""

    coordinates: int
    programs: int
    seconds: float


# By name, and of method all, which nobody should have to wait for.
BY_NAME, OF_ALL = Budget(9, 500_000, 600.0), Budget(6, 20_000, 15.0)


def cones(s: Setting, r: Request) -> Proposal:
    """A flood from the higher of A and B, and cuts where relaxed programs let it pass without reason (docs/mathematics.md, section 14)."""
    if not r.of_all:
        return coarse_proposal(s, top_of(s, r.options, "cones"), r, BY_NAME, "cones")
    if r.barrier:
        return Proposal(skipped="cones: not needed, a barrier over E is certified already (--method cones runs it)")
    top = top_of(s, r.options, "cones")
    if why_not_tiny(top) is None:
        return Proposal(skipped="cones: not needed, exact cells cover so small a problem")
    try:
        return coarse_proposal(s, top, r, _of_all(top), "cones")
    except UsageError as error:
        # Nobody asked for it by name.
        return Proposal(skipped=str(error))


def _of_all(top: Top) -> Budget:
    """Where signs differ, in number or in place, the networks with a neuron at 0 decide, and these are found soon for one more neuron."""
    A, B = top.A, top.B
    apart = A.shallow and A.architecture == B.architecture and neuron_signs(A) != neuron_signs(B)
    return replace(OF_ALL, coordinates=BY_NAME.coordinates) if apart else OF_ALL


def coarse_proposal(s: Setting, top: Top, r: Request, budget: Budget, name: str) -> Proposal:
    """What the search found, with its path cut where that makes the bound tight. Raises UsageError as `coarse_search` does."""
    found = coarse_search(top, r, budget)
    barrier = BarrierProposal("cones", lambda problem, say: cone_barrier(problem, found, say), no_barrier(found))
    if not (r.of_all or found.search.closed) and r.options.state is None:
        r.say("cones: this search is not kept; with --state FILE.npz the next run would go on from here")
    proposal = Proposal([], barrier=barrier)
    path = found.path(name)
    if path is not None:
        proposal.paths = [cut_at_kinks(top.in_full(path), s, max(s.E, found.upper))]
    return proposal


def coarse_search(top: Top, r: Request, budget: Budget = BY_NAME) -> PairBarrier:
    """Raises UsageError where coarse cells prove nothing, or the search would be hopeless."""
    A, B, risk = top.A, top.B, top.risk
    require_covered(A, B, risk.objective, risk.targets, "cones")
    if risk.objective.loss.name not in LOSSES:
        raise UsageError(
            f"cones: expected one of the losses {', '.join(LOSSES)}, got {risk.objective.loss.name}, whose programs have corners; "
            "--method sign-count covers it where A and B differ in sign counts"
        )
    coordinates = A.theta.shape[1] * (risk.X.shape[1] + (A.b is not None))
    top.require_searched("cones", budget.coordinates, coordinates, BY_NAME.coordinates)
    if positives_passed(A, B):
        r.say("cones: A and B differ in sign counts; --method sign-count settles such pairs faster where it applies")
    return pair_barrier(
        A, B, risk, most_programs=budget.programs, seconds=budget.seconds, exact=top.exact, state=r.options.state_file("cones"), say=r.say,
    )  # fmt: skip
