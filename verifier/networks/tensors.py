"""Tensors of a checkpoint before anything is copied: shape, dtype, why it may be refused, and how to read it exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from verifier.errors import CheckpointError
from verifier.kernel.statements import Geometry
from verifier.networks.layout import Layout
from verifier.networks.network import Network

MAX_PARAMETERS = 2**28  # 2 GiB as float64
FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class StoredTensor:
    """shape and dtype name as stored; `problem` is None or why it cannot be a parameter; `read()` returns exact float64 values."""

    shape: tuple[int, ...]
    dtype: str
    read: Callable[[], np.ndarray]
    problem: str | None = None

    @property
    def floating(self) -> bool:
        return self.dtype in FLOATS


def dtype_problem(dtype: str) -> str | None:
    """Why parameters of this dtype are refused, or None."""
    if dtype in FLOATS:
        return None
    return f"has dtype {dtype}; expected one of {', '.join(FLOATS)}"


def from_numpy(array: np.ndarray) -> StoredTensor:
    """Describe a numpy array; bfloat16 comes as numpy's extension type of that name."""
    dtype = array.dtype.name
    problem = dtype_problem(dtype)
    if problem is None and array.size > 1 and any(s == 0 and n > 1 for s, n in zip(array.strides, array.shape)):
        problem = "is expanded (stride 0): its storage is smaller than its shape says; save a contiguous copy"
    return StoredTensor(tuple(array.shape), dtype, lambda: np.asarray(array, dtype=np.float64), problem)


def bfloat16_to_float64(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """Exact values of little-endian bfloat16 bytes: the upper half of a float32."""
    return (np.frombuffer(data, dtype="<u2").astype("<u4") << 16).view("<f4").astype(np.float64).reshape(shape)


def build_network(
    tensors: Mapping[str, StoredTensor], layout: Layout, who: str, geometry: Geometry | None = None
) -> Network:
    """Read the tensors that `layout` names, after checking their kinds and total size. geometry: of a convolutional network, whose weights are matrices
    of its format here.

    Raises CheckpointError, naming the key, for a refused dtype or storage, too many parameters, NaN or infinity, and matrices that do not fit the geometry.
    """
    keys = [*layout.weights, *(b for b in layout.biases if b is not None)]
    for key in keys:
        if tensors[key].problem is not None:
            raise CheckpointError(f"{who}: {key} {tensors[key].problem}")
    total = sum(math.prod(tensors[key].shape) for key in keys)
    if total > MAX_PARAMETERS:
        raise CheckpointError(f"{who}: holds {total} parameters; at most {MAX_PARAMETERS} are read")
    arrays = {}
    for key in keys:
        with np.errstate(invalid="ignore"):  # widening a signalling NaN would warn; it is counted below
            array = tensors[key].read()
        bad = array.size - int(np.count_nonzero(np.isfinite(array)))
        if bad:
            raise CheckpointError(
                f"{who}: {key} holds NaN or infinity in {bad} of {array.size} entries; the training diverged or the file is damaged"
            )
        arrays[key] = array
    weights, biases = (
        tuple(arrays[w] for w in layout.weights),
        tuple(None if b is None else arrays[b] for b in layout.biases),
    )
    try:
        return Network(weights, biases, geometry=geometry)
    except ValueError as error:
        raise CheckpointError(f"{who}: {error}") from None
