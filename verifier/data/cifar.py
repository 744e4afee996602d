"""CIFAR-10 and CIFAR-100 in a folder, as their authors distribute them: the binary version, or the python version without trusting its pickles."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from verifier.data.source import Source, check_size, read_bytes, sha256
from verifier.errors import DataError

SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_TEN = tuple(f"data_batch_{k}" for k in range(1, 6))
# Kinds of data that name a folder: files (with .bin in the binary version), labels before each image there, key of the labels in a pickle, classes.
KINDS: dict[str, tuple[tuple[str, ...], int, str, int]] = {
    "cifar10": (_TEN, 1, "labels", 10),
    "cifar10-test": (("test_batch",), 1, "labels", 10),
    "cifar100": (("train",), 2, "fine_labels", 100),
    "cifar100-test": (("test",), 2, "fine_labels", 100),
}
_NUMBERS = {f"{kind}{size}" for kind in "iuf" for size in (1, 2, 4, 8)} - {"f1"} | {"b1"}
# Folders inside what the archives unpack to.
_INSIDE = ("", "cifar-10-batches-bin", "cifar-10-batches-py", "cifar-100-binary", "cifar-100-python")


def load_cifar(folder: Path, kind: str) -> Source:
    """Images as pixels / 255, (N, 3072) with red, green and blue one after the other, row after row; labels 0..9, or the fine labels 0..99 of CIFAR-100.

    The binary version is read where both are there. Raises DataError when files are missing or are not what their version says.
    """
    names, before, key, classes = KINDS[kind]
    place, suffix = _find(folder, names)
    parts, hashes = [], {}
    for name in names:
        path = place / f"{name}{suffix}"
        data = read_bytes(path, str(path))
        hashes[path.name] = sha256(data)
        parts.append(_binary(data, before, path) if suffix else _pickled(data, key, path))
    pixels, labels = (np.concatenate([p[i] for p in parts]) for i in (0, 1))
    if labels.max() >= classes:
        raise DataError(f"{place}: holds label {labels.max()}; {kind} has labels 0 to {classes - 1}")
    check_size(pixels.size, str(place))
    steps: list[dict[str, Any]] = [{"cifar": hashes}, {"flatten": list(SHAPE)}, {"divide_by": 255}]
    together = sha256("".join(f"{h}\n" for h in hashes.values()).encode())
    return Source(pixels / 255.0, labels.astype(np.int64), steps, "multiclass", True, together)


def _find(folder: Path, names: tuple[str, ...]) -> tuple[Path, str]:
    """(folder, suffix) of the version that is there."""
    for suffix in (".bin", ""):
        for inside in _INSIDE:
            place = folder / inside if inside else folder
            if all((place / f"{name}{suffix}").is_file() for name in names):
                return place, suffix
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected one with files such as {names[0]}.bin")
    wanted = ", ".join(f"{name}.bin" for name in names)
    raise DataError(f"{folder}: holds neither {wanted} nor {', '.join(names)}; unpack the archive there")


def _binary(data: bytes, before: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Records of one or two label bytes, the last of which counts, and 3072 pixels."""
    size = before + _PIXELS
    if len(data) % size:
        raise DataError(f"{path}: has {len(data)} bytes, no multiple of {size} per image; truncated or damaged")
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, size)
    return records[:, before:], records[:, before - 1]


def _pickled(data: bytes, key: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        content = _Arrays(BytesIO(data), encoding="bytes").load()
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except Exception as error:  # whatever a damaged pickle leads to
        raise DataError(f"{path}: no batch of CIFAR's python version ({type(error).__name__}: {error})") from error
    found = (
        {k.decode("latin-1") if isinstance(k, bytes) else k: v for k, v in content.items()}
        if isinstance(content, dict)
        else {}
    )
    pixels, labels = found.get("data"), found.get(key)
    pixels = pixels.value if isinstance(pixels, _Array) else pixels
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != _PIXELS:
        raise DataError(f"{path}: expected an array 'data' of bytes, (images, {_PIXELS}), as in CIFAR's python version")
    if (
        not isinstance(labels, list)
        or len(labels) != len(pixels)
        or not all(type(v) is int and 0 <= v < 256 for v in labels)
    ):
        raise DataError(f"{path}: expected a list {key!r} of one label per image, as in CIFAR's python version")
    if len(pixels) == 0:
        raise DataError(f"{path}: holds no images")
    return pixels, np.array(labels)


class _Dtype:
    """What a pickle says of a dtype: its code, and its byte order later. numpy itself sees neither before they were looked at."""

    def __init__(self, code: Any, *rest: Any) -> None:
        self.code, self.order = code.decode("ascii") if isinstance(code, bytes) else str(code), "|"

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        self.order = order.decode("ascii") if isinstance(order, bytes) else str(order)

    def value(self) -> np.dtype[Any]:
        if self.code.lstrip("<>|=") not in _NUMBERS or self.order not in "<>|=":
            raise DataError(f"an array of dtype {self.code!r} in a pickle; only numbers are read")
        return np.dtype((self.order if self.order != "|" else "") + self.code.lstrip("<>|="))


class _Array:
    """In place of numpy's own reconstruction: a shape is believed only where there are as many bytes."""

    def __init__(self, *arguments: Any) -> None:
        self.value: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, raw = state
        self.value = np.frombuffer(raw, dtype.value()).reshape(shape, order="F" if fortran else "C")


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """How Python 3 writes bytes for Python 2's readers."""
    return text.encode("latin-1")


def _nothing() -> bytes:
    """How Python 3 writes no bytes at all for Python 2's readers; `bytes` itself could be asked for many."""
    return b""


class _Arrays(pickle._Unpickler):
    """Builtin containers and numbers, and numpy arrays of numbers; nothing else is looked up, let alone called.

    Python's own implementation, since its memo is a dictionary: the one in C would allocate a table as long as an index in the file says.
    """

    ALLOWED: Mapping[tuple[str, str], Any] = {
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},
        # An argument of the above, which is not called.
        ("numpy", "ndarray"): "ndarray",
        ("numpy", "dtype"): _Dtype,
        ("_codecs", "encode"): _encode,
        ("__builtin__", "bytes"): _nothing,
    }

    def find_class(self, module: str, name: str) -> Any:
        found = self.ALLOWED.get((module, name))
        if found is None:
            raise DataError(
                f"a pickle that asks for {module}.{name}; only arrays of numbers and builtin containers are read"
            )
        return found
