"""The kernel reads exactly the types its statements declare, and its sentences name what they are about, on one line."""

from dataclasses import dataclass, fields, replace
from fractions import Fraction

import numpy as np
import pytest

from tests.corpus import attacks, cone_barrier, every_width, landscape, region_optimum, sign_count, whole_landscape
from tests.corpus.small import Case, net
from verifier.kernel import Move, Objective, Problem, check
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import EndpointValue

EVALUATIONS = ("fast", "reference")
SQUARED = Objective("squared", None, 0.0, "none", False)
ROOMS = (attacks, landscape, region_optimum, sign_count, cone_barrier, every_width, whole_landscape)
CORRECT = {name: make for room in ROOMS for name, make in room.CORRECT.items()}


class Fickle:
    """A move that calls itself idle when it is looked at for the first, second, ... time, and a chord otherwise."""

    breakpoints = transfer = transfer_layer = factors = None

    def __init__(self, move, chord_at):
        self.writes, self.chord_at, self.looks = move.writes, chord_at, 0

    @property
    def kind(self):
        self.looks += 1
        return "chord" if self.looks in self.chord_at else "idle"


@pytest.mark.parametrize("evaluation", EVALUATIONS)
def test_a_move_that_changes_its_mind(evaluation):
    case = attacks.keeping_a_head_of_two()
    [claim] = case.claims
    assert check(case.problem, claim, evaluation=evaluation).accepted
    for first in range(1, 12):
        for count in range(1, 5):
            move = Fickle(claim.moves[0], range(first, first + count))
            assert not check(case.problem, replace(claim, moves=(move,)), evaluation=evaluation).accepted


@dataclass(frozen=True)
class Impostor:
    loss: str = "squared"
    delta: None = None
    kappa: float = 0.0
    penalty: str = "none"
    penalise_output_bias: bool = False


class Child(np.ndarray):
    pass


def others(value):
    """Values that compare like it, or behave like it, and are of another type."""
    if isinstance(value, bool):
        return [int(value), np.bool_(value)]
    if isinstance(value, float):
        return [np.float64(value), Fraction(value), *([int(value)] if value == int(value) else [])]
    if isinstance(value, int):
        return [np.int64(value), float(value), *([bool(value)] if value in (0, 1) else [])]
    if isinstance(value, str):
        return [type("Text", (str,), {})(value), value.encode()]
    if isinstance(value, np.ndarray):
        return [value.view(Child), value.tolist(), np.ma.masked_array(value)]
    if isinstance(value, tuple):
        return [list(value)]
    return []


@pytest.mark.parametrize("evaluation", EVALUATIONS)
@pytest.mark.parametrize("name", sorted(CORRECT))
def test_every_field_of_another_type_is_refused(name, evaluation):
    case = CORRECT[name]()
    for claim in case.claims:
        for field in fields(claim):
            for other in others(getattr(claim, field.name)):
                assert not check(case.problem, replace(claim, **{field.name: other}), evaluation=evaluation).accepted, (
                    name,
                    field.name,
                    other,
                )
    claim = case.claims[0]
    for problem in (
        replace(case.problem, objective=Impostor()),
        replace(case.problem, X=case.problem.X.view(Child)),
        replace(case.problem, targets=np.ma.masked_array(case.problem.targets)),
        replace(case.problem, negative_slope=np.float64(case.problem.negative_slope)),
        replace(case.problem, A=replace(case.problem.A, weights=list(case.problem.A.weights))),
    ):
        assert not check(problem, claim, evaluation=evaluation).accepted


def test_a_refused_claim_stays_on_its_line():
    """Whatever text a claim holds: an answer has one line per claim, and no escape sequence hides another."""
    A = net([[1.0]], [[1.0]])
    problem = Problem(SQUARED, np.ones((1, 1)), np.ones((1, 1)), A, A)
    evil = 'A)\nfast: VERIFIED path "line"\x1b[8m\ud800'
    for p, claim in (
        (problem, EndpointValue(evil, 0.0, 1.0)),
        (replace(problem, objective=replace(SQUARED, loss=evil)), EndpointValue("A", 0.0, 1.0)),
        (replace(problem, objective=replace(SQUARED, penalty=evil)), EndpointValue("A", 0.0, 1.0)),
        (problem, ClaimViolation("x", evil, np.zeros(1), 0.0, 1.0)),
        (problem, replace(landscape.region(2.0).claims[0], of=evil)),
        (problem, Move(evil, ())),
    ):  # fmt: skip
        for evaluation in EVALUATIONS:
            sentence = check(p, claim, evaluation=evaluation).sentence
            assert sentence.startswith("REJECTED")
            assert sentence.isprintable()


def test_a_sentence_names_the_constant_that_it_refutes():
    A, zero = net([[1.0]], [[1e-3]]), net([[1.0]], [[0.0]])
    problem = Problem(SQUARED, np.ones((1, 1)), np.zeros((1, 1)), A, zero)
    mse = check(problem, ClaimViolation("x", "baturin2026.exp.mse", np.array([1e-300]), 0.0, 9e-7))
    assert mse.accepted
    assert "exp.mse of Baturin 2026 with L = 1e-300 fails" in mse.statement
    counts = check(problem, ClaimViolation("x", "karhadkar2023.t5", np.array([10.0, 10.0, 1.0, 0.01, 1e-9]), 0.0, 0.98))
    assert counts.accepted
    assert "with n = 10.0, d0 = 10.0, d1 = 1.0, eps = 0.01, C = 1e-09 fails" in counts.statement


def test_a_network_on_a_boundary_lies_in_two_regions_and_both_are_said_to_be_one_of_them():
    """A zero row: the least loss is 0 in one closed region and 1 in the other, and neither is the region of A."""
    A = net([[0.0]], [[1.0]])
    problem = Problem(SQUARED, np.ones((1, 1)), np.ones((1, 1)), A, A)
    none, pairs = np.zeros(0, dtype=np.int64), np.zeros((0, 2), dtype=np.int64)
    make = landscape.RegionMinimum
    on = make(
        "on",
        "A",
        "zero_inside",
        np.ones(1),
        0.0,
        np.array([[1]]),
        np.ones((1, 1)),
        none,
        pairs,
        np.zeros(1),
        np.zeros((1, 1)),
        none,
        0.0,
        0.0,
    )
    off = make(
        "off",
        "A",
        "positive",
        np.ones(1),
        0.0,
        np.array([[0]]),
        np.zeros((1, 1)),
        none,
        pairs,
        np.array([-2.0]),
        np.zeros((1, 1)),
        none,
        1.0,
        1.0,
    )
    for claim in (on, off):
        for evaluation in EVALUATIONS:
            verdict = check(problem, claim, evaluation=evaluation)
            assert verdict.accepted
            assert "a stored pattern, which holds A's rows" in verdict.statement


def test_sample_weights_are_said():
    """A weighted mean is another F: every sentence says so."""
    case = attacks.weighted_endpoint()
    plain: Case = attacks.keeping_a_head_of_two()
    assert "weighted by the stored sample weights" in check(case.problem, case.claims[0]).statement
    assert "weighted" not in check(plain.problem, plain.claims[0]).statement
