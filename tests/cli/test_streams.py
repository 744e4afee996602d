"""What is no certificate, no device and no place for output is one sentence and a documented exit code."""

import argparse
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from verifier.cli.main import COMMANDS, main
from verifier.errors import CertificateFormatError, UsageError, said_by


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


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("error", [UsageError, CertificateFormatError])
def test_a_command_says_its_name_once(command, error, capsys, monkeypatch):
    """Sentences of the command's own room begin with its name, others do not: `verifier landscape: landscape: ...` was the one, before the other."""
    given = argparse.Namespace(command=command)
    monkeypatch.setattr("verifier.cli.main.make_parser", lambda: SimpleNamespace(parse_args=lambda _: given))
    for text in (f"{command}: expected more", "expected more"):

        def fail(_, text=text):
            raise error(text)

        monkeypatch.setattr(f"verifier.cli.{command}.run", fail)
        assert main([command]) == error.exit_code
        assert capsys.readouterr().err == f"verifier {command}: expected more\n"


def test_a_construction_says_its_name_once():
    assert said_by("exact", "landscape: too many cells", room="landscape") == "exact: too many cells"
    assert said_by("exact", "exact: too many cells", room="landscape") == "exact: too many cells"
    assert said_by("exact", "exactly: too many cells") == "exact: exactly: too many cells"


def test_a_landscape_that_is_refused_says_so_once(tmp_path, capsys):
    (tmp_path / "d.csv").write_text("a,y\n1,1\n2,3\n")
    asked = [
        "landscape",
        "--data",
        str(tmp_path / "d.csv"),
        "--loss",
        "absolute",
        "--width",
        "1",
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(asked) == 2
    assert capsys.readouterr().err.startswith("verifier landscape: the loss must be one of")
