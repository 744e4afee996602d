"""Baturin 2026: with a few trials every claim comes out as listed, and searches find violations without the list."""

import numpy as np
import pytest

from verifier.audit.baturin2026 import STATEMENTS
from verifier.audit.claim import Word
from verifier.audit.run import audit

BY_NAME = {s.identifier: s for s in STATEMENTS}
# The theorem itself trains reference networks and certifies paths: seconds per instance.
COUNTS = {"t2.main": 2}


def test_every_row_of_the_list_is_there():
    assert set(BY_NAME) == {
        "lemma1.grad", "lemma1.zero", "lemma1.norm", "t2.jensen", "t2.identity", "t2.norm", "t2.segment", "t2.C", "t2.main", "t2.angle",
        "t3.cover", "t3.removal", "t3.total", "t3.e", "t3.rate", "exp.mse", "exp.min", "exp.pperm", "exp.pairs",
    }  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_few_trials_give_the_listed_word(name):
    statement = BY_NAME[name]
    found = audit(statement, count=COUNTS.get(name, 6), seconds=10.0)
    assert found.as_expected
    if statement.untestable is None:
        assert found.trials > 0
    if found.repaired is not None:
        assert found.repaired.word == Word.HOLDS
        assert found.repaired.trials > 0


@pytest.mark.parametrize("name", [s.identifier for s in STATEMENTS if s.known])
def test_every_listed_counterexample_violates_by_itself(name):
    statement = BY_NAME[name]
    for instance in statement.known:
        assert statement.evaluate(instance).violated, instance.label


@pytest.mark.parametrize("name", ["lemma1.grad", "lemma1.zero", "lemma1.norm", "t2.norm", "t2.identity", "t3.e"])
def test_the_search_alone_finds_a_violation(name):
    statement = BY_NAME[name]
    found = statement.search(np.random.default_rng(4), 60.0)
    assert found is not None
    assert statement.evaluate(found).violated


def test_a_repair_is_tried_on_what_broke_the_claim():
    from verifier.audit.baturin2026 import STATEMENTS

    broken = [s for s in STATEMENTS if s.repaired is not None and s.known]
    assert len(broken) >= 7
    assert all(set(map(id, s.known)) <= set(map(id, s.repaired.known)) for s in broken)
