"""The light installation: numpy, python-flint and safetensors are enough to check, and what is missing is named by every other command."""

import subprocess
import sys

import pytest

from verifier.cli.main import main

# An interpreter in which nothing else can be imported.
LIGHT = """
import sys
from importlib.abc import MetaPathFinder
ALLOWED = {"numpy", "flint", "safetensors", "verifier"}
class Nothing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in ALLOWED and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {top!r}", name=top)
sys.meta_path.insert(0, Nothing())
from verifier.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def light(*words):
    return subprocess.run([sys.executable, "-c", LIGHT, *map(str, words)], capture_output=True, text=True, timeout=120)


def test_check_needs_three_packages(certificate):
    done = light("check", "--reference", certificate)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("VERIFIED ")
    assert "reference: VERIFIED path" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["certify", "--pair", "a.pt", "b.pt"],
        ["report", "CERTIFICATE"],
        ["check", "CERTIFICATE", "--networks", "a.pt", "b.pt"],
    ],
)
def test_what_is_missing_is_named(words, certificate):
    done = light(*(certificate if w == "CERTIFICATE" else w for w in words))
    assert done.returncode == 2
    assert "which is not installed here; installed without --no-deps" in done.stderr
    assert "Traceback" not in done.stderr


def test_version(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("verifier ")
