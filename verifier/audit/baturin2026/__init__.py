"""Baturin 2026, *Asymptotic smoothing*: one module per result."""

from dataclasses import replace

from verifier.audit.baturin2026 import experiments, lemma1, sublevel_sets, theorem2, theorem3
from verifier.audit.baturin2026.wrong import WRONG
from verifier.audit.claim import Statement
from verifier.audit.wrong import with_wrong


def _tougher(s: Statement) -> Statement:
    """What broke a claim is what its repair has to withstand."""
    return s if s.repaired is None else replace(s, repaired=replace(s.repaired, known=(*s.repaired.known, *s.known)))


_ALL = (
    *lemma1.STATEMENTS,
    *theorem2.STATEMENTS,
    *theorem3.STATEMENTS,
    *sublevel_sets.STATEMENTS,
    *experiments.STATEMENTS,
)
STATEMENTS = with_wrong([_tougher(s) for s in _ALL], WRONG)
