"""The checker with a proof (docs/proofs.md): hands a certificate's claims to the program that `make proofs` extracts, number by number and exactly.

What is proved is the program's decision about integers; this translation of a file into them is not.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from verifier.certificate.file import Certificate
from verifier.errors import UsageError, VerifierError
from verifier.kernel import Claim, EndpointValue, HeadOptimum, Move, PathUpperBound, Problem, Write
from verifier.kernel.statements import (
    BarrierLowerBound,
    RegionOptimum,
    Rejected,
    apply_writes,
    breakpoints_of,
    validate,
    validate_endpoint,
    validate_head,
    validate_path,
    validate_region_optimum,
)
from verifier.kernel.statements.kept import keeps_below
from verifier.kernel.statements.refusal import require_types
from verifier.proved_barrier import barrier_tokens, require_format, why_not_covered
from verifier.proved_region import region_tokens
from verifier.proved_text import Tokens, counts, flag, layer, layers, matrix, vector

# The other kinds are not covered.
COVERED = EndpointValue | PathUpperBound | HeadOptimum | BarrierLowerBound | RegionOptimum
PROGRAM = "verifier-proved"
BUILT = Path(__file__).resolve().parents[1] / "proofs" / "driver" / PROGRAM


class ProvedOutcome(Enum):
    """What the checker with a proof says of one claim."""

    PROVED = "PROVED"
    REFUSED = "REFUSED"
    NOT_COVERED = "NOT COVERED"


@dataclass(frozen=True)
class ProvedVerdict:
    """Its word on one claim. `why` is empty where the claim is proved."""

    claim: Claim
    outcome: ProvedOutcome
    why: str


class ProvedCheckerError(VerifierError):
    """The program ended otherwise than with one verdict per claim; nothing is proved then."""


def proved_checker() -> Path:
    """The program: what `make proofs` built in this checkout, or `verifier-proved` on the PATH. UsageError where there is none."""
    if os.access(BUILT, os.X_OK):
        return BUILT
    found = shutil.which(PROGRAM)
    if found is None:
        raise UsageError(
            f"the checker with a proof is not built: expected {BUILT}, or {PROGRAM} on the PATH. Run `make proofs` in a checkout of the project; it needs "
            "Coq 8.16 (apt-get install coq libcoq-interval libzarith-ocaml-dev ocaml-findlib). Or leave --proved out"
        )
    return Path(found)


def check_proved(certificate: Certificate) -> tuple[ProvedVerdict, ...]:
    """The program's word on each claim, in the order of the file.

    A problem or claim that the format refuses by its types and shapes (`verifier.kernel.statements`) is refused before the program is asked.
    Raises UsageError where the program is not built, ProvedCheckerError where it fails.
    """
    program, problem = proved_checker(), certificate.problem
    verdicts = [_before(problem, claim) for claim in certificate.claims]
    asked = [claim for claim, verdict in zip(certificate.claims, verdicts) if verdict is None]
    answers = iter(_ask(program, problem, asked) if asked else ())
    words = {
        "accepted": (ProvedOutcome.PROVED, ""),
        "refused": (ProvedOutcome.REFUSED, "not established by the checker with a proof"),
    }
    return tuple(
        ProvedVerdict(claim, *words[next(answers)]) if verdict is None else verdict
        for claim, verdict in zip(certificate.claims, verdicts)
    )


def _before(problem: Problem, claim: Claim) -> ProvedVerdict | None:
    """What is known without the program; None for a claim that it decides."""
    if not isinstance(claim, COVERED):
        return ProvedVerdict(claim, ProvedOutcome.NOT_COVERED, "claims of this kind are not covered")
    if problem.geometry is not None:
        return ProvedVerdict(claim, ProvedOutcome.NOT_COVERED, "convolutional networks are not covered")
    try:
        require_types(problem, Problem, "problem")
        require_types(claim, type(claim), "claim")
        validate(problem)
        if isinstance(claim, EndpointValue):
            validate_endpoint(problem, claim)
            return None
        if isinstance(claim, HeadOptimum):
            validate_head(problem, claim)
            return None
        if isinstance(claim, BarrierLowerBound):
            if (why := why_not_covered(problem)) is not None:
                return ProvedVerdict(claim, ProvedOutcome.NOT_COVERED, why)
            require_format(problem, claim)
            return None
        if isinstance(claim, RegionOptimum):
            validate_region_optimum(problem, claim)
            return None
        validate_path(problem, claim)
        if keeps_below(claim.output_layer):
            return ProvedVerdict(
                claim, ProvedOutcome.NOT_COVERED, "paths that keep hidden layers below the last one are not covered"
            )
        vertex = problem.A
        for move in claim.moves:
            breakpoints_of(move)
            vertex = apply_writes(vertex, move)
    except Rejected as refusal:
        return ProvedVerdict(claim, ProvedOutcome.REFUSED, str(refusal))
    return None


def _ask(program: Path, problem: Problem, claims: list[Claim]) -> list[str]:
    text = certificate_text(problem, claims)
    done = subprocess.run([str(program)], input=text, capture_output=True, text=True, check=False)
    answers = done.stdout.split("\n")[:-1]
    if done.returncode != 0 or len(answers) != len(claims) or not set(answers) <= {"accepted", "refused"}:
        raise ProvedCheckerError(
            f"{program} ended with {done.returncode} after {len(answers)} of {len(claims)} verdicts, and nothing counts as proved: {done.stderr.strip()}"
        )
    return answers


def certificate_text(problem: Problem, claims: list[Claim]) -> str:
    """The text that the program reads (docs/proofs.md): every float x as the integer `x 2^s` with one s for all, a bias that is absent as zeros.

    Claims are endpoint values, head optima, paths, barriers and region optima, whose types and shapes were checked.
    """
    tokens = [*_problem(problem), str(len(claims)), *(t for claim in claims for t in _claim(problem, claim)), "end"]
    s = max(x.as_integer_ratio()[1].bit_length() - 1 for x in tokens if isinstance(x, float))
    return f"{s}\n" + " ".join(_scaled(t, s) if isinstance(t, float) else t for t in tokens) + "\n"


def _scaled(x: float, s: int) -> str:
    numerator, denominator = x.as_integer_ratio()
    return hex(numerator << (s - denominator.bit_length() + 1))


def _problem(problem: Problem) -> Tokens:
    o, N = problem.objective, len(problem.X)
    yield from (problem.negative_slope, o.loss)
    if o.delta is not None:
        yield o.delta
    yield from (o.kappa, o.penalty, flag(o.penalise_output_bias), str(N))
    weights = np.ones(N) if problem.weights is None else problem.weights
    for x, y, w in zip(problem.X, problem.targets, weights.tolist(), strict=True):
        yield from vector(x)
        if o.loss == "cross_entropy":
            yield from ("0", str(int(y)))
        else:
            yield from (*vector(y), "0")
        yield w
    for p in (problem.A, problem.B):
        yield from layers(p.weights, p.biases)


def _write(w: Write) -> Tokens:
    yield from (str(w.layer - 1), flag(w.part == "bias"), flag(w.axis == 1), flag(w.index is not None))
    if w.index is not None:
        yield from counts(w.index)
    yield from matrix(np.atleast_2d(w.value))


def _move(move: Move) -> Tokens:
    yield move.kind
    if move.kind == "chord":
        yield from vector(np.zeros(0) if move.breakpoints is None else move.breakpoints)
    if move.transfer is not None and move.transfer_layer is not None:
        yield from (str(move.transfer_layer - 1), str(len(move.transfer)))
        yield from (str(i) for i in move.transfer.ravel().tolist())
    if move.factors is not None:
        yield from vector(move.factors)
    yield str(len(move.writes))
    for w in move.writes:
        yield from _write(w)


def _claim(problem: Problem, claim: Any) -> Tokens:
    if isinstance(claim, BarrierLowerBound):
        yield from barrier_tokens(problem, claim)
        return
    if isinstance(claim, RegionOptimum):
        yield from region_tokens(problem, claim)
        return
    if isinstance(claim, EndpointValue):
        yield from ("endpoint", flag(claim.network == "A"), claim.lower, claim.upper)
        return
    if isinstance(claim, HeadOptimum):
        yield "head"
        yield from layer(claim.rows, claim.row_bias)
        yield from layer(claim.head, claim.head_bias)
        yield flag(claim.head_bias is not None)
        yield from matrix(claim.dual)
        yield flag(claim.head_limit is not None)
        if claim.head_limit is not None:
            yield claim.head_limit
        yield from (claim.lower, claim.upper)
        return
    yield from ("path", str(len(claim.moves)))
    for move in claim.moves:
        yield from _move(move)
    yield flag(claim.permutation is not None)
    if claim.permutation is not None:
        yield str(len(claim.permutation))
        for p in claim.permutation:
            yield from counts(p)
    yield flag(claim.form == "balanced")
    yield from (claim.sup, claim.gap, claim.gap_over_lower, flag(claim.level is not None))
    if claim.level is not None:
        yield from (claim.level, claim.gap_over_level)
    yield flag(claim.output_layer == "frozen")
