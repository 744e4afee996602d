"""The committed gallery, re-checked with today's kernel; `make check-gallery` adds the reference evaluation."""

import json
from pathlib import Path

import pytest

from verifier.certificate import read_certificate
from verifier.kernel import PathUpperBound, check
from verifier.kernel.statements import BarrierLowerBound, Landscape, SignCountBarrier

ROOT = Path(__file__).resolve().parents[1]
# Pairs of networks with more than one hidden layer, with the loss alone: widths.
DEEP = {"digits-200-200": [64, 200, 200, 10], "digits-64x5": [64, 64, 64, 64, 64, 64, 10]}
CHANNELS = "digits-channels"
FILES = sorted((ROOT / "certificates").glob("gallery-*.safetensors"))


def test_the_gallery_holds_what_it_promises():
    """Moons, Breast Cancer at two widths, digits with ten classes; each with the loss alone and with kappa > 0; two deep pairs, and one of channels."""
    names = {f.stem.removeprefix("gallery-") for f in FILES}
    pairs = ("moons-20", "breast-cancer-20", "breast-cancer-200", "digits-32")
    assert names == {f"{p}-{o}" for p in pairs for o in ("loss", "path")} | {*DEEP, CHANNELS}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_certificate_is_verified_and_certifies_gap_zero(file):
    c = read_certificate(file)
    assert (c.problem.objective.kappa > 0) == file.stem.endswith("path")
    rejected = [v.sentence for v in (check(c.problem, claim) for claim in c.claims) if not v.accepted]
    assert not rejected
    assert any(claim["gap"] == "0x0.0p+0" for claim in c.document["claims"] if claim["kind"] == "path_upper_bound")
    for name, path in c.record["paths"].items():
        sup = next(float.fromhex(x["sup"]) for x in c.document["claims"] if x.get("path") == name)
        assert path["sampled"]["maximum"] <= sup, "sampled <= certified"


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_its_report_is_there_and_names_this_very_file(file):
    page = (ROOT / "reports" / f"{file.stem}.html").read_text()
    assert read_certificate(file).digest in page
    assert json.dumps(file.name)[1:-1] in page


@pytest.mark.parametrize("name", DEEP)
def test_deep_pairs_have_their_paths_and_losses_per_layer(name):
    """Theorem 4.1 and exchange reach E; dropout stability does not."""
    c = read_certificate(ROOT / "certificates" / f"gallery-{name}.safetensors")
    assert c.record["architecture"]["widths"] == DEEP[name]
    gaps = {x.path: x.gap for x in c.claims if isinstance(x, PathUpperBound)}
    assert set(gaps) == {"theorem41", "exchange", "dropout"}
    assert {n for n, gap in gaps.items() if gap == 0.0} == {"theorem41", "exchange"}
    assert "Loss per layer" in (ROOT / "reports" / f"gallery-{name}.html").read_text()


def test_the_pair_of_channels_says_what_it_is():
    """Theorem 4.1 reaches E, far below dropout stability, and the page names the architecture."""
    file = ROOT / "certificates" / f"gallery-{CHANNELS}.safetensors"
    c = read_certificate(file)
    gaps = {x.path: x.gap for x in c.claims if isinstance(x, PathUpperBound)}
    assert gaps["theorem41"] == 0.0
    assert gaps["dropout"] > 1.0
    assert file.stat().st_size < 300_000
    words = "3 convolutions + 2 dense layers, 1x8x8 -> 10"
    assert words in c.record["verdict"]["sentence"]
    assert words.replace(">", "&gt;") in (ROOT / "reports" / f"gallery-{CHANNELS}.html").read_text()


LANDSCAPES = sorted((ROOT / "certificates").glob("landscape-*.safetensors"))
# docs/landscape.md: seed 0, N = 5, m = 1, 2, 3
GAPS = {"landscape-width-1-1": 0.41613, "landscape-width-2-1": 0.54251, "landscape-width-3-1": 0.00312}


def test_the_landscapes_gaps_are_the_documented_ones_from_both_sides():
    """Each largest gap of widths 1, 2, 3 is certified from below and from above, to five digits."""
    assert {f.stem for f in LANDSCAPES} == set(GAPS)
    for file in LANDSCAPES:
        c = read_certificate(file)
        rejected = [v.sentence for v in (check(c.problem, claim) for claim in c.claims) if not v.accepted]
        assert not rejected
        low = max(x.gap for x in c.claims if isinstance(x, BarrierLowerBound))
        high = min(x.gap for x in c.claims if isinstance(x, PathUpperBound))
        assert low <= high <= low * (1 + 1e-6)
        assert round(low, 5) == GAPS[file.stem]


@pytest.mark.parametrize("file", LANDSCAPES, ids=lambda f: f.stem)
def test_the_landscapes_reports_name_their_files(file):
    page = (ROOT / "reports" / f"{file.stem}.html").read_text()
    assert read_certificate(file).digest in page
    assert "0.5425" in (ROOT / "reports" / "landscape.html").read_text()


WHOLE = sorted((ROOT / "certificates").glob("whole-landscape-*.safetensors"))


def test_the_whole_landscapes_are_the_documented_ones():
    """2, 4 and 18 minima, and largest gaps of any two networks that the pairs' certificates agree with; each report says so."""
    assert [f.stem for f in WHOLE] == [f"whole-landscape-width-{m}" for m in (1, 2, 3)]
    for file, minima, pair in zip(WHOLE, (2, 4, 18), LANDSCAPES, strict=True):
        c = read_certificate(file)
        (claim,) = c.claims
        assert isinstance(claim, Landscape)
        assert check(c.problem, claim).accepted
        assert (len(claim.minima), len(claim.joins)) == (minima, minima - 1)
        low = max(x.gap for x in read_certificate(pair).claims if isinstance(x, BarrierLowerBound))
        assert low <= claim.gap_upper <= low * (1 + 1e-6)
        assert claim.gap_upper * (1 - 1e-6) <= claim.gap_lower
        page = (ROOT / "reports" / f"{file.stem}.html").read_text()
        assert c.digest in page
        assert "The whole landscape of networks of this shape is known" in page
        assert c.digest[:16] in (ROOT / "reports" / "landscape.html").read_text()


def test_the_barrier_between_trained_networks():
    """Two trained networks on the paper's Moons, 800 samples, width 2: certified from both sides, and its report names the file."""
    file = ROOT / "certificates" / "barrier-moons-sign-count.safetensors"
    c = read_certificate(file)
    assert c.problem.X.shape == (800, 2)
    assert all(check(c.problem, claim).accepted for claim in c.claims)
    (barrier,) = (claim for claim in c.claims if isinstance(claim, SignCountBarrier))
    upper = min(claim.gap for claim in c.claims if isinstance(claim, PathUpperBound))
    assert 0.0085 <= barrier.gap <= upper <= barrier.gap * (1 + 1e-6)
    page = (ROOT / "reports" / f"{file.stem}.html").read_text()
    assert c.digest in page
    assert f"barrier {barrier.name}" in page
