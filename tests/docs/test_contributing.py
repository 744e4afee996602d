"""CONTRIBUTING's worked examples (a loss, an option, a construction, a claim) applied to a copy of the package and run there; CITATION.cff."""

import re
import shutil
import tomllib
from pathlib import Path

import yaml

from tests.docs.blocks import blocks_of, run_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_examples_work(tmp_path):
    shutil.copytree(ROOT / "verifier", tmp_path / "verifier", ignore=shutil.ignore_patterns("__pycache__"))
    assert run_page(PAGE, tmp_path) == 6


def test_there_is_one_of_each():
    assert all(f"\n## {title}\n" in PAGE for title in ("A loss", "An option", "A construction", "A claim"))
    assert sum(block.language == "diff" for block in blocks_of(PAGE)) == 5


def test_the_floors_are_those_that_lint_holds():
    """The table of where things go has the layers of import-linter's contract, in its order; single modules share a row."""
    (contract,) = (
        c
        for c in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
        if c["type"] == "layers"
    )
    layers = [set(layer.split(" | ")) for layer in contract["layers"] if layer != "__main__"]
    table = PAGE[PAGE.index("| floor,") : PAGE.index("A construction may be wrong")]
    rows = [row.split("|")[1] for row in table.splitlines()[2:] if row.startswith("|")]
    *rooms, modules = [set(re.findall(r"`(\w+)`", row)) for row in rows]
    assert rooms == layers[: len(rooms)]
    assert modules == set().union(*layers[len(rooms) :])


def test_citation():
    """Keys that version 1.2.0 of the schema requires, and what pyproject.toml says."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= cited.keys()
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    assert all({"name"} <= a.keys() or {"family-names", "given-names"} <= a.keys() for a in cited["authors"])
    assert cited["authors"]
    assert (str(cited["version"]), cited["license"]) == (project["version"], project["license"])
