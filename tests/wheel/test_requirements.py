"""What the package imports is what pyproject.toml asks for: nothing undeclared, nothing unused."""

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Where a distribution's import has another name.
IMPORTS = {
    "scikit-learn": "sklearn", "python-flint": "flint", "pytest-playwright": "playwright", "axe-core-python": "axe_core_python",
    "pyyaml": "yaml",
}  # fmt: skip


def names_of(requirements):
    """Import names; of `dask[distributed]` both."""
    found = set()
    for requirement in requirements:
        name, extras = re.match(r"([A-Za-z0-9._-]+)(?:\[([\w,]+)\])?", requirement).groups()
        found |= {IMPORTS.get(name, name), *(extras or "").split(",")} - {""}
    return found


def imported(folder):
    """Top-level names that the files below a folder import, at any place in them, but for the standard library and the project."""
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"verifier", "tests", "benchmarks"}


REQUIRED = names_of(PROJECT["dependencies"])
OPTIONAL = {key: names_of(value) for key, value in PROJECT["optional-dependencies"].items()}


def test_every_import_is_declared():
    assert imported(ROOT / "verifier") <= REQUIRED | OPTIONAL["data"] | OPTIONAL["cluster"] | OPTIONAL["fast"]
    assert imported(ROOT / "tests") <= REQUIRED.union(*OPTIONAL.values())


def test_every_requirement_is_used():
    assert imported(ROOT / "verifier") >= REQUIRED


def test_the_light_ones_are_requirements():
    assert {"numpy", "flint", "safetensors"} <= REQUIRED
