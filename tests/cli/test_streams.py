"""What is no certificate, no device and no place for output is one sentence and a documented exit code."""

import os
import subprocess
import sys

import pytest

from verifier.cli.main import main


@pytest.mark.parametrize("command", ["check", "report"])
def test_a_folder_is_no_certificate(command, certificate, tmp_path, capsys):
    for folder, text in ((".", "it holds no .safetensors file"), (str(certificate.parent), f"such as {certificate}")):
        assert main([command, folder]) == 4
        assert f"{folder}: is a folder; " in (err := capsys.readouterr().err)
        assert text in err
    assert "Traceback" not in err


def test_a_device_that_is_not_there_is_said_before_the_work(trained, capsys, monkeypatch):
    monkeypatch.setattr("verifier.pipeline.certify.gather", lambda *_: pytest.fail("worked first"))
    assert main(["certify", "--pair", *map(str, trained), "--device", "nonsense"]) == 2
    assert "device 'nonsense' is not available here" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_behind_standard_output(certificate):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "verifier", "check", str(certificate)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=100, check=False
        )  # fmt: skip
    assert done.returncode == 2
    assert "cannot write to standard output (No space left on device); choose another place" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_errors_are_json_where_results_are(capsys):
    """A script that reads stdout as JSON is answered in JSON, and the sentence stands on stderr as ever."""
    import json

    assert main(["certify", "--pair", "none-a.pt", "none-b.pt", "--json"]) == 4
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert (found["outcome"], found["exit_code"]) == (None, 4)
    assert found["error"] in said.err
    assert main(["certify", "--pair", "none-a.pt", "none-b.pt"]) == 4
    assert capsys.readouterr().out == ""
