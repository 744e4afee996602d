"""Baturin 2026, *Asymptotic smoothing*: one module per result."""

from dataclasses import replace

from verifier.audit.baturin2026 import experiments, lemma1, theorem2, theorem3
from verifier.audit.claim import Statement


def _tougher(s: Statement) -> Statement:
    """What broke a claim is what its repair has to withstand."""
    return s if s.repaired is None else replace(s, repaired=replace(s.repaired, known=(*s.repaired.known, *s.known)))


STATEMENTS = [
    _tougher(s) for s in (*lemma1.STATEMENTS, *theorem2.STATEMENTS, *theorem3.STATEMENTS, *experiments.STATEMENTS)
]
