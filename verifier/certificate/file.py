"""One certificate, one `.safetensors` file: exact arrays and one strict JSON document (docs/certificate-v2.md)."""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from verifier.certificate.hashing import arrays_sha256
from verifier.certificate.parse import parse_document
from verifier.certificate.strict import DTYPES, Bytes, check_layout, fail, fields, parse_json
from verifier.errors import CertificateFormatError, DataFileError, UnreadableCertificateError
from verifier.files import atomic_write_bytes
from verifier.kernel import Claim, Problem
from verifier.kernel.statements.refusal import all_finite

FORMAT, VERSION = "verifier-certificate", 2
EMBED_LIMIT = 16 * 2**20


class Watched:
    """A file that is held open, so that whoever writes to it is noticed, whatever its name leads to by then.

    Raises DataFileError when it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        try:
            self.handle = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise DataFileError(f"{path}: cannot be read: {error.strerror or error}") from None
        weakref.finalize(self, os.close, self.handle)
        self._state = self._now()

    def _now(self) -> tuple[int, ...]:
        found = os.fstat(self.handle)
        # Whoever changes a file and changes it back cannot turn back the time of its last change.
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns

    @property
    def unchanged(self) -> bool:
        return self._now() == self._state


@dataclass(frozen=True)
class Certificate:
    """A read certificate: the kernel's problem and claims, and the record, which nothing checks.

    document: the whole JSON document. digest: SHA-256 of the file. record: provenance, estimates, program tables and
    labels for the report; None of it is evidence.
    """

    problem: Problem
    claims: tuple[Claim, ...]
    document: dict[str, Any]
    digest: str
    arrays: dict[str, np.ndarray]
    # The data file, where its numbers stay in it.
    watched: Watched | None = None

    @property
    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = self.document["record"]
        return record


def pack(document: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> bytes:
    """The file's bytes; float64 arrays that are exactly float32 are stored as such."""
    compact = {}
    for name, array in arrays.items():
        a = np.ascontiguousarray(array)
        if a.dtype == np.float64:
            with np.errstate(over="ignore", under="ignore"):
                small = a.astype(np.float32)
            a = small if np.array_equal(small.astype(np.float64), a) else a
        compact[name] = a
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return save_arrays(compact, metadata={"certificate": text})


def write_certificate(path: Path, document: dict[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Write atomically (temporary name in the same folder, then rename); returns the file's SHA-256.

    Raises CertificateFormatError, and writes nothing, when the reader would not accept the result.
    """
    blob = pack(document, arrays)
    header, data = _open(blob, str(path))
    if document["data"]["embedded"]:
        parse_document(parse_json(header["__metadata__"]["certificate"]), data)
    atomic_write_bytes(Path(path), blob)
    return hashlib.sha256(blob).hexdigest()


def _load(blob: bytes, who: str) -> dict[str, np.ndarray]:
    """The arrays of a file whose layout was checked: float64 or int64, finite, read-only."""
    try:
        raw = load_arrays(blob)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise fail(f"{who}: the arrays cannot be read: {error}") from None
    arrays = {}
    for name, stored in raw.items():
        # Before any conversion: casting a signalling NaN to float64 would warn.
        if not np.isfinite(stored).all():
            raise fail(f"{who}: array {name!r} holds NaN or infinity")
        arrays[name] = stored.astype(np.int64 if stored.dtype.kind == "i" else np.float64)
        arrays[name].flags.writeable = False
    return arrays


def _open(blob: bytes, who: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    try:
        header = check_layout(blob, who)
        meta = fields(header.get("__metadata__"), f"{who}: metadata", {"certificate": str})
    except CertificateFormatError as error:
        raise fail(f"{error}; a certificate is a .safetensors file as `verifier certify` writes it") from None
    return {**header, "__metadata__": meta}, _load(blob, who)


def read_blob(path: Path) -> bytes:
    """The file's bytes; UnreadableCertificateError when it is absent or a folder."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UnreadableCertificateError(f"{path}: cannot be read: {error.strerror or error}") from None


def data_arrays(problem: Problem) -> dict[str, np.ndarray]:
    """The arrays of the data set, in the order in which they are hashed."""
    weights = {} if problem.weights is None else {"weights": problem.weights}
    return {"X": problem.X, "targets": problem.targets, **weights}


def read_data(path: Path, watched: Watched | None = None) -> dict[str, np.ndarray]:
    """Arrays `X`, `targets` and perhaps `weights` from a data file written beside a certificate that does not embed its data.

    watched: the file, held open; the arrays are then views of it, of which memory holds what is being used; they are what was read only while nobody
    changes it. Raises DataFileError.
    """
    try:
        return _arrays_of(path, watched)
    except CertificateFormatError as error:
        raise DataFileError(str(error)) from None


def _arrays_of(path: Path, watched: Watched | None) -> dict[str, np.ndarray]:
    blob = read_blob(path) if watched is None else _map(watched)
    try:
        header = check_layout(blob, str(path))
    except CertificateFormatError as error:
        raise fail(
            f"{error}; data of a certificate are the .data file written beside one that does not embed them, and are found there without being named"
        ) from None
    arrays = _load(blob, str(path)) if isinstance(blob, bytes) else _views(blob, header, str(path))
    if set(arrays) not in ({"X", "targets"}, {"X", "targets", "weights"}):
        raise fail(f"{path}: expected the arrays X and targets, and weights if samples have some, got {sorted(arrays)}")
    return arrays


def _map(file: Watched) -> Bytes:
    """The file's bytes as the system pages them in; an empty file, which cannot be mapped, as it is."""
    try:
        return mmap.mmap(file.handle, 0, access=mmap.ACCESS_READ)
    except ValueError:
        return b""


def _views(blob: mmap.mmap, header: dict[str, Any], who: str) -> dict[str, np.ndarray]:
    """As `_load` gives them, without a copy where the stored numbers are float64 or int64 already."""
    start, arrays = 8 + int.from_bytes(blob[:8], "little"), {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind, (first, _), shape = DTYPES[entry["dtype"]], entry["data_offsets"], entry["shape"]
        stored = np.frombuffer(blob, kind, math.prod(shape), start + first).reshape(shape)
        if not all_finite(stored):
            raise fail(f"{who}: array {name!r} holds NaN or infinity")
        wide = np.dtype(np.int64 if kind.kind == "i" else np.float64)
        arrays[name] = stored if stored.dtype == wide and stored.flags.aligned else stored.astype(wide)
        arrays[name].flags.writeable = False
    return arrays


def write_data(path: Path, problem: Problem) -> None:
    """The data set as a file of its own, for certificates that do not embed it."""
    arrays = {name: np.ascontiguousarray(a) for name, a in data_arrays(problem).items()}
    atomic_write_bytes(Path(path), save_arrays(arrays))


def data_file(certificate: Path) -> Path | None:
    """The data file that is written beside a certificate too large to embed its data; None when there is none."""
    beside = Path(certificate).with_suffix(".data")
    return beside if beside.exists() else None


def read_certificate(path: Path, *, data: Path | None = None, mapped: bool = False) -> Certificate:
    """Read strictly. `data`: file of X and targets (`write_data`): the certificate's own when it does not embed them (default: the `.data` file beside it),
    compared with them when it does. mapped: a data set that is not embedded stays in its file, as in `read_data`; `require_unchanged` says afterwards
    whether it was still the certificate's own.

    Raises CertificateFormatError for anything the format does not allow: unknown versions or fields, hashes that do not
    match, arrays left over or missing, data other than the certificate's own; DataFileError, one of them, where `data` names no data file.
    """
    named = data is not None
    blob, watched = read_blob(path), None
    header, arrays = _open(blob, str(path))
    try:
        document = parse_json(header["__metadata__"]["certificate"])
        about = document.get("data") if isinstance(document, dict) else None
        if isinstance(about, dict) and about.get("embedded") is False:
            if any(name.startswith("data/") for name in arrays):
                raise fail("data: said to be elsewhere, yet the file holds data")
            data = data_file(path) if data is None else data
            if data is None:
                raise fail(
                    f"its data set is not embedded; hand it over with --data (expected SHA-256 {about.get('sha256')})"
                )
            watched = Watched(data) if mapped else None
            arrays |= {f"data/{name}": a for name, a in read_data(data, watched).items()}
        problem, claims = parse_document(document, arrays)
        if document["data"]["embedded"] and data is not None and not _same_data(problem, _to_compare(data)):
            raise fail(f"it embeds other data than {data}, which was to be compared with it")
    except CertificateFormatError as error:
        if named and isinstance(error, DataFileError):
            raise
        raise fail(f"{path}: {error}") from None
    return Certificate(problem, claims, document, hashlib.sha256(blob).hexdigest(), arrays, watched)


def _to_compare(data: Path) -> dict[str, np.ndarray]:
    try:
        return read_data(data)
    except DataFileError as error:
        raise DataFileError(f"{error}; this certificate embeds its data and needs none, so leave it out") from None


def require_unchanged(c: Certificate) -> None:
    """Raise CertificateFormatError unless the data set that was read `mapped` is the certificate's own still, and its file was not written to: what was
    changed and changed back has the right hash again."""
    if c.document["data"]["embedded"]:
        return
    if (
        not (c.watched is None or c.watched.unchanged)
        or arrays_sha256(data_arrays(c.problem)) != c.document["data"]["sha256"]
    ):
        raise fail("the file of its data set was changed while it was in use; nothing is said about either")


def _same_data(problem: Problem, other: Mapping[str, np.ndarray]) -> bool:
    mine = data_arrays(problem)
    return mine.keys() == other.keys() and all(np.array_equal(mine[n], other[n]) for n in mine)
