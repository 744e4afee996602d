"""Every run of one hidden layer poses its convex programs: six segments of Theorem 2 and seven activation regions, whatever is proved before."""

import re

import pytest

import verifier
from verifier.certificate import read_certificate
from verifier.errors import UsageError
from verifier.kernel.statements import HeadOptimum, RegionOptimum
from verifier.outcomes import Outcome
from verifier.pipeline.constructions import regions as module
from verifier.pipeline.constructions.proposal import Proposal

from .conftest import tiny_data, tiny_network


@pytest.fixture
def result():
    widths = (2, 6, 1)
    A, B = tiny_network(1, widths), tiny_network(2, widths)
    return verifier.certify(A, B, tiny_data(3), loss="logistic", kappa=0.01, penalty="path", out="c.safetensors")


def test_a_default_run_holds_segments_and_regions(result):
    c = read_certificate(result.certificate)
    assert result.gap == 0.0
    assert c.record["paths"].keys() >= {"exchange", "theorem2"}
    assert set(c.record["paths"]["theorem2"]["segments"]) >= {1, 2, 3, 4, 5, 6}
    regions = [x for x in c.claims if isinstance(x, RegionOptimum)]
    assert len(regions) == 7
    assert {r.of for r in regions} == {"A", "B", "stored"}
    assert sum(isinstance(x, HeadOptimum) for x in c.claims) >= 5
    for r in regions:
        assert r.upper - r.lower <= 1e-6 * max(r.upper, 1e-300)
    assert all(v.accepted for v in result.check(reference=True))
    assert set(c.record["regions_crossed"]) >= {"exchange", "theorem2"}


def test_the_page_shows_them_first(result):
    page = result.report("r.html").read_text("utf-8")
    assert page.index('id="segments"') < page.index('id="region-programs"') < page.index('id="endpoints"')
    assert len(re.findall(r'<th scope="row">segment [1-6]</th>', page)) == 6
    section = page[page.index('id="region-programs"') : page.index('id="endpoints"')]
    assert section.count("best in its activation region: between") == 7
    assert "A is above it by" in section
    assert "activation regions (computed, by the record)" in section


def test_a_region_lies_at_or_below_its_network(result):
    """The least F of a region that holds A is at most F(A); what is certified must not say otherwise."""
    c = read_certificate(result.certificate)
    ends = {x.network: x for x in c.claims if type(x).__name__ == "EndpointValue"}
    for r in c.claims:
        if isinstance(r, RegionOptimum) and r.of in ends:
            assert r.lower <= ends[r.of].upper


def test_what_would_take_long_is_named_and_left_to_exhaustive(monkeypatch):
    monkeypatch.setattr(module, "ONE", 1e-9)
    A, B = tiny_network(1), tiny_network(2)
    heard: list[str] = []
    options = {"loss": "logistic", "kappa": 0.01, "say": heard.append, "out": "c.safetensors"}
    result = verifier.certify(A, B, tiny_data(3), **options)
    assert sum("left to --exhaustive" in line for line in heard) == 7
    c = read_certificate(result.certificate)
    assert not any(isinstance(x, RegionOptimum) for x in c.claims)
    assert [r["left_out"] for r in c.record["regions"]] == [True] * 7
    assert "left to --exhaustive" in result.report("r.html").read_text("utf-8")
    heard.clear()
    whole = verifier.certify(A, B, tiny_data(3), exhaustive=True, **options)
    assert sum(isinstance(x, RegionOptimum) for x in read_certificate(whole.certificate).claims) == 7
    assert not any("left to --exhaustive" in line for line in heard)


def test_sampled_figures_stand_beside_the_segments(result):
    nearest = read_certificate(result.certificate).record["paths"]["theorem2"]["nearest"]
    assert nearest["construction"] == "dss"
    (dss,) = [e for e in result.estimates if e.construction == "dss"]
    assert set(nearest["maxima"]) == {str(k) for k in range(1, 7)}
    assert max(nearest["maxima"].values()) <= dss.maximum
    assert dss.maximum == max(dss.maxima)


def test_a_program_stands_only_beside_the_segment_that_ends_in_its_solution(result):
    """The record is no evidence: one that pairs a segment with another program's certified interval gets no interval there."""
    from dataclasses import replace

    from verifier.report.recheck import recheck
    from verifier.report.segments import segments

    c = read_certificate(result.certificate)
    whole = segments(recheck(c), c.problem, c.record)
    assert [r.name for r in whole.rows] == [f"segment {k}" for k in range(1, 7)]
    assert all(r.verdict == "VERIFIED" for r in whole.rows)
    document = {**c.document, "record": {**c.record, "paths": {k: dict(v) for k, v in c.record["paths"].items()}}}
    entry = document["record"]["paths"]["theorem2"]
    first, last = entry["programs"][0], entry["programs"][-1]
    entry["programs"] = [last, *entry["programs"][1:-1], first]
    edited = replace(c, document=document)
    found = segments(recheck(edited), edited.problem, edited.record)
    assert (found.rows[0].interval, found.rows[5].interval) == ("–", "–")
    assert found.rows[1].interval != "–"
    for bad in ([1, 2, 3], "123456", [7] * len(entry["segments"]), [True] * len(entry["segments"]), None):
        entry["segments"] = bad
        assert segments(recheck(edited), edited.problem, edited.record) is None


def test_the_grid_of_theorem_2_is_the_users(capsys):
    from verifier.cli.main import main

    widths = (2, 6, 1)
    A, B = tiny_network(1, widths), tiny_network(2, widths)
    options = {"loss": "logistic", "kappa": 0.01, "method": "theorem2", "out": "c.safetensors"}
    result = verifier.certify(A, B, tiny_data(3), l=[2, 4], alpha="0,0.3", **options)
    table = read_certificate(result.certificate).record["tables"]["theorem2"]
    assert sorted((row["l"], row["alpha"]) for row in table) == [(2, 0.0), (2, 0.3), (4, 0.0), (4, 0.3)]
    with pytest.raises(verifier.UsageError, match=r"l must lie in 1 to m - 1 = 5, got 6"):
        verifier.certify(A, B, tiny_data(3), l=6, **options)
    assert main(["certify", "--pair", "a.pt", "b.pt", "--method", "exchange", "--l", "3"]) == 2
    assert "--l 3 is an option of Theorem 2, and would change nothing with method exchange" in capsys.readouterr().err


def test_segments_that_would_take_long_are_left_to_exhaustive(monkeypatch):
    from verifier.pipeline.constructions import theorem2

    monkeypatch.setattr(theorem2, "LONGEST_POSED", 0.0)
    widths = (2, 6, 1)
    A, B = tiny_network(1, widths), tiny_network(2, widths)
    options = {"loss": "logistic", "kappa": 0.01, "out": "c.safetensors"}
    c = read_certificate(verifier.certify(A, B, tiny_data(3), **options).certificate)
    (left,) = (s for s in c.record["skipped"] if s.startswith("theorem2: "))
    # Nine (l, alpha) for width 6, half a second each at least, and the rows that turn.
    assert left.startswith(
        "theorem2: about 35 CPU s (9 (l, alpha) of 1 each, and up to 30 in which rows turn), left to --exhaustive"
    )
    assert "theorem2" not in c.record["paths"]
    asked = verifier.certify(A, B, tiny_data(3), method="theorem2", **options)
    assert [b.method for b in asked.bounds] == ["theorem2"]


def test_a_program_that_the_kernel_does_not_take_costs_no_proof(monkeypatch):
    from verifier.pipeline import gather

    def refused(*args, **options):
        raise verifier.VerifierError("region x: the kernel does not accept the region program: for the test")

    monkeypatch.setattr(gather, "region_claim", refused)
    A, B = tiny_network(1), tiny_network(2)
    options = {"loss": "logistic", "kappa": 0.01, "out": "c.safetensors"}
    result = verifier.certify(A, B, tiny_data(3), **options)
    assert result.gap == 0.0
    assert "the kernel does not accept" in "".join(read_certificate(result.certificate).record["skipped"])
    with pytest.raises(verifier.VerifierError, match="for the test"):
        verifier.certify(A, B, tiny_data(3), method="regions", **options)


def test_an_error_in_what_nobody_asked_for_loses_no_proof(monkeypatch):
    """A defect stops the run, and what was proved before it is in the file."""
    from verifier.pipeline import certify as module

    real = module.propose

    def broken(c, s, r):
        if c.name == "theorem2":
            raise RuntimeError("out of luck")
        return real(c, s, r)

    monkeypatch.setattr(module, "propose", broken)
    with pytest.raises(RuntimeError, match="out of luck"):
        verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", out="c.safetensors")
    assert set(read_certificate("c.safetensors").record["paths"]) == {"exchange"}
    assert verifier.check_file("c.safetensors").accepted


def test_a_rejected_path_has_no_segments(result):
    from dataclasses import replace

    from verifier.report.recheck import recheck
    from verifier.report.segments import segments

    c = read_certificate(result.certificate)
    claims = tuple(replace(x, sup=x.sup / 2) if getattr(x, "path", None) == "theorem2" else x for x in c.claims)
    edited = replace(c, claims=claims)
    assert segments(recheck(edited), edited.problem, edited.record) is None


def test_a_minimum_over_limited_heads_says_so():
    """Without a penalty the kernel's lower end holds up to a limit, beside the interval as in its own sentence."""
    from verifier.report.recheck import recheck
    from verifier.report.segments import segments

    widths = (2, 6, 1)
    A, B = tiny_network(1, widths), tiny_network(2, widths)
    options = {"loss": "logistic", "method": "theorem2", "l": 3, "alpha": 0, "out": "c.safetensors"}
    c = read_certificate(verifier.certify(A, B, tiny_data(3), **options).certificate)
    limited = {x.name for x in c.claims if isinstance(x, HeadOptimum) and x.head_limit is not None}
    assert limited
    rows = segments(recheck(c), c.problem, c.record).rows
    shown = [r for r in rows if r.interval != "–" and any(name in r.title for name in limited)]
    assert shown
    assert all("the minimum over heads with entries at most" in r.title for r in shown)


def test_samplers_of_the_page_are_the_constructions_that_keep_a_string():
    from verifier.pipeline.constructions.registry import CONSTRUCTIONS
    from verifier.report.segments import SAMPLERS

    assert set(SAMPLERS) == {c.name for c in CONSTRUCTIONS.values() if c.keeps_string}


def test_what_is_proved_about_every_width_is_not_lost_with_another_method(tmp_path):
    """A method that does not apply, beside one that proved something without a path: the proof is written, and says what it is."""
    A, B = tiny_network(1), tiny_network(2)
    out = tmp_path / "c.safetensors"
    result = verifier.certify(
        A, B, tiny_data(3), loss="logistic", kappa=0.05, penalty="path", method="every-width,theorem51", out=out
    )
    assert result.outcome is Outcome.INCONCLUSIVE
    assert "certified: F >= " in result.sentence
    assert any(type(c).__name__ == "EveryWidthLowerBound" for c in read_certificate(out).claims)


def test_a_run_that_proves_nothing_leaves_an_earlier_certificate(tmp_path, monkeypatch):
    A, B, out = tiny_network(1, (2, 3, 3, 1)), tiny_network(2, (2, 3, 3, 1)), tmp_path / "c.safetensors"
    verifier.certify(A, B, tiny_data(3), loss="logistic", method="line", out=out)
    before = out.read_bytes()
    with pytest.raises(UsageError, match="every-width: defined for one hidden layer, these networks have 2"):
        verifier.certify(A, B, tiny_data(3), loss="logistic", method="every-width", out=out)
    assert out.read_bytes() == before
    with monkeypatch.context() as patched:
        patched.setattr("verifier.pipeline.certify.propose", lambda *_: Proposal(remarks=("nothing found",)))
        with pytest.raises(UsageError, match=r"nothing was proved .* stays as it is; --out writes elsewhere"):
            verifier.certify(A, B, tiny_data(3), loss="logistic", method="line", out=out)
        assert out.read_bytes() == before
        # One that holds nothing but the values of A and B may be written again, and says so again.
        for _ in range(2):
            result = verifier.certify(
                A, B, tiny_data(3), loss="logistic", method="line", out=tmp_path / "e.safetensors"
            )
            assert result.outcome is Outcome.INCONCLUSIVE
    with pytest.raises(UsageError, match="a bound needs a price on whole neurons"):
        verifier.certify(
            tiny_network(1),
            tiny_network(2),
            tiny_data(3),
            loss="logistic",
            method="every-width",
            out=tmp_path / "d.safetensors",
        )


@pytest.mark.parametrize(("exhaustive", "solver"), [(False, "NEWTON"), (True, "CLARABEL")])
def test_programs_of_many_exponential_cones_go_through_cvxpy_when_everything_is_asked_for(
    monkeypatch, exhaustive, solver
):
    """Both answers become bounds of the same width; the table says which method ran."""
    monkeypatch.setattr("verifier.programs.head.MOST_EXPONENTIAL_CONES", 10)
    options = {"loss": "logistic", "kappa": 0.01, "penalty": "l1", "exhaustive": exhaustive, "estimate_seconds": 0.1}
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), out="c.safetensors", **options)
    programs = [*read_certificate(result.certificate).record["programs"]]
    programs = [p for p in programs if p["name"].startswith(("segment", "theta*"))]
    assert len(programs) == 5
    assert {p["solver"] for p in programs} == {solver}
    for p in programs:
        assert p["certified_upper"] - p["certified_lower"] <= 1e-6 * p["certified_upper"]
        assert p["status"] == "optimal" if exhaustive else "CVXPY with --exhaustive" in p["status"]
