"""Barriers in the checker with a proof; and two that were once accepted beside a path below them (frozen zero row; a support of nothing)."""

import os
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.attacks import frozen_zero_row, redundant_with_empty_support
from tests.corpus.small import Case, chord, everything
from tests.kernel.barriers import frozen_instance
from verifier import proved
from verifier.certificate import read_certificate
from verifier.certificate.file import Certificate
from verifier.kernel import Move, PathUpperBound, Problem, Write, check
from verifier.kernel.statements import BarrierLowerBound
from verifier.proved import ProvedOutcome, check_proved

from .test_proofs import CORPUS, ROOT

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
    assert [v.outcome for v in verdicts] == [ProvedOutcome.REFUSED, ProvedOutcome.PROVED]


@pytest.mark.parametrize("seed", [5, 30, 36, 39])
def test_frozen_barriers_are_proved_and_higher_ones_refused(seed):
    """Two neurons, with and without a price and an output bias. Sound beside the kernel: refused where it rejects, whatever is changed."""
    problem, claim, _ = frozen_instance(seed)
    c = read_certificate(CORPUS / "correct" / "exact-squares.safetensors")

    def outcomes(p: Problem, *claims: BarrierLowerBound) -> set[ProvedOutcome]:
        return {v.outcome for v in check_proved(replace(c, problem=p, claims=claims))}

    assert outcomes(problem, claim) == {ProvedOutcome.PROVED}
    assert (claim.faces[:, 0] >= 0).all(), "no sign changes"
    rows = ("faces", "facets", "nu", "multipliers", "basis")
    flipped = {
        name: np.where(getattr(claim, name) < 0, -1, getattr(claim, name) ^ 1) for name in ("faces", "cells", "outside")
    }
    bad = (
        replace(claim, level=claim.level * (1 + 1e-6), gap=0.0),
        replace(claim, gap=claim.gap * (1 + 1e-6)),
        replace(claim, nu=claim.nu * 1.001),
        replace(claim, **{field: getattr(claim, field)[1:] for field in rows}),
        replace(claim, **flipped),
        replace(claim, around="B"),
        replace(claim, output_layer="trained"),
    )
    assert not any(check(problem, x).accepted for x in bad)
    assert outcomes(problem, *bad) == {ProvedOutcome.REFUSED}
    # Another output bias, of both networks: the constant in the duals.
    if problem.A.biases[1] is not None:
        moved = {
            n: replace(p, biases=(p.biases[0], p.biases[1] + 0.25)) for n, p in (("A", problem.A), ("B", problem.B))
        }
        low = [replace(claim, level=claim.level * k, gap=0.0) for k in (0.25, 0.5, 1.0, 2.0)]
        other = replace(problem, **moved)
        accepted = [check(other, x).accepted for x in low]
        found = [v.outcome for v in check_proved(replace(c, problem=other, claims=tuple(low)))]
        assert found == [ProvedOutcome.PROVED if good else ProvedOutcome.REFUSED for good in accepted]


def barrier_of(name: str) -> tuple[Certificate, BarrierLowerBound]:
    c = read_certificate(ROOT / "certificates" / f"{name}.safetensors")
    (barrier,) = (x for x in c.claims if isinstance(x, BarrierLowerBound))
    return c, barrier


LANDSCAPES = ["landscape-width-1-1", "landscape-width-2-1", "landscape-width-3-1", "audit/t2.main"]


@pytest.mark.parametrize("name", LANDSCAPES)
def test_the_landscapes_are_proved(name):
    """Every claim of the file, the barrier among them."""
    c, _ = barrier_of(name)
    assert {v.outcome for v in check_proved(c)} == {ProvedOutcome.PROVED}


@pytest.mark.parametrize("name", LANDSCAPES)
def test_barriers_that_are_none_are_refused(name):
    """A level and a gap that are too high, a face without its dual, other duals, the other network inside, no cell but its own."""
    c, b = barrier_of(name)
    rows = ("faces", "facets", "nu", "multipliers", "basis")
    own = b.cells[b.inside : b.inside + 1]
    bad = (
        replace(b, level=b.level * (1 + 1e-6), gap=0.0),
        replace(b, gap=b.gap * (1 + 1e-6)),
        replace(b, **{field: getattr(b, field)[1:] for field in rows}),
        replace(b, nu=b.nu * 1.001),
        replace(b, around="B" if b.around == "A" else "A"),
        *([replace(b, cells=own, inside=0)] if len(b.cells) > 2 else []),
    )
    assert {v.outcome for v in check_proved(replace(c, claims=bad))} == {ProvedOutcome.REFUSED}


def test_a_facet_may_not_be_left_out_by_weights_of_another_sign():
    """Each redundant facet once more, its support without its first sample: what is left is no combination, and the file is refused."""
    c, b = barrier_of("landscape-width-2-1")
    for k in range(len(b.redundant)):
        supports = b.supports.copy()
        supports[k, 0] = -1
        (v,) = check_proved(replace(c, claims=(replace(b, supports=supports),)))
        assert v.outcome is ProvedOutcome.REFUSED
