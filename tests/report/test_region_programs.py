"""The table of region programs, rendered from a certificate and its record."""

import json
import re
from decimal import Decimal

import numpy as np
import pytest

from tests.programs.test_region_programs import instance
from verifier.certificate.document import make_document
from verifier.certificate.file import pack, read_certificate
from verifier.elaboration.claims import endpoint_claims, kernel_problem
from verifier.elaboration.regions import left_out_record, region_claim, region_record
from verifier.objective import Risk
from verifier.programs.region import region_cost, solve_region
from verifier.report.claim_rows import claim_rows
from verifier.report.html import FOLDER
from verifier.report.recheck import recheck
from verifier.report.region_programs import region_section


def rendered(section):
    """The fragment as text."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: (FOLDER / name).read_text("utf-8")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("region_programs.html.jinja").render(regions=section)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(certificate, claims by name): A, B and a waypoint."""
    rng = np.random.default_rng(4)
    (A, o, X, y), (B, *_), (waypoint, *_) = (instance(rng, "logistic", "path") for _ in range(3))
    problem = kernel_problem(A, B, Risk(o, X, y))
    claims, records = list(endpoint_claims(problem)), []
    for name, of, network in (("region A", "A", A), ("region B", "B", B), ("region 1", "stored", waypoint)):
        program = solve_region(network, Risk(o, X, y))
        claims.append(region_claim(problem, program, name, of=of))
        records.append(region_record(f"waypoint {name[-1]}", program, claims[-1]))
    records.append(left_out_record("waypoint 2", region_cost(waypoint, Risk(o, X, y))))
    record = {"regions": records, "regions_crossed": {"exchange": 137}}
    document, arrays = make_document(
        problem, claims, data_name="x", labels={}, record=json.loads(json.dumps(record)), embed=True
    )
    out = tmp_path_factory.mktemp("regions") / "x.safetensors"
    out.write_bytes(pack(document, arrays))
    return read_certificate(out), {c.name: c for c in claims[2:]}


def section_of(certificate, record=None):
    return region_section(recheck(certificate), certificate.problem, certificate.record if record is None else record)


def test_rows_and_sentences(made):
    """Every network has its certified interval, rounded outwards, and its distance from the best."""
    certificate, claims = made
    page = rendered(section_of(certificate))
    assert page.count("VERIFIED") == 3
    for name, who in (("region A", "A"), ("region B", "B"), ("region 1", "stored network, by the record: waypoint 1")):
        row = re.search(rf'<th scope="row">{who}</th>(.*?)</tr>', page, re.S).group(1)
        low, high = re.search(r"between ([\d.e+-]+) and ([\d.e+-]+)", row).groups()
        assert Decimal(low) <= Decimal(claims[name].lower)
        assert Decimal(high) >= Decimal(claims[name].upper)
        assert float(high) == pytest.approx(claims[name].upper, rel=1e-6)
        assert (f"{who} is above it by" in row) == (who in "AB"), "only A and B have certified values to compare with"
        assert "CVXPY with Clarabel · optimal" in row
        size = next(r for r in certificate.record["regions"] if r["name"] == name)
        assert f"{size['variables']} × {size['constraints']}" in row
        assert f"{size['second_order']} second-order, 36 exponential" in row
        assert re.search(r"\d+; \d of 5 rows are 0", row)
    assert "mean_j log(1 + exp(−y_j f_j)) + κ Σ_i ‖θ_i‖₁ ‖w_i‖₂, f_j = Σ_i θ_i a_ij w_i·x̃_j + c" in page
    assert "crosses 137" not in page, "no such path is in this certificate"
    assert "left to --exhaustive, estimated at 0." in page


def test_the_distance_from_the_best_is_certified(made):
    certificate, claims = made
    found = recheck(certificate)
    row = section_of(certificate).rows[0]
    low, high = re.search(r"A is above it by ([\d.e+-]+) to ([\d.e+-]+)", row.sentence).groups()
    assert float(low) <= found.endpoints["A"][0].lower - claims["region A"].upper
    assert float(high) >= found.endpoints["A"][0].upper - claims["region A"].lower


def test_a_rejected_claim_says_so(made, tmp_path):
    certificate, _ = made
    document, arrays = json.loads(json.dumps(certificate.document)), dict(certificate.arrays)
    claim = document["claims"][2]
    claim["lower"] = claim["upper"]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(pack(document, arrays))
    page = rendered(section_of(read_certificate(path)))
    assert page.count("REJECTED") == 1
    assert "not established: lower end: found at least" in page


def test_nothing_is_believed_of_the_record(made):
    """Without a record, or with one of wrong types, the certified numbers stand; names are escaped."""
    certificate, _ = made
    bare = section_of(certificate, {})
    assert [r.interval for r in bare.rows] == [r.interval for r in section_of(certificate).rows[:3]]
    odd = {
        "regions": [
            {"name": "region A", "primal": "high", "solver": 3, "second_order": [1]},
            {"name": "region 1", "title": "A", "F": 5.0},
            {"title": "<b>", "left_out": True, "estimated_seconds": -1},
            7,
        ],
        "regions_crossed": {"<b>": 2, "x": "y", "exchange": -3},
    }
    page = rendered(section_of(certificate, odd))
    assert "&lt;b&gt;" in page
    assert "crosses" not in page
    assert "estimated at" not in page
    assert page.count('<th scope="row">A</th>') == 1, "a stored network is not passed off as A"
    assert "stored network, by the record: A" in page
    assert page.count("VERIFIED") == 3


def test_no_program_no_section(made):
    from dataclasses import replace

    certificate, _ = made
    found = recheck(certificate)
    assert region_section(replace(found, all=found.all[:2]), certificate.problem, {}) is None


def test_the_list_of_claims_names_them(made):
    certificate, _ = made
    assert [r.kind for r in claim_rows(recheck(certificate))][2:] == ["region optimum"] * 3
