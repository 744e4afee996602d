"""The second evaluation of `path_upper_bound`: moves one by one in Arb balls (docs/mathematics.md, section 2)."""

from __future__ import annotations

from functools import partial

from flint import arb

from verifier.kernel.reference.blocks import means
from verifier.kernel.reference.chord import Chord
from verifier.kernel.reference.moves import require_kind, rescale_bound
from verifier.kernel.reference.numbers import largest, require_at_most, rounded_up
from verifier.kernel.reference.objective import endpoint_value, inputs, network_value
from verifier.kernel.statements import (
    PathUpperBound,
    Problem,
    apply_writes,
    permuted,
    require,
    same_parameters,
)


def check_path(problem: Problem, claim: PathUpperBound) -> dict[str, float]:
    o, corner = problem.objective, problem.A
    for move in claim.moves:
        before, corner = corner, apply_writes(corner, move)
        require_kind(before, corner, move)
    require(same_parameters(corner, permuted(problem.B, claim.permutation)), "the path does not end in B")
    # Along idle and transfer moves the outputs are constant, and so is every penalty but weight decay as it is, which is convex.
    literal_decay = o.penalty == "weight_decay" and claim.form == "literal"
    constant = [move.kind in ("idle", "transfer") and not literal_decay for move in claim.moves]
    FA, FB = endpoint_value(problem, problem.A), endpoint_value(problem, problem.B)
    bounds = [largest(group) for group in means(problem, partial(_walk, claim=claim, constant=constant))]
    top = largest([FA, FB, *bounds])
    E, least = FA.max(FB), FA.min(FB)
    require_at_most(top, arb(claim.sup), "sup F on the path is not certainly below the claim")
    over = [b - E for b in bounds]
    for b in bounds:
        # E + gap may be inexact where E is not: the difference decides, and equality of exact numbers with it.
        require_at_most(b - E, arb(claim.gap), "the gap over E is not certain")
    require_at_most(top - least, arb(claim.gap_over_lower), "the gap over the lower endpoint is not certain")
    if claim.level is not None and claim.gap_over_level is not None:
        require_at_most(top - arb(claim.level), arb(claim.gap_over_level), "the gap over the level is not certain")
    gap = max([0.0, *(rounded_up(x) for x in over)])
    return {"sup": rounded_up(top), "gap": gap, "gap_over_lower": rounded_up(top - least)}


def _walk(problem: Problem, claim: PathUpperBound, constant: list[bool]) -> list[list[arb]]:
    """On one block: per chord, rescaling and inner vertex the numbers of which F is at most the largest, each convex or affine in the losses."""
    X, w = inputs(problem), problem.A
    active = [k for k, still in enumerate(constant) if not still]
    bounds: list[list[arb]] = []
    for k, move in enumerate(claim.moves):
        v, w = w, apply_writes(w, move)
        if move.kind == "chord":
            # Its last piece ends at w.
            bounds.append(Chord(problem, X, v, w, claim.form).ends(move))
            continue
        if move.kind == "rescale":
            bounds.append([rescale_bound(problem, v, w, move, claim.form)])
        if not constant[k] and k != active[-1]:
            bounds.append([network_value(problem, X, w, claim.form)])
    return bounds
