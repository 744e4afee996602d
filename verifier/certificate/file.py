"""One certificate, one `.safetensors` file: exact arrays and one strict JSON document (docs/certificate-v2.md)."""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from verifier.certificate.parse import parse_document
from verifier.certificate.strict import DTYPES, MAX_HEADER, Bytes, check_layout, fail, fields, parse_json
from verifier.errors import CertificateFormatError, DataFileError, UnreadableCertificateError, UsageError
from verifier.files import atomic_write_bytes
from verifier.kernel import Claim, Problem
from verifier.kernel.statements.refusal import all_finite

FORMAT, VERSION = "verifier-certificate", 2
EMBED_LIMIT = 16 * 2**20


class OwnCopy:
    """A copy of a file without a name, so that nobody else can write to it: what was hashed is what is used, whatever becomes of the file meanwhile.

    Watching the file instead is not enough: who has it mapped can change it and change it back, and the times that the system keeps do not tell.
    Raises DataFileError when it cannot be read, UsageError when the system's folder for temporary files has no room for it.
    """

    def __init__(self, path: Path) -> None:
        try:
            with open(path, "rb") as source:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as this object lives)
                weakref.finalize(self, self._file.close)
                shutil.copyfileobj(source, self._file, 2**20)
                self._file.flush()
        except OSError as error:
            why = error.strerror or error
            if error.filename is None:
                raise UsageError(
                    f"{path}: no copy could be made in {tempfile.gettempdir()}: {why}; name a folder with more room in TMPDIR"
                ) from None
            raise DataFileError(f"{path}: cannot be read: {why}") from None

    @property
    def handle(self) -> int:
        return self._file.fileno()


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


# Of a data set, in the order in which they are hashed.
DATA = ("X", "targets", "weights")


def data_arrays(problem: Problem) -> dict[str, np.ndarray]:
    """The arrays of the data set, in the order in which they are hashed."""
    weights = {} if problem.weights is None else {"weights": problem.weights}
    return {"X": problem.X, "targets": problem.targets, **weights}


def read_data(path: Path, *, mapped: bool = False) -> dict[str, np.ndarray]:
    """Arrays `X`, `targets` and perhaps `weights` from a data file written beside a certificate that does not embed its data.

    mapped: the arrays are views of a copy on the disk, of which memory holds what is being used. Raises DataFileError.
    """
    try:
        return _arrays_of(path, mapped)
    except CertificateFormatError as error:
        raise DataFileError(str(error)) from None


def _arrays_of(path: Path, mapped: bool) -> dict[str, np.ndarray]:
    blob = _map(OwnCopy(path)) if mapped else read_blob(path)
    try:
        header = check_layout(blob, str(path))
    except CertificateFormatError as error:
        raise fail(
            f"{error}; data of a certificate are the .data file written beside one that does not embed them, and are found there without being named"
        ) from None
    arrays = _load(blob, str(path)) if isinstance(blob, bytes) else _views(blob, header, str(path))
    if set(arrays) not in ({"X", "targets"}, {"X", "targets", "weights"}):
        raise fail(f"{path}: expected the arrays X and targets, and weights if samples have some, got {sorted(arrays)}")
    # Files are written in an order of their own, by type.
    return {name: arrays[name] for name in DATA if name in arrays}


def _map(file: OwnCopy) -> Bytes:
    """The copy's bytes as the system pages them in; an empty file, which cannot be mapped, as it is."""
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


def read_document(path: Path) -> dict[str, Any]:
    """The JSON document alone, as far as it is one with an entry about data; for who wants to know which data a certificate is about. Only the header is
    read, and nothing is said of the arrays behind it. Raises CertificateFormatError."""
    try:
        with open(path, "rb") as handle:
            size, head = os.fstat(handle.fileno()).st_size, handle.read(8)
            length = int.from_bytes(head, "little")
            if len(head) < 8 or length > min(MAX_HEADER, size - 8):
                raise fail(f"{path}: no certificate, or a truncated one")
            text = handle.read(length)
    except OSError as error:
        raise UnreadableCertificateError(f"{path}: cannot be read: {error.strerror or error}") from None
    try:
        header = parse_json(text)
        meta = fields(
            header.get("__metadata__") if isinstance(header, dict) else None, "metadata", {"certificate": str}
        )
        document = parse_json(meta["certificate"])
    except CertificateFormatError as error:
        raise fail(f"{path}: {error}") from None
    about = document.get("data") if isinstance(document, dict) else None
    if not isinstance(about, dict) or not {"embedded", "sha256"} <= set(about):
        raise fail(f"{path}: says nothing about its data")
    return dict(document)


def read_certificate(path: Path, *, data: Path | None = None, mapped: bool = False) -> Certificate:
    """Read strictly. `data`: file of X and targets (`write_data`): the certificate's own when it does not embed them (default: the `.data` file beside it),
    compared with them when it does. mapped: a data set that is not embedded stays on the disk, as in `read_data`.

    Raises CertificateFormatError for anything the format does not allow: unknown versions or fields, hashes that do not
    match, arrays left over or missing, data other than the certificate's own; DataFileError, one of them, where `data` names no data file.
    """
    named = data is not None
    blob = read_blob(path)
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
            arrays |= {f"data/{name}": a for name, a in read_data(data, mapped=mapped).items()}
        problem, claims = parse_document(document, arrays)
        if document["data"]["embedded"] and data is not None and not _same_data(problem, _to_compare(data)):
            raise fail(f"it embeds other data than {data}, which was to be compared with it")
    except CertificateFormatError as error:
        if named and isinstance(error, DataFileError):
            raise
        raise fail(f"{path}: {error}") from None
    return Certificate(problem, claims, document, hashlib.sha256(blob).hexdigest(), arrays)


def _to_compare(data: Path) -> dict[str, np.ndarray]:
    try:
        return read_data(data)
    except DataFileError as error:
        raise DataFileError(f"{error}; this certificate embeds its data and needs none, so leave it out") from None


def _same_data(problem: Problem, other: Mapping[str, np.ndarray]) -> bool:
    mine = data_arrays(problem)
    return mine.keys() == other.keys() and all(np.array_equal(mine[n], other[n]) for n in mine)
