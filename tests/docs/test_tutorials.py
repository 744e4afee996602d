"""Every tutorial, and the README's example, runs as printed. A page that changes its output fails here."""

from pathlib import Path

import pytest

from tests.docs.blocks import blocks_of, commands_of, compare, run_page, same_line

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


@pytest.mark.parametrize("page", [*TUTORIALS, ROOT / "README.md"], ids=lambda p: p.stem)
def test_runs_as_printed(page, tmp_path):
    assert run_page(page.read_text("utf-8"), tmp_path) > 0


def test_there_is_one_for_each_kind_of_user():
    assert [p.stem for p in TUTORIALS] == ["checkpoints", "claims", "curves", "landscape"]


class TestTheComparison:
    """Of `tests.docs.blocks`: what it lets pass, and what it does not."""

    @pytest.mark.parametrize(
        ("shown", "came"),
        [
            ("gap <= 0 (E = 0.03366)", "gap <= 0 (E = 0.03361)"),
            ("took ... CPU s", "took 0.31 CPU s"),
            ("0.5", "5e-1"),
            ("(SHA-256 ...)", "(SHA-256 0123456789abcdef...)"),
        ],
    )
    def test_equal(self, shown, came):
        assert same_line(shown, came)

    @pytest.mark.parametrize(
        ("shown", "came"),
        [
            ("CERTIFIED gap <= 0.1", "CERTIFIED gap <= 0.11"),
            ("CERTIFIED gap <= 0.1", "INCONCLUSIVE gap <= 0.1"),
            ("gap <= 0 over E", "gap <= 1e-9 over E"),
            ("3 head", "4 head"),
            ("gap <= 0.1", "gap <= 0.1 (sampled)"),
            ("gap <= 0.1", "gap <= nan"),
        ],
    )
    def test_different(self, shown, came):
        assert not same_line(shown, came)

    def test_lines(self):
        compare("a\n...\nz", "a\nb\nc\nz", "here")
        for came in ("a\nb", "a\nz\nmore", ""):
            with pytest.raises(AssertionError, match="here"):
                compare("a\n...\nz", came, "here")

    def test_a_page_that_lies_fails(self, tmp_path):
        for page in (
            "```console\n$ echo 3\n4\n```\n",
            "```python\nprint(3)\n```\n\n```text\n4\n```\n",
            "```python\nprint(3)\n```\n",
            "```console\n$ false\n```\n",
        ):
            with pytest.raises(AssertionError):
                run_page(page, tmp_path)

    def test_a_page_that_does_not_passes(self, tmp_path):
        page = (
            '```python title="f.py"\nprint(1)\n```\n```console\n$ python \\\n    f.py\n1\n$ echo 2 >&2\n2\n```\n'
            "```python\nprint(open('f.py').read())\n```\n\n```text\nprint(1)\n\n```\n"
        )
        assert run_page(page, tmp_path) == 3

    def test_blocks(self):
        (block,) = blocks_of('words\n```python title="f.py"\nx = 1\n```\n')
        assert (block.title, block.text, block.line) == ("f.py", "x = 1\n", 2)
        assert commands_of("$ a \\\n   b\nout\n$ c\n") == [("a b", "out"), ("c", "")]
