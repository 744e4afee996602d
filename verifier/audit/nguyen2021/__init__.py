"""Statements of Nguyen, Bréchet, Mondelli 2021, "When are solutions connected in deep networks?"."""

from verifier.audit.nguyen2021 import corollaries, deep, deep_corollaries, experiments, paths, width
from verifier.audit.nguyen2021.wrong import WRONG
from verifier.audit.wrong import with_wrong

STATEMENTS = with_wrong(
    [
        *paths.STATEMENTS,
        *deep.STATEMENTS,
        *corollaries.STATEMENTS,
        *deep_corollaries.STATEMENTS,
        *experiments.STATEMENTS,
        *width.STATEMENTS,
    ],
    WRONG,
)
