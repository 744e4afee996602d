"""Two barriers that were once accepted beside a path below them (frozen zero row; a support of nothing): the path is proved, the barrier never."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.attacks import frozen_zero_row, redundant_with_empty_support
from tests.corpus.small import Case, chord, everything
from verifier import proved
from verifier.certificate import read_certificate
from verifier.kernel import Move, PathUpperBound, Problem, Write, check
from verifier.kernel.statements import BarrierLowerBound
from verifier.proved import ProvedOutcome, check_proved

from .test_proofs import CORPUS

pytestmark = pytest.mark.skipif(
    not os.access(proved.BUILT, os.X_OK) and "CI" not in os.environ,
    reason="the checker with a proof is not built: run `make proofs` (needs Coq)",
)


def rows_one_after_the_other(p: Problem) -> PathUpperBound:
    """Neuron 0 takes over what neuron 1 does not, and both then change places: at most 1/2 and the length of a piece, squared."""

    def to(rows: list[float]) -> Move:
        return Move("chord", (Write(1, "weight", 0, None, np.array(rows)[:, None]),), np.arange(1, 64) / 64)

    last = Move("chord", everything(p.B)[:1], np.arange(1, 64) / 64)
    moves = (to([-1.0, 1.0]), to([-1.0, 0.0]), last)
    return PathUpperBound("frozen", moves, 0.875, 0.375, 0.875, output_layer="frozen")


def false_barrier(case: Case, path: PathUpperBound) -> tuple[Case, BarrierLowerBound]:
    (barrier,) = case.claims
    assert isinstance(barrier, BarrierLowerBound)
    assert path.sup < barrier.level, "the premise: both claims cannot be true"
    return replace(case, claims=[barrier, path]), barrier


@pytest.mark.parametrize("name", ["none", "path", "empty"])
def test_false_barriers_are_rejected_and_the_paths_below_them_proved(name):
    if name == "empty":
        case = redundant_with_empty_support()
        path = PathUpperBound("line", chord(case.problem, 100), 0.75, 0.25, 0.75)
    else:
        case = frozen_zero_row(name)
        path = rows_one_after_the_other(case.problem)
    case, barrier = false_barrier(case, path)
    for evaluation in ("fast", "reference"):
        assert not check(case.problem, barrier, evaluation=evaluation).accepted
    c = read_certificate(CORPUS / "correct" / "exact-squares.safetensors")
    verdicts = check_proved(replace(c, problem=case.problem, claims=tuple(case.claims)))
    assert verdicts[0].outcome is not ProvedOutcome.PROVED
    assert verdicts[1].outcome is ProvedOutcome.PROVED
