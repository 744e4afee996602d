"""The regions page: every share in a table with its interval, findings in words, self-contained, accessible."""

import re

import pytest
from axe_core_python.sync_playwright import Axe

from tests.report.test_browser import BRIEF, LIGHT_FIRST, opened  # noqa: F401
from verifier.pages.regions import render_regions, write_regions_report
from verifier.regions.experiment import CellResult
from verifier.regions.presets import make_preset


def made_up(name):
    preset = make_preset(name, "small")
    ok, bad = ("full", "deficient") if preset.kind == "rank" else ("zero_inside", "positive")
    results = [
        CellResult(c, min(8, c.d1 // 3), {ok: min(8, c.d1 // 3), bad: 8 - min(8, c.d1 // 3)}, 1, 0.5)
        for c in preset.cells
    ]
    return preset, results


@pytest.fixture(scope="module")
def page():
    return render_regions(*made_up("figure6"))


def test_shares_intervals_and_findings(page):
    assert "SAMPLED" in page
    assert "1.00 [0.63, 1.00]" in page
    assert "0.12 [0.00, 0.53]" in page
    assert "Half of the regions have it from width 24 on with 2 samples" in page
    assert "the theorems count every region once, which is another measure" in page
    assert "Theorem 12 for ε = 0.1" in page


def test_the_page_is_self_contained(page):
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_missing_cells_are_said():
    preset, results = made_up("figure2")
    page = render_regions(preset, results[:-1])
    assert "1 cell still missing" in page
    assert "–" in page


def test_the_same_results_give_the_same_bytes(tmp_path):
    preset, results = made_up("theorem10")
    first = write_regions_report(preset, results, tmp_path / "a.html").read_bytes()
    assert first == write_regions_report(preset, results, tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing_and_the_page_is_silent(opened, tmp_path, scheme):  # noqa: F811
    path = write_regions_report(*made_up("theorem10"), tmp_path / "page.html")
    for width in (360, 1280):
        page, noise = opened(path, scheme, width)
        assert Axe().run(page, options=BRIEF)["violations"] == []
        assert noise == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
