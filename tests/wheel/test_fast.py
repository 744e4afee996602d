"""The extra `fast`: numba in an environment of its own, which sees all else that the tests' environment has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Without a clock in them: what they say holds with compiled programs and with plain ones.
TESTS = [
    "tests/landscape/test_less.py",
    "tests/landscape/test_coarse.py::test_compiled_programs_give_what_the_plain_ones_give",
    "tests/kernel/test_cone_barrier.py::test_component",
]


def run(*words, **options):
    done = subprocess.run(list(map(str, words)), cwd=ROOT, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{words}:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_programs_compiled_by_numba(tmp_path):
    """They are what the tests of coarse cells run on there: `compiled` passes them on to numba, nothing is skipped, and they pass."""
    run(sys.executable, "-m", "venv", tmp_path / "fast")
    python = tmp_path / "fast" / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check"]
    run(python, "-m", "pip", "install", *quiet, "-c", ROOT / "constraints.txt", "numba>=0.61")
    [seen] = [p for p in sys.path if p.endswith("site-packages") and Path(p).is_relative_to(sys.prefix)]
    [own] = (tmp_path / "fast").glob("lib/python*/site-packages")
    (own / "tests.pth").write_text(f"import site; site.addsitedir({seen!r})\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment["NUMBA_CACHE_DIR"] = str(tmp_path / "cache")
    said = run(
        python,
        "-c",
        "from verifier.landscape.coarse import newton; print(hasattr(newton.descend, 'py_func'))",
        env=environment,
    )
    assert said.strip() == "True"
    said = run(python, "-m", "pytest", "-q", "-n", "0", "-m", "not slow", *TESTS, env=environment)
    assert "skipped" not in said
    assert "passed" in said
