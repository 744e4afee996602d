"""CONTRIBUTING's worked examples (a loss, an option, a construction, a claim) applied to a copy of the package and run there; CITATION.cff."""

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


def test_the_floors_name_every_room():
    """Every package of the project stands in the table of where things go."""
    rooms = [p.parent.name for p in (ROOT / "verifier").glob("*/__init__.py")]
    assert [r for r in rooms if f"`{r}`" not in PAGE] == []


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
