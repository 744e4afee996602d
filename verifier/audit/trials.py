"""Try statements: instances, known counterexamples, search. The verdict is what the trials say, never what was expected."""

from __future__ import annotations

import itertools
import math
import time
import zlib

import numpy as np

from verifier.audit.claim import Finding, Instance, Refuted, Statement, Trial, Word

# Instances on which a wrong neighbour of a statement is tried.
WRONG_TRIALS = 60


def audit(
    statement: Statement, *, count: int | None = None, seed: int = 0, use_known: bool = True, seconds: float = 120.0
) -> Finding:
    """Finding of one statement.

    count: trials besides the known counterexamples, default the statement's own. use_known: whether listed counterexamples are tried. seconds: CPU
    for the search, which runs when nothing else violates the statement, and always when use_known is False.
    """
    if statement.untestable is not None or statement.evaluate is None or statement.instances is None:
        return Finding(statement, Word.UNDECIDED, 0, 0, (), None, None, None, 0.0)
    start = time.process_time()
    rng = np.random.default_rng([seed, zlib.crc32(f"{statement.paper}.{statement.identifier}".encode())])
    slacks: list[float] = []
    sides: set[tuple[float, float]] = set()
    worst: tuple[Trial, Instance] | None = None
    skipped = 0
    origins: dict[str, dict[str, int]] = {}

    def attempt(instance: Instance) -> bool:
        nonlocal worst, skipped
        assert statement.evaluate is not None  # checked above; for the type checker
        trial = statement.evaluate(instance)
        if not trial.met:
            skipped += 1
            return False
        if math.isnan(trial.slack):
            # A comparison with NaN is false: it would count as holding.
            raise ArithmeticError(
                f"{statement.identifier}: slack is not a number on {instance.origin} instance {instance.label}"
            )
        slacks.append(trial.slack)
        sides.add((trial.left, trial.right))
        of_origin = origins.setdefault(instance.origin, {"trials": 0, "violations": 0})
        of_origin["trials"] += 1
        of_origin["violations"] += trial.violated
        if worst is None or trial.slack < worst[0].slack:
            worst = (trial, instance)
        return trial.violated

    wanted = statement.count if count is None else count
    violated = False
    for instance in [*(statement.known if use_known else ()), *statement.instances(rng, wanted)]:
        violated |= attempt(instance)
    by_search: bool | None = None
    if statement.search is not None and (not violated or not use_known):
        found = statement.search(rng, seconds)
        by_search = found is not None and attempt(found)
        violated |= by_search
    word = Word.FAILS if violated else Word.HOLDS if slacks else Word.UNDECIDED
    repaired = None
    if statement.repaired is not None:
        repaired = audit(statement.repaired, count=count, seed=seed, use_known=True, seconds=seconds)
    return Finding(
        statement, word, len(slacks), skipped, tuple(slacks), worst and worst[0], worst and worst[1], by_search, time.process_time() - start, repaired,
        {"origins": origins}, refute(statement, seed), len(sides) == 1 and len(slacks) > 1,
    )  # fmt: skip


def refute(statement: Statement, seed: int = 0) -> Refuted | None:
    """Try the statement's wrong neighbour on the same kinds of instances until one refutes it. None where it has none."""
    if statement.wrong is None or statement.instances is None:
        return None
    rng, tried = np.random.default_rng([seed, 1]), 0
    for instance in itertools.chain(statement.known, statement.instances(rng, WRONG_TRIALS)):
        tried += 1
        if statement.wrong.trial(statement, instance).violated:
            return Refuted(statement.wrong.words, tried, instance.label)
        if tried == WRONG_TRIALS:
            break
    return Refuted(statement.wrong.words, tried, None)
