"""Where `certify` writes: the certificate, and what comes to lie beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from verifier.files import Kind, require_place

# Constructions whose polyline is kept as FILE.NAME.npz.
_STRINGS = ("dss", "polychain", "bezier", "neb")


def require_certificate(target: str | os.PathLike[str], methods: Sequence[str], inputs: Iterable[Any]) -> Path:
    """`target`, once the certificate and the files beside it can be written without losing anything. Raises UsageError."""
    inputs = list(inputs)
    place = require_place(target, Kind.CERTIFICATE, inputs=inputs)
    require_place(place.with_suffix(".data"), Kind.DATA, option="beside the certificate,", inputs=inputs)
    for name in (n for n in _STRINGS if n in methods):
        require_place(place.with_suffix(f".{name}.npz"), Kind.ARRAYS, option="beside the certificate,", inputs=inputs)
    return place


def require_outputs(
    out: str | os.PathLike[str] | None,
    state: str | os.PathLike[str] | None,
    methods: Sequence[str],
    inputs: Iterable[Any],
) -> None:
    """The same of everything the caller names, before anything is read. Raises UsageError."""
    inputs = list(inputs)
    if state is not None:
        require_place(state, Kind.ARRAYS, option="state", inputs=inputs)
    if out is not None:
        require_certificate(out, methods, [*inputs, state])
