"""The registry: lazily imported papers, selection by prefix, and errors that say what there is."""

import sys
from dataclasses import replace
from types import ModuleType

import pytest

from tests.audit.example import CLAIM
from verifier.audit import papers
from verifier.audit.papers import find_statement, select, statements_of
from verifier.errors import UsageError


def module(**names):
    found = ModuleType("made up")
    vars(found).update(names)
    return found


def test_baturin_is_there_and_prefixes_select():
    assert [s.identifier for s in select(["baturin2026"], ["lemma1", "t3.e"]).statements] == [
        "lemma1.grad", "lemma1.zero", "lemma1.norm", "t3.e",
    ]  # fmt: skip
    assert find_statement("baturin2026", "t2.norm").identifier == "t2.norm"


def test_a_prefix_that_fits_nothing_lists_what_there_is(toy):
    with pytest.raises(UsageError, match=r"--claim lemma9: no statement starts so; there are norms, norms\.large"):
        select(["toy"], ["norms", "lemma9"])


def test_an_unknown_paper_lists_the_known_ones():
    with pytest.raises(UsageError, match="unknown paper 'gauss1801': expected one of baturin2026, "):
        select(["gauss1801"])


def test_a_paper_that_is_not_written_is_an_error_where_named_and_left_out_where_not(monkeypatch):
    monkeypatch.setattr(papers, "PAPERS", {"baturin2026": "", "later2030": ""})
    with pytest.raises(UsageError, match=r"later2030: its statements are not written yet \(no STATEMENTS in"):
        select(["baturin2026", "later2030"])
    found = select()
    assert found.papers == ["baturin2026"]
    assert len(found.left_out) == 1
    assert "later2030" in found.left_out[0]


def test_a_package_that_is_only_begun_counts_as_not_written(monkeypatch):
    monkeypatch.setattr(papers, "PAPERS", {"half2026": ""})
    monkeypatch.setitem(sys.modules, "verifier.audit.half2026", module())
    assert select().statements == ()


def test_a_defect_in_a_papers_code_is_not_taken_for_its_absence(monkeypatch, tmp_path):
    package = tmp_path / "verifier_audit_fake"
    package.mkdir()
    (package / "broken2026.py").write_text("import no_such_library_anywhere\n")
    import verifier.audit

    monkeypatch.setattr(verifier.audit, "__path__", [*verifier.audit.__path__, str(package)])
    monkeypatch.setattr(papers, "PAPERS", {"broken2026": ""})
    with pytest.raises(ModuleNotFoundError, match="no_such_library_anywhere"):
        select()


@pytest.mark.parametrize("statements", [[CLAIM, CLAIM], [replace(CLAIM, paper="other")]])
def test_identifiers_differ_and_belong_to_their_paper(monkeypatch, toy, statements):
    monkeypatch.setitem(sys.modules, "verifier.audit.toy", module(STATEMENTS=statements))
    with pytest.raises(ValueError, match="must differ and belong to toy"):
        statements_of("toy")
