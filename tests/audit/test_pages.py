"""Findings cite: every claim quotes a sentence and says where it stands, with the page wherever the paper has page numbers."""

from dataclasses import replace

import pytest

from tests.audit.example import CLAIM
from verifier.audit.claim import About
from verifier.audit.pages import UNPAGED, with_pages
from verifier.audit.papers import PAPERS, statements_of
from verifier.audit.records import finding_record
from verifier.audit.trials import audit

EVERY = [s for paper in PAPERS for s in statements_of(paper)]
PAGED = [s for s in EVERY if s.paper not in UNPAGED]


@pytest.mark.parametrize("statement", EVERY, ids=[f"{s.paper}.{s.identifier}" for s in EVERY])
def test_a_claim_quotes_a_sentence_and_says_where_it_stands(statement):
    assert statement.place
    assert statement.quote or statement.about is About.REMARK
    if statement.paper in UNPAGED or statement.about is About.REMARK:
        assert statement.page is None
    else:
        assert 1 <= statement.page <= 29
        assert statement.repaired is None or statement.repaired.page == statement.page


def test_pages_follow_the_numbers_of_results():
    results = ("Lemma 2", "Theorem 3", "Lemma 4", "Theorem 5", "Proposition 6", "Proposition 7", "Corollary 8")
    results += ("Lemma 9", "Theorem 10", "Lemma 11", "Theorem 12", "Proposition 13, second item", "Example 14")
    page = {s.place: s.page for s in PAGED}
    pages = [page[place] for place in results]
    assert pages == sorted(pages)
    assert all(p > 12 for place, p in page.items() if place.startswith(("Appendix", "Example 14", "Lemma 15")))


def test_a_page_that_is_missing_or_of_nothing_is_an_error():
    assert with_pages([CLAIM], {"norms": 7})[0].repaired.page == 7
    assert with_pages([replace(CLAIM, about=About.REMARK)], {})[0].page is None
    with pytest.raises(KeyError, match="norms"):
        with_pages([CLAIM], {})
    with pytest.raises(KeyError, match="others"):
        with_pages([CLAIM], {"norms": 7, "others": 8})


def test_a_record_carries_the_page():
    record = finding_record(audit(with_pages([CLAIM], {"norms": 7})[0], count=5, seconds=0.1))
    assert record["page"] == 7
    assert record["repaired"]["page"] == 7
