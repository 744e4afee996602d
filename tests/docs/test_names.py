"""Files and modules that the pages name exist; pages outlive the code that they speak of."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import verifier
from tests.docs.blocks import blocks_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Not behind a letter or a slash: `.../verifier/` is somewhere else, and `a/verifier/` the old side of a diff.
FILE = re.compile(r"(?<![\w/.-])(?:[ab]/)?((?:verifier|tests|benchmarks|kernel)/[\w/.]*\w)")
DOTTED = re.compile(r"(?<![\w/.-])(?:verifier|benchmarks)(?:\.[A-Za-z_]\w*)+")
# The package and the attribute of a result, as in `verifier.certify(...)`, a version of the tool, files that commands write.
OTHER = ("verifier.certify",)


def made_by(page):
    """Files that the page's own blocks make, and names that they add to the package."""
    blocks = blocks_of(page)
    return {b.title for b in blocks if b.title}, "\n".join(b.text for b in blocks if b.language == "diff" or b.title)


def resolves(name):
    """Whether it is a module, or an attribute of one."""
    parts = name.split(".")
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
    files, _ = made_by(text)
    found = set(FILE.findall(text)) - files
    # Sections are called after kernel/..., which lies in the package.
    missing = [f for f in found if not ((ROOT / f).exists() or (ROOT / "verifier" / f).exists() or (ROOT / "verifier" / f"{f}.py").exists())]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_dotted_names_exist(page):
    text = page.read_text("utf-8")
    files, _ = made_by(text)
    made = {f.removesuffix(".py").replace("/", ".") for f in files}
    assert [n for n in sorted(set(DOTTED.findall(text)) - made) if not resolves(n)] == []


def test_what_is_looked_for():
    text = "`verifier/paths/gone.py`, `verifier.paths.gone`, --- a/verifier/gone.py, .../verifier/x and verifier.errors.UsageError"
    assert FILE.findall(text) == ["verifier/paths/gone.py", "verifier/gone.py"]
    assert [n for n in DOTTED.findall(text) if not resolves(n)] == ["verifier.paths.gone"]
    assert resolves("verifier.certify")
    assert all(resolves(f"verifier.{n}") for n in verifier.__all__)
