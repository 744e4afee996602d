"""The hash that names data sets and networks inside a certificate."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

# Numbers that are copied at a time.
AT_A_TIME = 2**17


def arrays_sha256(arrays: Mapping[str, np.ndarray], first: str = "") -> str:
    """After the text `first`, for each (name, array) in order: the line `name shape`, then the little-endian bytes; float64 or int64."""
    digest = hashlib.sha256(first.encode())
    for name, array in arrays.items():
        digest.update(f"{name} {'x'.join(map(str, array.shape))}\n".encode())
        flat = array.reshape(-1)
        for k in range(0, flat.size, AT_A_TIME):
            digest.update(flat[k : k + AT_A_TIME].astype("<i8" if array.dtype.kind == "i" else "<f8").tobytes())
    return digest.hexdigest()
