"""The site: every page in its navigation, every link leads somewhere, nothing comes from elsewhere, lists are lists."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import verifier
from verifier.cli.main import COMMANDS
from verifier.options.certify import CertifyOptions
from verifier.options.data import DataOptions
from verifier.options.declare import options_of
from verifier.options.objective import ObjectiveOptions
from verifier.options.training import TrainingOptions

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(p for p in DOCS.rglob("*.md"))
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))


def leaves(nav):
    for item in nav:
        for entry in item.values() if isinstance(item, dict) else [item]:
            yield from leaves(entry) if isinstance(entry, list) else [entry]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site; warnings are errors."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_in_the_navigation():
    listed = list(leaves(CONFIG["nav"]))
    assert sorted(listed) == sorted([str(p.relative_to(DOCS)) for p in PAGES] + ["contributing.md", "changelog.md"])


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *(f"docs/{p.relative_to(DOCS)}" for p in PAGES)]
)
def test_relative_links_lead_somewhere(name):
    """In the repository; of pages that the site makes of files in the root, the site's own build sees to it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text("utf-8")):
        path = target.partition("#")[0]
        if path and "://" not in path and Path(path).name not in ("contributing.md", "changelog.md"):
            assert ((ROOT / name).parent / path).exists(), target


def test_it_asks_nobody_for_anything(site):
    """No script, font, style or picture from another place; the theme's own scripts name one that only diagrams would load, and there are none."""
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)
    for page in pages:
        html = page.read_text("utf-8")
        assert re.findall(r'(?:src|srcset)="(?:https?:)?//[^"]*"', html) == [], page
        assert re.findall(r'<link[^>]*href="(?:https?:)?//[^"]*"', html) == [], page
        assert 'class="mermaid"' not in html
    for style in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", style.read_text("utf-8")) == [], style


def test_lists_are_lists(site):
    """Python-Markdown takes a list that follows a paragraph at once for a part of it; the build's hook sees to that."""
    for page in site.rglob("*.html"):
        for paragraph in re.findall(r"<p>.*?</p>", page.read_text("utf-8"), re.DOTALL):
            assert not re.search(r"\n(?:- |1\. |\|)", paragraph), (page.name, paragraph[:200])


def test_every_public_name_and_command_is_there(site):
    api = (site / "api.html").read_text("utf-8")
    assert [n for n in verifier.__all__ if f'id="verifier.{n}"' not in api] == []
    commands = (site / "commands.html").read_text("utf-8")
    assert [c for c in COMMANDS if f"usage: verifier {c} " not in commands] == []


@pytest.mark.parametrize("cls", [CertifyOptions, ObjectiveOptions, TrainingOptions, DataOptions])
def test_every_declared_option_is_there(site, cls):
    """A row of a table for each, with its flag where it has one, and marked where sweep files know it."""
    rows = re.findall(
        r"<tr>\s*<td><code>(\w+)</code></td>(.*?)</tr>", (site / "api.html").read_text("utf-8"), re.DOTALL
    )
    for o in options_of(cls):
        mine = [row for name, row in rows if name == o.name and (f"<code>{o.flag}</code>" in row) is not o.python_only]
        assert any(("<td>yes</td>" in row) is o.sweep for row in mine), o.name
