"""No command replaces a file that verifier did not write, and says so before the work."""

import shutil

import numpy as np
import pytest

from verifier.cli.main import main

from .conftest import DATA

FOREIGN = b"somebody's own work"


@pytest.fixture
def nets(trained, tmp_path):
    for k, source in enumerate((*trained, trained[0])):
        shutil.copy(source, tmp_path / f"{k}.pt")
    np.savez(tmp_path / "data.npz", X=np.zeros((4, 2)), y=np.arange(4) % 2)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "cor8.safetensors").write_bytes(FOREIGN)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "kept.html").write_bytes(FOREIGN)
    for name in ("mine.html", "mine.safetensors", "mine.pt"):
        (tmp_path / name).write_bytes(FOREIGN)
    return ["0.pt", "1.pt"]


CERTIFY = ["certify", "--pair", "0.pt", "1.pt", "--method", "line"]
TRAIN = ["train", "--data", DATA, "--loss", "logistic", "--width", "6", "--epochs", "30", "--kappa", "0.01"]
COMMANDS = {
    "certificate over checkpoint": ([*CERTIFY, "--out", "0.pt"], "0.pt"),
    "certificate over data": ([*CERTIFY, "--data", "data.npz", "--loss", "logistic", "--out", "data.npz"], "data.npz"),
    "certificate over a foreign file": ([*CERTIFY, "--out", "mine.safetensors"], "mine.safetensors"),
    "certificate without suffix": ([*CERTIFY, "--out", "c"], None),
    "report over the certificate": ([*CERTIFY, "--out", "c.safetensors", "--report", "c.safetensors"], None),
    "report over a checkpoint": ([*CERTIFY, "--report", "0.pt"], "0.pt"),
    "report over a foreign page": ([*CERTIFY, "--report", "mine.html"], "mine.html"),
    "report over a foreign page at its usual place": ([*CERTIFY, "--out", "kept.safetensors"], "kept.html"),
    "report and none": ([*CERTIFY, "--report", "r.html", "--no-report"], None),
    "many over a file": (["certify", "--all", "0.pt", "1.pt", "2.pt", "--out", "0.pt"], "0.pt"),
    "many over a foreign page": (["certify", "--all", "0.pt", "1.pt", "2.pt", "--report", "mine.html"], "mine.html"),
    "many into the user's folder": (["certify", "--all", "0.pt", "1.pt", "2.pt", "--out", "."], None),
    "train over the data": ([*TRAIN, "--data", "data.npz", "--out", "data.npz"], "data.npz"),
    "train over a foreign checkpoint": ([*TRAIN, "--out", "mine.pt"], "mine.pt"),
    "train over another network": ([*TRAIN, "--seed", "5", "--out", "0.pt"], "0.pt"),
    "train with another slope": ([*TRAIN, "--seed", "0", "--negative-slope", "0.1", "--out", "0.pt"], "negative_slope"),
    "train with other options": ([*TRAIN, "--lr", "0.5", "--out", "0.pt"], "0.pt"),
    "regions over the network": (["regions", "--network", "0.pt", "--out", "0.pt"], "0.pt"),
    "regions into the user's folder": (["regions", "--preset", "figure2", "--size", "small", "--out", "."], None),
    "landscape into the user's folder": (["landscape", "--data", DATA, "--loss", "squared", "--width", "1", "--out", "."], None),
    "landscape of a pair there": (["landscape", "--pair", "0.pt", "1.pt", "--out", "."], None),
    "stability into the user's folder": (["stability", "--networks", "0.pt", "1.pt", "--out", "."], None),
    "stability's report": (["stability", "--networks", "0.pt", "1.pt", "--report", "mine.html"], "mine.html"),
    "audit's certificates": (["audit", "karhadkar2023", "--claim", "cor8", "--certificates", "--certificates-out", "taken"], "cor8.safetensors"),
    "audit into the user's folder": (["audit", "karhadkar2023", "--claim", "cor8", "--out", "."], None),
}  # fmt: skip


@pytest.mark.parametrize("what", COMMANDS)
def test_refused_before_the_work_with_exit_code_2(what, nets, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("verifier.pipeline.certify.gather", lambda *_: pytest.fail("worked first"))
    words, kept = COMMANDS[what]
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert kept is None or kept in err
    assert any(
        words in err
        for words in (
            "is the input",
            "exists and is",
            "expected a name ending",
            "is not empty",
            "is a file;",
            "contradict",
            "holds a network",
        )
    )
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_the_same_again_replaces_its_own_files(nets, tmp_path, capsys):
    for again in (False, True):
        assert main([*CERTIFY, "--out", "c.safetensors", "--report", "c.html"]) == 0
        assert ("replaces the certificate that an earlier run wrote" in capsys.readouterr().err) == again
        assert main(["report", "c.safetensors", "--out", "c.html"]) == 0
        assert main([*TRAIN, "--seed", "0", "--out", "0.pt"]) == 0
    assert main(["report", "c.safetensors", "--out", "c.safetensors"]) == 2


def test_an_input_string_is_not_replaced_by_the_string_of_dss(nets, capsys):
    assert main([*CERTIFY[:-1], "dss", "--out", "c.safetensors", "--no-report"]) in (0, 3)
    capsys.readouterr()
    again = [*CERTIFY[:-1], "string,dss", "--string", "c.dss.npz", "--no-report"]
    assert main([*again, "--out", "c.safetensors"]) == 2
    assert "c.dss.npz: is the input" in capsys.readouterr().err
    assert main([*again, "--out", "d.safetensors"]) in (0, 3)
