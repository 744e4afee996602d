"""The page about three or more networks: numbers from certificates checked while it is written, links, words, accessibility."""

import base64
import re
from urllib.parse import unquote

import pytest
from axe_core_python.sync_playwright import Axe

from tests.many.conftest import small
from tests.many.test_run import edited, halve_sup
from tests.report.conftest import Outline
from tests.report.test_browser import BRIEF, LIGHT_FIRST, WIDTHS, opened  # noqa: F401
from verifier.certificate import read_certificate
from verifier.many.together import Merge
from verifier.numbers import show_up
from verifier.pages.many import write_many_report
from verifier.pages.many_plot import leaf_order, merge_plot


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return small(tmp_path_factory.mktemp("many & more") / "c")


@pytest.fixture(scope="module")
def page(result):
    return write_many_report(result)


@pytest.fixture
def rejected(tmp_path):
    """Report of a group of which one certificate claims too little and another is gone."""
    r = small(tmp_path / "c")
    edited(r.rows[0].file, halve_sup)
    r.rows[1].file.unlink()
    return r, write_many_report(r)


def test_the_page_holds_what_was_found(result, page):
    outline = Outline(page.read_text("utf-8"))
    assert page == result.folder / "report.html"
    assert result.finding in outline.text
    for m in result.group.members:
        assert m.network.sha256() in outline.text
    for row in result.rows:
        assert row.facts.digest in outline.text
        assert show_up(row.facts.link.gap) in outline.text
    for pair, chain in result.landscape.improvements.items():
        names = [result.names[k] for k in chain.nodes]
        assert f"{names[0]} – {names[-1]}" in outline.text
        assert show_up(chain.gap) + " " in outline.text, pair
    assert "Upper bounds: true passes may be lower." in outline.text
    assert "not a separation" in outline.text
    assert f"python -m verifier check '{result.folder}'/*.safetensors --reference" in outline.text


def test_links_lead_to_the_certificates(result, page, tmp_path):
    elsewhere = write_many_report(result, result.folder.parent / "reports" / "page.html")
    for report in (page, elsewhere):
        links = [a["href"] for a in Outline(report.read_text("utf-8")).all("a") if not a["href"].startswith("#")]
        assert len(links) == len(result.rows)
        for link, row in zip(links, result.rows, strict=True):
            assert (report.parent / unquote(link)).resolve() == row.file.resolve()


def test_a_rejected_certificate_is_flagged_and_counts_no_more(rejected):
    r, report = rejected
    outline = Outline(report.read_text("utf-8"))
    assert outline.text.count("REJECTED") >= 2
    assert "Certificates that do not hold." in outline.text
    assert "sup on the path: found at most" in outline.text
    assert "No such file" in outline.text
    today = r.rechecked()
    assert {(0, 1), (0, 2)}.isdisjoint(today.landscape.links)
    assert today.exit_code == 5
    assert show_up(r.rows[0].facts.link.gap) not in outline.text


def test_nothing_is_left_when_every_certificate_is_gone(tmp_path):
    r = small(tmp_path / "c", count=3)
    for row in r.rows:
        row.file.unlink()
    text = Outline(write_many_report(r).read_text("utf-8")).text
    assert "0 of 3 pairs of 3 networks bounded" in text
    assert "no network has a certified value" in text
    assert "<img" not in write_many_report(r).read_text("utf-8")


def test_names_are_escaped(tmp_path):
    from tests.pipeline.conftest import tiny_data, tiny_network
    from verifier.many import certify_all

    nets = {name: tiny_network(k) for k, name in enumerate(("<script>alert(1)</script>", "../../b", "c $x^2$"))}
    r = certify_all(nets, tiny_data(3), loss="logistic", method="line", out=tmp_path / "c")
    assert {f.parent for f in tmp_path.rglob("*.safetensors")} == {tmp_path / "c"}
    text = write_many_report(r).read_text("utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_the_graph_says_its_finding_and_its_limits():
    merges = [
        Merge(1.5, frozenset({0}), frozenset({2})),
        Merge(2.0, frozenset({0, 2}), frozenset({3})),
    ]
    found = merge_plot(["a", "b", "c", "d"], [1.0, 1.1, 1.2, 1.3], merges, 1.3)
    assert found.alt == (
        "Disconnectivity graph of 4 networks from certified upper bounds; true passes may be lower. F of the networks runs from 1 to 1.3. "
        "a and c are joined at F at most 1.5. a, c and d are joined at F at most 2. 2 groups are not joined by any certified path."
    )
    assert leaf_order(4, merges) == [0, 2, 3, 1]
    assert merge_plot(["a"], [1.0], [], 1.0) is None
    assert found == merge_plot(["a", "b", "c", "d"], [1.0, 1.1, 1.2, 1.3], merges, 1.3), "the same bytes every time"
    assert b"<svg" in base64.b64decode(found.light.split(",")[1])
    many = [Merge(float(k), frozenset(range(k)), frozenset({k})) for k in range(1, 40)]
    alt = merge_plot([f"a rather long name {k}" for k in range(40)], [0.5] * 40, many, 1.0).alt
    assert "27 more joins, the last at F at most 39" in alt
    assert alt.endswith("All are joined.")


def test_certified_numbers_are_rounded_up(result, page):
    """No printed gap or sup lies below the claim it stands for."""
    text = page.read_text("utf-8")
    rows = re.findall(
        r"<tr[^>]*><th scope=\"row\">[^<]*</th><td><span class=\"badge ok\">certified</span></td>(.*?)</tr>", text
    )
    assert len(rows) == len(result.rows)
    for cells, row in zip(rows, result.rows, strict=True):
        gap, sup = (float(x) for x in re.findall(r"<td class=\"n\">([^<]*)</td>", cells)[:2])
        claim = next(c for c in read_certificate(row.file).claims if hasattr(c, "sup"))
        assert gap >= claim.gap
        assert sup >= claim.sup


@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing(opened, page, rejected, scheme):  # noqa: F811
    for path in (page, rejected[1]):
        for width in WIDTHS:
            view, noise = opened(path, scheme, width)
            assert [(v["id"], v["nodes"]) for v in Axe().run(view, options=BRIEF)["violations"]] == []
            assert noise == []
            assert view.evaluate("document.documentElement.scrollWidth") <= width
            broken = "[...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).length"
            assert view.evaluate(broken) == 0
