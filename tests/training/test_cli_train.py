"""The train command: files that say how they were made, paths on stdout, everything else on stderr."""

import argparse
import subprocess
import sys

import numpy as np
import pytest

from verifier.cli import train
from verifier.data import load_recorded
from verifier.errors import UsageError
from verifier.networks import load_checkpoint


def run(*words):
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return train.run(parser.parse_args([str(word) for word in words]))


BASE = ("--data", "moons:n=40", "--loss", "squared", "--epochs", 5)


def test_files_say_how_they_were_made(tmp_path, capsys):
    out = tmp_path / "new" / "{seed}.pt"
    assert run(*BASE, "--width", 4, "--protocol", "paper", "--standardize", "--seeds", "1:3", "--out", out) == 0
    printed = capsys.readouterr()
    assert printed.out.split() == [str(tmp_path / "new" / f"{seed}.pt") for seed in (1, 2)]
    assert "data moons:n=40: 40 samples, 2 features, binary, 2 classes" in printed.err
    checkpoint = load_checkpoint(tmp_path / "new" / "2.pt")
    meta = checkpoint.metadata
    assert (meta["loss"], meta["kappa"], meta["penalty"], meta["penalise_output_bias"]) == (
        "squared",
        0.001,
        "l1",
        True,
    )
    assert (meta["seed"], meta["protocol"], meta["widths"], meta["epochs"]) == (2, "paper", [4], 5)
    assert meta["network_sha256"] == checkpoint.network.sha256()
    dataset = load_recorded(meta["data"])
    final = np.mean((checkpoint.network.predict(dataset.X)[:, 0] - dataset.y) ** 2)
    assert meta["final"]["loss"] == pytest.approx(final)
    assert f"seed 2: loss {final:.6g}, kappa P" in printed.err
    assert "accuracy" in printed.err


def test_data_from_a_file_is_found_again(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.csv").write_text("u,v,price\n1,2,3.5\n2,1,4.5\n0,1,2.5\n")
    monkeypatch.chdir(tmp_path)
    run(
        "--data",
        "a.csv",
        "--target",
        "price",
        "--loss",
        "huber",
        "--delta",
        0.5,
        "--widths",
        "3,2",
        "--no-bias",
        "--epochs",
        2,
        "--out",
        "a.safetensors",
    )
    monkeypatch.chdir("/")
    checkpoint = load_checkpoint(tmp_path / "a.safetensors")
    assert checkpoint.network.architecture == ((2, 3, 2, 1), (False, False, False), 0.0, None)
    assert load_recorded(checkpoint.metadata["data"]).y.tolist() == [3.5, 4.5, 2.5]
    assert checkpoint.metadata["delta"] == 0.5
    assert "accuracy" not in capsys.readouterr().err


def test_depth_and_renumbered_labels(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", X=np.eye(4), y=[1, 2, 3, 1])
    run(
        "--data",
        tmp_path / "a.npz",
        "--loss",
        "cross_entropy",
        "--width",
        3,
        "--depth",
        4,
        "--epochs",
        1,
        "--out",
        tmp_path / "a.pt",
    )
    assert load_checkpoint(tmp_path / "a.pt").network.widths == (4, 3, 3, 3, 3)
    assert "1 -> class 0 (2 samples), 2 -> class 1 (1 sample), 3 -> class 2 (1 sample)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--width", 3, "--seeds", "0:2", "--out", "a.pt"), "2 networks need {seed} in the name"),
        (("--width", 3, "--out", "a.bin"), "expected a name ending in .pt"),
        (("--width", 3, "--seeds", "2:2", "--out", "{seed}.pt"), "expected at least one seed"),
        (("--width", 3, "--seeds", "1,1", "--out", "{seed}.pt"), "named once"),
        (("--width", 3, "--seeds", "x", "--out", "{seed}.pt"), "expected a range such as 0:8"),
        (("--width", 3, "--seeds", "0:9999999", "--out", "{seed}.pt"), "at most 100000"),
        (("--width", 3, "--depth", 1, "--out", "a.pt"), "--depth 1: expected 2"),
        (("--widths", "3,x", "--out", "a.pt"), "expected integers separated by commas"),
        (("--widths", "3", "--depth", 3, "--out", "a.pt"), "--depth goes with --width"),
    ],
)
def test_refused(words, text):
    with pytest.raises(UsageError, match=text):
        run(*BASE, *words)


def test_seed_lists():
    assert train.parse_seeds("0:3") == [0, 1, 2]
    assert train.parse_seeds("4,2") == [4, 2]


def test_choices_are_the_objectives():
    from verifier.objective.losses import LOSSES
    from verifier.objective.penalties import PENALTIES
    from verifier.options import certify, objective, training
    from verifier.paths.curves.dss import PRESETS
    from verifier.training.protocols import PROTOCOLS

    assert tuple(LOSSES) == objective.LOSSES
    assert tuple(PENALTIES) == objective.PENALTIES
    assert tuple(PROTOCOLS) == training.PROTOCOLS
    assert tuple(PRESETS) == certify.DSS_PRESETS


def test_help_imports_nothing_heavy():
    code = (
        "import sys, verifier.cli.train; print([m for m in ('torch', 'numpy', 'sklearn', 'cvxpy') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
