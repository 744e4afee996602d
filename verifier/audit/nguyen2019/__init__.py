"""Statements of Nguyen 2019, "On connected sublevel sets in deep learning"."""

from verifier.audit.claim import Statement
from verifier.audit.nguyen2019 import activations, connected, deep, figure5, lemmas

STATEMENTS: list[Statement] = [
    *activations.STATEMENTS,
    *lemmas.STATEMENTS,
    *connected.STATEMENTS,
    *deep.STATEMENTS,
    *figure5.STATEMENTS,
]
