"""Strict JSON, exact floats and bounded arrays: what the reader accepts, and nothing else."""

from __future__ import annotations

import json
import math
import mmap
import re
import struct
from typing import Any

import numpy as np

from verifier.errors import CertificateFormatError

Bytes = bytes | mmap.mmap
MAX_HEADER = 64 * 2**20
MAX_BYTES = 8 * 2**30
DTYPES: dict[str, np.dtype[Any]] = {"F64": np.dtype("<f8"), "F32": np.dtype("<f4"), "I64": np.dtype("<i8")}
_HEX = re.compile(r"-?0x[01]\.[0-9a-f]{13}p[+-][0-9]{1,4}|-?0x0\.0p\+0")


def fail(why: str) -> CertificateFormatError:
    return CertificateFormatError(why)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in pairs:
        if name in out:
            raise fail(f"a JSON object names {name!r} twice")
        out[name] = value
    return out


def _no_constant(word: str) -> Any:
    raise fail(f"JSON holds {word}, which is not a JSON number")


def _finite_float(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise fail(f"JSON holds {word}, which is beyond float64")
    return number


def parse_json(text: str | bytes) -> Any:
    """JSON without duplicate keys, NaN, infinities, huge integers or invalid UTF-8."""
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        return json.loads(
            text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite_float
        )
    except CertificateFormatError:
        raise
    except (ValueError, RecursionError) as error:
        raise fail(f"not valid JSON: {error}") from None


def parse_float(value: Any, where: str) -> float:
    """A finite float from `float.hex()` text; other spellings of the same number are refused."""
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise fail(f"{where}: expected a number in float.hex() form, got {value!r}")
    try:
        number = float.fromhex(value)
    except (ValueError, OverflowError):
        raise fail(f"{where}: {value!r} is not a float64") from None
    if not math.isfinite(number) or number.hex() != value:
        raise fail(f"{where}: {value!r} is not the canonical form of a finite float64")
    return number


def optional_float(value: Any, where: str) -> float | None:
    return None if value is None else parse_float(value, where)


def fields(
    value: Any,
    where: str,
    required: dict[str, type | tuple[type, ...]],
    optional: dict[str, type | tuple[type, ...]] | None = None,
) -> dict[str, Any]:
    """The object itself, once it has exactly the required fields, and perhaps optional ones, with the right types."""
    if not isinstance(value, dict):
        raise fail(f"{where}: expected an object, got {type(value).__name__}")
    required = required | {name: kind for name, kind in (optional or {}).items() if name in value}
    missing, unknown = required.keys() - value.keys(), value.keys() - required.keys()
    if missing or unknown:
        raise fail(f"{where}: missing fields {sorted(missing)}, unknown fields {sorted(unknown)}")
    for name, kind in required.items():
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if type(value[name]) not in kinds:
            raise fail(
                f"{where}.{name}: expected {' or '.join(k.__name__ for k in kinds)}, got {type(value[name]).__name__}"
            )
    return value


def header_length(start: Bytes, size: int, who: str) -> int:
    """Bytes of the header of a safetensors file of this size; start: its first 8 bytes."""
    if size < 8 or len(start) < 8:
        raise fail(f"{who}: {size} bytes is too short for a safetensors file")
    (n,) = struct.unpack("<Q", start[:8])
    if n > MAX_HEADER or 8 + n > size:
        archive = "; it is an archive, as .npz and .pt files are" if start[:4] == b"PK\x03\x04" else ""
        raise fail(f"{who}: the safetensors header claims {n} bytes, the file has {size}{archive}")
    return int(n)


def parse_header(text: bytes, who: str) -> dict[str, Any]:
    """The object that the header's bytes hold."""
    try:
        header = parse_json(text)
    except CertificateFormatError as error:
        raise fail(f"{who}: header: {error}") from None
    if not isinstance(header, dict):
        raise fail(f"{who}: the safetensors header is not an object")
    return header


def check_layout(blob: Bytes, who: str) -> dict[str, Any]:
    """The header of a safetensors file, after checking that its arrays tile the file exactly and stay within bounds.

    The safetensors library then reads the same bytes; this pass adds refusal of duplicate names, foreign dtypes and sizes.
    """
    n = header_length(blob[:8], len(blob), who)
    if len(blob) > MAX_BYTES:
        raise fail(f"{who}: {len(blob)} bytes is more than a certificate may have ({MAX_BYTES})")
    header = parse_header(bytes(blob[8 : 8 + n]), who)
    spans = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        e = fields(entry, f"{who}: array {name!r}", {"dtype": str, "shape": list, "data_offsets": list})
        if e["dtype"] not in DTYPES:
            raise fail(f"{who}: array {name!r} has dtype {e['dtype']}; only {', '.join(DTYPES)} are read")
        if not all(type(s) is int and 0 <= s < 2**40 for s in e["shape"]) or len(e["shape"]) > 2:
            raise fail(f"{who}: array {name!r} has a bad shape")
        if len(e["data_offsets"]) != 2 or not all(type(o) is int and o >= 0 for o in e["data_offsets"]):
            raise fail(f"{who}: array {name!r} has bad offsets")
        start, end = e["data_offsets"]
        if end - start != math.prod(e["shape"]) * DTYPES[e["dtype"]].itemsize:
            raise fail(f"{who}: array {name!r} has a shape that does not fit its bytes")
        spans.append((start, end))
    position = 0
    for start, end in sorted(spans):
        if start != position:
            raise fail(f"{who}: the arrays leave holes or overlap")
        position = end
    if position != len(blob) - 8 - n:
        raise fail(f"{who}: {len(blob) - 8 - n} bytes of arrays, the header accounts for {position}")
    return header
