"""The page about experiments (A) and (B): every mean in a table with its interval, what is evaluated and what is certified, accessible."""

import re

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe

from tests.report.test_browser import BRIEF, LIGHT_FIRST, opened  # noqa: F401
from tests.stability.records import made_up
from verifier.pages.stability import certified_pairs, render_stability, write_stability_report
from verifier.pipeline.certify import certify
from verifier.stability.plan import METHODS, Settings
from verifier.stability.summary import show, summarise
from verifier.training.train import train_network

SETTINGS = Settings().__dict__


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    from verifier.data.load import load_data

    data = load_data("moons:n=40,noise=0.2,seed=1")
    nets = [train_network(data, (6, 6), "logistic", seed=s, epochs=50).network for s in (0, 1)]
    out = tmp_path_factory.mktemp("pair") / "pair.safetensors"
    certify(*nets, data, loss="logistic", method=METHODS, out=out)
    return "one and two", out


@pytest.fixture(scope="module")
def page(pair):
    summary = summarise([*made_up((60, 60), 3), *made_up((20, 20), 3, b=0.5)], "figure4")
    return render_stability(summary, SETTINGS, certified_pairs([pair]))


def test_means_intervals_and_words(page):
    group = summarise(made_up((60, 60), 3), "t").groups[0]
    assert "EVALUATED" in page
    assert show(group.maxima["b"]) in page
    assert show(group.layers["b"][2]) in page
    assert "(B) is within 10 % and 1e-3 of the trained loss: no width of the grid." in page
    assert "not certified; maxima along paths are certified" in page
    assert "Student’s t, 95 %" in page
    assert "Forgotten biases" not in page


def test_certified_maxima_stand_beside_the_samples(page, pair):
    found = certified_pairs([pair])[0]
    assert [p.name for p in found.paths] == ["(A) Theorem 4.1's path", "(B) the dropout path"]
    assert all(p.sup is not None and p.sampled <= p.sup for p in found.paths)
    assert found.certificate in page
    assert "Loss along paths between two networks." in page


def test_a_rejected_certificate_is_said(pair, tmp_path):
    """A stored maximum that is too small is not repeated."""
    from dataclasses import replace

    from verifier.certificate import make_document, write_certificate
    from verifier.certificate.file import read_certificate
    from verifier.kernel.statements import PathUpperBound

    c = read_certificate(pair[1])
    claims = [replace(k, sup=np.nextafter(k.sup, 0) / 2, gap=0.0) if isinstance(k, PathUpperBound) else k for k in c.claims]  # fmt: skip
    labels = {p["name"]: tuple(str(m["label"]) for m in p["moves"]) for p in c.document["paths"]}
    document, arrays = make_document(c.problem, claims, data_name="moons", labels=labels, record=c.record)
    write_certificate(tmp_path / "bad.safetensors", document, arrays)
    found = certified_pairs([("p", tmp_path / "bad.safetensors")])
    page = render_stability(summarise(made_up((6, 6), 2), "figure3d"), SETTINGS, found)
    assert "REJECTED" in page
    assert all(p.sup is None for p in found[0].paths)


def test_many_architectures_keep_their_tables(tmp_path):
    records = [r for m in (10, 20, 30, 40) for r in made_up((m, m), 2)]
    page = render_stability(summarise(records, "figure4"), SETTINGS)
    assert page.count("<picture>") == 1
    assert page.count("Loss per layer, widths") == 4
    assert "Nothing on this page is a certificate" in page


def test_the_page_is_self_contained(page):
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)


def test_the_same_results_give_the_same_bytes(tmp_path):
    summary = summarise(made_up((20,), 1), "networks")
    first, second = (write_stability_report(summary, SETTINGS, (), tmp_path / f"{k}.html") for k in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing_and_the_page_is_silent(opened, tmp_path, page, scheme):  # noqa: F811
    path = tmp_path / "page.html"
    path.write_text(page)
    for width in (360, 1280):
        shown, noise = opened(path, scheme, width)
        assert Axe().run(shown, options=BRIEF)["violations"] == []
        assert noise == []
        assert shown.evaluate("document.documentElement.scrollWidth") <= width
