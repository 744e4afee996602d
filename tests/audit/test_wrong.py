"""Trials that could not fail are no trials: every statement that holds has a wrong neighbour, which its own trials refute."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.audit.example import REPAIRED
from verifier.audit.claim import Word, Wrong
from verifier.audit.papers import PAPERS, statements_of
from verifier.audit.records import contradictions, finding_record
from verifier.audit.trials import audit, refute
from verifier.audit.wrong import changing, given, with_wrong

EVERY = [x for paper in PAPERS for s in statements_of(paper) for x in (s, s.repaired) if x is not None]
TRIED = [s for s in EVERY if s.evaluate is not None]
HOLDING = [s for s in TRIED if s.expected is Word.HOLDS]
named = lambda statements: {"ids": [f"{s.paper}.{s.identifier}" for s in statements]}
# Seconds per instance: paths in depth, trained networks, many small problems.
TRIALS = {"t41.deep": 2, "t32.path": 2, "t51.path": 2, "figure3": 2}
# Ten seconds or more for constants in their place.
COSTLY = {"t32.path", "t51.path", "figure3"}


def some(statement):
    """Its known instances and a few others, no more than it takes."""
    count = TRIALS.get(statement.identifier, 5)
    made = statement.instances(np.random.default_rng(7), count)
    return [*statement.known, *itertools.islice(made, count)]


def test_every_statement_that_holds_has_one():
    assert len(HOLDING) >= 80
    assert all(s.wrong is not None for s in HOLDING)
    assert all(s.wrong is None for s in EVERY if s.expected is not Word.HOLDS)


@pytest.mark.parametrize("statement", HOLDING, **named(HOLDING))
def test_the_same_trials_refute_a_wrong_statement(statement):
    found = refute(statement)
    assert found.words == statement.wrong.words
    assert found.label is not None, f"{found.trials} trials withstand that {found.words}"


@pytest.mark.parametrize(
    "statement",
    [pytest.param(s, marks=pytest.mark.slow) if s.identifier in COSTLY else s for s in TRIED],
    **named(TRIED),
)
def test_a_constant_in_place_of_an_evaluation_is_caught(statement):
    """Whichever trial it gives: by its wrong neighbour, by trials that are all the same, or by a word that is not the listed one."""
    instances = some(statement)
    trials = [t for i in instances if (t := statement.evaluate(i)).met]
    assert trials, "hypotheses are met now and then"
    for constant in (min(trials, key=lambda t: t.slack), max(trials, key=lambda t: t.slack)):
        mutant = replace(
            statement,
            evaluate=lambda i, constant=constant: constant,
            instances=lambda rng, n: iter(instances[:2] * 2),
            search=None,
            repaired=None,
        )
        found = audit(mutant)
        # Where the statement fails, its instances differ; a constant's do not.
        same = len({(t.left, t.right) for t in trials}) > 1 and found.constant
        assert found.vacuous or not found.as_expected or (statement.expected is Word.FAILS and same), constant


def test_a_vacuous_statement_is_no_verdict_as_listed():
    """A left side that no instance moves."""
    empty = replace(
        REPAIRED, evaluate=lambda i: replace(REPAIRED.evaluate(i), left=0.0), wrong=Wrong("half", share=0.5)
    )
    found = audit(empty)
    assert found.word is Word.HOLDS
    assert found.wrong.label is None
    assert found.vacuous
    assert not found.as_expected
    assert contradictions(finding_record(found)) == [
        "norms.repaired held, in trials that do not refute a wrong statement"
    ]
    sound = audit(replace(REPAIRED, wrong=Wrong("half", share=0.5)))
    assert not sound.vacuous
    assert contradictions(finding_record(sound)) == []


def test_trials_that_are_all_the_same_are_vacuous_though_their_share_is_refuted():
    flat = replace(
        REPAIRED, evaluate=lambda i: replace(REPAIRED.evaluate(i), left=1.0, right=1.0), wrong=Wrong("half", share=0.5)
    )
    found = audit(flat)
    assert found.wrong.label is not None
    assert found.vacuous


def test_a_table_has_one_for_each_and_no_more():
    with pytest.raises(KeyError):
        with_wrong([REPAIRED], {})
    with pytest.raises(KeyError, match="others"):
        with_wrong([REPAIRED], {"norms.repaired": Wrong("half", share=0.5), "others": Wrong("half", share=0.5)})


def test_switches_and_changes_leave_the_instance_alone():
    (i,) = REPAIRED.instances(np.random.default_rng(0), 1)
    assert given(switch=True)(i).values["switch"] is True
    assert changing(lambda v: {"x": v["x"] * 0})(i).values["x"].sum() == 0.0
    assert "switch" not in i.values
    assert i.values["x"].sum() != 0.0
