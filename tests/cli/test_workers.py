"""Six commands do many things, and each takes --jobs and --backend dask --scheduler, with one set of words about what contradicts itself."""

import json

import pytest

from verifier.cli.main import main
from verifier.networks.checkpoint import save_checkpoint

from ..pipeline.conftest import tiny_data, tiny_network

COMMANDS = {
    "certify": ["certify", "--all", "a.pt", "b.pt", "c.pt", "--data", "d.npz", "--loss", "logistic", "--no-report"],
    "sweep": ["sweep", "--preset", "paper"],
    "audit": ["audit", "baturin2026", "--claim", "l1", "--no-report"],
    "stability": ["stability", "--networks", "a.pt", "b.pt"],
    "regions": ["regions", "--preset", "figure2", "--size", "small"],
    "landscape": ["landscape", "--width", "1", "--data", "d.npz", "--loss", "squared", "--no-report"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_where_tasks_run_is_said_alike(name, capsys):
    for words, message in (
        (["--jobs", "0"], "--jobs 0: expected at least 1"),
        (["--backend", "dask"], "--backend dask and --scheduler ADDRESS go together"),
        (["--scheduler", "tcp://127.0.0.1:9"], "--backend dask and --scheduler ADDRESS go together"),
        (["--jobs", "2", "--backend", "dask", "--scheduler", "x"], "the cluster's workers decide"),
    ):
        assert main([*COMMANDS[name], *words]) == 2
        assert message in capsys.readouterr().err


def test_pairs_in_two_processes_are_those_of_one(capsys):
    import numpy as np

    data = tiny_data(3)
    np.savez("d.npz", X=data.X, y=data.y)
    for k, name in enumerate("abc"):
        save_checkpoint(f"{name}.pt", tiny_network(k + 1))
    found = []
    for folder, jobs in (("one", "1"), ("two", "2")):
        assert main([*COMMANDS["certify"], "--json", "--out", folder, "--jobs", jobs]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert [p["gap"] for p in found[0]["pairs"]] == [p["gap"] for p in found[1]["pairs"]]
    assert len(found[0]["pairs"]) == 3
    assert main([*COMMANDS["certify"], "--out", "two", "--jobs", "2"]) == 0
    assert "0 certificates made, 3 kept after a check" in capsys.readouterr().err
