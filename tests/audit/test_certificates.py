"""Counterexamples as certificates: the committed ones verify with both evaluations, and lose their verdict with their violation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.audit.example import CLAIM
from verifier.audit.certificates import violating_instance, write_counterexample, write_counterexamples
from verifier.audit.claim import Word
from verifier.audit.papers import PAPERS, statements_of
from verifier.certificate import read_certificate
from verifier.kernel import check

FOLDER = Path(__file__).resolve().parents[2] / "certificates" / "audit"
FIRST = ("lemma1.grad", "lemma1.norm", "lemma1.zero", "t2.identity", "t2.norm", "t2.segment", "t2.C", "t3.e")
OTHERS = {
    "baturin2026": ("exp.mse",),
    "nguyen2021": ("cor43.A2", "cor44.head", "cor44.one-output"),
    "karhadkar2023": ("t5", "cor8", "prop7", "lemma15", "prop13.cone", "prop13.affine"),
}
# The kernel's name of each: the eight first ones have no paper in front.
NAMES = {name: name for name in FIRST} | {name: f"{p}.{name}" for p, names in OTHERS.items() for name in names}
# Statements that several claims refute together; their tests are those of their paper.
SEVERAL = ("t2.main", "t2.global", "t3.rate")
FURTHER = ("t2.main.second",)
# Further ones from trained networks.
TRAINED = ("cor43.A2.breast-cancer", "cor43.A2.moons")
STATEMENTS = [s for paper in PAPERS for s in statements_of(paper)]
BY_NAME = {s.identifier: s for s in STATEMENTS if s.counterexample is not None}
EVALUATIONS = ("fast", "reference")


def accepted(problem, claim):
    verdicts = [check(problem, claim, evaluation=e).accepted for e in EVALUATIONS]
    assert len(set(verdicts)) == 1, "the evaluations agree"
    return verdicts[0]


def test_one_is_committed_for_every_statement_that_has_a_kernel_claim():
    assert {f.stem for f in FOLDER.glob("*.safetensors")} == {*NAMES, *TRAINED, *SEVERAL, *FURTHER}
    assert sorted(s.identifier for s in STATEMENTS if s.counterexample is not None) == sorted((*NAMES, *SEVERAL)), (
        "and no name is of two papers"
    )


def test_every_statement_that_fails_has_a_certificate_or_a_reason_why_not():
    for s in STATEMENTS:
        assert (s.counterexample is not None) + bool(s.no_certificate) == (s.expected is Word.FAILS), s.identifier
        assert s.repaired is None or (s.repaired.counterexample is None and s.repaired.no_certificate is None)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_one_verifies_and_quotes_the_paper(name):
    c = read_certificate(FOLDER / f"{name}.safetensors")
    assert [claim.statement for claim in c.claims] == [NAMES[name]]
    assert accepted(c.problem, c.claims[0])
    s = BY_NAME[name]
    assert c.record["statement"]["quote"] == s.quote
    assert c.record["statement"]["evaluated"] == s.words
    assert c.record["counterexample"]["label"] in {i.label for i in s.known}
    assert name in c.record["counterexample"]["words"]
    assert c.record["tool"] == "verifier"


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_no_half_of_a_trained_layer_is_in_generic_position(name):
    """Both evaluations accept; one more point is too many, and so is any where all neurons are active."""
    c = read_certificate(FOLDER / f"{name}.safetensors")
    (claim,) = c.claims
    assert claim.statement == "nguyen2021.cor43.A2"
    assert [len(W) for W in c.problem.A.weights] == [12, 12, 1]
    assert accepted(c.problem, claim)
    assert not accepted(c.problem, replace(claim, margin=claim.margin + 1.0))
    lifted = replace(c.problem.A, biases=(np.full(12, 1e3), *c.problem.A.biases[1:]))
    assert not accepted(replace(c.problem, A=lifted), replace(claim, margin=1e-9))


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_margin_is_rejected(name):
    c = read_certificate(FOLDER / f"{name}.safetensors")
    # The norm's claim takes half of what its dual proves. A count of 1 or 2 is as sharp.
    assert not accepted(c.problem, replace(c.claims[0], margin=2.5 * c.claims[0].margin))


def without_violation(name, p, claim):
    """The same with data, networks or numbers on which the statement is true."""
    match name:
        case "lemma1.grad" | "lemma1.zero":  # small features
            return replace(p, X=0.05 * p.X), claim
        case "lemma1.norm":  # a near target
            return replace(p, targets=0.01 * p.targets), claim
        case "t2.norm":  # inputs in one direction
            return replace(p, X=np.repeat(p.X[:1], len(p.X), axis=0)), claim
        case "t2.identity":
            return p, replace(claim, time=0.0)
        case "exp.mse":  # a larger Lipschitz constant
            return p, replace(claim, dual=2 * claim.dual)
        case "cor43.A2":  # neurons that are never silent
            return replace(p, A=replace(p.A, biases=(np.ones(4), *p.A.biases[1:]))), claim
        case "cor44.head":  # features in two directions, where hyperplanes through 0 separate
            return replace(p, X=np.array([[2.0, 1.0], [1.0, 2.0]])), claim
        case "cor44.one-output":  # one label only: no neuron has to tell samples apart
            return replace(p, targets=np.ones_like(p.targets)), claim
        case "t5" | "cor8":  # so few samples that hardly any pattern has a dead one
            return p, replace(claim, dual=np.array([1.0, 1.0, *claim.dual[2:]]))
        case "prop7":  # no input is 0
            return replace(p, X=p.X + 1.0), claim
        case "lemma15":  # a residual that is not 0, with the construction's neurons for it: 1 and 2 at x = 0
            A = replace(p.A, weights=(np.array([[1.0], [2.0]]), p.A.weights[1]), biases=(np.array([1.0, 2.0]), None))
            return replace(p, targets=np.ones_like(p.targets), A=A), claim
        case "prop13.cone":  # two points
            return replace(p, X=np.array([[0.0], [1.0]]), targets=np.zeros((2, 1))), replace(claim, dual=np.zeros(2))
        case "prop13.affine":  # coefficients that do not cancel
            A = replace(p.A, weights=(p.A.weights[0], np.array([[1.0, -0.5]])))
            return replace(p, A=A), claim
        case _:
            return replace(p, targets=np.ones_like(p.targets)), claim


@pytest.mark.parametrize("name", NAMES)
def test_data_on_which_the_statement_is_true_are_rejected(name):
    """At the stored margin, and at the least one that can be written."""
    c = read_certificate(FOLDER / f"{name}.safetensors")
    p, claim = without_violation(name, c.problem, c.claims[0])
    assert not accepted(p, claim)
    if name not in FIRST:
        assert not accepted(p, replace(claim, margin=1e-9))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_made_again_from_the_listed_instance(name, tmp_path):
    instance = violating_instance(BY_NAME[name])
    assert instance.origin == "known"
    place, sentence = write_counterexample(BY_NAME[name], instance, tmp_path)
    assert sentence.startswith("VERIFIED counterexample")
    again, committed = read_certificate(place), read_certificate(FOLDER / f"{name}.safetensors")
    assert again.claims[0].margin == pytest.approx(committed.claims[0].margin, rel=1e-6)


def test_nothing_is_written_for_a_claim_that_the_kernel_rejects(tmp_path):
    s = BY_NAME["lemma1.grad"]
    harmless = replace(s.known[0], values={**s.known[0].values, "Z": np.array([[1.0]])})
    place, sentence = write_counterexample(s, harmless, tmp_path)
    assert place is None
    assert sentence.startswith("fast: REJECTED")
    assert list(tmp_path.iterdir()) == []


def test_without_a_list_the_search_provides_and_without_both_nothing_is_written(tmp_path):
    s = replace(BY_NAME["lemma1.grad"], known=())
    assert violating_instance(s, seconds=20.0).origin == "search"
    rows = write_counterexamples([replace(s, search=None), CLAIM], tmp_path)
    assert [(x.identifier, place, why) for x, place, why in rows] == [("lemma1.grad", None, "no instance violates it")]
