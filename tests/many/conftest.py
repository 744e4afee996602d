"""Small groups of networks, as checkpoints and in memory."""

import pytest

from tests.pipeline.conftest import tiny_data, tiny_network
from verifier.cli.main import main
from verifier.many import certify_all

DATA = "moons:n=60,noise=0.2,seed=1"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def train(folder, seeds="0:3", **more):
    words = {"data": DATA, "loss": "logistic", "width": "6", "epochs": "30", "kappa": "0.01", "seeds": seeds, **more}
    options = [w for k, v in words.items() for w in (f"--{k}", v)]
    assert main(["train", *options, "--out", str(folder / "{seed}.pt")]) == 0
    return [str(folder / f"{s}.pt") for s in range(*map(int, seeds.split(":")))]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Three checkpoints that remember data and objective."""
    return train(tmp_path_factory.mktemp("nets"))


def group(count=4):
    return {f"net {k}": tiny_network(k) for k in range(count)}


def small(out, count=4, method="line", **more):
    """Straight lines between random networks: gaps above 0, and some passes that are lower through others."""
    return certify_all(
        group(count), tiny_data(3), loss="logistic", kappa=0.01, penalty="path", method=method, out=out, **more
    )


def times(folder):
    return {f.name: f.stat().st_mtime_ns for f in folder.glob("*.safetensors")}
