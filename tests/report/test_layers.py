"""Deep pairs on the page: losses per layer as the notes have them, all paths in one picture, and records that say anything at all."""

import base64
import copy
import itertools
import re

import numpy as np
import pytest
from axe_core_python.sync_playwright import Axe

from tests.report.conftest import Outline
from tests.report.test_browser import BRIEF, LIGHT_FIRST, WIDTHS, opened  # noqa: F401
from verifier.certificate.file import pack, read_certificate
from verifier.networks.network import Network
from verifier.pipeline.certify import certify
from verifier.report import render, write_report
from verifier.report.fields import estimate
from verifier.report.layers import layer_series, layer_table
from verifier.report.moves import groups, kinds_words
from verifier.report.recheck import recheck
from verifier.report.svg import Picture

HIDDEN = [6, 5]
METHODS = "theorem41,exchange,dropout,line"


def network(seed, negative_slope=0.0):
    rng = np.random.default_rng(seed)
    sizes = [2, *HIDDEN, 3]
    weights = tuple(rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes))
    return Network(weights, tuple(rng.normal(size=m) for m in sizes[1:]), negative_slope)


def made(out, *, method=METHODS, negative_slope=0.0):
    rng = np.random.default_rng(7)
    X = rng.normal(size=(30, 2))
    y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
    A, B = network(1, negative_slope), network(2, negative_slope)
    certify(A, B, (X, y), loss="cross_entropy", kappa=0.0, method=method, exhaustive=True, out=out)
    return out


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """Path of a certificate of two random networks with two hidden layers."""
    return made(tmp_path_factory.mktemp("deep") / "deep.safetensors")


@pytest.fixture(scope="module")
def certificate(deep):
    return read_certificate(deep)


@pytest.fixture(scope="module")
def report(deep):
    return write_report(deep, deep.with_suffix(".html"))


@pytest.fixture(scope="module")
def outline(report):
    return Outline(report.read_text("utf-8"))


@pytest.fixture
def no_plots(monkeypatch):
    for name in ("path_plot", "plane_plot", "compare_plot", "layers_plot"):
        monkeypatch.setattr(f"verifier.report.page.{name}", lambda *_: Picture("", "", "none", 1, 1))


def with_notes(certificate, change):
    """The same certificate with the notes of each path replaced by `change(path, notes)`."""
    document = copy.deepcopy(certificate.document)
    for name, entry in document["record"]["paths"].items():
        entry["notes"] = change(name, entry["notes"])
    return type(certificate)(certificate.problem, certificate.claims, document, certificate.digest, certificate.arrays)


def series_of(certificate, hidden=HIDDEN):
    return {s.name: s for s in layer_series(recheck(certificate), certificate.record, hidden)}


def test_values_are_those_of_the_notes(certificate):
    """Q of Theorem 4.1 and D of dropout by layer and endpoint; the stages of exchange by their layers."""
    found = series_of(certificate)
    assert {s.kind for s in found.values()} == {"theorem41", "dropout", "exchange"}
    notes = {n: p["notes"] for n, p in certificate.record["paths"].items()}
    for path, key in (("theorem41", "Q"), ("dropout", "D")):
        for e in "AB":
            assert [found[path].values[l, e] for l in (1, 2)] == notes[path][e][key]
    stages = notes["exchange"]["stages"]
    for (l, e), F in found["exchange"].values.items():
        assert max(s["value"] for s in stages if (s["layer"], s["endpoint"]) == (l, e)) == F
    assert found["exchange"].values


def test_every_value_of_a_path_is_at_most_its_certified_maximum(certificate):
    for s in series_of(certificate).values():
        assert s.sup is not None
        assert max(s.values.values()) <= s.sup
        assert s.between is None or s.between <= s.sup


def test_each_layer_has_its_bars_and_the_table_their_values(certificate, outline):
    alt = next(a["alt"] for a in outline.all("img") if a.get("id") == "layers-image")
    found = recheck(certificate)
    series = list(series_of(certificate).values())
    for s in series:
        for (l, _), F in s.values.items():
            assert f"layer {l} {estimate(F, 4)}" in alt
    table = layer_table(series, HIDDEN, found.E)
    assert [r[0] for r in table.rows if r[0] in ("1", "2")] == ["1", "2"]
    assert all(len(r) == len(table.columns) for r in table.rows)
    for row in table.rows:
        assert " ".join(row) in outline.text


def test_bars_are_drawn_once_per_value(certificate):
    """As many rectangles as values and one line at E, by the artists that matplotlib made."""
    from verifier.report.layers_plot import _draw
    from verifier.report.svg import LIGHT

    series = list(series_of(certificate).values())
    [ax] = _draw(series, 1.0, LIGHT).axes
    heights = sorted(p.get_y() + p.get_height() for p in ax.patches)
    assert np.allclose(heights, sorted(v for s in series for v in s.values.values()))
    assert [list(line.get_ydata()) for line in ax.lines] == [[1.0, 1.0]]


def test_the_page_says_evaluated_and_what_holds_each_path_up(certificate, outline):
    assert "Losses are evaluated : F in float64 at vertices of the stored path" in outline.text
    for s in series_of(certificate).values():
        assert s.holds in outline.text
        assert "evaluated" in s.holds
        assert "certified maximum" in s.holds


def test_what_holds_a_path_up_is_a_layer_and_a_program(certificate):
    """The notes' own words where the values exceed E, the endpoints where the certified gap is 0."""
    held = certificate.record["paths"]["dropout"]["notes"]["held_by"]
    claim = next(c for c in certificate.claims if getattr(c, "path", None) == "dropout")
    sentence = series_of(certificate)["dropout"].holds
    assert held in sentence
    assert ("the endpoints hold the bound up" in sentence) == (claim.gap == 0.0)


def test_all_paths_stand_in_one_picture(outline, certificate):
    alt = next(a["alt"] for a in outline.all("img") if a.get("id") == "compared-image")
    assert all(f"{name}: sampled up to" in alt for name in certificate.record["paths"])
    assert alt.count("certified never above") == len(certificate.record["paths"])


def test_ids_are_unique_and_references_resolve(outline):
    ids = [a["id"] for _, a in outline.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, a in outline.elements:
        assert a.get("aria-labelledby", ids[0]) in ids
        if a.get("href") is not None:
            assert a["href"].removeprefix("#") in ids


def test_pictures_are_alike_in_light_and_dark(report):
    """Both appearances draw the same shapes: equal numbers of path elements, and neither is empty."""
    page = report.read_text("utf-8")
    for name in ("layers-image", "compared-image"):
        pair = re.search(rf'srcset="([^"]*)">\s*<img id="{name}" src="([^"]*)"', page).groups()
        light, dark = (base64.b64decode(uri.split(",", 1)[1]) for uri in pair)
        assert light.count(b"<path") == dark.count(b"<path") > 10
        assert light != dark


JUNK = (None, True, 3, "text", [], {}, [1], [[1, 2, 3]], {"A": 1}, {"A": {"Q": [1.0, 2.0]}}, {"Q": [1.0, 2.0]})


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_notes_of_any_shape_leave_the_page_whole(certificate, junk):
    """What is no list of a number per layer and endpoint is absent."""
    bad = with_notes(certificate, lambda *_: junk)
    assert series_of(bad) == {}
    page = Outline(render(bad))
    assert "claims confirmed by the kernel" in page.text
    assert "Loss per layer" not in page.text


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(
    "value", [None, "1", True, [0.5], [0.5, 0.5, 0.5], [0.5, None], [0.5, 10**400], {"1": 0.5}], ids=str
)
@pytest.mark.parametrize("key", ["Q", "D"])
def test_a_bad_list_of_values_drops_its_path_alone(certificate, key, value):
    def change(_, notes):
        return {**notes, "A": {**notes["A"], key: value}} if key in (notes.get("A") or {}) else notes

    bad = with_notes(certificate, change)
    assert len(series_of(bad)) == 2
    assert "Loss per layer" in render(bad)


@pytest.mark.parametrize(
    ("field", "value"),
    [("held_by", 3), ("held_by", ["x"]), ("max_value", "big"), ("K", 1), ("Q_0", "x"), ("passages", [[1, 2, "x"], 3]),
     ("stages", [{"layer": True, "endpoint": "A", "value": 1.0}, 3])],
    ids=str,
)  # fmt: skip
@pytest.mark.usefixtures("no_plots")
def test_other_bad_fields_cost_no_more_than_themselves(certificate, field, value):
    bad = with_notes(certificate, lambda _, notes: {**notes, field: value})
    assert len(series_of(bad)) >= 2
    assert "Loss per layer" in render(bad)


def test_values_that_are_not_positive_or_huge_are_drawn(certificate):
    """No logarithm of what has none, and no overflow."""
    from verifier.report.layers_plot import layers_plot

    for values in ([0.0, 0.5], [-1.0, 1e-300], [1e-300, 1e300], [0.0, 0.0]):
        odd = with_notes(certificate, lambda *_, v=values: {"A": {"Q": v}, "B": {"Q": v}, "Q_0": 0.25})
        series = list(series_of(odd).values())
        assert {l for s in series for l, _ in s.values} == {0, 1, 2}
        for E in (None, 0.5):
            assert "layer 0 0.25" in layers_plot(series, E).alt


@pytest.mark.usefixtures("no_plots")
def test_hostile_words_stay_words(certificate):
    hostile = "<script>alert(1)</script>\ud800 $\\frac{ {{ 7*7 }}"

    def change(_, notes):
        return {"A": {"D": [9.0, 9.0]}, "B": {"D": [9.0, 9.0]}, "held_by": hostile, "max_value": 10.0}

    page = render(with_notes(certificate, change))
    assert not Outline(page).all("script")
    assert "held up by <script>alert(1)</script>" in Outline(page).text


def test_one_hidden_layer_has_no_such_section(full_report):
    page = Outline(full_report.read_text("utf-8"))
    assert not {"layers", "compared"} & {a["id"] for a in page.all("h2") + page.all("h3")}


def test_a_rejected_path_has_values_and_no_certified_maximum(deep, certificate, tmp_path):
    document = copy.deepcopy(certificate.document)
    for claim in document["claims"]:
        if claim.get("path") == "dropout":
            claim["sup"] = (float.fromhex(claim["sup"]) * 0.5).hex()
    out = tmp_path / "rejected.safetensors"
    out.write_bytes(pack(document, certificate.arrays))
    found = series_of(read_certificate(out))["dropout"]
    assert found.sup is None
    assert "its claim is rejected" in found.holds


def test_kinds_are_explained_in_words(outline):
    """What occurs is explained, what does not is not."""
    assert (
        "chord moves are straight segments that change hidden layers, bounded piece by piece, by the chord lemma in depth"
        in outline.text
    )
    assert "rescale moves" not in outline.text
    [(kind, said)] = kinds_words({"rescale"}, deep=False)
    assert kind == "rescale"
    assert "along a curve" in said
    assert groups(("idle", "transfer", "chord", "chord", "head", "head")) == [(0, 2), (2, 4), (4, 5), (5, 6)]


@pytest.mark.usefixtures("no_plots")
def test_leaky_relu_is_said(tmp_path, outline):
    page = Outline(render(read_certificate(made(tmp_path / "leaky.safetensors", method="line", negative_slope=0.25))))
    assert "Leaky ReLU (negative slope 0.25) networks 2–6–5–3" in page.text
    assert "Leaky" not in outline.text
    assert "ReLU networks 2–6–5–3" in outline.text


@pytest.mark.parametrize("scheme", LIGHT_FIRST)
def test_axe_finds_nothing_and_the_page_is_silent(opened, report, scheme):  # noqa: F811
    """Folded parts are opened first; pictures load, regions have names of their own, and only tables and plots scroll sideways."""
    for width in WIDTHS:
        page, noise = opened(report, scheme, width)
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert Axe().run(page, options=BRIEF)["violations"] == []
        assert noise == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        names = page.locator("[role=region]").evaluate_all(
            "es => es.map(e => e.getAttribute('aria-label') || document.getElementById(e.getAttribute('aria-labelledby')).textContent)"
        )
        assert len(set(names)) == len(names)
