"""The folder of a campaign: results under their keys, put there whole by a rename, one campaign at a time.

    networks/KEY.pt   certificates/KEY.safetensors   records/KEY.json   log/HOST-PID.jsonl   scratch/   results.csv ...

Work happens in a scratch folder of its own and is moved into place when it is finished, so whatever lies in `certificates/` was
checked before it got there, and a killed process leaves nothing in it but whole files.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from verifier.campaign.records import keep, kept
from verifier.errors import UsageError, VerifierError
from verifier.files import atomic_write_bytes, claim_folder, is_temporary

# Says whose folder it is; written first.
MARK = "sweep.json"
# Scratch folders of other machines, whose processes cannot be asked, are taken as abandoned after this.
ABANDONED_SECONDS = 24 * 3600.0


def network_file(folder: Path, key: str) -> Path:
    return folder / "networks" / f"{key}.pt"


def certificate_file(folder: Path, key: str) -> Path:
    return folder / "certificates" / f"{key}.safetensors"


def record_file(folder: Path, key: str) -> Path:
    return folder / "records" / f"{key}.json"


def require_folder(folder: Path) -> None:
    """Raises VerifierError when a worker does not see the campaign's folder."""
    if not (folder / MARK).exists():
        raise VerifierError(
            f"{folder} is not there on {socket.gethostname()}: all workers need the folder on a shared disk"
        )


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A new empty folder on the same disk, removed afterwards."""
    place = folder / "scratch" / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(6)}"
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def publish(source: Path, target: Path) -> None:
    """Move a finished file, already flushed to disk, to its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(source, target)


def write_record(folder: Path, key: str, record: dict[str, Any]) -> None:
    with scratch(folder) as place:
        keep(place / "record.json", key, record)
        publish(place / "record.json", record_file(folder, key))


def read_record(folder: Path, key: str) -> dict[str, Any] | None:
    """The record, or None when there is none that can be read, that this code wrote under this key, and that is as it was written."""
    return kept(record_file(folder, key), key)


def log(folder: Path, event: str, key: str) -> None:
    """Append one line to this process's log, for people and for tests that count what was done."""
    place = folder / "log"
    place.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"time": time.time(), "event": event, "key": key}) + "\n"
    with open(place / f"{socket.gethostname()}-{os.getpid()}.jsonl", "ab", buffering=0) as handle:
        handle.write(line.encode())


@contextmanager
def opened(folder: Path, about: dict[str, Any]) -> Iterator[Path]:
    """Make the folder, hold its lock, and clear what killed processes left. about: written to the mark, for people.

    Raises UsageError when another run holds the lock, or the place cannot be written.
    """
    folder = folder.absolute()
    claim_folder(folder, known={MARK: ("experiments", "pairs")}, pages=("report.html",))
    atomic_write_bytes(folder / MARK, json.dumps(about, indent=1).encode())
    with open(folder / ".lock", "ab") as handle:
        _lock(handle, folder)
        _clear_scratch(folder)
        yield folder


def _lock(handle: Any, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"another run is at work in {folder}; wait for it, or choose another --out") from None
    except OSError:  # a disk without locks
        return


def _clear_scratch(folder: Path) -> None:
    host = socket.gethostname()
    for place in (folder / "scratch").glob("*"):
        owner, pid, _ = place.name.rsplit("-", 2)
        with suppress(OSError):
            abandoned = time.time() - place.stat().st_mtime > ABANDONED_SECONDS
            if (owner == host and not _alive(int(pid))) or abandoned:
                shutil.rmtree(place, ignore_errors=True)
    # Only the run that holds the lock writes beside the mark, so what is unfinished there is nobody's.
    for file in filter(is_temporary, folder.iterdir()):
        with suppress(OSError):
            file.unlink()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
