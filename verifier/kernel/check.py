"""The verdict on one claim. Default is reject: any exception, NaN or overflow rejects."""

from __future__ import annotations

import numpy as np
from flint import ctx

from verifier.kernel.environment import probe
from verifier.kernel.reference.numbers import PRECISIONS, Uncertain
from verifier.kernel.statements import Problem, Rejected, Verdict, require, validate
from verifier.kernel.statements.refusal import printable, require_types
from verifier.kernel.table import RULES, Claim, Rule


def check(problem: Problem, claim: Claim, *, evaluation: str = "fast") -> Verdict:
    """Verdict of the "fast" (midpoint-radius) or the "reference" (Arb and rationals) evaluation. Never raises on a bad claim."""
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"), ctx.workprec(53):
            require(evaluation in ("fast", "reference"), f"unknown evaluation {evaluation!r}")
            require(type(claim) in RULES, "unknown kind of claim")
            require_types(problem, Problem, "problem")
            require_types(claim, type(claim), "claim")
            probe()
            rule = RULES[type(claim)]
            validate(problem)
            require(
                rule.channels or problem.geometry is None,
                "this kind of claim is not defined for convolutional networks: only values of F and bounds along paths are",
            )
            rule.validate(problem, claim)
            found = rule.fast(problem, claim) if evaluation == "fast" else _reference(rule, problem, claim)
            computed, along = found if isinstance(found, tuple) else (found, None)
            return Verdict(True, _statement(problem, claim), "", computed, along)
    except Exception as error:
        why = str(error) if isinstance(error, Rejected) else f"{type(error).__name__}: {error}"
        return Verdict(False, printable(_safe_sentence(problem, claim)), printable(why), {})


def _reference(rule: Rule, problem: Problem, claim: Claim) -> dict[str, float]:
    """Balls that overlap decide nothing; more bits may, and where the numbers are dyadic they end up exact."""
    for bits in PRECISIONS:
        with ctx.workprec(bits):
            try:
                return rule.reference(problem, claim)
            except Uncertain:
                if bits == PRECISIONS[-1]:
                    raise
    raise Rejected("no precision to try")


def _statement(problem: Problem, claim: Claim) -> str:
    weighted = "" if problem.weights is None else ", F the mean weighted by the stored sample weights"
    return claim.sentence(problem) + weighted


def _safe_sentence(problem: Problem, claim: Claim) -> str:
    """The sentence of a claim that may be anything."""
    try:
        return _statement(problem, claim)
    except Exception:
        return "claim"
