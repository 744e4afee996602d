"""Runs the fenced blocks of a Markdown page as a reader would, in one empty folder, and compares what comes with what is printed there.

    ```console            `$ command` lines, each followed by its output (stdout and stderr as they come); every command must end with exit code 0
    ```python             a script of its own; a ```text block right behind it is its output
    ```LANG title="NAME"  the file NAME
    ```diff               applied to the files in the folder

In outputs `...` stands for any text within a line, on a line of its own for any lines. Decimal fractions agree when they do to `RELATIVE`, as networks
trained in float32 differ in their last digits between processors; all else, integers too, has to be the same.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

RELATIVE = 0.02
FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
FRACTION = re.compile(r"\d+\.\d+(?:e[-+]\d+)?|\d+e[-+]\d+")


@dataclass(frozen=True)
class Block:
    language: str
    title: str | None
    text: str
    line: int
    adjacent: bool  # nothing but an empty line before it


def blocks_of(page: str) -> list[Block]:
    found = []
    end = 0
    for m in FENCE.finditer(page):
        line = page.count("\n", 0, m.start()) + 1
        found.append(Block(m[1], m[2], m[3], line, not page[end : m.start()].strip() and end > 0))
        end = m.end()
    return found


def run_page(page: str, folder: Path) -> int:
    """Run all blocks of a page in the folder; returns the number of outputs compared. AssertionError with both texts where one differs."""
    compared = 0
    blocks = blocks_of(page)
    for k, block in enumerate(blocks):
        if block.title is not None:
            (folder / block.title).write_text(block.text, "utf-8")
        elif block.language == "diff":
            # One line of context is enough to find the place, wherever it has moved to.
            words = ["git", "apply", "--recount", "-C1", "-"]
            done = subprocess.run(words, cwd=folder, input=block.text, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, f"line {block.line}: the diff does not apply\n{done.stderr}"
        elif block.language == "python":
            after = blocks[k + 1] if k + 1 < len(blocks) else None
            shown = after.text if after and after.language == "text" and after.adjacent else ""
            compare(shown, run([sys.executable, "-c", block.text], folder), f"line {block.line}, Python")
            compared += 1
        elif block.language == "console":
            for command, shown in commands_of(block.text):
                compare(shown, run(["bash", "-c", command], folder), f"line {block.line}, $ {command}")
                compared += 1
    return compared


def commands_of(console: str) -> list[tuple[str, str]]:
    """(command, output shown below it) of each `$ ` line, with its continuation lines."""
    found: list[tuple[str, list[str]]] = []
    for line in console.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif found and not found[-1][1] and found[-1][0].endswith("\\"):
            found[-1] = (found[-1][0][:-1] + line.strip(), [])
        else:
            assert found, f"a console block begins with {line!r}, which is no `$ command`"
            found[-1][1].append(line)
    return [(command, "\n".join(lines)) for command, lines in found]


def run(words: list[str], folder: Path) -> str:
    """Output of a command in which `python` and `verifier` are those of this environment. AssertionError unless it ends with 0."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "100"}
    done = subprocess.run(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500
    )
    assert done.returncode == 0, f"{words[-1]}\nended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def compare(shown: str, came: str, where: str) -> None:
    assert same(shown.splitlines(), came.splitlines()), f"{where}\n--- shown\n{shown}\n--- came\n{came}"


def same(shown: list[str], came: list[str]) -> bool:
    if not shown:
        return not came
    if shown[0].strip() == "...":
        return any(same(shown[1:], came[k:]) for k in range(len(came) + 1))
    return bool(came) and same_line(shown[0], came[0]) and same(shown[1:], came[1:])


def same_line(shown: str, came: str) -> bool:
    """Word for word but for `...`, and for decimal fractions that agree to RELATIVE."""
    pattern, numbers = "", []
    for part in re.split(rf"(\.\.\.|{FRACTION.pattern})", shown.rstrip()):
        if part == "...":
            pattern += ".*?"
        elif FRACTION.fullmatch(part):
            pattern += rf"({FRACTION.pattern}|\d+)"
            numbers.append(float(part))
        else:
            pattern += re.escape(part)
    m = re.fullmatch(pattern, came.rstrip())
    return m is not None and all(abs(float(x) - n) <= RELATIVE * abs(n) for x, n in zip(m.groups(), numbers))
