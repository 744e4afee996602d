"""From a construction's proposal to what a run keeps: paths become claims with bounds, programs claims, the rest record."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from verifier.elaboration import ElaboratedPath, elaborate_path, head_claim, subnetwork_head_claim
from verifier.elaboration.every_width import every_width_claim, every_width_record
from verifier.elaboration.regions import left_out_record, region_claim, region_record
from verifier.errors import VerifierError
from verifier.kernel.statements import HeadOptimum, Problem, SubnetworkHeadOptimum
from verifier.kernel.statements.kept import kept_word
from verifier.numbers import show_down, show_up
from verifier.outcomes import CertifiedBound
from verifier.paths.path import Path
from verifier.paths.regions.crossed import regions_crossed
from verifier.pipeline.constructions.proposal import BarrierProposal, Proposal, Request
from verifier.pipeline.constructions.registry import Construction
from verifier.pipeline.nearest import nearest_maxima
from verifier.pipeline.record import estimate_record, path_record, program_record
from verifier.pipeline.sampling import Samples, sample_path
from verifier.pipeline.setting import Setting
from verifier.pipeline.verdict_line import UP_TO
from verifier.pipeline.work import Work
from verifier.programs.result import ProgramResult

T = TypeVar("T")
Say = Callable[[str], None]
# Multiplications for the pre-activations at a path's vertices: counting the regions it crosses must not cost more than about a second.
MOST_MULTIPLICATIONS = 3 * 10**9


class SampledAboveCertified(VerifierError):
    """A float64 sample of a path lies above its certified maximum: the kernel or the sampler is wrong. Never ignored."""


def gather(proposal: Proposal, c: Construction, s: Setting, r: Request, work: Work, say: Say) -> None:
    """Put everything that one construction gave into `work`. Raises SampledAboveCertified, and VerifierError where the kernel rejects it."""
    for remark in proposal.remarks:
        say(remark)
    if proposal.skipped:
        work.record["skipped"].append(proposal.skipped)
        say(f"{proposal.skipped}: skipped")
    for path in proposal.paths:
        _path(path, proposal.cpu_seconds, s, r, work, say)
    _barrier(proposal.barrier, s.problem, r, work, say)
    _programs(proposal, s.problem, r, work, say)
    _regions(proposal, s.problem, r, work, say)
    _every_width(proposal, s, r, work, say)
    if s.objective.weights is None:
        work.record["apriori"] += [a.as_record() for a in proposal.apriori]
    elif proposal.apriori:
        work.record["skipped"].append(
            f"{c.name}: its a-priori values are about the plain mean over samples, not about sample weights"
        )
    work.posed.update(proposal.waypoints)
    for e in proposal.estimates:
        work.estimates.append(e)
        work.record["estimates"].append(estimate_record(e))
        if e.string is not None:
            work.strings[c.name] = e.string
        say(
            f"{e.method}: max F {e.maximum:.6g}, gap {e.gap:.3g} (sampled), {e.cpu_seconds:.1f} CPU s"
            + (f"; {e.note}" if e.hit or e.stopped else "")
        )
        nearest_maxima(work, e)
    if proposal.grid is not None:
        work.record["tables"][c.name] = proposal.grid


def _path(path: Path, spent: float, s: Setting, r: Request, work: Work, say: Say) -> None:
    start, o = time.process_time(), r.options
    trimmed, kept = path.without_still_moves(), kept_word(o.output_layer, o.hidden_layers)
    elaborated = elaborate_path(s.problem, trimmed, level=o.level, relative=o.tight, output_layer=kept)
    samples = sample_path(trimmed, elaborated.kinds, elaborated.claim.form, s.risk)
    _require_order(elaborated, samples)
    _add(elaborated, samples, trimmed, s, spent + time.process_time() - start, work, say)


def _require_order(path: ElaboratedPath, samples: Samples) -> None:
    """Every run asserts it: sampled maximum <= certified maximum of the same path."""
    if not samples.maximum <= path.claim.sup:
        raise SampledAboveCertified(
            f"path {path.claim.path}: a sample of F is {samples.maximum!r}, above the certified maximum {path.claim.sup!r}; "
            "this is a defect of verifier, please report it with the two checkpoints"
        )


def _add(e: ElaboratedPath, samples: Samples, path: Path, s: Setting, spent: float, work: Work, say: Say) -> None:
    c = e.claim
    work.labels[c.path], work.forms[c.path] = e.labels, c.form
    work.record["paths"][c.path] = path_record(e, samples, path, s, spent)
    if any(m.segment is not None for m in path.moves):
        work.segmented = path
    if path.start.shallow and len(path.moves) * s.data.samples * path.start.W.size <= MOST_MULTIPLICATIONS:
        work.record["regions_crossed"][c.path] = regions_crossed(path, s.data.X)
    permuted = c.permutation is not None
    bound = CertifiedBound(
        c.path, c.sup, c.gap, c.gap_over_lower, c.gap_over_level, spent, c.along(s.problem), permuted
    )
    # Last, and the claim first: whatever a run that is interrupted holds is whole.
    work.claims.append(c)
    work.bounds.append(bound)
    kinds = {k: e.kinds.count(k) for k in dict.fromkeys(e.kinds)}
    moves = ", ".join(f"{n} {k}" for k, n in kinds.items()) or "no move: the ends are the same"
    gap = show_up(c.gap) + " over E" + (UP_TO if bound.up_to_permutation else "")
    say(f"{c.path}: certified gap <= {gap}, max F <= {show_up(c.sup, 8)} ({moves}), {spent:.2f} CPU s")


def _barrier(proposal: BarrierProposal | None, problem: Problem, r: Request, work: Work, say: Say) -> None:
    found = None if proposal is None else _claimed(partial(proposal.made, problem, say), r, work, say)
    if proposal is None or found is None:
        return
    claim, work.record[proposal.key] = found
    if claim is not None:
        work.claims.append(claim)
    elif proposal.why_none is not None:
        work.record["skipped"].append(proposal.why_none)


def _every_width(proposal: Proposal, s: Setting, r: Request, work: Work, say: Say) -> None:
    program = proposal.every_width
    if program is None:
        return
    claim = _claimed(partial(every_width_claim, s.problem, program), r, work, say)
    if claim is None:
        return
    work.claims.append(claim)
    work.record["every_width"] = every_width_record(program, claim)
    met = (
        ""
        if program.primal == float("inf")
        else f"; the search met a network with F of about {program.primal:.6g} (float64)"
    )
    say(
        f"every width: F >= {show_down(claim.lower, 8)} for every network of one hidden layer, whatever its width{met}; "
        f"{program.status}, {program.seconds:.2f} CPU s"
    )


def _programs(proposal: Proposal, problem: Problem, r: Request, work: Work, say: Say) -> None:
    for name, program in proposal.programs.items():
        if program.layers is None and program.rows is not None and len(program.rows) == 0:
            continue  # half of one neuron is none: the bias alone, which is no head claim
        made = partial(_program_claim, problem, name, program)
        claim = _claimed(made, r, work, say)
        if claim is not None:
            work.claims.append(claim)
            work.record["programs"].append(program_record(name, program, claim))


def _program_claim(problem: Problem, name: str, p: ProgramResult) -> HeadOptimum | SubnetworkHeadOptimum:
    if p.layers is not None:
        return subnetwork_head_claim(problem, name, p.layers, p.head, p.head_bias, p.dual)
    if p.rows is None:
        raise ValueError(f"program {name} does not say which rows it was solved on")
    return head_claim(problem, name, p.rows, p.row_bias, p.head, p.head_bias, p.dual)


def _regions(proposal: Proposal, problem: Problem, r: Request, work: Work, say: Say) -> None:
    for posed in proposal.regions:
        of = posed.title if posed.title in ("A", "B") else "stored"
        claim = _claimed(partial(region_claim, problem, posed.program, f"region of {posed.title}", of=of), r, work, say)
        if claim is None:
            continue
        work.record["regions"].append(region_record(posed.title, posed.program, claim))
        work.claims.append(claim)
        low, high = show_down(claim.lower, 8), show_up(claim.upper, 8)
        among = "" if claim.row_limits is None else ", no longer than stored limits,"
        say(
            f"region of {posed.title}: head kept, the best rows{among} give F between {low} and {high}, "
            f"{posed.program.seconds:.2f} CPU s"
        )
    for left in proposal.left_out:
        work.record["regions"].append(left_out_record(left.title, left.size))
        say(f"region of {left.title}: about {left.size.seconds:.0f} CPU s, left to --exhaustive")


def _claimed(made: Callable[[], T], r: Request, work: Work, say: Say) -> T | None:
    """The claim of a program; None, with a sentence, where the kernel does not take it and the run has more: the paths' bounds stand without."""
    try:
        return made()
    except VerifierError as error:
        if not (r.of_all or work.proved):
            raise
        work.record["skipped"].append(str(error))
        say(f"{error}: left out")
        return None
