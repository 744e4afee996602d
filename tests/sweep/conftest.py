"""Small sweeps on Moons, and what to count about them."""

import json
from collections import Counter

import pytest

from verifier.certificate.file import read_certificate
from verifier.files import is_temporary
from verifier.kernel import check

SMALL = """
[[experiment]]
name = "small"
data = "moons:n=60,noise=0.2,seed=1"
loss = "logistic"
widths = [4]
seeds = "0:{networks}"
methods = ["exchange"]
{more}
[experiment.training]
epochs = 15
kappa = 0.01
"""


def small(networks=4, more=""):
    return SMALL.format(networks=networks, more=more)


@pytest.fixture
def sweep_file(tmp_path):
    """Function (networks, more) -> a sweep file."""

    def make(networks=4, more=""):
        path = tmp_path / "sweep.toml"
        path.write_text(small(networks, more))
        return path

    return make


def events(folder):
    """How often each task was done: Counter of (event, key) over all processes' logs."""
    lines = [json.loads(line) for f in (folder / "log").glob("*.jsonl") for line in f.read_text().splitlines()]
    return Counter((line["event"], line["key"]) for line in lines)


def times(folder, sub):
    return {f.name: f.stat().st_mtime_ns for f in (folder / sub).iterdir()}


def assert_all_whole(folder):
    """Every certificate among the results reads and passes the kernel, every record and network reads.

    What a killed process was still writing (its scratch folder, files under their temporary names) is no result: nobody reads it, and the next run
    removes it.
    """
    from verifier.networks.checkpoint import load_checkpoint

    results = [f for f in folder.rglob("*") if "scratch" not in f.relative_to(folder).parts and not is_temporary(f)]
    for file in (f for f in results if f.suffix == ".safetensors"):
        certificate = read_certificate(file)
        assert all(check(certificate.problem, c).accepted for c in certificate.claims), file
    for file in (f for f in results if f.suffix == ".json"):
        json.loads(file.read_text())
    for file in (f for f in results if f.suffix == ".pt"):
        load_checkpoint(file)
