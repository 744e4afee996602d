"""`certify` as a library: what it accepts, what it returns, and what its certificate says."""

import numpy as np
import pytest
import torch

import verifier
from verifier.certificate import read_certificate
from verifier.errors import UsageError
from verifier.kernel import check
from verifier.networks.checkpoint import save_checkpoint
from verifier.options.certify import CertifyOptions
from verifier.options.objective import ObjectiveOptions
from verifier.outcomes import Outcome
from verifier.pipeline import gather, write
from verifier.pipeline.constructions.proposal import Request, propose
from verifier.pipeline.constructions.registry import CONSTRUCTIONS
from verifier.pipeline.endpoints import read_setting
from verifier.pipeline.sampling import Samples

from .conftest import tiny_data, tiny_network

FAST = "exchange,halves,line"
OBJECTIVES = [
    ("logistic", "binary", 1, 0.0, None),
    ("logistic", "binary", 1, 0.01, "path"),
    ("hinge", "binary", 1, 0.01, "l1"),
    ("cross_entropy", "multiclass", 3, 0.0, None),
    ("cross_entropy", "multiclass", 3, 0.01, "weight_decay"),
    ("squared", "regression", 1, 0.0, None),
    ("squared", "multiclass", 3, 0.01, "path"),
    ("huber", "regression", 1, 0.01, "weight_decay"),
    ("absolute", "regression", 1, 0.01, "l1"),
]


@pytest.mark.parametrize(("loss", "task", "outputs", "kappa", "penalty"), OBJECTIVES)
def test_every_objective_certifies_and_both_evaluations_agree(loss, task, outputs, kappa, penalty):
    A, B = (tiny_network(s, (2, 6, outputs)) for s in (1, 2))
    result = verifier.certify(
        A,
        B,
        tiny_data(3, task),
        loss=loss,
        delta=0.5 if loss == "huber" else None,
        kappa=kappa,
        penalty=penalty,
        method=FAST,
    )
    assert result.outcome is Outcome.CERTIFIED
    assert {b.method for b in result.bounds} == {"exchange", "halves", "line"}
    assert all(v.accepted for v in result.check())
    assert all(v.accepted for v in result.check(reference=True))
    record = read_certificate(result.certificate).record
    for bound in result.bounds:
        assert record["paths"][bound.method]["sampled"]["maximum"] <= bound.sup, "sampled <= certified"
    assert result.gap == min(b.gap for b in result.bounds)


def test_theorem2_brings_its_six_segments_with_programs_and_a_priori_values():
    A, B = tiny_network(1), tiny_network(2)
    result = verifier.certify(A, B, tiny_data(3), loss="logistic", kappa=0.01, penalty="l1", method="theorem2")
    c = read_certificate(result.certificate)
    heads = [row for row in c.document["claims"] if row["kind"] == "head_optimum"]
    assert len(heads) >= 5, "best heads of both sides, sparse heads of both sides, and the reference"
    labels = [m["label"] for p in c.document["paths"] for m in p["moves"]]
    for segment in range(1, 7):
        assert any(f"segment {segment}" in text for text in labels), f"segment {segment} is missing"
    assert len(c.record["programs"]) == len(heads)
    for row in c.record["programs"]:
        assert row["certified_lower"] <= row["dual"] * (1 + 1e-6) + 1e-9
        assert row["certified_lower"] <= row["certified_upper"]
    names = [row["name"] for row in c.record["apriori"]]
    assert any("paper's C" in n for n in names)
    assert any("repaired" in n for n in names)
    assert c.record["tables"]["theorem2"]


@pytest.mark.parametrize("form", ["module", "state dict", "arrays", "file"])
def test_networks_come_as_modules_state_dicts_arrays_or_files(form, tmp_path):
    pair = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        module = torch.nn.Sequential(torch.nn.Linear(2, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
        if form == "module":
            pair.append(module)
        elif form == "state dict":
            pair.append(module.state_dict())
        elif form == "arrays":
            pair.append({k: v.numpy() for k, v in module.state_dict().items()})
        else:
            torch.save(module.state_dict(), tmp_path / f"{seed}.pt")
            pair.append(tmp_path / f"{seed}.pt")
    X = np.random.default_rng(0).normal(size=(30, 2))
    result = verifier.certify(*pair, (X, X[:, 0]), loss="squared", method="line")
    assert result.bounds[0].method == "line"


def test_recorded_settings_are_used_and_a_given_one_wins(tmp_path):
    from verifier.data.load import data_record, load_data

    data = load_data("moons:n=40,noise=0.2,seed=1")
    meta = {
        "data": data_record(data),
        "loss": "logistic",
        "delta": None,
        "kappa": 0.01,
        "penalty": "l1",
        "penalise_output_bias": True,
    }
    for seed in (1, 2):
        save_checkpoint(tmp_path / f"{seed}.pt", tiny_network(seed), meta)
    pair = (tmp_path / "1.pt", tmp_path / "2.pt")
    recorded = read_certificate(verifier.certify(*pair, method="line").certificate).problem.objective
    assert (recorded.loss, recorded.kappa, recorded.penalty, recorded.penalise_output_bias) == (
        "logistic",
        0.01,
        "l1",
        True,
    )
    given = read_certificate(verifier.certify(*pair, method="line", kappa=0.0).certificate).problem.objective
    assert (given.kappa, given.penalty) == (0.0, "none")


def test_missing_data_and_loss_say_which_option_decides():
    A, B = tiny_network(1), tiny_network(2)
    with pytest.raises(UsageError, match=r"no data set: the checkpoints do not record one.*--data"):
        verifier.certify(A, B, loss="logistic")
    with pytest.raises(UsageError, match=r"no loss: the checkpoints do not record one.*--loss"):
        verifier.certify(A, B, tiny_data(3))
    with pytest.raises(UsageError, match=r"'magic' is unknown; expected all, or some of exchange"):
        verifier.certify(A, B, tiny_data(3), loss="logistic", method="magic")


def test_architectures_and_inputs_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match=r"A and B differ in architecture: widths \(2, 6, 1\) and \(2, 5, 1\)"):
        verifier.certify(tiny_network(1), tiny_network(2, (2, 5, 1)), tiny_data(3), loss="logistic")
    with pytest.raises(UsageError, match=r"has 3 features, the networks take 2 inputs"):
        verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3, d=3), loss="logistic")
    with pytest.raises(UsageError, match="differ in architecture"):
        verifier.certify(tiny_network(1), tiny_network(2, bias=False), tiny_data(3), loss="logistic")


def test_a_level_is_certified_refuted_or_left_open():
    A, B, data = tiny_network(1), tiny_network(2), tiny_data(3)
    options = {"loss": "logistic", "method": "exchange"}
    E = verifier.certify(A, B, data, **options).E
    assert verifier.certify(A, B, data, level=2 * E, **options).outcome is Outcome.CERTIFIED
    low = verifier.certify(A, B, data, level=E / 2, **options)
    assert low.outcome is Outcome.REFUTED
    assert "an endpoint lies above it" in low.sentence
    open_question = verifier.certify(A, B, data, level=E * (1 + 1e-6), loss="logistic", method="line")
    assert open_question.outcome is Outcome.INCONCLUSIVE
    assert "the best path exceeds it by at most" in open_question.sentence


def test_deep_networks_have_their_paths_and_what_covers_one_hidden_layer_is_refused():
    A = tiny_network(1, (2, 4, 4, 1))
    B = tiny_network(2, (2, 4, 4, 1))
    deep = verifier.certify(A, B, tiny_data(3), loss="logistic", method="exchange,theorem41,dropout")
    assert {b.method for b in deep.bounds} == {"exchange", "theorem41", "dropout"}
    assert all(v.accepted for v in deep.check(reference=True))
    setting = read_setting(A, B, tiny_data(3), ObjectiveOptions(loss="logistic"), CertifyOptions())
    proposed = propose(CONSTRUCTIONS["halves"], setting, Request(CertifyOptions(), of_all=True))
    assert [p.method for p in proposed.paths] == ["theorem41"]
    for method, why in (
        ("halves,descent", "halves: defined for one hidden layer; theorem41"),
        ("cones", "cones: defined for one hidden layer, these networks have 2"),
    ):
        with pytest.raises(UsageError, match=why):
            verifier.certify(A, B, tiny_data(3), loss="logistic", method=method, out="other.safetensors")
    beside = verifier.certify(A, B, tiny_data(3), loss="logistic", method="halves,line")
    assert {b.method for b in beside.bounds} == {"line"}
    head = A.replace(-1, A.theta * 0.5)
    same = verifier.certify(A, head, tiny_data(3), loss="logistic", method="line")
    assert same.gap == 0.0


def test_identical_networks_have_gap_zero():
    A = tiny_network(1)
    result = verifier.certify(A, A, tiny_data(3), loss="logistic", method=FAST)
    assert result.gap == 0.0
    assert all(v.accepted for v in result.check(reference=True))


def test_a_sample_above_a_certified_maximum_stops_the_run(monkeypatch):
    """The order sampled <= certified is asserted in every run."""
    monkeypatch.setattr(gather, "sample_path", lambda *a, **k: Samples(np.array([0.0]), np.array([1e9])))
    with pytest.raises(
        gather.SampledAboveCertified, match=r"a sample of F is 1000000000\.0, above the certified maximum"
    ):
        verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method="line")


def test_what_the_kernel_rejects_is_never_written(monkeypatch, tmp_path):
    from verifier.kernel import Verdict

    monkeypatch.setattr(write, "check", lambda *a, **k: Verdict(False, "the claim", "for the test", {}))
    with pytest.raises(verifier.VerifierError, match="the kernel rejects what was just produced"):
        verifier.certify(
            tiny_network(1),
            tiny_network(2),
            tiny_data(3),
            loss="logistic",
            method="line",
            out=tmp_path / "c.safetensors",
        )
    assert not (tmp_path / "c.safetensors").exists()


def test_data_too_large_to_embed_lie_beside_the_certificate(monkeypatch, tmp_path):
    monkeypatch.setattr("verifier.certificate.document.EMBED_LIMIT", 100)
    out = tmp_path / "c.safetensors"
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method="line", out=out)
    assert all(v.accepted for v in result.check())
    c = read_certificate(out)
    assert not c.document["data"]["embedded"]
    elsewhere = out.with_suffix(".data").rename(tmp_path / "moved.data")
    with pytest.raises(verifier.CertificateFormatError, match="not embedded; hand it over with --data"):
        read_certificate(out)
    c = read_certificate(out, data=elsewhere)
    assert all(check(c.problem, claim).accepted for claim in c.claims)


def test_notebook_display_escapes_and_names_every_kind():
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method="line")
    html = result._repr_html_()
    assert "certified" in html
    assert "sampled" in html
    assert str(result) == result.sentence


def test_endpoints_are_said_before_anything_long_starts():
    said: list[str] = []
    verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method="line", say=said.append)
    assert said[0].startswith("A: F = ")
    assert said[1].startswith("B: F = ")
    assert said[2].startswith("data tiny-binary: 40 samples")


def test_same_inputs_same_certificate_name_and_claims():
    first, second = (
        verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method="line")
        for _ in range(2)
    )
    assert first.certificate == second.certificate
    other = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", kappa=0.1, method="line")
    assert other.certificate != first.certificate


def test_dss_is_sampled_its_string_is_kept_and_certified_like_any_path(tmp_path):
    A, B = tiny_network(1), tiny_network(2)
    result = verifier.certify(A, B, tiny_data(3), loss="logistic", method="dss", out=tmp_path / "c.safetensors")
    assert result.estimates[0].method == "DSS (plain)"
    assert "sampled" in result.sentence
    assert result.bounds[0].method == "dss"
    assert result.bounds[0].sup >= result.estimates[0].maximum * (1 - 1e-12), "sampled <= certified on the same string"
    with np.load(tmp_path / "c.dss.npz") as kept:
        assert np.array_equal(kept["W1"][0], A.W)
        assert np.array_equal(kept["W1"][-1], B.W)
    deep = (tiny_network(1, (2, 4, 4, 1)), tiny_network(2, (2, 4, 4, 1)))
    sampled = verifier.certify(*deep, tiny_data(3), loss="logistic", method="dss", out=tmp_path / "d.safetensors")
    assert [b.method for b in sampled.bounds] == ["dss"], (
        "strings of deep networks are certified when asked for by name"
    )
    assert sampled.bounds[0].sup >= sampled.estimates[0].maximum * (1 - 1e-12)
    assert all(v.accepted for v in sampled.check(reference=True))
    assert (tmp_path / "d.dss.npz").exists()
    record = read_certificate(
        verifier.certify(*deep, tiny_data(3), loss="logistic", exhaustive=True).certificate
    ).record
    assert "dss" not in record["paths"], "--method all does not wait for the chords of deep strings"
    assert {"exchange", "line", "theorem41"} <= set(record["paths"])


def test_the_portfolio_stops_at_gap_zero_unless_exhaustive():
    A = tiny_network(1)
    B = A.replace(-1, A.theta * 0.9)
    data = tiny_data(3)
    quick = verifier.certify(A, B, data, loss="logistic")
    record = read_certificate(quick.certificate).record
    assert quick.gap == 0.0
    assert list(record["paths"]) == ["exchange", "theorem2"], "Theorem 2's programs are posed all the same"
    assert any("homotopy: not needed, the gap over E is 0 already" in s for s in record["skipped"])
    assert quick.estimates, "the DSS estimate stands beside the proof all the same"
    full = verifier.certify(A, B, data, loss="logistic", exhaustive=True)
    assert {"exchange", "line", "halves", "descent", "homotopy", "theorem2", "dss"} <= set(
        read_certificate(full.certificate).record["paths"]
    )


def test_a_users_own_polyline_is_certified(tmp_path):
    from verifier.paths.curves.strings import polyline, save_string

    A, C, B = (tiny_network(s) for s in (1, 2, 3))
    save_string(polyline("mine", A, [C], B), tmp_path / "mine.npz")
    result = verifier.certify(A, B, tiny_data(3), loss="logistic", string=tmp_path / "mine.npz")
    assert result.bounds[0].method == "string"
    moves = read_certificate(result.certificate).document["paths"][0]["moves"]
    assert len(moves) == 2
    assert all(v.accepted for v in result.check(reference=True))
    with pytest.raises(UsageError, match=r"name its .npz file with --string"):
        verifier.certify(A, B, tiny_data(3), loss="logistic", method="string")


@pytest.mark.parametrize("method", ["bezier", "polychain", "neb"])
def test_trained_curves_are_sampled_and_certified_side_by_side(method):
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), loss="logistic", method=method)
    assert result.bounds[0].method == method
    assert result.estimates[0].method == method
    assert result.bounds[0].sup >= result.estimates[0].maximum * (1 - 1e-12)
    assert all(v.accepted for v in result.check())


def test_tightness_is_what_was_asked():
    A, B = tiny_network(1), tiny_network(2)
    loose, tight = (verifier.certify(A, B, tiny_data(3), loss="logistic", method="line", tight=t) for t in (1e-2, 1e-6))
    sampled = read_certificate(tight.certificate).record["paths"]["line"]["sampled"]["maximum"]
    assert sampled <= tight.bounds[0].sup <= loose.bounds[0].sup
    assert tight.bounds[0].sup <= sampled * (1 + 1e-4), "201 samples of the line miss its maximum by a little too"


def test_polished_endpoints_are_the_pair_and_say_where_they_came_from():
    said: list[str] = []
    A, B = tiny_network(1), tiny_network(2)
    result = verifier.certify(
        A, B, tiny_data(3), loss="logistic", kappa=0.01, method="exchange", polish=True, say=said.append
    )
    assert said[0].startswith("A polished: F ")
    source = read_certificate(result.certificate).record["endpoints"]["A"]["source"]
    assert source["polished from"] == A.sha256()
    assert source["F after"] < source["F before"]


def test_a_result_never_speaks_of_another_runs_file(tmp_path):
    """Two runs of one pair share the default name: the first result must not check, or report, what the second wrote."""
    A, B, data = tiny_network(1), tiny_network(2), tiny_data(3)
    first = verifier.certify(A, B, data, loss="logistic", method="line")
    assert all(v.accepted for v in first.check())
    second = verifier.certify(A, B, data, loss="logistic", method="exchange")
    assert first.certificate == second.certificate
    assert all(v.accepted for v in second.check())
    for ask in (first.check, lambda: first.report(tmp_path / "r.html")):
        with pytest.raises(verifier.VerifierError, match="is no longer the certificate of this result"):
            ask()
