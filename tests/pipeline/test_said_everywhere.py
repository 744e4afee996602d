"""The verdict line, the page, the table, --json and --all say the same of one run: polished, padded, weighted, up to permutation, balanced."""

import html
import json
import re

import numpy as np
import pytest

import verifier
from verifier.certificate import read_certificate
from verifier.cli.main import main
from verifier.errors import UsageError
from verifier.many import certify_all
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import linear_combination, one_hidden_layer
from verifier.objective import make_objective
from verifier.options.objective import ObjectiveOptions
from verifier.pipeline.endpoints import read_objective
from verifier.pipeline.setting import Endpoint
from verifier.report.page import render

from .conftest import tiny_data, tiny_network

WORDS = {"loss": "logistic", "kappa": 0.01, "method": "line"}


def page(certificate):
    text = html.unescape(re.sub(r"<[^>]*>", " ", render(read_certificate(certificate))))
    return " ".join(text.split())


def narrow(seed):
    rng = np.random.default_rng(seed)
    return one_hidden_layer(rng.normal(size=(2, 2)), rng.normal(size=2), rng.normal(size=2), np.zeros(1))


def test_polished_networks_of_a_group():
    """Values of polished networks stand beside file names: every output says that they are not those files'."""
    nets = {str(k): tiny_network(k) for k in range(3)}
    result = certify_all(nets, tiny_data(3), **WORDS, polish=True, out="c", level=10.0)
    assert "of the polished copies, not of the networks that were loaded" in result.sentence
    stored = json.loads((result.folder / "results.json").read_text())
    assert all(n["polished"] for n in stored["networks"])
    assert "polished,weighted" in (result.folder / "results.csv").read_text().splitlines()[0]
    for row in result.rows:
        text = page(row.file)
        assert "By the record, A and B are polished copies of the networks that were loaded" in text
        assert "as loaded" not in text
        assert read_certificate(row.file).record["provenance"]["options"]["polish"] is True
    plain = certify_all(nets, tiny_data(3), **WORDS, out="d")
    assert "polished" not in plain.sentence
    assert not any(n["polished"] for n in json.loads((plain.folder / "results.json").read_text())["networks"])


def test_a_padded_network_that_was_polished_is_another_function():
    A, B = narrow(1), tiny_network(2)
    assert A.widths != B.widths
    result = verifier.certify(A, B, tiny_data(3), **WORDS, pad=True, polish=True)
    assert "A padded with dead neurons to" in result.sentence
    assert "same function" not in result.sentence
    assert result.polished
    text = page(result.certificate)
    assert "with dead neurons added, and was then polished" in text
    assert "the same function" not in text.split("Objective")[0]
    only = verifier.certify(A, B, tiny_data(3), **WORDS, pad=True)
    assert "the same function" in only.sentence
    assert "with dead neurons added, the same function" in page(only.certificate)


def test_widths_that_the_record_makes_up_are_not_repeated(tmp_path):
    from verifier.certificate.file import pack

    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), **WORDS)
    c = read_certificate(result.certificate)
    for widths in ([3, 50, 1], [1], [0, 2, 1]):
        ends = {n: {**e, "padded_from": widths if n == "A" else None} for n, e in c.record["endpoints"].items()}
        (tmp_path / "f.safetensors").write_bytes(
            pack({**c.document, "record": {**c.record, "endpoints": ends}}, c.arrays)
        )
        assert "dead neurons" not in page(tmp_path / "f.safetensors")


def test_weights_are_said_by_the_verdict_line_and_for_machines():
    weights = np.linspace(1.0, 2.0, len(tiny_data(3).X))
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), **WORDS, weights=weights)
    assert "; F the weighted mean" in result.sentence
    assert result.weighted
    assert "F = weighted mean logistic loss" in page(result.certificate)
    plain = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), **WORDS)
    assert not plain.weighted
    assert "weighted" not in plain.sentence


def test_a_notebook_s_table_rounds_bounds_upwards():
    """A tight bound of the line: the six digits shown are at or above every sample."""
    A, B = tiny_network(1), tiny_network(2)
    data, o = tiny_data(3), make_objective("logistic", kappa=0.01)
    targets = o.loss.encode(data)
    sampled = max(o.value(linear_combination(A, B, t), data.X, targets) for t in np.linspace(0.0, 1.0, 2001))
    for scale in (1.0, 1.01, 1.02, 1.03, 1.04):
        C = B.replace(-1, B.theta * scale, B.c)
        result = verifier.certify(A, C, data, **WORDS, tight=1e-9)
        shown = re.search(r"certified</td><td>([^<]+)</td><td>([^<]+)</td>", result._repr_html_())
        assert float(shown[1]) >= result.bounds[0].sup
        assert float(shown[2]) >= result.bounds[0].gap
        if scale == 1.0:
            assert float(shown[1]) >= sampled


def test_a_level_missed_by_a_path_to_a_permuted_copy_says_so():
    A = tiny_network(1)
    result = verifier.certify(A, tiny_network(2), tiny_data(3), **{**WORDS, "method": "rebasin"})
    level = result.E * 1.0000001
    assert result.E + result.gap_up_to_permutation > level
    missed = verifier.certify(A, tiny_network(2), tiny_data(3), **{**WORDS, "method": "rebasin"}, level=level)
    assert missed.outcome.value == "INCONCLUSIVE"
    assert "The best certified path from A to a permuted copy of B, rebasin, exceeds the level" in page(
        missed.certificate
    )


def test_the_form_is_that_of_the_path_that_is_quoted():
    """A line of weight decay as it is beside a balanced exchange: each is called what it is where it is the answer."""
    A = tiny_network(1)
    B = A.replace(-1, A.theta, A.c + 0.125)
    words = {**WORDS, "penalty": "weight_decay"}
    for method in ("line", "exchange", "line,exchange"):
        result = verifier.certify(A, B, tiny_data(3), **{**words, "method": method})
        balanced = "under the balancing map" in result.bounds[0].along
        assert ("balanced image" in result.sentence) == balanced
        assert ("under the balancing map" in page(result.certificate).split("Objective")[0]) == balanced


def test_a_method_that_does_not_apply_loses_no_work(tmp_path):
    """Certified is what was; the reason is said and kept. Alone it is the error."""
    A, B = tiny_network(1), tiny_network(2)
    said = []
    result = verifier.certify(A, B, tiny_data(3), **{**WORDS, "method": "line,theorem32"}, say=said.append)
    assert [b.method for b in result.bounds] == ["line"]
    assert any(s.startswith("theorem32: ") and s.endswith(": skipped") for s in said)
    assert any("theorem32" in s for s in read_certificate(result.certificate).record["skipped"])
    with pytest.raises(UsageError, match="theorem32"):
        verifier.certify(A, B, tiny_data(3), **{**WORDS, "method": "theorem32"})


RECORDED = {"loss": "squared", "kappa": 0.001, "penalty": "l1", "penalise_output_bias": True}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("squared", 0.001, "l1", True)),
        ({"loss": "squared"}, ("squared", 0.001, "l1", True)),
        ({"loss": "absolute"}, ("absolute", 0.001, "l1", True)),
        ({"kappa": 0.01}, ("squared", 0.01, "l1", True)),
        ({"kappa": 0.0}, ("squared", 0.0, "none", False)),
        ({"penalty": "path"}, ("squared", 0.001, "path", False)),
        ({"penalty": "none"}, ("squared", 0.0, "none", False)),
        ({"penalise_output_bias": False}, ("squared", 0.001, "l1", False)),
    ],
)
def test_an_option_that_is_not_given_is_as_it_was_recorded(given, expected):
    """Naming one option drops no other: the objective would change without a word."""
    end = Endpoint(tiny_network(1), {}, RECORDED)
    o = read_objective(end, end, ObjectiveOptions(**given))
    assert (o.loss.name, o.kappa, o.penalty, o.penalise_output_bias) == expected


def test_a_class_has_one_weight(tmp_path, capsys):
    save_checkpoint("a.pt", tiny_network(1))
    save_checkpoint("b.pt", tiny_network(2))
    (tmp_path / "t.csv").write_text(
        "x1,x2,y\n" + "".join(f"{a!r},{b!r},{int(a > 0)}\n" for a, b in tiny_data(3).X[:, :2].tolist())
    )
    words = [
        "certify",
        "--pair",
        "a.pt",
        "b.pt",
        "--data",
        "t.csv",
        "--target",
        "y",
        "--loss",
        "logistic",
        "--method",
        "line",
        "--no-report",
    ]
    assert main([*words, "--class-weight", "1=2,1.0=5"]) == 2
    assert "has a weight already" in capsys.readouterr().err


def test_a_checked_file_is_shown_in_words():
    result = verifier.certify(tiny_network(1), tiny_network(2), tiny_data(3), **WORDS)
    shown = repr(verifier.check_file(result.certificate))
    assert "fast: VERIFIED path" in shown
    assert len(shown) < 2000


def test_entries_that_were_left_out(tmp_path, capsys):
    """A network that is not all of its file is not said to be that file: not in the endpoint's line, the verdict, the page, the group's line or `check`."""
    data = tiny_data(3)
    np.savez(tmp_path / "d.npz", X=data.X, y=data.y)
    files = [str(tmp_path / f"{k}.safetensors") for k in range(3)]
    for k, file in enumerate(files):
        save_checkpoint(file, tiny_network(k))
    words = ["--data", str(tmp_path / "d.npz"), "--loss", "logistic", "--method", "line", "--ignore", "2.b*"]
    out = str(tmp_path / "c.safetensors")
    assert main(["certify", "--pair", *files[:2], *words, "--out", out, "--no-report"]) == 0
    said = capsys.readouterr()
    assert "0.safetensors, without its 2.bias" in said.err
    assert "; A and B without entries of the files that were left out as asked" in said.out
    assert "By the record, A is its file without 2.bias, left out as asked." in page(out)
    assert main(["check", out, "--networks", *files[:2], "--ignore", "2.b*"]) == 0
    assert f"A of the certificate is {files[0]} without its 2.bias" in capsys.readouterr().err
    assert main(["check", out, "--networks", *files[:2]]) == 5
    capsys.readouterr()
    assert main(["certify", "--all", *files, *words, "--out", str(tmp_path / "all"), "--no-report"]) == 0
    assert "without entries that were left out as asked" in capsys.readouterr().out
