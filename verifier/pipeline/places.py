"""Where `certify` writes: the certificate, and what may come to lie beside it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from verifier.files import Kind, require_place

# Constructions whose polyline is kept as FILE.NAME.npz.
_STRINGS = ("dss", "polychain", "bezier", "neb")


def require_certificate(target: str | Path, inputs: Iterable[Any]) -> Path:
    """`target`, once the certificate and the files beside it can be written without losing anything. Raises UsageError."""
    inputs = list(inputs)
    place = require_place(target, Kind.CERTIFICATE, inputs=inputs)
    require_place(place.with_suffix(".data"), Kind.DATA, option="beside the certificate,", inputs=inputs)
    for name in _STRINGS:
        require_place(place.with_suffix(f".{name}.npz"), Kind.ARRAYS, option="beside the certificate,", inputs=inputs)
    return place
