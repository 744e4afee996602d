"""What is made while the site is built: the root's CONTRIBUTING and CHANGELOG as pages, every command's own help, tables of declared options."""

import os
import re
from importlib import import_module
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LIST = re.compile(r"- |1\. ")
# The root's file -> the site's page. Links of the root go through docs/, or through this table.
MADE = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that have no file of their own under docs/."""
    for name, page in MADE.items():
        files.append(File.generated(config, page, content=_moved((ROOT / name).read_text("utf-8"))))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill the lines `<!-- help: COMMAND -->` and `<!-- options: MODULE.CLASS -->`, and let lists begin where they do in CommonMark."""
    made = {"help": _help, "options": _options}
    return re.sub(
        r"^<!-- (help|options): ([\w.]+) -->$", lambda m: made[m[1]](m[2]), _lists(markdown), flags=re.MULTILINE
    )


def _lists(text: str) -> str:
    """An empty line before each list that follows a paragraph: Python-Markdown wants one, CommonMark and GitHub do not."""
    lines: list[str] = []
    fenced = False
    for line in text.split("\n"):
        fenced ^= line.startswith("```")
        before = lines[-1] if lines else ""
        follows_text = before.strip() and not LIST.match(before) and not before.startswith(("  ", "#", "|"))
        if not fenced and LIST.match(line) and follows_text and not _inside_item(lines):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)


def _inside_item(lines: list[str]) -> bool:
    """Whether the paragraph that ends here is a list item's, continued without indentation."""
    for line in reversed(lines):
        if not line.strip():
            return False
        if LIST.match(line):
            return True
    return False


def _moved(text: str) -> str:
    """Links as they are from docs/ instead of from the root."""
    return re.sub(r"\]\((?:docs/)?([\w./-]+\.md)", lambda m: f"]({MADE.get(m[1], m[1])}", text)


def _help(command: str) -> str:
    from verifier.cli.main import make_parser

    os.environ["COLUMNS"] = "100"  # argparse's width
    (commands,) = (a for a in make_parser()._actions if hasattr(a, "choices") and isinstance(a.choices, dict))
    return f"```text\n{commands.choices[command].format_help()}```"


def _options(name: str) -> str:
    """The options that a class declares, a row each: what Python, the command line and sweep files may say."""
    from verifier.options.declare import options_of

    module, _, cls = name.rpartition(".")
    rows = ["| keyword | default | command line | sweep file | what it is |", "|---|---|---|---|---|"]
    for o in options_of(getattr(import_module(module), cls)):
        flag = "" if o.python_only else f"`{o.flag}`"
        words = f"{o.help}; one of {', '.join(o.choices)}" if o.choices else o.help
        shown = words.replace("<", "&lt;").replace("|", "\\|").replace("*", "\\*")
        rows.append(f"| `{o.name}` | `{o.default!r}` | {flag} | {'yes' if o.sweep else ''} | {shown} |")
    return "\n".join(rows)
