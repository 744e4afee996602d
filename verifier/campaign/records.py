"""Records that are kept from run to run: each under the hash of everything that decides it, sealed with the version of the code (`verifier.stored`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from verifier.stored import read_sealed, write_sealed


def digest(about: Mapping[str, Any]) -> str:
    """32 hexadecimal digits of the SHA-256 of what decides a result, as canonical JSON."""
    text = json.dumps(about, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def keep(file: Path, key: Any, record: Mapping[str, Any]) -> dict[str, Any]:
    """Write the record whole or not at all, and give it back as `kept` will; key: JSON-able, what decides the record besides the code.

    Raises UsageError when it cannot be written."""
    whole = {**record, "key": key}
    write_sealed(file, whole)
    return whole


def kept(file: Path, key: Any) -> dict[str, Any] | None:
    """The record that this code keeps there under this key; None when there is none, or it was edited or damaged since."""
    record = read_sealed(file)
    return record if record is not None and record.get("key") == key else None
