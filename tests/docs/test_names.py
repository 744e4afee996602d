"""Files and modules that the pages name exist; pages outlive the code that they speak of."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import verifier
from tests.docs.blocks import blocks_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Not behind a letter or a slash: `.../verifier/` is somewhere else; but `a/verifier/` and `b/verifier/` are the sides of a diff.
FILE = re.compile(r"(?<![\w/.-])(?:[ab]/)?((?:verifier|tests|benchmarks|kernel)/[\w/.]*\w)")
DOTTED = re.compile(r"(?<![\w/.-])(?:verifier|benchmarks)(?:\.[A-Za-z_]\w*)+")
# A word in capitals, as in verifier/audit/PAPER, stands for what the reader puts there.
PLACEHOLDER = re.compile(r"/[A-Z]+\b")


def made_by(text):
    """Files that the page's own blocks make."""
    return {b.title for b in blocks_of(text) if b.title}


def is_there(file):
    """In the repository; sections of docs/mathematics.md say kernel/... of what lies in the package."""
    return any(p.exists() for p in (ROOT / file, ROOT / "verifier" / file, ROOT / "verifier" / f"{file}.py"))


def resolves(name):
    """Whether it is a module, or an attribute of one."""
    parts = name.split(".")
    if parts[0] != "verifier":  # a file to be run from the repository, no installed module
        return (ROOT / Path(*parts)).with_suffix(".py").exists()
    for k in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for attribute in parts[k:]:
            if not hasattr(found, attribute):
                return False
            found = getattr(found, attribute)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_exist(page):
    text = page.read_text("utf-8")
    named = {f for f in FILE.findall(text) if not PLACEHOLDER.search(f)} - made_by(text)
    assert [f for f in sorted(named) if not is_there(f)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_dotted_names_exist(page):
    text = page.read_text("utf-8")
    made = {f.removesuffix(".py").replace("/", ".") for f in made_by(text)}
    assert [n for n in sorted(set(DOTTED.findall(text)) - made) if not resolves(n)] == []


def test_what_is_looked_for():
    text = "`verifier/paths/gone.py`, `verifier.paths.gone`, --- a/verifier/gone.py, .../verifier/x and verifier.errors.UsageError"
    assert FILE.findall(text) == ["verifier/paths/gone.py", "verifier/gone.py"]
    assert not is_there("verifier/paths/gone.py")
    assert is_there("kernel/papers")
    assert [n for n in DOTTED.findall(text) if not resolves(n)] == ["verifier.paths.gone"]
    assert resolves("verifier.certify")
    assert all(resolves(f"verifier.{n}") for n in verifier.__all__)
