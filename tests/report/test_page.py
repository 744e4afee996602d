"""The page as text: what it says, what it must not say, and that nothing in a certificate can change what it is."""

import base64
import hashlib
import itertools
import re
from decimal import Decimal

import pytest

from tests.report.conftest import Outline
from verifier.certificate.file import read_certificate
from verifier.errors import CertificateFormatError
from verifier.kernel.statements import HeadOptimum, PathUpperBound
from verifier.report import render, write_report
from verifier.report.svg import Picture

VOID = {"meta", "img", "source", "br", "link", "input", "hr"}


@pytest.fixture(scope="module")
def page(full_report):
    return full_report.read_text("utf-8")


@pytest.fixture(scope="module")
def outline(page):
    return Outline(page)


def read(path):
    return Outline(render(read_certificate(path), name=path.name))


@pytest.fixture
def no_plots(monkeypatch):
    """Where only words matter."""
    monkeypatch.setattr("verifier.report.page.path_plot", lambda *_: None)
    monkeypatch.setattr("verifier.report.page.plane_plot", lambda *_: Picture("", "", "plane", 1, 1))


def word(outline):
    """The verdict's word."""
    title = outline.text.split(":", 1)[0]
    return title.strip()


def test_every_section_is_there_in_order(outline):
    ids = [a["id"] for a in outline.all("h2")]
    assert ids == [
        "segments", "theorem2-level", "region-programs", "endpoints", "bounds", "theorems", "paths", "programs", "tables", "plane", "claims", "provenance",
    ]  # fmt: skip
    assert all(a["aria-labelledby"] in ids for a in outline.all("section"))
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))


def test_ids_are_unique_and_references_resolve(outline):
    ids = [a["id"] for _, a in outline.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, a in outline.elements:
        assert a.get("aria-labelledby", ids[0]) in ids
        if a.get("href") is not None:
            assert a["href"].removeprefix("#") in ids


def test_the_page_stands_alone(page, outline):
    assert not outline.all("script")
    assert not outline.all("link")
    assert not any("style" in a or any(k.startswith("on") for k in a) for _, a in outline.elements)
    sources = [a["src"] for a in outline.all("img")] + [a["srcset"] for a in outline.all("source")]
    assert sources
    assert all(s.startswith("data:image/svg+xml;base64,") for s in sources)
    assert "http://" not in page
    assert "https://" not in page
    assert len(page.encode()) < 2 * 2**20


def test_the_policy_allows_this_style_and_data_images_only(page, outline):
    policy = next(a["content"] for a in outline.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    style = re.search("<style>(.*?)</style>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert page.count("<style") == 1


def test_tags_are_balanced(page):
    from html.parser import HTMLParser

    class Balance(HTMLParser):
        def reset(self):
            super().reset()
            self.stack = []

        def handle_starttag(self, tag, attrs):
            if tag not in VOID:
                self.stack.append(tag)

        def handle_endtag(self, tag):
            assert self.stack.pop() == tag, self.getpos()

    parser = Balance()
    parser.feed(page)
    assert parser.stack == []


def test_images_say_their_finding(outline):
    alts = [a["alt"] for a in outline.all("img")]
    assert len(alts) == 4
    assert all(len(alt) > 40 for alt in alts)
    assert sum("certified bound never exceeds" in alt for alt in alts) == 3
    assert sum(alt.startswith("Sampled F on the plane") for alt in alts) == 1


def test_the_same_certificate_gives_the_same_bytes(full, full_report, tmp_path):
    assert write_report(full, tmp_path / "again.html").read_bytes() == full_report.read_bytes()


def test_the_headline_is_certified_and_counts_the_claims(full, outline):
    claims = read_certificate(full).claims
    assert word(outline) == "CERTIFIED"
    assert f"{len(claims)} of {len(claims)} claims confirmed by the kernel" in outline.text
    assert "REJECTED" not in outline.text
    assert "ERROR" not in outline.text


@pytest.mark.usefixtures("no_plots")
def test_a_claim_below_the_truth_is_rejected_in_the_headline_and_its_row(rejected):
    found = read(rejected)
    assert word(found) == "REJECTED"
    assert "does not confirm 1 of this certificate's" in found.text
    assert ("p", {"class": "word bad"}) in found.elements
    assert ("tr", {"class": "error"}) in found.elements
    assert "not established: these figures are only claimed" in found.text
    assert "sup on the path: found at most" in found.text


@pytest.mark.usefixtures("no_plots")
def test_a_certified_bound_under_a_sample_is_an_error(edited):
    def change(document):
        document["record"]["paths"]["exchange"]["sampled"]["F"][3] = 1e9

    found = read(edited(change))
    assert word(found) == "ERROR"
    assert "path exchange: the certified bound" in found.text
    assert "lies under a sampled value 1e+09" in found.text
    assert ("tr", {"class": "error"}) in found.elements


def with_level(level, outcome):
    """Every path claims a gap over a level, large enough for any machine."""

    def change(document):
        for claim in document["claims"]:
            if claim["kind"] == "path_upper_bound":
                over = max(0.0, float.fromhex(claim["sup"]) - level)
                claim |= {"level": level.hex(), "gap_over_level": (over * 1.001).hex()}
        document["record"]["verdict"] = {"outcome": outcome, "sentence": outcome}

    return change


@pytest.mark.usefixtures("no_plots")
def test_a_level_is_answered(edited, plain):
    claims = read_certificate(plain).claims
    ends = [c.upper for c in claims[:2]]
    best = min(c.sup for c in claims if isinstance(c, PathUpperBound))
    reached = read(edited(with_level(2.0 * best, "CERTIFIED")))
    assert word(reached) == "CERTIFIED"
    assert "A and B are joined at or below the level" in reached.text
    below = read(edited(with_level(0.5 * max(ends), "REFUTED")))
    assert word(below) == "REFUTED"
    assert "itself lies above it" in below.text
    assert "over the level" in below.text


@pytest.mark.usefixtures("no_plots")
def test_a_penalty_that_can_be_scaled_away_is_pointed_out(edited):
    def change(document):
        document["objective"]["penalty"] = "l1"

    assert "Penalty l1 with free rows can be scaled away" in read(edited(change)).text


@pytest.mark.usefixtures("no_plots")
def test_slack_is_said(plain):
    """Random endpoints are no minima and differ in value: both are worth a sentence."""
    text = read(plain).text
    assert "Network A is not a minimum: changing its head alone lowers F by at least" in text
    assert "The endpoints are far from each other in value" in text
    assert "and it exceeds the lower of the two endpoints by at most" in text


@pytest.mark.usefixtures("no_plots")
def test_an_endpoint_outside_its_interval_is_an_error(edited):
    def change(document):
        document["record"]["endpoints"]["B"]["F"] *= 1.001

    found = read(edited(change))
    assert word(found) == "ERROR"
    assert "network B: the recorded F" in found.text


@pytest.mark.usefixtures("no_plots")
def test_a_record_that_boasts_is_an_error(edited):
    def change(document):
        document["record"]["verdict"] = {"outcome": "REFUTED", "sentence": "REFUTED everything"}

    found = read(edited(change))
    assert "the record says REFUTED, but its claims say CERTIFIED" in found.text


@pytest.mark.usefixtures("no_plots")
def test_a_recorded_program_interval_must_be_the_claimed_one(edited):
    def change(document):
        document["record"]["programs"][0]["certified_lower"] = 0.0

    assert "the recorded interval is not the claimed one" in read(edited(change)).text


def test_certified_figures_are_rounded_outwards(full, page):
    """Each printed bound of a path lies at or above the claimed one, and programs' intervals enclose the claims'."""
    claims = read_certificate(full).claims
    row = '<th scope="row">{}</th><td><span class="badge ok">certified</span></td>' + 3 * '<td class="n">([^<]*)</td>'
    paths = [c for c in claims if isinstance(c, PathUpperBound)]
    assert len(paths) == 3
    for c in paths:
        printed = re.search(row.format(re.escape(c.path)), page).groups()
        for text, value in zip(printed, (c.sup, c.gap, c.gap_over_lower), strict=True):
            assert Decimal(value) <= Decimal(text) <= Decimal(value) * Decimal("1.01") + Decimal("1e-12")
    section = page[page.index('id="programs"') :]
    intervals = re.findall(r'VERIFIED</span></td><td class="n">\[([^,]*), ([^\]]*)\]', section)
    heads = {c.name: c for c in claims if isinstance(c, HeadOptimum)}
    assert len(intervals) == len(heads) > 0
    for (low, high), c in zip(intervals, heads.values(), strict=True):
        assert Decimal(low) <= Decimal(c.lower)
        assert Decimal(c.upper) <= Decimal(high)


def test_sampled_figures_say_so(outline):
    assert "Sampled estimates, not bounds" in outline.text
    assert "sampled 2.5 0.1" in outline.text
    assert "hit: the search gave up at its depth; no evidence of a barrier" in outline.text
    assert "no lower bound in this certificate" in outline.text


def test_hypotheses_are_met_violated_or_undecided(outline):
    text = outline.text
    assert "does not apply: 1 of 3 hypotheses violated" in text
    assert "violated : rows are unit vectors (|wt| up to 3)" in text
    assert "undecided : e(l) is known" in text
    assert "gives no value here" in text


def test_an_excess_stands_in_the_column_of_gaps(page):
    row = re.search('<th scope="row">sublevel</th>(.*?)</tr>', page).group(1)
    assert re.findall('<td class="n">([^<]*)</td>', row)[:2] == ["–", "0.25"]


def test_tables_of_the_record_are_shown_as_they_come(outline):
    text = outline.text
    assert "Theorem 2 over (l, alpha)" in text
    assert "l alpha e_l 1 0 0.5 3 0.05 0.25" in text
    assert "wide: needs m >= 2N" in text


HOSTILE = "<script>alert(1)</script>\" onload='x' {{ 7*7 }} $\\frac{ \ud800"


def hostile(value):
    """Every text of a document's record replaced; keys too."""
    if isinstance(value, dict):
        return {k: hostile(v) for k, v in value.items()} | {HOSTILE: HOSTILE}
    if isinstance(value, list):
        return [hostile(v) for v in value]
    return HOSTILE if isinstance(value, str) else value


def test_hostile_text_stays_text(full):
    certificate = read_certificate(full)
    document = certificate.document
    attack = {**document, "record": hostile(document["record"]), "data": {**document["data"], "name": HOSTILE}}
    for path in attack["paths"]:
        for move in path["moves"]:
            move["label"] = HOSTILE
    page = render(
        type(certificate)(certificate.problem, certificate.claims, attack, certificate.digest, certificate.arrays),
        name=HOSTILE,
    )
    page.encode("utf-8")
    found = Outline(page)
    assert not found.all("script")
    assert not any("onload" in a for _, a in found.elements)
    assert "<script>alert(1)</script>" in found.text
    assert "{{ 7*7 }}" in found.text


@pytest.mark.parametrize(
    "junk",
    [
        None,
        True,
        3,
        -1.5,
        "text",
        [],
        {},
        [1, "a", None],
        {"exchange": 3},
        [[1]],
        [{"name": []}],
        {"exchange": {"sampled": [1]}},
    ],
    ids=repr,
)
def test_a_record_of_any_shape_is_shown(full, junk):
    """The record is free-form: every field may be anything."""
    c = read_certificate(full)
    document = {**c.document, "record": dict.fromkeys(c.record, junk)}
    assert "claims confirmed" in render(type(c)(c.problem, c.claims[:3], document, c.digest, c.arrays))


@pytest.mark.usefixtures("no_plots")
def test_default_place_is_reports_of_the_current_folder(plain, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write_report(plain).resolve() == tmp_path / "reports" / "small.html"


def test_what_is_no_certificate_is_refused_and_nothing_written(tmp_path):
    bad = tmp_path / "x.safetensors"
    bad.write_bytes(b"not one")
    with pytest.raises(CertificateFormatError, match="too short"):
        write_report(bad, tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


@pytest.mark.usefixtures("no_plots")
def test_the_command_quotes_the_file_name(plain):
    page = Outline(render(read_certificate(plain), name="a b;rm.safetensors"))
    assert "python -m verifier check 'a b;rm.safetensors' --reference" in page.text
