"""The wheel in clean environments, outside the repository: all of the tool, and the light installation that only checks."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def pythons():
    """This Python, and the newest other one that the machine has and that runs (a pyenv shim need not)."""
    places = [*os.environ["PATH"].split(os.pathsep), *map(str, Path.home().glob(".pyenv/versions/3.*/bin"))]
    for minor in range(20, sys.version_info.minor, -1):
        for place in places:
            found = Path(place, f"python3.{minor}")
            if (
                found.exists()
                and subprocess.run([found, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0
            ):
                return [sys.executable, str(found)]
    return [sys.executable]


PYTHONS = pythons()
LIGHT = ["numpy", "python-flint", "safetensors"]
CERTIFICATE = ROOT / "certificates" / "gallery-moons-20-loss.safetensors"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def run(*words, cwd, ok=True):
    """Without the repository on the path. AssertionError unless it ends with 0, or with something else where that is expected."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=environment, capture_output=True, text=True, timeout=1200)
    assert (done.returncode == 0) == ok, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from what git has, so that no file that happens to lie here gets in."""
    folder = tmp_path_factory.mktemp("wheel")
    names = run("git", "ls-files", "-z", "verifier", "pyproject.toml", "README.md", "LICENSE", cwd=ROOT).stdout
    for name in filter(None, names.split("\0")):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, folder / "source", cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


def environment(python, folder, *wanted):
    """The `bin` of a new environment with these requirements."""
    run(python, "-m", "venv", folder, cwd=folder.parent)
    # The project's own versions, which are known to exist for its own Python.
    pins = ["-c", ROOT / "constraints.txt"] if python == sys.executable else []
    pip = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    for words in wanted:
        run(*pip, *pins, *words, cwd=folder.parent)
    return folder / "bin"


def test_it_holds_the_package_and_its_data(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = run("git", "ls-files", "verifier", cwd=ROOT).stdout.split()
    assert set(tracked) <= held
    assert {"verifier/py.typed", "verifier/sweep/paper.toml"} <= held
    assert any(name.startswith("verifier/report/templates/") for name in held)
    assert {name.split("/")[0] for name in held} == {
        "verifier",
        next(n for n in held if ".dist-info/" in n).split("/")[0],
    }


@pytest.mark.parametrize("python", PYTHONS)
def test_light(wheel, tmp_path, python):
    path = environment(python, tmp_path / "env", LIGHT, ["--no-deps", wheel])
    shutil.copy(CERTIFICATE, tmp_path / "c.safetensors")
    assert run(path / "verifier", "--version", cwd=tmp_path).stdout == "verifier 0.1.0\n"
    done = run(path / "verifier", "check", "c.safetensors", "--reference", cwd=tmp_path)
    assert done.stdout.startswith("VERIFIED c.safetensors")
    packages = run(path / "python", "-m", "pip", "list", "--format", "freeze", cwd=tmp_path).stdout
    assert "torch" not in packages
    assert "scipy" not in packages
    refused = run(path / "verifier", "report", "c.safetensors", cwd=tmp_path, ok=False)
    assert "which is not installed here" in refused.stderr


@pytest.mark.parametrize("python", PYTHONS)
def test_full(wheel, tmp_path, python):
    path = environment(python, tmp_path / "env", [wheel])
    tool = path / "verifier"
    train = ("train", "--data", "iris", "--loss", "cross_entropy", "--width", "8", "--epochs", "50", "--seeds", "0:2")
    run(tool, *train, "--out", "{seed}.pt", cwd=tmp_path)
    done = run(tool, "certify", "--pair", "0.pt", "1.pt", "--out", "c.safetensors", "--report", "c.html", cwd=tmp_path)
    assert done.stdout.startswith("CERTIFIED gap <= ")
    done = run(tool, "check", "c.safetensors", "--reference", "--networks", "0.pt", "1.pt", cwd=tmp_path)
    assert done.stdout.startswith("VERIFIED c.safetensors")
    run(tool, "report", "c.safetensors", "--out", "again.html", cwd=tmp_path)
    assert "CERTIFIED" in (tmp_path / "again.html").read_text("utf-8")
    run(tool, "sweep", "--preset", "paper", "--print", cwd=tmp_path)
    where = run(path / "python", "-c", "import verifier; print(verifier.__file__)", cwd=tmp_path).stdout
    assert where.startswith(str(tmp_path))
