"""docs/audit.md shows the example that these tests run, and names the options that there are."""

import re
from pathlib import Path

from verifier.cli.main import make_parser

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "audit.md").read_text("utf-8")


def test_the_example_is_the_tested_one():
    source = (ROOT / "tests" / "audit" / "example.py").read_text("utf-8")
    example = source.split("# docs: begin\n")[1].split("# docs: end")[0].strip()
    assert f"```python\n{example}\n```" in TEXT


def test_every_option_that_it_names_exists():
    parser = make_parser()
    known = set(parser._subparsers._group_actions[0].choices["audit"]._option_string_actions)
    assert set(re.findall(r"`(--[a-z-]+)", TEXT)) <= known
