"""`verifier sweep`: one verdict line on stdout, the rest on stderr, exit codes, presets."""

import json

import pytest

from tests.sweep.conftest import small
from verifier.cli.main import main
from verifier.sweep.spec import preset_text


@pytest.fixture
def sweep_file(tmp_path):
    (tmp_path / "tiny.toml").write_text(small())
    return "tiny.toml"


def test_a_sweep_and_its_second_run(sweep_file, tmp_path, capsys):
    assert main(["sweep", sweep_file]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("CERTIFIED 2 pairs: 2 certified (gap 0 on ")
    assert said.out.count("\n") == 1
    folder = tmp_path / "sweeps" / "tiny"
    assert said.out.rstrip().endswith(str(folder / "results.csv"))
    assert "networks: 4 trained, 0 kept, 0 failed" in said.err
    assert "certificates: 2 made, 0 kept" in said.err
    assert "small, width 4: 2 pairs; certified gap: mean <= " in said.err
    assert "Report on the sweep tiny" in (folder / "report.html").read_text()

    assert main(["sweep", sweep_file, "--json", "--no-report"]) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["counts"]["trained"] == found["counts"]["made"] == 0
    assert found["counts"]["kept"] == 2
    assert found["outcome"] == "CERTIFIED"
    assert found["report"] is None
    assert found["pairs"] == 2
    assert found["summary"]["groups"][0]["certified"]["kind"] == "certified"


def test_a_failed_row_is_named(tmp_path, capsys):
    (tmp_path / "bad.toml").write_text(small() + "lr = 1e30\n")
    assert main(["sweep", "bad.toml", "--limit", "1"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("FAILED 1 pair: 0 certified (gap 0 on 0), 1 failed")
    assert "small, width 4, seeds 0, 1: failed: network of width 4, seed 0: training seed 0" in said.err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.toml"], 4, "none.toml: cannot be read"),
        (["tiny.toml", "--backend", "dask"], 2, "--backend dask and --scheduler ADDRESS go together"),
        (["tiny.toml", "--scheduler", "tcp://x:1"], 2, "--backend dask and --scheduler ADDRESS go together"),
        (["tiny.toml", "--jobs", "0"], 2, "--jobs 0: expected at least 1"),
        (["tiny.toml", "--backend", "dask", "--scheduler", "x", "--jobs", "2"], 2, "--jobs is for this machine"),
        (["tiny.toml", "--limit", "0"], 2, "--limit 0: expected at least 1"),
        (["tiny.toml", "--methods", "swap"], 2, "'swap' is unknown"),
        (["tiny.toml", "--methods", "string"], 2, "'string'"),
        (["tiny.toml", "--print"], 2, "--print prints a preset; name one with --preset"),
        (["."], 4, ".: cannot be read"),
    ],
)
def test_usage(sweep_file, capsys, words, code, message):
    assert main(["sweep", *words]) == code
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


def test_the_preset_can_be_printed(capsys):
    assert main(["sweep", "--preset", "paper", "--print"]) == 0
    assert capsys.readouterr().out == preset_text("paper")
