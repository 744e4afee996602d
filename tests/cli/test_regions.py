"""`verifier regions`: counts, a network's own region with a certificate, presets; one verdict line, exit codes."""

import json

import numpy as np
import pytest

from verifier.cli.main import main
from verifier.networks.checkpoint import save_checkpoint
from verifier.networks.network import one_hidden_layer


@pytest.fixture
def data_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "tiny.npz", X=rng.uniform(-1, 1, (6, 2)), y=rng.standard_normal(6))
    return "tiny.npz"


def test_counts_are_compared_with_proposition_6(data_file, capsys):
    assert main(["regions", "--data", data_file, "--width", "2"]) == 0
    said = capsys.readouterr()
    assert said.out == "COUNTED 32^2 = 1024 activation regions of 2 neurons on 6 samples, as Proposition 6 gives 1024\n"
    assert "general position: yes" in said.err


def test_degenerate_data_have_fewer_regions(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("twice.npz", X=np.array([[1.0], [1.0], [2.0]]), y=np.array([0.5, 0.5, 1.5]))
    assert main(["regions", "--data", "twice.npz", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cones"] == 4
    assert found["sentence"].endswith(
        "activation regions of 1 neuron on 3 samples, fewer than the 6 of general position"
    )


def test_a_networks_region_is_certified_and_checked(data_file, tmp_path, capsys):
    rng = np.random.default_rng(1)
    save_checkpoint(
        "a.pt", one_hidden_layer(rng.standard_normal((4, 2)), rng.standard_normal((1, 4)), b=rng.standard_normal(4))
    )
    assert main(["regions", "--network", "a.pt", "--data", data_file, "--out", "a.safetensors"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("CERTIFIED the Jacobian ")
    assert "zero loss" in said.out
    assert 'VERIFIED region "network": the Jacobian' in said.err
    assert main(["check", "a.safetensors", "--reference"]) == 0
    assert capsys.readouterr().out.startswith("VERIFIED a.safetensors (2 claims, fast and reference evaluation")


def test_a_preset_writes_cells_and_a_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["regions", "--preset", "figure6", "--size", "small", "--trials", "2"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out == "SAMPLED figure6: 24 random regions in 12 cells, 0 undecided\n"
    assert "polynomial: smallest width at which half of the regions have a zero-loss point: n = 2: " in said.err
    assert len(list((tmp_path / "regions" / "figure6" / "cells").glob("*.json"))) == 12
    assert "Activation regions: zero-loss minima" in (tmp_path / "regions" / "figure6" / "report.html").read_text()
    assert main([*words, "--json", "--no-report"]) == 0
    assert json.loads(capsys.readouterr().out)["regions"] == 24


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "name a data set with --data"),
        (["--preset", "figure2", "--width", "3"], "draws its own data and networks"),
        (["--data", "tiny.npz", "--width", "0"], "expected at least 1"),
        (["--data", "tiny.npz", "--limit", "5"], "more than the limit 5"),
        (["--preset", "figure2", "--trials", "0"], "at least one trial"),
        (["--preset", "figure2", "--jobs", "0"], "expected at least 1"),
        (["--preset", "figure2", "--same-data"], "Figures 6 to 8 only"),
    ],
)
def test_mistakes_end_with_exit_code_2(words, message, data_file, capsys):
    assert main(["regions", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_network_on_a_boundary_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    np.savez("one.npz", X=np.array([[1.0]]), y=np.array([0.25]))
    save_checkpoint("b.pt", one_hidden_layer(np.array([[1.0]]), np.array([[1.0]]), b=np.array([-1.0])))
    assert main(["regions", "--network", "b.pt", "--data", "one.npz"]) == 2
    assert "lies on a boundary between regions" in capsys.readouterr().err
