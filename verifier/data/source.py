"""What a source yields before preparation, and the limits every source keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from verifier.errors import DataError

MAX_VALUES = 2**28  # numbers in X: 2 GiB as float64


@dataclass
class Source:
    """Raw data: X float64 (N, d); y int64, float64 or str, shape (N,), or float64 (N, K).

    steps: what the source did to the numbers, in order, JSON-able. task: what the source knows the task to be, or None.
    numbered: y holds class numbers from 0 by the format's definition, whichever occur. sha256: of the source file.
    weights: of the samples, float64 (N,), as the source has them; None where it has none.
    """

    X: np.ndarray
    y: np.ndarray
    steps: list[dict[str, Any]] = field(default_factory=list)
    task: str | None = None
    numbered: bool = False
    sha256: str | None = None
    weights: np.ndarray | None = None


def exact_float64(array: np.ndarray, what: str) -> np.ndarray:
    """Convert numbers to float64 without changing one. Raises DataError for other kinds and for integers beyond 2^53."""
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise DataError(f"{what} has dtype {array.dtype}; expected real numbers of at most 64 bits")
    with np.errstate(invalid="ignore"):  # widening a signalling NaN would warn; it is refused below
        out = array.astype(np.float64)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size and float(np.abs(out).max()) > 2.0**53:
        raise DataError(
            f"{what} holds integers beyond 2^53, which float64 cannot represent exactly; rescale them first"
        )
    return out


def check_size(values: int, what: str) -> None:
    """Raise DataError, before anything is read, when X would hold more than MAX_VALUES numbers."""
    if values > MAX_VALUES:
        raise DataError(f"{what} declares {values} numbers; at most {MAX_VALUES} are read")


def read_bytes(path: Path, what: str) -> bytes:
    """Whole file, so that its hash is that of the bytes parsed. Raises DataError when missing, a folder, empty or a Git LFS pointer."""
    try:
        if path.is_dir():
            raise DataError(
                f"{what}: is a folder; give the file in it, or idx:{path} for a folder of MNIST-format files"
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{what}: no such file") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{what}: cannot be read ({error})") from error
    if not data:
        raise DataError(f"{what}: is empty")
    if data.startswith(b"version https://git-lfs"):
        raise DataError(f"{what}: is a Git LFS pointer, not the data itself; fetch it with `git lfs pull`")
    return data


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def choose_target(columns: Sequence[str], target: str | None, what: str) -> str:
    """The target column: the one asked for, else the only one named target, y or label (case ignored).

    Raises DataError listing the columns otherwise.
    """
    listed = ", ".join(columns)
    if target is not None:
        if target not in columns:
            raise DataError(f"{what}: no column {target!r}; the columns are {listed}")
        return target
    candidates = [column for column in columns if column.strip().lower() in ("target", "y", "label")]
    if len(candidates) != 1:
        found = f"several could be it ({', '.join(candidates)})" if candidates else "none is named target, y or label"
        raise DataError(
            f"{what}: which column is the target? {found}; say so with --target COLUMN. The columns are {listed}"
        )
    return candidates[0]
