"""Deep networks: every run poses the programs of Theorem 4.1, certified, in a table of the report that reads them off the claims' arrays."""

import json

import pytest

import verifier
from tests.report.conftest import Outline
from verifier.certificate import read_certificate
from verifier.certificate.file import pack
from verifier.kernel import PathUpperBound, check
from verifier.kernel.statements import SubnetworkHeadOptimum
from verifier.pipeline.constructions import towers
from verifier.report import render
from verifier.report.recheck import recheck
from verifier.report.subnetworks import subnetwork_programs
from verifier.training.train import train_network

from .conftest import tiny_data


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """Two trained networks of three hidden layers, by every construction that a run tries."""
    data = tiny_data(3, "regression", N=60)
    A, B = (train_network(data, (8, 8, 6), "squared", seed=i, epochs=200).network for i in range(2))
    out = tmp_path_factory.mktemp("deep") / "c.safetensors"
    result = verifier.certify(A, B, data, loss="squared", kappa=0.01, penalty="l1", out=out, estimate_seconds=0.3)
    return A, B, data, result


def test_programs_are_claims_of_both_evaluations(certified):
    *_, result = certified
    c = read_certificate(result.certificate)
    heads = [x for x in c.claims if isinstance(x, SubnetworkHeadOptimum)]
    assert [x.name for x in heads] == [
        *(f"Theorem 4.1, best head at layer {l} of A" for l in (3, 2, 1)),
        *(f"Theorem 4.1, best head at layer {l} of B" for l in (1, 2, 3)),
    ]
    for x in heads:
        assert x.head_limit is None, "a price leaves room for the dual"
        assert x.upper - x.lower <= 1e-6 * x.upper
        assert all(check(c.problem, x, evaluation=e).accepted for e in ("fast", "reference"))
    assert [x.widths.tolist() for x in heads[:3]] == [[8, 8, 3], [8, 4, 3], [4, 4, 3]]


def test_the_table_stands_beside_the_path(certified):
    *_, result = certified
    c = read_certificate(result.certificate)
    found = subnetwork_programs(recheck(c), c.problem, c.record)
    path = next(x for x in c.claims if isinstance(x, PathUpperBound) and x.path == "theorem41")
    assert found is not None
    assert [r.verdict for r in found.rows] == ["VERIFIED"] * 6 + ["–"]
    assert found.rows[-1].name == "the rest"
    walked = [n for r in found.rows for n in range(int(r.moves.split("–")[0]), int(r.moves.split("–")[-1]) + 1)]
    assert walked == list(range(1, len(path.moves) + 1)), "every move once"
    assert max(float(r.maximum) for r in found.rows) <= path.sup * (1 + 1e-7)
    for r in found.rows[:-1]:
        low, high = json.loads(r.interval)
        assert low <= high <= float(r.maximum) * (1 + 1e-7), "the path has a head there that is no better than the best"
        assert r.size == "4 × 0"
    assert found.estimate == "dss"
    assert all(float(r.nearest) > 0.0 for r in found.rows)
    page = Outline(render(c, name="c.safetensors"))
    assert "Theorem 4.1, program by program" in page.text
    assert "Theorem 2, segment by segment" not in page.text
    assert page.text.count("head optimum on a sub-network") == 6


@pytest.mark.parametrize("change", ["names exchanged", "a name of nothing", "names of numbers", "segments cut"])
def test_the_record_decides_nothing(certified, tmp_path, change):
    """A row shows an interval only where the claim's sub-network is what the path passes."""
    *_, result = certified
    c = read_certificate(result.certificate)
    document, arrays = json.loads(json.dumps(c.document)), dict(c.arrays)
    entry = document["record"]["paths"]["theorem41"]
    named = [n for n in entry["programs"] if n]
    swap = {named[0]: named[1], named[1]: named[0]}
    if change == "names exchanged":
        entry["programs"] = [swap.get(n, n) for n in entry["programs"]]
    elif change == "a name of nothing":
        entry["programs"] = [n and "nobody" for n in entry["programs"]]
    elif change == "names of numbers":
        entry["programs"] = [n and 7 for n in entry["programs"]]
    else:
        entry["segments"] = entry["segments"][:-1]
    (tmp_path / "c.safetensors").write_bytes(pack(document, arrays))
    changed = read_certificate(tmp_path / "c.safetensors")
    found = subnetwork_programs(recheck(changed), changed.problem, changed.record)
    if change == "segments cut":
        assert found is None
        return
    shown = [r for r in found.rows if r.verdict == "VERIFIED"]
    assert len(shown) == (4 if change == "names exchanged" else 0)


def test_what_would_take_long_is_named_and_left_out(certified, tmp_path, monkeypatch):
    A, B, data, _ = certified
    words = {"loss": "squared", "kappa": 0.01, "penalty": "l1", "estimate_seconds": 0.1}
    monkeypatch.setattr(towers, "ONE", 0.0)
    heard = []
    verifier.certify(A, B, data, out=tmp_path / "a.safetensors", say=heard.append, **words)
    left = [text for text in heard if text.endswith("left to --exhaustive or --method theorem41")]
    assert len(left) == 6
    c = read_certificate(tmp_path / "a.safetensors")
    assert not any(isinstance(x, SubnetworkHeadOptimum) for x in c.claims)
    named = verifier.certify(
        A, B, data, method="theorem41", out=tmp_path / "b.safetensors", loss="squared", kappa=0.01, penalty="l1"
    )
    assert sum(isinstance(x, SubnetworkHeadOptimum) for x in read_certificate(named.certificate).claims) == 6
    # Where the gap is 0 already, the whole path may be left out, with its estimate.
    monkeypatch.setattr(towers, "LONGEST_POSED", 0.0)
    heard.clear()
    same = A.replace(-1, A.theta * 0.999, A.c)
    result = verifier.certify(A, same, data, out=tmp_path / "c.safetensors", say=heard.append, **words)
    assert result.gap == 0.0
    assert any(text.startswith("theorem41: about ") and "left to --exhaustive" in text for text in heard)
