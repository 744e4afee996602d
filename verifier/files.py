"""Writing files whole or not at all, and hashing them."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from verifier.errors import UsageError


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path` (same suffix); on success flush it to disk and rename it to `path`.

    A reader, or a run stopped half-way, sees the old file or the new one, never a part. Missing folders are made. When the
    body raises, the temporary file is removed and `path` stays as it was.

    Raises UsageError when the place cannot be written.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.stem}.{secrets.token_hex(8)}{final.suffix}")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        if final.is_dir():
            raise IsADirectoryError("it is a folder")
        yield temporary
        with open(temporary, "rb") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, final)
        _sync_folder(final.parent)
    except OSError as error:
        raise UsageError(f"cannot write {final}: {error.strerror or error}; choose another place") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


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


def atomic_write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` to `path` through `atomic_path`. Raises UsageError when the place cannot be written."""
    with atomic_path(path) as temporary, open(temporary, "xb") as handle:
        handle.write(data)
        handle.flush()


def file_sha256(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's bytes, hexadecimal. Raises OSError when it cannot be read."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
