"""What is kept from one run to the next: records under the version of the code that made them, and whole.

A record is no evidence. What a certificate can say is read from the certificate and checked again (`verifier.pipeline.kept`), never from a record; only
figures that no certificate holds (sampled ones, counts, times) are kept in records. The seal tells a record that somebody edited, or that a disk
damaged, from one that this program wrote; it is a hash that anyone can compute, and so keeps out accidents and edits, not forgers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from verifier.files import atomic_write_bytes

PACKAGE = Path(__file__).resolve().parent
# Pages show results, they decide none.
LEFT_OUT = ("report", "pages")


@cache
def code_version() -> str:
    """SHA-256, hexadecimal, of the sources of this package: repaired code keeps no results of the code before it."""
    return sources_sha256(PACKAGE)


def sources_sha256(folder: Path) -> str:
    """Of the names and contents of all modules in a package folder, LEFT_OUT aside."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        name = file.relative_to(folder)
        if name.parts[0] not in LEFT_OUT:
            # Lengths before contents: no two lists of files give the same bytes.
            text = file.read_bytes()
            digest.update(f"{name.as_posix()}\0{len(text)}\0".encode() + text)
    return digest.hexdigest()


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record, JSON-able with string keys, with the code's version and a seal over all of it."""
    whole = {**record, "code": code_version()}
    return {**whole, "seal": _seal(whole)}


def unsealed(value: Any) -> dict[str, Any] | None:
    """The record as it was sealed, without seal and version; None unless this code sealed it and nothing in it was changed since."""
    if not isinstance(value, dict) or value.get("code") != code_version():
        return None
    whole = {k: v for k, v in value.items() if k != "seal"}
    try:
        good = value.get("seal") == _seal(whole)
    except ValueError:  # NaN, which no sealed record has
        return None
    return {k: v for k, v in whole.items() if k != "code"} if good else None


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The sealed record in a JSON file; None when there is none that can be read and is whole."""
    try:
        return unsealed(json.loads(path.read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None


def write_sealed(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all. Raises UsageError when the place cannot be written."""
    text = json.dumps(sealed(record), indent=1, allow_nan=False, ensure_ascii=False)
    atomic_write_bytes(path, (text + "\n").encode("utf-8", "surrogatepass"))


def _seal(whole: Mapping[str, Any]) -> str:
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
