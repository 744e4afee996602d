"""Counterexamples as certificates: the violated statement, quoted, with its numbers; re-checked by the kernel before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from verifier.audit.claim import Counterexample, Instance, Statement
from verifier.certificate import make_document, write_certificate
from verifier.kernel import PathUpperBound, check
from verifier.numbers import show_down
from verifier.pipeline.provenance import provenance

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


def counterexample_of(statement: Statement, instance: Instance) -> Counterexample:
    """The statement's counterexample on this instance, a single claim wrapped."""
    assert statement.counterexample is not None
    made = statement.counterexample(instance)
    if isinstance(made, Counterexample):
        return made
    problem, claim = made
    return Counterexample(problem, (claim,), claim.margin)


def write_counterexample(
    statement: Statement, instance: Instance, folder: Path, name: str | None = None
) -> tuple[Path | None, str]:
    """(file, the kernel's sentences), named for the statement where no name is given.

    The file is None, and nothing is written, when one of the two evaluations rejects a claim, or the claims leave no margin.
    """
    made = counterexample_of(statement, instance)
    for evaluation in ("fast", "reference"):
        verdicts = [check(made.problem, claim, evaluation=evaluation) for claim in made.claims]
        for verdict in verdicts:
            if not verdict.accepted:
                return None, f"{evaluation}: {verdict.sentence}"
    if not made.margin > 0.0:
        return None, f"the claims hold, but leave no margin: {made.margin!r}"
    document, arrays = make_document(
        made.problem,
        made.claims,
        data_name=instance.label,
        labels={c.path: [m.kind for m in c.moves] for c in made.claims if isinstance(c, PathUpperBound)},
        record=certificate_record(statement, instance, made),
    )
    target = folder / f"{name or statement.identifier}.safetensors"
    write_certificate(target, document, arrays)
    return target, "; ".join(v.sentence for v in verdicts)


def certificate_record(statement: Statement, instance: Instance, made: Counterexample) -> dict[str, Any]:
    """What a person wants to know; none of it is evidence."""

    assert statement.evaluate is not None
    trial = statement.evaluate(instance)
    numbers = f"left side {trial.left:.6g}, right side {trial.right:.6g}" + (f" ({trial.text})" if trial.text else "")
    o = made.problem.objective
    setting = f"{o.loss} loss, kappa = {o.kappa:g}, penalty {o.penalty}, {len(made.problem.X)} samples"
    argued = f"; {made.argument}" if made.argument else ""
    return {
        **provenance({"command": "audit", "paper": statement.paper, "claim": statement.identifier}),
        "statement": {
            "paper": statement.paper, "identifier": statement.identifier, "place": statement.place, "quote": statement.quote,
            "evaluated": statement.words, "hypotheses": list(statement.hypotheses),
        },
        "counterexample": {
            "origin": instance.origin, "label": instance.label, "setting": setting, "numbers": numbers,
            "words": f"{statement.identifier} fails on {instance.label} by at least {show_down(made.margin)}: {setting}; {numbers}{argued}.",
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
