"""A report with a certified lower bound beside the upper ones."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

import verifier
from tests.landscape.instances import random_pair
from verifier.certificate.file import pack, read_certificate
from verifier.data.dataset import Dataset
from verifier.kernel.statements import BarrierLowerBound
from verifier.report.bounds import sampled_rows
from verifier.report.headline import MISSED, consistency_flags, headline
from verifier.report.page import render
from verifier.report.recheck import recheck


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    setting, A, B = random_pair(43)
    o = setting.objective
    data = Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    out = tmp_path_factory.mktemp("barrier") / "x.safetensors"
    words = {"kappa": o.kappa, "penalty": o.penalty, "penalise_output_bias": o.penalise_output_bias}
    verifier.certify(A, B, data, loss=o.loss.name, method="exact,line,dss", out=out, **words)
    return read_certificate(out)


@pytest.fixture(scope="module")
def claim(certificate):
    return next(c for c in certificate.claims if isinstance(c, BarrierLowerBound))


def test_the_row_and_the_sentence_round_downwards(certificate, claim):
    page = render(certificate)
    assert "no lower bound in this certificate" not in page
    row = re.search(r"barrier exact</th>(.*?)</tr>", page, re.S).group(1)
    level, gap, _ = re.findall(r'<td class="n">≥ ([^<]*)</td>', row)
    assert Decimal(level) <= Decimal(claim.level)
    assert Decimal(gap) <= Decimal(claim.gap)
    assert float(gap) > 0.99 * claim.gap
    assert "Every path from A to B reaches F ≥" in page
    assert "barrier lower bound" in page


def test_no_flag_on_a_true_certificate(certificate):
    assert consistency_flags(recheck(certificate), certificate.problem, certificate.record) == []


def test_figures_below_the_barrier_are_errors(certificate, claim):
    found = recheck(certificate)
    low = replace(found.paths[0], claim=replace(found.paths[0].claim, sup=0.5 * claim.level))
    flags = consistency_flags(
        replace(found, paths=(low,)),
        certificate.problem,
        {"estimates": [{"method": "DSS", "maximum": 0.5 * claim.level}]},
    )
    assert len(flags) == 2
    assert all("lies under the barrier certified at" in f for f in flags)


def test_an_estimate_under_the_barrier_is_marked(certificate, claim):
    """A little below is no contradiction, as samples miss peaks, but the reader is told; a line to a permuted B ends elsewhere."""
    found, low = recheck(certificate), {"maximum": (1 - 1e-3) * claim.level}
    record = {
        "estimates": [
            {"method": "DSS", **low},
            {"method": "line after matching", "matched": True, **low},
            {"method": "DSS", "maximum": claim.level},
        ]
    }
    assert [MISSED in r.remark for r in sampled_rows(found, record)] == [True, False, False]
    assert consistency_flags(found, certificate.problem, record) == []


def test_a_frozen_barrier_is_about_paths_that_keep_the_output_layer(certificate, claim):
    """Other paths may stay below it: no level is refuted for them, and a path certified at the level is the answer."""
    found, below = recheck(certificate), 0.999 * claim.level
    frozen = replace(found, barriers=tuple((replace(c, output_layer="frozen"), v) for c, v in found.barriers))
    record = {"provenance": {"options": {"level": below}}}
    of = lambda f: headline(f, certificate.problem, record, [])
    assert of(found).word == of(frozen).word == "REFUTED"
    assert "No path from A to B stays" in of(found).sentence
    assert "No path from A to B with this output layer stays" in of(frozen).sentence
    joined = replace(found.paths[0].claim, level=below, gap_over_level=0.0)
    other = replace(found.paths[0], claim=joined)
    assert of(replace(frozen, paths=(other,))).word == "CERTIFIED"


def test_a_rejected_barrier_is_said_to_be_rejected(certificate, claim, tmp_path):
    document = {**certificate.document, "claims": [dict(c) for c in certificate.document["claims"]]}
    entry = next(c for c in document["claims"] if c["kind"] == "barrier_lower_bound")
    entry["level"] = (2.0 * claim.level).hex()
    (tmp_path / "x.safetensors").write_bytes(pack(document, certificate.arrays))
    page = render(read_certificate(tmp_path / "x.safetensors"))
    assert "The kernel does not confirm 1 of this certificate" in page
    assert re.search(r"barrier exact</th><td><span class=\"badge bad\">REJECTED", page)
