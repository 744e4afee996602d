"""`.npz` files with arrays `X` and `y`: headers are checked before a value is read, and nothing is unpickled."""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from verifier.data.source import Source, check_size, exact_float64, read_bytes, sha256
from verifier.data.weights import as_weights
from verifier.errors import DataError


def load_weights(path: Path, samples: int) -> np.ndarray:
    """Sample weights (N,) from an .npy file; nothing is unpickled. Raises DataError for what is no such file, UsageError for numbers that are no weights."""
    try:
        values = np.load(io.BytesIO(read_bytes(path, str(path))), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{path}: not an .npy file of numbers ({error}); write it with numpy.save(path, weights)"
        ) from error
    if not isinstance(values, np.ndarray):
        raise DataError(f"{path}: holds several arrays; write one with numpy.save(path, weights)")
    return as_weights(exact_float64(values, str(path)), samples, str(path))


def load_npz(path: Path, sample_weight: str | None = None) -> Source:
    """X (N, d), flattened per sample when it has more dimensions; y (N,) or (N, K). Other arrays are left out and recorded. sample_weight: the array
    (N,) that holds sample weights, or None.

    Raises DataError when X or y is missing, of a dtype that is not numbers (y may be text), larger than allowed, or damaged.
    """
    data = read_bytes(path, str(path))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [name.removesuffix(".npy") for name in archive.namelist()]
            if len(set(names)) != len(names):
                raise DataError(f"{path}: holds two arrays of one name among {', '.join(names)}")
            if sample_weight is not None and sample_weight not in names:
                raise DataError(
                    f"{path}: has no array {sample_weight!r} of sample weights; it holds {', '.join(names)}"
                )
            missing = [name for name in ("X", "y") if name not in names]
            if missing:
                raise DataError(
                    f"{path}: has no array {' and '.join(missing)}; expected X and y, found {', '.join(names) or 'nothing'}"
                )
            X, y = (_read_array(archive, name, path) for name in ("X", "y"))
            weights = None if sample_weight is None else _read_array(archive, sample_weight, path)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        OverflowError,
    ) as error:
        raise DataError(
            f"{path}: not an .npz file, or truncated or damaged ({error}); write it with numpy.savez(path, X=X, y=y)"
        ) from error
    steps: list[dict[str, Any]] = [{"npz": "X, y"}]
    others = [name for name in names if name not in ("X", "y", sample_weight)]
    if others:
        steps.append({"left_out": others})
    X = exact_float64(X, f"{path}: X")
    if X.ndim > 2:
        steps.append({"flatten": list(X.shape[1:])})
        X = X.reshape(len(X), -1) if X.size else X.reshape(len(X), 0)
    if X.ndim != 2 or y.ndim not in (1, 2) or len(X) != len(y):
        raise DataError(
            f"{path}: expected X of shape (samples, features) and y with one target per sample, got {X.shape} and {y.shape}"
        )
    if y.ndim == 2 and y.shape[1] == 1:
        steps.append({"flatten_y": True})
        y = y[:, 0]
    if y.dtype.kind in "fiub":
        y = exact_float64(y, f"{path}: y") if y.dtype.kind == "f" or y.ndim == 2 else y
    elif y.dtype.kind != "U" or y.ndim == 2:
        raise DataError(
            f"{path}: y has dtype {y.dtype} and shape {y.shape}; expected numbers, or a vector of text labels"
        )
    if weights is not None:
        steps.append({"sample_weight": sample_weight})
        weights = as_weights(exact_float64(weights, f"{path}: {sample_weight}"), len(X), f"{path}: {sample_weight}")
    return Source(X, y, steps, sha256=sha256(data), weights=weights)


def _read_array(archive: zipfile.ZipFile, name: str, path: Path) -> np.ndarray:
    """One member, after its header's promise is compared with its size in the archive."""
    info = archive.getinfo(f"{name}.npy") if f"{name}.npy" in archive.namelist() else archive.getinfo(name)
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            raise DataError(
                f"{path}: {name} is in .npy version {version}; expected 1.0 or 2.0, so no structured or pickled data"
            )
        if dtype.hasobject:
            raise DataError(
                f"{path}: {name} holds Python objects, which are not unpickled; store numbers, or text as dtype str"
            )
        if dtype.kind not in "fiubU":
            raise DataError(
                f"{path}: {name} has dtype {dtype}; expected real numbers" + (" or text" if name == "y" else "")
            )
        count = math.prod(shape)
        check_size(count, f"{path}: {name}")
        wanted, there = count * dtype.itemsize, info.file_size - stream.tell()
        if wanted != there:
            raise DataError(
                f"{path}: {name} declares shape {shape} and dtype {dtype}, {wanted} bytes, but the archive holds {there}"
            )
        values = np.frombuffer(stream.read(wanted), dtype=dtype) if wanted else np.empty(0, dtype)
        stream.read(1)  # reaching the end makes zipfile compare the checksum
    return values.reshape(shape, order="F" if fortran else "C")
