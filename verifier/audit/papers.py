"""Which papers are audited, and which of their statements a command names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from verifier.audit.claim import Statement
from verifier.errors import UsageError

PAPERS = {
    "baturin2026": "Baturin 2026, Asymptotic smoothing",
    "nguyen2021": "Nguyen, Bréchet and Mondelli 2021, When are solutions connected in deep networks?",
    "nguyen2019": "Nguyen 2019, On connected sublevel sets in deep learning",
    "karhadkar2023": "Karhadkar, Murray, Tseran and Montúfar 2023, Mildly overparameterized ReLU networks have a favorable loss landscape",
}


@dataclass(frozen=True)
class Selection:
    """Statements to audit, and why a paper that was meant is not among them."""

    statements: tuple[Statement, ...]
    left_out: tuple[str, ...] = ()

    @property
    def papers(self) -> list[str]:
        return list(dict.fromkeys(s.paper for s in self.statements))


def statements_of(paper: str) -> list[Statement]:
    """The paper's statements, from `verifier.audit.<paper>`. Raises UsageError for an unknown paper and for one whose statements are not written."""
    if paper not in PAPERS:
        raise UsageError(f"unknown paper {paper!r}: expected one of {', '.join(PAPERS)}")
    name = f"verifier.audit.{paper}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        # A module that the paper's own code misses is a defect and has to be seen.
        if error.name != name:
            raise
        module = None
    found = list(getattr(module, "STATEMENTS", ()))
    if not found:
        raise UsageError(f"{paper}: its statements are not written yet (no STATEMENTS in {name}); name another paper")
    names = [s.identifier for s in found]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice or any(s.paper != paper for s in found):
        raise ValueError(f"{name}: identifiers must differ and belong to {paper}; twice: {twice}")
    return found


def find_statement(paper: str, identifier: str) -> Statement:
    """Raises KeyError when the paper has none of that name."""
    return {s.identifier: s for s in statements_of(paper)}[identifier]


def select(papers: Sequence[str] = (), claims: Sequence[str] = ()) -> Selection:
    """Statements of the papers, in the papers' order, whose identifier starts with one of `claims`; no papers or no claims means all.

    A paper without statements is an error where it was named and is left out, with its reason, where all were meant. Raises UsageError, also when
    a prefix of `claims` fits nothing.
    """
    left_out = []
    chosen: list[Statement] = []
    for paper in dict.fromkeys(papers or PAPERS):
        try:
            chosen += statements_of(paper)
        except UsageError as error:
            if papers:
                raise
            left_out.append(str(error))
    for prefix in claims:
        if not any(s.identifier.startswith(prefix) for s in chosen):
            known = ", ".join(s.identifier for s in chosen) or "none"
            raise UsageError(f"--claim {prefix}: no statement starts so; there are {known}")
    if claims:
        chosen = [s for s in chosen if s.identifier.startswith(tuple(claims))]
    return Selection(tuple(chosen), tuple(left_out))
