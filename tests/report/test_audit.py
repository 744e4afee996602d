"""The audit pages: from stored records alone, verdicts and numbers in tables, findings in words, accessible, silent."""

import copy
import json
import re
from dataclasses import replace

import pytest
from axe_core_python.sync_playwright import Axe

from tests.audit.example import STATEMENTS
from tests.report.conftest import Outline
from tests.report.test_browser import BRIEF, LIGHT_FIRST, WIDTHS, opened  # noqa: F401
from verifier.audit.records import finding_record
from verifier.audit.store import Settings
from verifier.audit.trials import audit
from verifier.pages.audit import context, spelled, write_audit_index, write_audit_report
from verifier.pages.audit_plot import Slacks, position, slack_plot

TITLE = "A toy paper on <norms>"


def records_of(known=True, statements=STATEMENTS):
    out = []
    for s in statements:
        record = finding_record(audit(s, count=30, use_known=known, seconds=20.0))
        key = {"identifier": s.identifier, **vars(Settings(30, known=known)), "code": "0"}
        out.append({**record, "key": key, "provenance": {"version": "0", "commit": "abc"}})
    # As they are read back from their files.
    return json.loads(json.dumps(out, allow_nan=False))


@pytest.fixture(scope="module")
def records():
    return records_of(), records_of(known=False)


@pytest.fixture(scope="module")
def page(records, tmp_path_factory):
    return write_audit_report("toy", TITLE, *records, tmp_path_factory.mktemp("audit") / "report.html")


def test_verdicts_words_and_numbers(page):
    text = Outline(page.read_text("utf-8")).text
    for part in (
        TITLE,
        "AUDITED Of 2 claims, 1 fail, 0 held in every trial, 1 cannot be tested here; 62 trials.",
        "norms fails fails all norms are alike |x|_1 <= 1.4 |x|_2. 31 -0.3 known – search: yes; other trials: 0 of 30 page 1",
        "norms.large not testable – as n grows <&> A limit. – – – –",
        "Against norms: four ones The paper: “all norms are alike”.",
        "Here the left side is 4 and the right side 2.8, slack -0.3. The instance is listed.",
        "x [1, 1, 1, 1]",
        "fails: four ones, 4 against 2.8 |x|_1 <= sqrt(n) |x|_2. holds 31",
        "norms.large : a limit",
        "Run with 30 trials, with listed counterexamples, seed 0, at most 120 s of search.",
        "that is no proof of it",
    ):
        assert part in text, part
    assert "Not as listed" not in text


def test_plots_say_their_finding(page):
    alts = [i["alt"] for i in Outline(page.read_text("utf-8")).all("img")]
    assert len(alts) == 1
    assert alts[0].startswith(
        "Distribution of the slack in all trials of 2 statements. Broken, with the least slack: norms -0.3."
    )
    assert "Never broken, with the least slack: norms.repaired 0." in alts[0]


def test_the_pages_are_self_contained(page, records, tmp_path):
    index = write_audit_index({"toy": (TITLE, *records)}, tmp_path / "index.html").read_text("utf-8")
    for text in (page.read_text("utf-8"), index):
        assert "default-src 'none'" in text
        assert "<script" not in text
        assert "<norms>" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', page.read_text("utf-8"))
    assert re.findall(r'href="([^#"]*)"', index) == ["toy/report.html"]
    assert "A toy paper on <norms> 2 0 1 1 0 2 none 62" in Outline(index).text


def test_an_index_without_findings_says_so(tmp_path):
    page = write_audit_index({}, tmp_path / "index.html")
    assert "Nothing has been audited yet." in Outline(page.read_text("utf-8")).text


@pytest.mark.parametrize("part", ["itself", "repair"])
def test_what_contradicts_the_list_is_an_error(records, tmp_path, part):
    changed = copy.deepcopy(records[0])
    target = changed[0] if part == "itself" else changed[0]["repaired"]
    listed = "holds" if part == "itself" else "fails"
    target |= {"expected": listed, "as_expected": False}
    found = context("toy", TITLE, changed, [])
    assert found["word"] == "REFUTED"
    assert found["against"] == [f"{target['identifier']} {target['word']} (listed: {listed})"]
    assert found["rows"][0]["error"] == (part == "itself")
    assert found["repairs"][0]["error"] == (part == "repair")
    text = Outline(write_audit_report("toy", TITLE, changed, [], tmp_path / "r.html").read_text("utf-8")).text
    assert "Not as listed. These verdicts contradict" in text


def test_a_claim_that_held_says_how_hard_it_was_tried(tmp_path):
    lucky = replace(STATEMENTS[0], known=(), search=lambda rng, seconds: None)
    found = context("toy", TITLE, records_of(statements=[lucky]), [])
    assert found["rows"][0]["alone"] == "search: no; other trials: 0 of 30"
    alone = context("toy", TITLE, records_of(statements=[replace(lucky, search=None)]), [])
    assert alone["rows"][0]["alone"] == "no search; other trials: 0 of 30"
    assert alone["counterexamples"] == []


def test_a_claim_without_a_certificate_says_why(records, tmp_path):
    changed = copy.deepcopy(records[0])
    changed[0] |= {"kernel_claim": False, "no_certificate": "a matter of taste & <chance>"}
    page = write_audit_report("toy", TITLE, changed, [], tmp_path / "report.html")
    assert "There is no certificate: a matter of taste & <chance>." in Outline(page.read_text("utf-8")).text


def test_searches_alone_make_a_page_too(records):
    found = context("toy", TITLE, [], records[1])
    assert found["rows"][0]["origin"] == "search"
    assert found["counterexamples"][0]["origin"] == "found by search"
    assert found["counterexamples"][0]["file"] == "norms.no-known.json"


def test_the_same_records_give_the_same_bytes(records, page, tmp_path):
    again = write_audit_report("toy", TITLE, *records, tmp_path / "again.html")
    assert again.read_bytes() == page.read_bytes()


def test_values_in_cells():
    assert spelled([[1.0, 2.5], [0.0, 1e-9]]) == "[[1, 2.5], [0, 1e-09]]"
    assert spelled([[0.0] * 20] * 40) == "array of 40 × 20"
    assert (
        spelled({"shape": [5000], "dtype": "float64", "sha256": "ab" * 32})
        == "array of 5000, SHA-256 abababababababab…"
    )
    assert spelled({"type": "Objective", "kappa": 0.5, "loss": "logistic"}) == "Objective (kappa: 0.5; loss: logistic)"
    assert [spelled(v) for v in (None, "inf", True, [])] == ["–", "inf", "True", "[]"]


def test_positions_keep_signs_and_order_and_end_at_the_axis():
    slacks = [float("-inf"), -1.0, -1e-6, -1e-12, 0.0, 1e-12, 1e-6, 1.0, 1e300, float("inf")]
    at = position(slacks).tolist()
    assert at == sorted(at)
    assert at[0] == -at[-1] == -12.0
    assert at[3] == at[4] == at[5] == 0.0
    assert position(1.0) == pytest.approx(9.0)
    assert slack_plot([Slacks("none", (), 1e-9)]) is None


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing(opened, page, records, tmp_path, scheme, width):  # noqa: F811
    index = write_audit_index({"toy": (TITLE, *records)}, tmp_path / "index.html")
    for path in (page, index):
        view, noise = opened(path, scheme, width)
        found = Axe().run(view, options=BRIEF)["violations"]
        assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found] == []
        assert view.evaluate("document.documentElement.scrollWidth") <= width
        assert noise == []
