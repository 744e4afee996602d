"""The page about exact landscapes: numbers of the record, errors flagged, accessible, silent."""

import json

import pytest
from axe_core_python.sync_playwright import Axe

from tests.landscape.instances import documented_data
from tests.report.conftest import Outline
from tests.report.test_browser import BRIEF, LIGHT_FIRST, WIDTHS, opened  # noqa: F401
from verifier.data.dataset import Dataset
from verifier.objective import make_objective
from verifier.pages.landscape import context, write_landscape_report
from verifier.pipeline.landscape_run import LandscapeTask, run_landscape


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    X, y = documented_data(0, 5)
    task = LandscapeTask(
        Dataset(X, y[:, 0], "tiny <&>", "regression"), make_objective("squared"), compare=1, methods=("line", "halves")
    )
    return run_landscape(task, [1, 2], tmp_path_factory.mktemp("land"))


@pytest.fixture(scope="module")
def page(result):
    return write_landscape_report(result.record, result.folder / "report.html")


def test_the_page_holds_what_was_found(result, page):
    outline = Outline(page.read_text("utf-8"))
    for text in (
        "0.41613",
        "0.54251",
        "0.964933",
        "0.5456259",
        "exact search",
        "halves",
        "connected from 0.545626 up to 0.548799; from 0.964933 on",
    ):
        assert text in outline.text, text
    assert "tiny <&>" in outline.text
    for w in result.record["widths"]:
        for p in w["pairs"]:
            assert p["sha256"][:16] in outline.text
            assert p["certificate"] in outline.text
    alts = [i["alt"] for i in outline.all("img")]
    assert len(alts) == 5
    assert any("The largest gap is 0.54251" in a for a in alts)
    assert any("At width 2 it is no smaller than at width 1" in a for a in alts)
    assert json.loads((result.folder / "landscape.json").read_text("utf-8")) == result.record


def test_certified_upper_bounds_lie_at_or_above_certified_lower_ones(result):
    for w in result.record["widths"]:
        for p in w["pairs"]:
            assert p["certified_gap"] == pytest.approx(p["tree_gap"], rel=1e-6)
            assert p["upper_gap"] == pytest.approx(p["tree_gap"], rel=1e-6)
            assert [r for r in p["rows"] if r["below"]] == []
            assert {r["method"] for r in p["rows"]} == {"exact", "line", "halves"}


def test_contradictions_are_flagged(result, tmp_path):
    record = json.loads(json.dumps(result.record))
    pair = record["widths"][0]["pairs"][0]
    pair["rows"][0] |= {"kind": "certified", "below": True}
    record["widths"][1]["pairs"][0]["failed"] = "the kernel said no"
    assert context(record)["word"] == "ERROR"
    outline = Outline(write_landscape_report(record, tmp_path / "r.html").read_text("utf-8"))
    assert "is certified to lie under the barrier" in outline.text
    assert "the kernel said no" in outline.text
    assert "under the barrier: an error" in outline.text


def test_a_sample_that_misses_the_pass_is_named_but_no_error(result):
    record = json.loads(json.dumps(result.record))
    record["widths"][0]["pairs"][0]["rows"].append(
        {"method": "DSS", "kind": "sampled", "maximum": 0.9, "gap": 0.1, "above": -0.1, "below": True}
    )
    found = context(record)
    assert found["errors"] == []
    assert found["trees"][0]["pairs"][0]["rows"][-1]["note"] == "under the barrier: its samples missed the pass"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing(opened, page, scheme, width):  # noqa: F811
    view, noise = opened(page, scheme, width)
    assert [
        (v["id"], [n["html"][:200] for n in v["nodes"]]) for v in Axe().run(view, options=BRIEF)["violations"]
    ] == []
    assert view.evaluate("document.documentElement.scrollWidth") <= width
    assert noise == []
