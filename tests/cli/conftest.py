"""A pair of checkpoints trained by `verifier train`, and one certificate of them, made once."""

import os
import subprocess
import sys

import pytest

from verifier.cli.main import main
from verifier.networks import load_checkpoint, save_checkpoint

DATA = "moons:n=60,noise=0.2,seed=1"


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nets")
    code = main(
        ["train", "--data", DATA, "--loss", "logistic", "--width", "6", "--epochs", "30", "--kappa", "0.01", "--seeds", "0:2",
         "--out", str(folder / "{seed}.pt")]
    )  # fmt: skip
    assert code == 0
    return folder / "0.pt", folder / "1.pt"


@pytest.fixture(scope="session")
def without_torch(trained, tmp_path_factory):
    """The pair in files that are read without torch: processes that read them start three times faster."""
    folder = tmp_path_factory.mktemp("nets")
    pair = tuple(folder / f"{file.stem}.safetensors" for file in trained)
    for old, new in zip(trained, pair, strict=True):
        c = load_checkpoint(old)
        save_checkpoint(new, c.network, c.metadata)
    return pair


@pytest.fixture(scope="session")
def certificate(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("certificates") / "pair.safetensors"
    assert (
        main(["certify", "--pair", *map(str, trained), "--method", "exchange,line", "--out", str(out), "--no-report"])
        == 0
    )
    return out


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def verifier(*words: str, **options) -> subprocess.CompletedProcess:
    """A fresh process, as a user would start it."""
    return subprocess.run(
        [sys.executable, "-m", "verifier", *words],
        capture_output=True,
        text=True,
        env=os.environ.copy(),
        timeout=300,
        **options,
    )
