"""The geometry of convolutional networks in the format: written, hashed and read (docs/certificate-v2.md, Channels)."""

from __future__ import annotations

import json
from typing import Any

from verifier.certificate.strict import fail, fields
from verifier.kernel.statements import Geometry, Pooling, Reading, Window

# Far above what the kernel takes, and far below where sums of products leave int64.
MOST = 2**26


def geometry_entry(g: Geometry) -> dict[str, Any]:
    """As the document holds it."""
    readings = [{"poolings": [_pooling(p) for p in r.poolings], "window": _window(r.window)} for r in g.readings]
    return {"shape": list(g.shape), "readings": readings}


def geometry_line(g: Geometry | None) -> str:
    """What a network's hash begins with; "" for dense networks."""
    if g is None:
        return ""
    return f"geometry {json.dumps(geometry_entry(g), sort_keys=True, separators=(',', ':'))}\n"


def _window(w: Window) -> dict[str, list[int]]:
    return {n: list(getattr(w, n)) for n in ("kernel", "stride", "padding", "dilation")}


def _pooling(p: Pooling) -> dict[str, Any]:
    return {
        "kind": p.kind,
        "window": None if p.window is None else _window(p.window),
        "size": None if p.size is None else list(p.size),
    }


def parse_geometry(entry: Any) -> Geometry:
    """Raises CertificateFormatError; whether it is one of a network is for the kernel to say."""
    where = "networks.geometry"
    g = fields(entry, where, {"shape": list, "readings": list})
    readings = []
    for k, item in enumerate(g["readings"]):
        there = f"{where}.readings[{k}]"
        r = fields(item, there, {"poolings": list, "window": dict})
        poolings = tuple(_parse_pooling(p, f"{there}.poolings[{i}]") for i, p in enumerate(r["poolings"]))
        readings.append(Reading(poolings, _parse_window(r["window"], f"{there}.window")))
    return Geometry(_integers(g["shape"], f"{where}.shape", 3), tuple(readings))


def _parse_pooling(entry: Any, where: str) -> Pooling:
    p = fields(entry, where, {"kind": str, "window": (dict, type(None)), "size": (list, type(None))})
    window = None if p["window"] is None else _parse_window(p["window"], f"{where}.window")
    return Pooling(p["kind"], window, None if p["size"] is None else _integers(p["size"], f"{where}.size", 2))


def _parse_window(entry: Any, where: str) -> Window:
    names = ("kernel", "stride", "padding", "dilation")
    w = fields(entry, where, dict.fromkeys(names, list))
    return Window(*(_integers(w[n], f"{where}.{n}", 2) for n in names))


def _integers(value: list[Any], where: str, count: int) -> tuple[int, ...]:
    if len(value) != count or not all(type(v) is int and 0 <= v < MOST for v in value):
        raise fail(f"{where}: expected {count} integers from 0 to {MOST - 1}")
    return tuple(value)
