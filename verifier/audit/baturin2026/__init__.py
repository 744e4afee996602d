"""Baturin 2026, *Asymptotic smoothing*: one module per result."""

from verifier.audit.baturin2026 import experiments, lemma1, theorem2, theorem3

STATEMENTS = [*lemma1.STATEMENTS, *theorem2.STATEMENTS, *theorem3.STATEMENTS, *experiments.STATEMENTS]
