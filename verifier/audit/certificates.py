"""Counterexamples as certificates: the violated statement, quoted, with its numbers; re-checked by the kernel before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from verifier.audit.claim import Instance, Statement
from verifier.certificate import make_document, write_certificate
from verifier.kernel import check
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import Problem
from verifier.numbers import show_down

FOLDER = Path("certificates") / "audit"


def violating_instance(statement: Statement, *, seed: int = 0, seconds: float = 30.0) -> Instance | None:
    """A listed counterexample that violates the statement, the first one; what a search finds where none is listed; or None."""
    if statement.evaluate is None:
        return None
    for instance in statement.known:
        if statement.evaluate(instance).violated:
            return instance
    if statement.search is None:
        return None
    found = statement.search(np.random.default_rng(seed), seconds)
    return found if found is not None and statement.evaluate(found).violated else None


def write_counterexample(
    statement: Statement, instance: Instance, folder: Path, name: str | None = None
) -> tuple[Path | None, str]:
    """(file, the kernel's sentence), named for the statement where no name is given.

    The file is None, and nothing is written, when one of the two evaluations rejects the claim.
    """
    assert statement.counterexample is not None
    problem, claim = statement.counterexample(instance)
    for evaluation in ("fast", "reference"):
        verdict = check(problem, claim, evaluation=evaluation)
        if not verdict.accepted:
            return None, f"{evaluation}: {verdict.sentence}"
    document, arrays = make_document(
        problem,
        [claim],
        data_name=instance.label,
        labels={},
        record=certificate_record(statement, instance, problem, claim),
    )
    target = folder / f"{name or statement.identifier}.safetensors"
    write_certificate(target, document, arrays)
    return target, verdict.sentence


def certificate_record(
    statement: Statement, instance: Instance, problem: Problem, claim: ClaimViolation
) -> dict[str, Any]:
    """What a person wants to know; none of it is evidence."""
    from verifier.pipeline.provenance import provenance

    assert statement.evaluate is not None
    trial = statement.evaluate(instance)
    numbers = f"left side {trial.left:.6g}, right side {trial.right:.6g}" + (f" ({trial.text})" if trial.text else "")
    o = problem.objective
    setting = f"{o.loss} loss, kappa = {o.kappa:g}, penalty {o.penalty}, {len(problem.X)} samples"
    return {
        **provenance({"command": "audit", "paper": statement.paper, "claim": statement.identifier}),
        "statement": {
            "paper": statement.paper, "identifier": statement.identifier, "place": statement.place, "quote": statement.quote,
            "evaluated": statement.words, "hypotheses": list(statement.hypotheses),
        },
        "counterexample": {
            "origin": instance.origin, "label": instance.label, "setting": setting, "numbers": numbers,
            "words": f"{statement.identifier} fails on {instance.label} by at least {show_down(claim.margin)}: {setting}; {numbers}.",
        },
    }  # fmt: skip


def write_counterexamples(
    statements: Sequence[Statement], folder: Path, *, seed: int = 0, seconds: float = 30.0
) -> list[tuple[Statement, Path | None, str]]:
    """One row per statement that has a kernel claim, and per trained network that it has besides: where the certificate lies, or None, and why."""
    out: list[tuple[Statement, Path | None, str]] = []
    for s in statements:
        if s.counterexample is None:
            continue
        instance = violating_instance(s, seed=seed, seconds=seconds)
        if instance is None:
            out.append((s, None, "no instance violates it"))
        else:
            out.append((s, *write_counterexample(s, instance, folder)))
        for name, trained in (s.trained_counterexamples or dict)().items():
            out.append((s, *write_counterexample(s, trained, folder, f"{s.identifier}.{name}")))
    return out
