"""Counterexamples as certificates: the committed ones verify with both evaluations, and lose their verdict with their violation."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.audit.example import CLAIM
from verifier.audit.baturin2026 import STATEMENTS
from verifier.audit.certificates import violating_instance, write_counterexample, write_counterexamples
from verifier.certificate import read_certificate
from verifier.kernel import check

FOLDER = Path(__file__).resolve().parents[2] / "certificates" / "audit"
NAMES = ("lemma1.grad", "lemma1.norm", "lemma1.zero", "t2.identity", "t2.norm", "t2.segment", "t2.C", "t3.e")
BY_NAME = {s.identifier: s for s in STATEMENTS}
EVALUATIONS = ("fast", "reference")


def accepted(problem, claim):
    verdicts = [check(problem, claim, evaluation=e).accepted for e in EVALUATIONS]
    assert len(set(verdicts)) == 1, "the evaluations agree"
    return verdicts[0]


def test_one_is_committed_for_every_statement_that_has_a_kernel_claim():
    assert {f.stem for f in FOLDER.glob("*.safetensors")} == set(NAMES)
    assert {s.identifier for s in STATEMENTS if s.counterexample is not None} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_one_verifies_and_quotes_the_paper(name):
    c = read_certificate(FOLDER / f"{name}.safetensors")
    assert [claim.statement for claim in c.claims] == [name]
    assert accepted(c.problem, c.claims[0])
    s = BY_NAME[name]
    assert c.record["statement"]["quote"] == s.quote
    assert c.record["statement"]["evaluated"] == s.words
    assert c.record["counterexample"]["label"] in {i.label for i in s.known}
    assert name in c.record["counterexample"]["words"]
    assert c.record["tool"] == "verifier"


@pytest.mark.parametrize("name", NAMES)
def test_twice_the_margin_is_rejected(name):
    c = read_certificate(FOLDER / f"{name}.safetensors")
    # The norm's claim takes half of what its dual proves.
    assert not accepted(c.problem, replace(c.claims[0], margin=2.5 * c.claims[0].margin))


@pytest.mark.parametrize("name", NAMES)
def test_data_on_which_the_statement_is_true_are_rejected(name):
    """Small features, a near target, inputs in one direction, an equal time, labels without noise."""
    c = read_certificate(FOLDER / f"{name}.safetensors")
    p, claim = c.problem, c.claims[0]
    if name in ("lemma1.grad", "lemma1.zero"):
        p = replace(p, X=0.05 * p.X)
    elif name == "lemma1.norm":
        p = replace(p, targets=0.01 * p.targets)
    elif name == "t2.norm":
        p = replace(p, X=np.repeat(p.X[:1], len(p.X), axis=0))
    elif name == "t2.identity":
        claim = replace(claim, time=0.0)
    else:
        p = replace(p, targets=np.ones_like(p.targets))
    assert not accepted(p, claim)


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
