"""What the data say of the shape of one sample, before they are read: flat rows do not, images do."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from verifier.data.cifar import KINDS, SHAPE
from verifier.data.dataset import Dataset
from verifier.data.idx_files import FASHION, FASHION_FOLDER, FOLDERS, image_size

# Named data whose samples are images of one shape.
_NAMED = {"digits": (1, 8, 8), "digits-unit": (1, 8, 8)}


def sample_shape(data: Any) -> tuple[int, int, int] | None:
    """(channels, height, width) of a sample of what `certify` takes as data; one channel for matrices. None where the data do not say it.

    Says nothing of data that cannot be read: reading them says what is wrong.
    """
    if isinstance(data, (str, os.PathLike)):
        return _of_spec(os.fspath(data))
    if isinstance(data, Dataset):
        return _of_recipe(data)
    X: Any = data[0] if isinstance(data, (tuple, list)) and len(data) == 2 else data
    X = getattr(X, "dataset", X)
    X = X.tensors[0] if hasattr(X, "tensors") else X
    shape = getattr(X, "shape", None)
    if shape is None and hasattr(X, "__getitem__") and hasattr(X, "__len__") and not isinstance(X, dict):
        try:
            item = X[0]
            shape = (len(X), *item[0].shape) if isinstance(item, (tuple, list)) else None
        except Exception:  # the data set is the user's code
            return None
    return None if shape is None else _image(tuple(shape)[1:])


def _image(shape: tuple[Any, ...] | None) -> tuple[int, int, int] | None:
    if shape is None or len(shape) not in (2, 3) or min(shape) < 1:
        return None
    channels, height, width = (1, *shape) if len(shape) == 2 else shape
    return int(channels), int(height), int(width)


def _of_recipe(data: Dataset) -> tuple[int, int, int] | None:
    for step in data.recipe.get("steps", ()):
        for word in ("flatten", "image"):
            if word in step:
                return _image(tuple(step[word]))
    return _of_spec(str(data.recipe.get("spec", "")))


def _of_spec(spec: str) -> tuple[int, int, int] | None:
    """Of the word after --data."""
    kind, _, rest = spec.partition(":")
    if kind in _NAMED:
        return _NAMED[kind]
    if kind in KINDS and rest:
        return SHAPE
    if kind in FOLDERS and rest:
        return _image(image_size(Path(os.path.expanduser(rest)), FOLDERS[kind]))
    if kind in FASHION and not rest:
        return _image(image_size(FASHION_FOLDER, FASHION[kind]))
    return _of_npz(Path(os.path.expanduser(spec))) if spec.lower().endswith(".npz") else None


def _of_npz(path: Path) -> tuple[int, int, int] | None:
    """From the header of X."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open("X.npy") as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            return _image(read(stream)[0][1:])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError):
        return None
