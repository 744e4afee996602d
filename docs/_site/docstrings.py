"""This project's docstrings as Markdown: lines that begin with `name:` or `name, name:` become a list of parameters."""

import inspect
import re

from griffe import Extension, Object

ITEM = re.compile(r"((?:[A-Za-z_]\w*)(?:, [A-Za-z_]\w*)*): (.*)")


class Parameters(Extension):
    """For griffe, which reads the sources for mkdocstrings."""

    def on_object(self, *, obj: Object, **_: object) -> None:
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(text: str) -> str:
    """The lines behind an item, up to an empty one, belong to it. A paragraph's first line is an item only where it says so."""
    lines: list[str] = []
    inside = False
    for line in inspect.cleandoc(text).splitlines():
        item = ITEM.fullmatch(line)
        if item:
            if not inside:
                lines.append("")
            names = ", ".join(f"`{name}`" for name in item[1].split(", "))
            lines.append(f"- {names}: {_escaped(item[2])}")
            inside = True
        elif inside and line.strip():
            lines.append(f"    {_escaped(line.strip())}")
        else:
            inside = False
            lines.append(_escaped(line))
    return "\n".join(lines)


def _escaped(line: str) -> str:
    """`<hash>` is no HTML, outside of code."""
    return "`".join(part if k % 2 else part.replace("<", "&lt;") for k, part in enumerate(line.split("`")))
