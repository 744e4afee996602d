"""Strict reading of `.safetensors` bytes: the header is parsed here, the library checks it a second time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import safetensors

from verifier.errors import CheckpointError
from verifier.networks.tensors import StoredTensor, bfloat16_to_float64, dtype_problem

_NAMES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
_NUMPY = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a key occurs twice")
    return out


def read_safetensors(data: bytes, who: str) -> tuple[dict[str, StoredTensor], dict[str, str]]:
    """Tensors in the order of the header, and the file's metadata strings ({} where there are none).

    Raises CheckpointError for anything that is not exactly one well-formed safetensors file.
    """
    try:
        length = int.from_bytes(data[:8], "little")
        if len(data) < 8 or length > len(data) - 8:
            raise ValueError(f"its header should have {length} bytes, the file has {len(data)}")
        header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_no_duplicates)
        if not isinstance(header, dict):
            raise ValueError("its header is not an object")
        blocks = dict(safetensors.deserialize(data))
        metadata = header.pop("__metadata__", {})
        if set(blocks) != set(header):
            raise ValueError("its header names other tensors than it holds")
        tensors = {key: _tensor(blocks[key]) for key in header}
    except (ValueError, RecursionError, safetensors.SafetensorError) as error:
        raise CheckpointError(
            f"{who}: not a safetensors file, or truncated or damaged: {error}; copy it again or save it anew"
        ) from error
    return tensors, metadata


def _tensor(block: dict[str, Any]) -> StoredTensor:
    """`block` comes from the library, which has checked that the bytes match shape and dtype."""
    stored, shape, raw = str(block["dtype"]), tuple(int(n) for n in block["shape"]), block["data"]

    def read() -> np.ndarray:
        if stored == "BF16":
            return bfloat16_to_float64(raw, shape)
        return np.frombuffer(raw, dtype=_NUMPY[stored]).astype(np.float64).reshape(shape)

    dtype = _NAMES.get(stored, stored)
    return StoredTensor(shape, dtype, read, dtype_problem(dtype))
