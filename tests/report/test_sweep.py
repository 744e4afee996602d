"""A sweep's page: the paper's values, estimates and certified bounds side by side and kept apart; failures with reasons; self-contained."""

import re

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe

from tests.report.conftest import Outline
from tests.report.test_browser import BRIEF, LIGHT_FIRST, opened  # noqa: F401
from verifier.pages.sweep import render_sweep, write_sweep_report
from verifier.sweep.summary import summarise

SETS = (("Moons", "paper-moons"), ("Breast Cancer", "paper-breast-cancer"), ("<b>mine</b>", "mine.csv"))


def make_rows(seed=0, pairs=12, zero=0.5):
    """Rows as a sweep gives them, with made-up figures."""
    rng = np.random.default_rng(seed)
    rows = []
    for name, data in SETS:
        for width in (20, 200):
            for _ in range(pairs):
                a, b = sorted(rng.choice(8, 2, replace=False).tolist())
                gap = 0.0 if rng.random() < zero else float(10 ** rng.uniform(-6, -3))
                rows.append(
                    {"experiment": name, "data": data, "width": width, "seed_a": a, "seed_b": b, "status": "certified", "E": 0.03, "F_A": 0.03,
                     "F_B": 0.02, "gap": gap, "best": "exchange", "sup": 0.03 + gap, "sampled_gap_dss": 2.5e-4 / width, "sampled_max_dss": 0.031,
                     "dss_hit": bool(rng.random() < 0.5), "dss_least_exceedance": 1e-6, "author_gap": None, "author_hit": None,
                     "cpu_certify": 2.0, "cpu_check": 0.25, "cpu_dss": 1.5, "certificate": "certificates/0.safetensors",
                     "reason": None, "exit_code": 0}
                )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def rows():
    rows = make_rows()
    rows[3] |= {
        "status": "failed",
        "gap": None,
        "sampled_gap_dss": None,
        "dss_hit": None,
        "dss_least_exceedance": None,
        "reason": "<script>no</script>",
    }
    rows[5] |= {"status": "inconclusive", "gap": None, "reason": "INCONCLUSIVE no path was certified"}
    return rows


@pytest.fixture(scope="module")
def page(rows):
    return render_sweep(rows, summarise(rows), name="three <sets>")


def cells(page, caption):
    """Texts of the body rows of the table whose caption begins so."""
    table = next(t for t in re.findall(r"<table>.*?</table>", page, re.S) if f"<span>{caption}" in t)
    return [
        [re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table.split("<tbody>")[1], re.S)
    ]


def test_table_1_redone(page):
    """The printed row is the paper's, digit by digit (section 5, Table 1)."""
    table = cells(page, "Energy gaps, Moons")
    assert table[0] == ["20", "printed", "200", "5.6e-5", "–", "2.0e-6", "1.719e-3", "–", "0.99"]
    assert table[3] == ["200", "printed", "200", "6.0e-6", "–", "2.0e-6", "1.48e-4", "–", "1.00"]
    assert [row[1] for row in table] == ["printed", "DSS, sampled", "certified"] * 2
    assert [row[2] for row in table] == ["200", "11", "10", "200", "12", "12"]
    assert table[1][3] == "1.25e-05"
    assert table[1][8] != "–"
    assert table[2][8] == "–"
    tests = cells(page, "Do the gaps shrink with width?")
    assert tests[0] == ["200 against 20", "printed", "–", "0.266", "–", "-0.036", "–", "0"]
    assert [t[1] for t in tests] == ["printed", "certified", "DSS, sampled"]
    assert float(tests[2][5]) == -1
    assert all(float(t[6]) > 0 for t in tests[1:])
    assert all(float(t[3]) <= float(t[4]) for t in tests[1:] if float(t[5]) < 0)


def test_table_2_redone(page):
    table = cells(page, "Energy gaps, Breast Cancer")
    assert table[0] == ["20", "printed", "200", "7.93e-4", "–", "1.18e-9", "1.0696e-2", "–", "0.62"]
    assert table[3] == ["200", "printed", "200", "1.24e-4", "–", "0", "1.477e-3", "–", "0.415"]


def test_other_data_have_nothing_printed(page):
    table = cells(page, "Energy gaps, &lt;b&gt;mine")
    assert [row[1] for row in table] == ["DSS, sampled", "certified"] * 2


def test_certified_figures_are_printed_upwards(page, rows):
    gaps = [r["gap"] for r in rows if r["data"] == "paper-moons" and r["width"] == 20 and r["gap"] is not None]
    row = cells(page, "Energy gaps, Moons")[2]
    assert max(gaps) <= float(row[6]) <= max(gaps) * 1.001
    assert np.mean(gaps) <= float(row[3]) <= np.mean(gaps) * 1.001


def test_words(page):
    text = Outline(page).text
    assert "the smallest exceedance over the visited segments; its author has withdrawn those files" in text
    assert "took the minimum over segments" in text
    assert "is no evidence of a barrier" in text
    assert "70 of 72 pairs have a certified bound on the energy gap over E" in text
    assert "Pairs that share networks are not independent" in text


def test_failures_are_rows_with_reasons_and_nothing_is_markup(page):
    assert "<script" not in page
    assert "<b>mine" not in page
    table = cells(page, "2 of the pairs")
    assert [row[3] for row in table] == ["failed", "inconclusive"]
    assert table[0][4] == "&lt;script&gt;no&lt;/script&gt;"
    assert '<p class="word bad">FAILED ROWS</p>' in page


def test_costs(page):
    table = cells(page, "CPU seconds")
    assert table[0] == ["Moons", "20", "12", "6.0", "3.0", "0.75", "18.0"]
    assert table[-1] == ["All", "", "", "36.0", "18.0", "", "108.0"]


def test_the_same_rows_give_the_same_page(rows, page):
    assert render_sweep(rows, summarise(rows), name="three <sets>") == page


def test_structure(page):
    outline = Outline(page)
    ids = [a["id"] for _, a in outline.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, a in outline.elements:
        for key in ("aria-labelledby", "href"):
            assert a.get(key, "").lstrip("#") in ("", *ids)
    assert re.search(r"default-src 'none'; style-src 'sha256-[^']+'; img-src data:", page.replace("&#39;", "'"))
    assert all(a["src"].startswith("data:image/svg+xml") and len(a["alt"]) > 80 for a in outline.all("img"))


@pytest.mark.parametrize("zero", [1.0, 0.5])
@pytest.mark.parametrize("pairs", [1, 4])
def test_few_pairs_and_nothing_but_zeros(pairs, zero):
    """One pair has no interval; gaps that are all 0 have no logarithm."""
    rows = make_rows(pairs=pairs, zero=zero)
    for r in rows:
        r |= {"sampled_gap_dss": None, "dss_hit": None}
    page = render_sweep(rows, summarise(rows), name="x")
    assert "DSS, sampled" not in "".join(c for row in cells(page, "Energy gaps, Moons") for c in row)
    if zero == 1.0:
        assert "exactly 0 on all of them." in page
        assert "Largest gaps" not in page
        assert '<p class="word ok">CERTIFIED</p>' in page


def test_nothing_certified_at_all():
    rows = make_rows(pairs=1)
    for r in rows:
        r |= {"status": "failed", "gap": None, "sampled_gap_dss": None, "reason": "x", "exit_code": 1}
    page = render_sweep(rows, summarise(rows), name="x")
    assert "0 of 6 pairs have a certified bound" in page
    assert "<img" in page


@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing(opened, rows, tmp_path, scheme):  # noqa: F811
    path = write_sweep_report(rows, summarise(rows), tmp_path / "report.html", name="three sets")
    for width in (360, 1280):
        page, noise = opened(path, scheme, width)
        assert Axe().run(page, options=BRIEF)["violations"] == []
        assert noise == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
