"""MNIST's idx files: a folder with images and labels, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from verifier.data.source import Source, check_size, read_bytes, sha256
from verifier.errors import DataError
from verifier.numbers import plural

# Kinds of data that name a folder, and the part they read.
FOLDERS = {"idx": "train", "mnist": "train", "idx-test": "test", "mnist-test": "test"}
# Where Debian's package dataset-fashion-mnist puts 60,000 + 10,000 images.
FASHION = {"fashion-mnist": "train", "fashion-mnist-test": "test"}
FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
_PARTS = {"train": "train", "test": "t10k"}


def load_idx(folder: Path, part: str) -> Source:
    """Images as pixels / 255, shape (N, rows * columns), and labels 0..K-1, of the `train` or `test` part.

    Looks for `train-images-idx3-ubyte` (or `.idx3-ubyte`, or either with `.gz`) and `train-labels-idx1-ubyte`; `t10k-` for the test part.

    Raises DataError when a file is missing, its magic number or size is wrong, or the counts differ.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; expected one with files such as train-images-idx3-ubyte.gz")
    images_path, labels_path = (
        _find(folder, f"{_PARTS[part]}-{kind}", n) for kind, n in (("images", 3), ("labels", 1))
    )
    pixels, images_hash = _read(images_path, 3)
    labels, labels_hash = _read(labels_path, 1)
    if len(pixels) != len(labels):
        raise DataError(
            f"{folder}: {images_path.name} holds {len(pixels)} images, {labels_path.name} {plural(len(labels), 'label')}; they do not belong together"
        )
    X = pixels.reshape(len(pixels), -1) / 255.0
    steps: list[dict[str, Any]] = [
        {"idx": {images_path.name: images_hash, labels_path.name: labels_hash}},
        {"flatten": list(pixels.shape[1:])},
        {"divide_by": 255},
    ]
    return Source(
        X, labels.astype(np.int64), steps, "multiclass", True, sha256(f"{images_hash}\n{labels_hash}\n".encode())
    )


def image_size(folder: Path, part: str) -> tuple[int, int] | None:
    """(rows, columns) by the header of the images' file; None where it cannot be read, which `load_idx` explains."""
    try:
        path = _find(folder, f"{_PARTS[part]}-images", 3)
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            rows, columns = struct.unpack(">8x2I", stream.read(16))
    except (DataError, OSError, EOFError, zlib.error, struct.error):
        return None
    return rows, columns


def _find(folder: Path, stem: str, dimensions: int) -> Path:
    names = [f"{stem}{separator}idx{dimensions}-ubyte{suffix}" for suffix in ("", ".gz") for separator in ("-", ".")]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise DataError(f"{folder}: no file {names[0]} (or {', '.join(names[1:])})")


def _read(path: Path, dimensions: int) -> tuple[np.ndarray, str]:
    """uint8 array and the hash of the file as stored; decompresses no more than the header promises."""
    data = read_bytes(path, str(path))
    try:
        stream = gzip.GzipFile(fileobj=io.BytesIO(data)) if path.suffix == ".gz" else io.BytesIO(data)
        head = stream.read(4 + 4 * dimensions)
        magic = 0x0800 + dimensions
        if len(head) < 4 + 4 * dimensions or int.from_bytes(head[:4], "big") != magic:
            raise DataError(
                f"{path}: begins with {head[:4].hex() or 'nothing'}; expected the magic number {magic:08x} of unsigned bytes in {dimensions} dimension(s)"
            )
        shape = struct.unpack(f">{dimensions}I", head[4:])
        count = 1
        for n in shape:
            count *= n
        check_size(count, str(path))
        body = stream.read(count + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: truncated or damaged ({error}); fetch it again") from error
    if count == 0 or len(body) != count:
        found = f"more than {count}" if len(body) > count else str(len(body))
        raise DataError(
            f"{path}: its header declares shape {shape}, {count} bytes, but {found} follow; truncated or damaged"
        )
    return np.frombuffer(body, dtype=np.uint8).reshape(shape), sha256(data)
