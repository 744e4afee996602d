"""Statements of Nguyen, Bréchet, Mondelli 2021, "When are solutions connected in deep networks?"."""

from verifier.audit.claim import Statement
from verifier.audit.nguyen2021 import corollaries, deep, deep_corollaries, experiments, paths

STATEMENTS: list[Statement] = [
    *paths.STATEMENTS, *deep.STATEMENTS, *corollaries.STATEMENTS, *deep_corollaries.STATEMENTS, *experiments.STATEMENTS,
]  # fmt: skip
