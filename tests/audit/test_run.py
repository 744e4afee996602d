"""The runner: verdicts come from trials, never from what is listed."""

from dataclasses import replace

import numpy as np
import pytest

from tests.audit.example import CLAIM, ONES, REPAIRED, broken, spikes
from verifier.audit.claim import Instance, Trial, Word, compared
from verifier.audit.trials import audit


def test_a_listed_counterexample_breaks_the_claim_and_the_repair_stands_it():
    found = audit(CLAIM, count=5)
    assert (found.word, found.trials, found.by_search) == (Word.FAILS, 6, None)
    assert found.worst_instance is ONES
    assert found.worst.slack == pytest.approx(2.8 / 4 - 1)
    assert found.repaired.word == Word.HOLDS
    assert found.as_expected
    assert found.notes["origins"] == {
        "known": {"trials": 1, "violations": 1},
        "random": {"trials": 5, "violations": 0},
    }


@pytest.mark.parametrize("listed", [Word.HOLDS, Word.FAILS])
def test_the_verdict_ignores_what_is_listed(listed):
    found = audit(replace(CLAIM, expected=listed), count=5)
    assert found.word == Word.FAILS
    assert found.as_expected == (listed == Word.FAILS)


def test_without_the_listed_counterexample_the_search_finds_one():
    for statement, known in ((replace(CLAIM, known=()), True), (CLAIM, False)):
        found = audit(statement, count=5, use_known=known, seconds=20.0)
        assert (found.word, found.by_search) == (Word.FAILS, True)
        assert found.worst_instance.origin == "search"
        assert broken(found.worst_instance).violated


def test_holding_needs_a_search_that_has_run():
    """With neither list nor luck the claim holds, and the finding says that a search found nothing."""
    found = audit(replace(CLAIM, known=(), search=lambda rng, seconds: None), count=5)
    assert (found.word, found.by_search) == (Word.HOLDS, False)
    assert not found.as_expected


def test_what_a_search_claims_is_evaluated():
    """An instance that violates nothing is no violation, whoever brings it."""
    innocent = Instance("search", "harmless", {"x": np.array([1.0, 0.0])})
    found = audit(replace(CLAIM, known=(), search=lambda rng, seconds: innocent), count=5)
    assert (found.word, found.by_search, found.trials) == (Word.HOLDS, False, 6)


def test_trials_whose_hypotheses_fail_are_skipped():
    half = replace(REPAIRED, evaluate=lambda i: replace(broken(i), met=i.origin != "known"))
    found = audit(half, count=7)
    assert (found.word, found.trials, found.skipped, len(found.slacks)) == (Word.HOLDS, 7, 1, 7)
    never = audit(replace(half, evaluate=lambda i: replace(broken(i), met=False)), count=7)
    assert (never.word, never.trials, never.skipped, never.worst) == (Word.UNDECIDED, 0, 8, None)
    assert not never.as_expected


def test_untestable_statements_say_why_and_are_not_tried():
    def explode(instance):
        raise AssertionError("tried")

    found = audit(replace(CLAIM, untestable="about all large n", evaluate=explode))
    assert (found.word, found.trials) == (Word.UNDECIDED, 0)
    assert found.as_expected


def test_the_same_seed_gives_the_same_slacks_and_another_seed_others():
    first, second, other = (audit(CLAIM, count=5, seed=s).slacks for s in (0, 0, 1))
    assert first == second != other


def test_rounding_is_no_violation():
    assert not Trial(1.0 + 1e-12, 1.0, 1.0).violated
    assert Trial(1.0 + 1e-6, 1.0, 1.0).violated
    assert compared(0.0, 0.0).slack == 0.0


def test_a_slack_that_is_not_a_number_is_an_error_and_not_a_verdict():
    with pytest.raises(ArithmeticError, match="norms: slack is not a number on known instance four ones"):
        audit(replace(CLAIM, evaluate=lambda i: Trial(float("nan"), 0.0, 1.0)), count=1)


def test_counts_come_from_the_statement_unless_given():
    asked = []
    counting = replace(CLAIM, count=11, instances=lambda rng, n: asked.append(n) or spikes(rng, n), repaired=None)
    audit(counting)
    audit(counting, count=3)
    assert asked == [11, 3]


def test_a_claim_whose_hypotheses_are_never_met_is_inconclusive():
    from verifier.audit.records import finding_record
    from verifier.audit.summary import summarise

    never = replace(
        CLAIM,
        known=(),
        search=None,
        repaired=None,
        evaluate=lambda i: Trial(1.0, 0.0, 1.0, met=False),
        expected=Word.UNDECIDED,
    )
    finding = audit(never, count=3)
    assert finding.word is Word.UNDECIDED
    summary = summarise([finding_record(finding)])
    assert summary.exit_code == 3
    assert summary.sentence.startswith("INCONCLUSIVE")
    assert "hypotheses never met: norms" in summary.sentence
