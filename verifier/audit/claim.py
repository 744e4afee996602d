"""What a claim of a paper is to the audit, and what comes out of trying it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from verifier.kernel import Claim
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import Problem

Rng = np.random.Generator


class Word(Enum):
    """What the trials say. A statement that no trial broke *held*: that is no proof of it."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


class About(Enum):
    """Whose sentence a statement is. Only a paper's own claim can *fail*; of the others it is said whether they hold."""

    CLAIM = "a claim of the paper"
    ASSUMPTION = "an assumption of the paper, measured"
    CONTROL = "a control, which the paper does not claim"
    REMARK = "a remark that the paper does not make"


@dataclass(frozen=True)
class Instance:
    """One trial's input. origin: "trained", "random", "known" (a listed counterexample) or "search". values: whatever the evaluation reads."""

    origin: str
    label: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One evaluation of an inequality `left <= right`.

    slack: (right - left) / scale with scale > 0 the size of the numbers compared; negative beyond `tolerance` is a violation. met: whether the
    hypotheses hold on this instance (a trial whose hypotheses fail says nothing). text: the numbers, in words.
    """

    left: float
    right: float
    scale: float
    met: bool = True
    tolerance: float = 1e-9
    text: str = ""

    @property
    def slack(self) -> float:
        return (self.right - self.left) / self.scale

    @property
    def violated(self) -> bool:
        return self.met and bool(self.slack < -self.tolerance)


def compared(left: float, right: float, *, met: bool = True, tolerance: float = 1e-9, text: str = "") -> Trial:
    """Trial of `left <= right` with the larger magnitude as scale."""
    return Trial(float(left), float(right), max(abs(left), abs(right), 1e-300), met, tolerance, text)


@dataclass(frozen=True)
class Counterexample:
    """Claims of the kernel that together refute a statement, by `margin`; argument: what follows from their numbers, "" where a claim says it all."""

    problem: Problem
    claims: tuple[Claim, ...]
    margin: float
    argument: str = ""


@dataclass(frozen=True)
class Wrong:
    """A false neighbour of a statement that holds. Trials that cannot refute it say nothing for the statement either.

    words: what it says. change: the instance without one of the hypotheses; the statement's own evaluation runs on it, whatever that finds of its
    hypotheses. share: of the right side that is left. evaluate: another formula, where the statement's own has nothing to change.
    """

    words: str
    change: Callable[[Instance], Instance] | None = None
    share: float = 1.0
    evaluate: Callable[[Instance], Trial] | None = None

    def trial(self, statement: Statement, instance: Instance) -> Trial:
        """The wrong statement on an instance of the right one."""
        evaluate = self.evaluate or statement.evaluate
        assert evaluate is not None  # a statement that holds was tried
        found = evaluate(instance if self.change is None else self.change(instance))
        right = self.share * found.right if found.right > 0 else found.right
        return replace(found, right=right, met=found.met or self.change is not None)


@dataclass(frozen=True)
class Statement:
    """A claim and how to try it.

    identifier: as in audit.md, "paper.name" without the paper. place: section, equation. quote: the paper's words. words: what is evaluated.
    expected: the known status. instances(rng, count): trained and random ones, hypotheses mostly met. known: listed counterexamples.
    evaluate: one trial. search(rng, seconds): an instance that an optimiser found, or None; tried whenever no instance violates.
    counterexample: a violating instance as the kernel's claim, or as several, where there is one.
    trained_counterexamples: further violating instances by name, trained networks or what a search found, for further certificates.
    repaired: the corrected statement, itself tried on its own instances and known ones. wrong: of one that holds, what the same trials must refute.
    about: whose sentence it is. page: where the quoted sentence stands, from 1; None for papers without page numbers (`audit.pages`).
    count: trials of the full audit. untestable: why nothing is evaluated, instead of all that. no_certificate: why a statement that fails has no
    counterexample for the kernel.
    """

    identifier: str
    paper: str
    place: str
    quote: str
    words: str
    expected: Word
    instances: Callable[[Rng, int], Iterable[Instance]] | None = None
    evaluate: Callable[[Instance], Trial] | None = None
    known: tuple[Instance, ...] = ()
    search: Callable[[Rng, float], Instance | None] | None = None
    counterexample: Callable[[Instance], tuple[Problem, ClaimViolation] | Counterexample] | None = None
    repaired: Statement | None = None
    hypotheses: tuple[str, ...] = ()
    count: int = 1000
    untestable: str | None = None
    no_certificate: str | None = None
    trained_counterexamples: Callable[[], dict[str, Instance]] | None = None
    wrong: Wrong | None = None
    about: About = About.CLAIM
    page: int | None = None


@dataclass(frozen=True)
class Refuted:
    """How the trials did against a statement known to be wrong. label: the instance that refuted it, None where none of `trials` did."""

    words: str
    trials: int
    label: str | None


@dataclass(frozen=True)
class Finding:
    """What the trials of one statement gave. slacks: of all trials with hypotheses met. worst: the trial of least slack, with its instance's label and
    origin. by_search: whether the search alone, without known counterexamples, found a violation (None: not run). constant: both sides were the same
    numbers in all of several trials."""

    statement: Statement
    word: Word
    trials: int
    skipped: int
    slacks: tuple[float, ...]
    worst: Trial | None
    worst_instance: Instance | None
    by_search: bool | None
    cpu_seconds: float
    repaired: Finding | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    wrong: Refuted | None = None
    constant: bool = False

    @property
    def vacuous(self) -> bool:
        """It held in trials that a wrong statement withstands too, or that all say the same whatever the instance: they could not have failed."""
        wrong = self.statement.wrong
        if self.word is not Word.HOLDS or wrong is None or self.wrong is None:
            return False
        return (self.constant and wrong.change is None) or self.wrong.label is None

    @property
    def as_expected(self) -> bool:
        return self.statement.untestable is not None or (self.word == self.statement.expected and not self.vacuous)
