"""The one way to write a file: whole or not at all, and never over something that verifier did not write itself.

A file is replaced only by a file of its own kind (`kind_of`), recognised by its content: a page by its generator tag, a certificate and a checkpoint by
their metadata, arrays by the archive's comment. Formats that carry no mark (.csv, .json, .parquet) are replaced only inside a folder that was claimed
as a folder of results (`claim_folder`). `require_place` and `claim_folder` say the same at the door of a command, hours before anything is written.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickletools
import re
import secrets
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from pathlib import Path
from typing import Any

from verifier.errors import UsageError

PathLike = str | os.PathLike[str]
FOLDER_MARK = ".verifier"
GENERATOR = b'<meta name="generator" content="verifier">'
_ARCHIVE_COMMENT = b"verifier arrays"
_MAX_HEADER = 64 * 2**20


class Kind(Enum):
    """What a file is, by its content; the value is how sentences call it."""

    PAGE = "a report of verifier"
    CERTIFICATE = "a certificate"
    DATA = "the data set beside a certificate"
    CHECKPOINT = "a checkpoint written by verifier"
    ARRAYS = "arrays written by verifier"
    FOREIGN = "a file that verifier did not write"


SUFFIXES: dict[Kind, tuple[str, ...]] = {
    Kind.PAGE: (".html", ".htm"), Kind.CERTIFICATE: (".safetensors",), Kind.DATA: (".data",),
    Kind.CHECKPOINT: (".pt", ".pth", ".safetensors"), Kind.ARRAYS: (".npz",),
}  # fmt: skip
_MARKED = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)


def kind_of(path: PathLike) -> Kind:
    """What lies at `path`, whatever its name. Nothing is unpickled. Raises OSError when it cannot be read."""
    with open(path, "rb") as handle:
        head = handle.read(4096)
    if GENERATOR in head:
        return Kind.PAGE
    # Before archives: a safetensors file begins with the length of its header, which may well read "PK"; no archive has "{" behind it.
    if head[8:9] == b"{":
        return _kind_of_safetensors(path)
    return _kind_of_archive(path) if head.startswith(b"PK") else Kind.FOREIGN


def _kind_of_safetensors(path: PathLike) -> Kind:
    with open(path, "rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        if length > _MAX_HEADER:
            return Kind.FOREIGN
        try:
            header = json.loads(handle.read(length))
        except (ValueError, RecursionError):
            return Kind.FOREIGN
    if not isinstance(header, dict):
        return Kind.FOREIGN
    metadata = header.get("__metadata__")
    if isinstance(metadata, dict) and "certificate" in metadata:
        return Kind.CERTIFICATE
    if isinstance(metadata, dict) and "verifier" in metadata:
        return Kind.CHECKPOINT
    return Kind.DATA if set(header) - {"__metadata__", "weights"} == {"X", "targets"} else Kind.FOREIGN


def _kind_of_archive(path: PathLike) -> Kind:
    """`.npz` by the archive's comment; what torch.save wrote by the words of its pickle, read as text and never run."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.comment == _ARCHIVE_COMMENT:
                return Kind.ARRAYS
            pickles = [e for e in archive.infolist() if e.filename.endswith("/data.pkl") and e.file_size <= _MAX_HEADER]
            words = [] if len(pickles) != 1 else [arg for _, arg, _ in pickletools.genops(archive.read(pickles[0]))]
    except (zipfile.BadZipFile, zlib.error, ValueError, EOFError, NotImplementedError, RuntimeError):
        return Kind.FOREIGN
    stored = [k for k, word in enumerate(words) if word == "metadata"]
    return Kind.CHECKPOINT if any("verifier" in words[k : k + 8] for k in stored) else Kind.FOREIGN


def require_place(path: PathLike, kind: Kind, *, option: str = "--out", inputs: Iterable[Any] = ()) -> Path:
    """`path`, when a file of this kind may be written there: its suffix is the kind's, it is none of the inputs, and what lies there already is one.

    inputs: whatever the command reads; what is not the path of a file (a bundled data set's name, an array, None) is passed over.
    Raises UsageError. Called before the work, so that nobody computes for hours what cannot be stored.
    """
    place = Path(path)
    _require_suffix(place, kind, option)
    _refuse_inputs(place, option, inputs)
    _require_replaceable(place, kind, option)
    parent = next((p for p in place.absolute().parents if p.exists()), None)
    if parent is not None and not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise UsageError(f"{option} {place}: {parent} is not a folder that can be written to; choose another place")
    return place


def _require_suffix(place: Path, kind: Kind, option: str = "") -> None:
    expected = SUFFIXES[kind]
    if place.suffix.lower() not in expected:
        other = place.with_suffix(expected[0]) if place.name else Path(f"name{expected[0]}")
        raise UsageError(
            f"{f'{option} {place}'.strip()}: expected a name ending in {', '.join(expected)} for {kind.value}, "
            f"got {place.suffix or 'no suffix'!r}; say {other}, for instance"
        )


def _refuse_inputs(place: Path, option: str, inputs: Iterable[Any]) -> None:
    for given in inputs:
        if isinstance(given, (str, os.PathLike)) and same_file(place, given):
            raise UsageError(f"{option} {place}: is the input {given}, which would be lost; choose another name")


def same_file(a: PathLike, b: PathLike) -> bool:
    """Whether two names lead to one file, through links and other spellings too; False for what is no file's name."""
    try:
        return os.path.samefile(a, b)
    except (OSError, ValueError):
        return os.path.realpath(a) == os.path.realpath(os.path.expanduser(b))


def _require_replaceable(place: Path, kind: Kind | None, option: str = "") -> None:
    """kind None: of a format that carries no mark."""
    who = f"{option} {place}".strip()
    if place.is_dir():
        raise UsageError(f"{who}: is a folder; choose another place, such as {place / 'NAME'}{place.suffix}")
    if not place.exists():
        return
    if kind is None:
        if not _claimed(place.parent):
            raise UsageError(
                f"{who}: exists and lies in no folder of verifier's results; move it, or choose another place"
            )
        return
    try:
        found = kind_of(place)
    except OSError as error:
        raise UsageError(
            f"{who}: exists and cannot be read ({error.strerror or error}); choose another place"
        ) from error
    if found is not kind and not (_claimed(place.parent) and _damaged(place)):
        raise UsageError(
            f"{who}: exists and is {found.value}; only {kind.value} is replaced there. Move it, or choose another name"
        )


def claim_folder(
    path: PathLike,
    *,
    option: str = "--out",
    pages: Iterable[str] = (),
    known: Mapping[str, Iterable[str]] | None = None,
) -> Path:
    """Make `path` a folder of results, in which verifier replaces its own tables and records; returns it.

    pages: names of the reports that will be written there. known: how folders of earlier versions, which had no mark, are recognised: a JSON file of this
    name with these keys. Raises UsageError when it is a file, or holds anything but results.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{option} {folder}: is a file; expected a folder of results")
    marked = (folder / FOLDER_MARK).is_file()
    earlier = any(_has_keys(folder / name, keys) for name, keys in (known or {}).items())
    if folder.exists() and not marked and not earlier and any(folder.iterdir()):
        raise UsageError(
            f"{option} {folder}: is not empty and no folder of results (it has no file {FOLDER_MARK}); choose an empty or new folder"
        )
    for page in pages:
        _require_replaceable(folder / page, Kind.PAGE, option)
    if not marked:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / FOLDER_MARK).write_text(
                "Results of verifier. It replaces its own files in this folder.\n", "utf-8"
            )
        except OSError as error:
            raise UsageError(f"cannot write {folder}: {error.strerror or error}; choose another place") from error
    return folder


def _has_keys(file: Path, keys: Iterable[str]) -> bool:
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(key in value for key in keys)


def _claimed(folder: Path) -> bool:
    return any((place / FOLDER_MARK).is_file() for place in (folder, *list(folder.absolute().parents)[:3]))


@contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path` (same suffix); on success flush it to disk and rename it to `path`.

    A reader, or a run stopped half-way, sees the old file or the new one, never a part. Missing folders are made. When the
    body raises, the temporary file is removed and `path` stays as it was.

    Raises UsageError when the place cannot be written, or holds a file that is none of this kind (see the module's text).
    """
    final = Path(path)
    temporary = _temporary(final)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        kind: Kind | None = kind_of(temporary)
        if kind is Kind.FOREIGN:
            if final.suffix.lower() in _MARKED:
                raise ValueError(f"{final}: about to be written without the mark by which verifier knows its own files")
            kind = None
        _require_replaceable(final, kind)
        if kind is not None:
            _require_suffix(final, kind)
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        _put_aside(final)
        os.replace(temporary, final)
        _sync_folder(final.parent)
    except OSError as error:
        raise UsageError(f"cannot write {final}: {error.strerror or error}; choose another place") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def _temporary(final: Path) -> Path:
    return final.with_name(f".{final.stem}.{secrets.token_hex(8)}{final.suffix}")


def is_temporary(path: PathLike) -> bool:
    """Whether the name is one that `atomic_path` gives to what is not finished: left behind only by a process that was killed."""
    return re.fullmatch(r"\..+\.[0-9a-f]{16}(\.[^.]+)?", Path(path).name) is not None


def _damaged(path: Path) -> bool:
    """Whether a file is not even of the format its name says: what a broken disk leaves of a result is made again."""
    if path.suffix.lower() in (".npz", ".pt", ".pth"):
        return not zipfile.is_zipfile(path)
    with open(path, "rb") as handle:
        return path.suffix.lower() in (".safetensors", ".data") and handle.read(9)[8:] != b"{"


def _put_aside(final: Path) -> None:
    """What is about to be replaced in a folder of results without being one, as far as its content tells: a damaged result, or somebody's own file. It keeps
    a name, `NAME.replaced` and a number."""
    if final.suffix.lower() not in _MARKED or not final.exists() or kind_of(final) is not Kind.FOREIGN:
        return
    k = 1
    while (aside := final.with_name(f"{final.name}.replaced-{k}")).exists():
        k += 1
    os.rename(final, aside)


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable where the system allows it (not on Windows, not on some network disks)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


def atomic_write_bytes(path: PathLike, data: bytes) -> None:
    """Write `data` to `path` through `atomic_path`. Raises UsageError as it does."""
    with atomic_path(path) as temporary, open(temporary, "xb") as handle:
        handle.write(data)
        handle.flush()


def write_arrays(path: PathLike, arrays: Mapping[str, Any]) -> None:
    """Write a marked `.npz` archive through `atomic_path`; `numpy.load` reads it like any other."""
    import numpy as np

    with atomic_path(path) as temporary:
        with open(temporary, "xb") as handle:
            np.savez_compressed(handle, **arrays)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.comment = _ARCHIVE_COMMENT


def file_sha256(path: PathLike) -> str:
    """SHA-256 of a file's bytes, hexadecimal. Raises OSError when it cannot be read."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
