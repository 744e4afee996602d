"""Curves of scalings, permuted ends and balanced forms in the checker with a proof, beside the kernel's own bounds."""

import itertools
import os
from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.attacks import decay_claim, line_to_a_rescaling
from tests.corpus.small import chord, everything, halves, random_problem
from verifier import proved
from verifier.certificate import read_certificate
from verifier.kernel import Move, Parameters, PathUpperBound, Problem, check
from verifier.kernel.fast.paths import bound_path, excess
from verifier.kernel.statements import permuted
from verifier.proved import ProvedOutcome, check_proved

from .test_heads import LOSSES, PENALTIES
from .test_proofs import CORPUS

pytestmark = pytest.mark.skipif(
    not os.access(proved.BUILT, os.X_OK) and "CI" not in os.environ,
    reason="the checker with a proof is not built: run `make proofs` (needs Coq)",
)
PROVED, REFUSED = ProvedOutcome.PROVED, ProvedOutcome.REFUSED
HUGE = 1e12


def outcomes(p: Problem, *claims: PathUpperBound) -> list[ProvedOutcome]:
    c = read_certificate(CORPUS / "correct" / "exact-squares.safetensors")
    return [v.outcome for v in check_proved(replace(c, problem=p, claims=claims))]


def found(p: Problem, moves: tuple[Move, ...], looser: float, **fields) -> PathUpperBound:
    """What the kernel finds, by 1e-9 looser; or tighter, where `looser` is negative."""
    b = bound_path(p, moves, fields.get("form", "literal"), fields.get("permutation"))
    sup, least = max(b.A.upper, b.B.upper, b.interior), min(b.A.lower, b.B.lower)
    numbers = sup, excess(b.interior, max(b.A.lower, b.B.lower)), excess(sup, least)
    return PathUpperBound("path", moves, *(x + looser * (1 + sup) for x in numbers), **fields)


def shuffled(p: Problem, seed: int) -> tuple[Problem, tuple[np.ndarray, ...]]:
    """B in another order of its hidden neurons, and that order, which is not the identity."""
    rng = np.random.default_rng(seed)
    order = tuple(np.roll(rng.permutation(len(W)), 1) for W in p.B.weights[:-1])
    if all((q == np.arange(len(q))).all() for q in order):
        order = tuple(q[::-1].copy() for q in order)
    return replace(p, B=permuted(p.B, order)), order


def moved(move: Move, p: Problem) -> tuple[Move, ...]:
    return (replace(move, writes=everything(p.B)),)


@pytest.mark.parametrize(
    ("loss", "penalty", "widths"),
    [*((o, q, (2, 4, 1)) for o, q in itertools.product(LOSSES, PENALTIES)), ("squared", "l1", (2, 3, 4, 3, 1))],
)
def test_paths_to_permuted_copies(loss, penalty, widths):
    """Another order than that of the last vertex is refused, and so is one that names a neuron twice or forgets a layer."""
    widths = (*widths[:-1], 3) if loss == "cross_entropy" else widths
    p = random_problem(3, loss, penalty, widths=widths, biases=(True,) * (len(widths) - 1))
    end, order = shuffled(p, 5)
    moves = chord(end, 4)
    claim = found(p, moves, 1e-9, permutation=order)
    other = (np.roll(order[0], 1), *order[1:])
    twice = (np.full_like(order[0], order[0][0]), *order[1:])
    wrong = [replace(claim, permutation=q) for q in (other, twice, order[:-1], (*order, order[0]), None)]
    assert outcomes(p, claim, found(p, moves, -1e-6, permutation=order), *wrong) == [PROVED] + [REFUSED] * 6
    assert len(widths) > 3 or not check(p, wrong[0]).accepted


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_curves_of_scalings(loss, penalty):
    """Proved up to rounding of the end; never below the ends; and refused with other factors where the end is as claimed."""
    widths = (2, 4, 3) if loss == "cross_entropy" else (2, 4, 1)
    p = random_problem(7, loss, penalty, widths=widths, slope=0.25)
    c = np.array([3.0, 0.7, 5.0, 1.0])
    assert p.A.biases[0] is not None
    B = Parameters((p.A.weights[0] * c[:, None], p.A.weights[1] / c), (p.A.biases[0] * c, p.A.biases[1]))
    p = replace(p, B=B)
    move = moved(Move("rescale", (), factors=c), p)
    forms = ["literal", "balanced"] if penalty == "weight_decay" else ["literal"]
    for form in forms:
        true = found(p, move, 1e-9, form=form)
        low = replace(true, sup=true.sup - 1e-6 * (1 + true.sup))
        # The end of the curve by these factors lies elsewhere, and so does the segment from there.
        far = replace(true, moves=moved(Move("rescale", (), factors=np.array([96.0, 0.01, 0.7, 1.0])), p))
        bad = [np.array([3.0, -0.7, 5.0, 1.0]), c[:3], np.array([3.0, 0.7, 5.0, 0.0]), np.full(4, 2.0**501)]
        refused = [
            replace(true, sup=HUGE, gap=HUGE, gap_over_lower=HUGE, moves=moved(Move("rescale", (), factors=f), p))
            for f in bad
        ]
        assert outcomes(p, true, low, far, *refused) == [PROVED] + [REFUSED] * 6
    kept = replace(found(p, move, 1e-9), output_layer="frozen")
    assert outcomes(p, kept) == [REFUSED]


def test_a_line_to_a_rescaling_is_no_curve():
    """The same two ends: the curve keeps the output, the line between them rises to more than 1000."""
    p = line_to_a_rescaling()
    curve = PathUpperBound(
        "path", moved(Move("rescale", (), factors=np.array([2.0**10, 2.0**-10])), p), 2.0**-60, 2.0**-60, 2.0**-60
    )
    line = replace(curve, moves=moved(Move("chord", ()), p))
    assert outcomes(p, curve, line, replace(line, sup=1e3, gap=1e3, gap_over_lower=1e3)) == [PROVED, REFUSED, REFUSED]


@pytest.mark.parametrize("loss", LOSSES)
def test_balanced_forms(loss):
    """Paths of halves and chords, to B and to a permuted copy; a millionth lower is refused, and so is the balanced form of any other penalty."""
    K = 1 if loss in ("logistic", "hinge") else 3
    p = random_problem(11, loss, "weight_decay", widths=(2, 4, K))
    for moves in (halves(p), chord(p, 8)):
        claim = found(p, moves, 1e-9, form="balanced")
        assert outcomes(p, claim, found(p, moves, -1e-6, form="balanced")) == [PROVED, REFUSED]
        assert outcomes(p, replace(claim, output_layer="frozen")) == [REFUSED]
        for penalty in ("none", "l1", "path"):
            o = replace(p.objective, penalty=penalty, kappa=0.0 if penalty == "none" else p.objective.kappa)
            loose = replace(claim, sup=HUGE, gap=HUGE, gap_over_lower=HUGE)
            assert outcomes(replace(p, objective=o), loose) == [REFUSED]
    end, order = shuffled(p, 2)
    assert outcomes(p, found(p, chord(end, 4), 1e-9, form="balanced", permutation=order)) == [PROVED]


def test_the_balanced_form_is_another_path_than_the_stored_one():
    """An idle neuron's row grows to 2^10: F as it is passes 2^16, and in balanced form it never moves."""
    for form, sup, outcome in (("balanced", 0.25, PROVED), ("literal", 2.0**15, REFUSED), ("literal", 2.0**17, PROVED)):
        case = decay_claim(form, sup)
        (claim,) = case.claims
        assert isinstance(claim, PathUpperBound)
        assert outcomes(case.problem, claim) == [outcome]
