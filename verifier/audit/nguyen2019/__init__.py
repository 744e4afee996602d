"""Statements of Nguyen 2019, "On connected sublevel sets in deep learning"."""

from verifier.audit.nguyen2019 import activations, connected, deep, figure5, figures, lemmas
from verifier.audit.nguyen2019.wrong import WRONG
from verifier.audit.wrong import with_wrong

STATEMENTS = with_wrong(
    [
        *activations.STATEMENTS,
        *lemmas.STATEMENTS,
        *connected.STATEMENTS,
        *deep.STATEMENTS,
        *figures.STATEMENTS,
        *figure5.STATEMENTS,
    ],
    WRONG,
)
