"""Where `certify` writes: the certificate, and what comes to lie beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from verifier.certificate.file import data_arrays, read_data, read_document
from verifier.certificate.geometry import geometry_line
from verifier.certificate.hashing import arrays_sha256
from verifier.errors import CertificateFormatError, UsageError
from verifier.files import Kind, require_place
from verifier.kernel.statements import Problem
from verifier.pipeline.constructions.registry import Construction


def default_name(a: Any, b: Any, problem: Problem) -> Path:
    """certificates/<a>-<b>-<hash of data and parameters>.safetensors."""
    stems = [Path(x).stem if isinstance(x, (str, Path)) else n for x, n in ((a, "A"), (b, "B"))]
    arrays = {"X": problem.X, "targets": problem.targets}
    arrays |= {} if problem.weights is None else {"weights": problem.weights}
    for name, p in (("A", problem.A), ("B", problem.B)):
        arrays |= {
            f"{name}{l}{part}": v
            for part, vs in (("W", p.weights), ("b", p.biases))
            for l, v in enumerate(vs)
            if v is not None
        }
    # Everything the problem is about: with another loss, activation or geometry the same parameters are another pair.
    about = f"{problem.objective!r}{geometry_line(problem.geometry)}"
    digest = arrays_sha256({**arrays, about: np.array([problem.negative_slope])})
    return Path("certificates") / f"{stems[0]}-{stems[1]}-{digest[:8]}.safetensors"


def require_certificate(
    target: str | os.PathLike[str], constructions: Sequence[Construction], inputs: Iterable[Any]
) -> Path:
    """`target`, once the certificate and the files beside it can be written without losing anything. Raises UsageError."""
    inputs = list(inputs)
    place = require_place(target, Kind.CERTIFICATE, inputs=inputs)
    require_place(place.with_suffix(".data"), Kind.DATA, option="beside the certificate,", inputs=inputs)
    for c in (c for c in constructions if c.keeps_string):
        require_place(place.with_suffix(f".{c.name}.npz"), Kind.ARRAYS, option="beside the certificate,", inputs=inputs)
    return place


def require_own_data(target: Path, problem: Problem) -> None:
    """Raise UsageError when a data set lies beside the certificate's place that another certificate may need: one that is neither this problem's nor that of
    the certificate which will be replaced with it."""
    beside = target.with_suffix(".data")
    if not beside.exists():
        return
    try:
        found = arrays_sha256(read_data(beside, mapped=True))
    except CertificateFormatError:
        return  # no whole data set: nothing that anybody could use is lost
    if found == arrays_sha256(data_arrays(problem)) or _is_about(target, found):
        return
    raise UsageError(f"--out {target}: {_orphan_words(beside, found)}")


def _is_about(certificate: Path, sha256: str) -> bool:
    """Whether a certificate lies there that needs the data file with this content."""
    try:
        about = read_document(certificate)["data"]
    except CertificateFormatError:
        return False
    return about["embedded"] is False and about["sha256"] == sha256


def _orphan_words(beside: Path, sha256: str) -> str:
    """What a data file is that belongs to no certificate of its name, and what to do, so that the certificate it belongs to finds it."""
    what = f"{beside} beside it holds the data of another certificate, which could not be checked without them"
    others = sorted(p for p in beside.parent.iterdir() if p.suffix.lower() == ".safetensors")
    owner = next((p for p in others if _is_about(p, sha256)), None)
    if owner is None:
        return (
            f"{what}; no certificate in this folder is about them (SHA-256 {sha256[:16]}...), so one was renamed and moved, or deleted. Move the data to "
            "it under its name with the ending .data, delete them if nobody needs them, or choose another name"
        )
    own = owner.with_suffix(".data")
    if own == beside:
        return f"{what}: {owner}, which finds them there. Choose another name"
    if own.exists():
        return f"{what}: {owner}, which was renamed and finds data as {own} now. Move {beside} elsewhere, or choose another name"
    return f"{what}: {owner}, which was renamed without them. Rename {beside} to {own}, where it looks for them, or choose another name"


def require_outputs(
    out: str | os.PathLike[str] | None,
    states: Iterable[Path | None],
    constructions: Sequence[Construction],
    inputs: Iterable[Any],
) -> None:
    """The same of everything the caller names, before anything is read. Raises UsageError."""
    inputs = list(inputs)
    kept = [state for state in states if state is not None]
    for state in kept:
        require_place(state, Kind.ARRAYS, option="--state", inputs=inputs)
    if out is not None:
        require_certificate(out, constructions, [*inputs, *kept])
