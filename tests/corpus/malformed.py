"""Attacks on the reader: files that are no certificate, though most of them nearly are one."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from verifier.certificate.file import pack

from .correct import all_correct

Document = dict[str, Any]
Arrays = dict[str, np.ndarray]

CODES = {"F64": "<f8", "F32": "<f4", "I64": "<i8"}
BASE = all_correct()["two-paths-and-a-record"]
HEAD = all_correct()["head-for-bounded-heads"]
BARRIER = all_correct()["barrier-between-two-cells"]
REGION = all_correct()["region-optimum-inside"]
CHANNELS = all_correct()["channels-head-idle-transfer"]
OF_LAYER_2 = ("networks", "geometry", "readings", 1)


def renamed_path(name: str) -> Callable[[Document, Arrays], None]:
    """The first path and its claim under another name."""

    def change(d: Document, a: Arrays) -> None:
        d["paths"][0]["name"] = d["claims"][2]["path"] = name

    return change


def text_of(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def raw(document: str, header: dict[str, Any], data: bytes, *, before: bytes | None = None) -> bytes:
    """A safetensors file written by hand; `before` replaces the header's own bytes."""
    text = text_of({"__metadata__": {"certificate": document}, **header}).encode() if before is None else before
    return struct.pack("<Q", len(text)) + text + data


def layout(arrays: Arrays) -> tuple[dict[str, Any], bytes]:
    """(header entries, data) of arrays one after another."""
    header, data = {}, b""
    for name, a in arrays.items():
        code = "I64" if a.dtype.kind == "i" else "F64"
        blob = np.ascontiguousarray(a, dtype=CODES[code]).tobytes()
        header[name] = {"dtype": code, "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(blob)]}
        data += blob
    return header, data


def edited(change: Callable[[Document, Arrays], Any], case: Any = BASE) -> Callable[[], bytes]:
    """The document or arrays changed before packing."""

    def make() -> bytes:
        document, arrays = case.packed()
        arrays = {k: v.copy() for k, v in arrays.items()}
        change(document, arrays)
        header, data = layout(arrays)
        return raw(text_of(document), header, data)

    return make


def retyped(old: str, new: str, case: Any = BASE) -> Callable[[], bytes]:
    """The document's text with its first occurrence of `old` replaced."""

    def make() -> bytes:
        document, arrays = case.packed()
        text = text_of(document)
        if old not in text:
            raise ValueError(f"{old!r} is not in the document")
        header, data = layout(arrays)
        return raw(text.replace(old, new, 1), header, data)

    return make


def laid_out(change: Callable[[dict[str, Any], bytes], bytes | None]) -> Callable[[], bytes]:
    """The safetensors header changed; returns other data or None."""

    def make() -> bytes:
        document, arrays = BASE.packed()
        header, data = layout(arrays)
        other = change(header, data)
        return raw(text_of(document), header, data if other is None else other)

    return make


def spoiled(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    """The bytes of a good file changed."""
    return lambda: change(pack(*BASE.packed()))


def put(*path: Any) -> Callable[[Document, Arrays], None]:
    """put("claims", 0, "lower", value): set a field of the document."""
    *way, last, value = path

    def change(document: Document, arrays: Arrays) -> None:
        at: Any = document
        for key in way:
            at = at[key]
        at[last] = value

    return change


def drop(*path: Any) -> Callable[[Document, Arrays], None]:
    *way, last = path

    def change(document: Document, arrays: Arrays) -> None:
        at: Any = document
        for key in way:
            at = at[key]
        del at[last]

    return change


def rename(arrays: Arrays, old: str, new: str) -> None:
    arrays[new] = arrays.pop(old)


def entry(**change: Any) -> Callable[[dict[str, Any], bytes], None]:
    return lambda header, data: header["A/W1"].update(change)


def shift(header: dict[str, Any], by: int) -> None:
    """Move the last array by some bytes."""
    last = max(header, key=lambda k: header[k]["data_offsets"][1])
    header[last]["data_offsets"] = [o + by for o in header[last]["data_offsets"]]


def duplicate_array(header: dict[str, Any], data: bytes) -> bytes:
    text = text_of({"__metadata__": {"certificate": text_of(BASE.packed()[0])}, **header})
    return raw("", {}, data, before=(text[:-1] + ',"A/W1":' + text_of(header["A/W1"]) + "}").encode())


def whole(make: Callable[[dict[str, Any], bytes], bytes]) -> Callable[[], bytes]:
    return lambda: make(*layout(BASE.packed()[1]))


def with_metadata(metadata: Any) -> Callable[[], bytes]:
    return whole(lambda header, data: raw("", {}, data, before=text_of({"__metadata__": metadata, **header}).encode()))


class Harmless:
    """What a pickled attack would run; here it does nothing."""


HEX = "0x1.8000000000000p+0"
SLOPES = {
    "one": (1.0).hex(),
    "below-zero": (-0.5).hex(),
    "nan": "nan",
    "as-number": 0.5,
    "null": None,
}
FLOATS = {
    "float-in-short-hex": "0x1.8p+0", "float-in-upper-case": "0X1.8000000000000P+0", "float-with-plus-sign": "+" + HEX, "float-in-decimal": "1.5",
    "float-nan": "nan", "float-infinity": "inf", "float-overflowing": "0x1.0000000000000p+1024", "float-with-a-leading-two": "0x2.0000000000000p+0",
    "float-with-spaces":
        f" {HEX} ", "float-with-a-newline": HEX + "\n", "float-too-small": "0x1.0000000000000p-1075", "float-unnormalised": "0x0.8000000000000p+0",
    "float-zero-with-exponent":
        "0x0.0p+5", "float-empty": "", "float-in-fullwidth-digits": "0x１.8000000000000p+0", "float-with-padded-exponent": "0x1.8000000000000p+00",
    "float-with-more-digits": "0x1.80000000000000p+0",
}  # fmt: skip
TYPES = {
    "version-as-float": ("version", 1.0), "version-as-bool": ("version", True), "version-as-text": ("version", "1"), "version-1": ("version", 1),
    "unknown-version": ("version", 3),
    "version-null": ("version", None), "unknown-format": ("format", "verifier-certificat"), "format-null": ("format", None),
    "claims-empty": ("claims", []), "claims-as-object": ("claims", {}), "claim-as-list": ("claims", 0, []), "claim-null": ("claims", 0, None),
    "claim-of-unknown-kind": ("claims", 0, "kind", "lower_bound"), "claim-kind-as-list": ("claims", 0, "kind", ["endpoint_value"]),
    "claim-number-as-json-number": ("claims", 0, "lower", 0.5), "claim-number-as-list": ("claims", 0, "lower", [HEX]),
    "claim-number-null": ("claims", 0, "lower", None),
    "claim-network-as-number": ("claims", 0, "network", 0), "claim-of-a-path-that-is-not-there": ("claims", 2, "path", "nowhere"),
    "claim-level-as-bool": ("claims", 2, "level", True), "infinite-sup": ("claims", 2, "sup", "inf"), "sup-null": ("claims", 2, "sup", None),
    "objective-as-text": ("objective", "squared"), "kappa-as-number": ("objective", "kappa", 0), "kappa-null": ("objective", "kappa", None),
    "loss-null": ("objective", "loss", None), "delta-as-number": ("objective", "delta", 0.5), "bool-as-int": ("objective", "penalise_output_bias", 1),
    "data-as-list": ("data", []), "data-name-as-number": ("data", "name", 3), "embedded-as-text": ("data", "embedded", "true"),
    "embedded-as-int": ("data", "embedded", 1),
    "hash-mismatch-data": ("data", "sha256", "0" * 64), "hash-of-data-as-number": ("data", "sha256", 0), "data-promised-elsewhere": ("data", "embedded", False),
    "hash-mismatch-network": ("networks", "A", "sha256", "0" * 64), "hash-in-upper-case": ("networks", "A", "sha256", "A" * 64),
    "network-null": ("networks", "A", None),
    "third-network": ("networks", "C", {}), "biases-as-ints": ("networks", "A", "biases", [1, 1]), "biases-empty": ("networks", "A", "biases", []),
    "biases-of-three-layers": ("networks", "A", "biases", [True, True, True]), "bias-not-declared": ("networks", "A", "biases", [True, False]),
    "paths-as-object": ("paths", {}), "path-null": ("paths", 0, None), "path-named-twice": ("paths", 1, "name", "path"),
    "path-name-as-number": ("paths", 0, "name", 1),
    "moves-null": ("paths", 0, "moves", None), "move-as-text": ("paths", 0, "moves", 0, "head"), "label-null": ("paths", 0, "moves", 0, "label", None),
    "int-as-bool": ("paths", 0, "moves", 0, "writes", 0, "layer", True), "layer-as-float": ("paths", 0, "moves", 0, "writes", 0, "layer", 1.0),
    "layer-as-text": ("paths", 0, "moves", 0, "writes", 0, "layer", "1"), "axis-as-bool": ("paths", 0, "moves", 0, "writes", 0, "axis", False),
    "part-null": ("paths", 0, "moves", 0, "writes", 0, "part", None), "value-null": ("paths", 0, "moves", 0, "writes", 0, "value", None),
    "value-inline": ("paths", 0, "moves", 0, "writes", 0, "value", [[1.0]]), "writes-as-object": ("paths", 0, "moves", 0, "writes", {}),
    "transfer-layer-as-float": ("paths", 0, "moves", 0, "transfer_layer", 1.0), "breakpoints-inline": ("paths", 0, "moves", 0, "breakpoints", [0.5]),
    "array-that-is-not-there": ("paths", 0, "moves", 0, "breakpoints", "nowhere"), "array-used-twice": ("paths", 0, "moves", 0, "breakpoints", "A/W1"),
    "record-as-list": ("record", []), "record-null": ("record", None), "unknown-field": ("comment", "hello"),
    "unknown-claim-field": ("claims", 0, "tolerance", HEX),
    "unknown-move-field": ("paths", 0, "moves", 0, "type", "head"), "unknown-objective-field": ("objective", "weights", None),
    "path-name-with-a-newline": ("paths", 0, "name", "x\nVERIFIED"), "path-name-with-an-escape": ("paths", 0, "name", "\x1b[2J"),
}  # fmt: skip

ATTACKS: dict[str, Callable[[], bytes]] = {
    **{name: edited(put("claims", 0, "upper", text)) for name, text in FLOATS.items()},
    **{name: edited(put(*path)) for name, path in TYPES.items()},
    **{f"missing-{key}": edited(drop(key)) for key in ("format", "version", "objective", "data", "networks", "paths", "claims", "record")},
    **{f"negative-slope-{name}": edited(put("networks", "negative_slope", text)) for name, text in SLOPES.items()},
    "path-name-that-imitates-a-sentence": edited(renamed_path('exchange": F <= 0.0 all along it, and at most 0.0 over E (path "x')),
    "path-name-with-a-formula": edited(renamed_path("F <= 0")),
    "path-that-no-claim-is-about": edited(lambda d, a: d["claims"].pop()),
    "two-claims-of-one-path": edited(lambda d, a: d["claims"].append(dict(d["claims"][2]))),
    "two-claims-of-one-endpoint": edited(lambda d, a: d["claims"].append(dict(d["claims"][0]))),
    "weights-that-are-not-declared": edited(lambda d, a: a.update({"data/weights": np.ones(6)})),
    "weights-that-are-not-there": edited(put("data", "weighted", True)),
    "permutation-inline": edited(put("paths", 0, "permutation", [[0, 1, 2, 3]])),
    "permutation-as-text": edited(put("paths", 0, "permutation", "A/W1")),
    "move-without-a-kind": edited(drop("paths", 0, "moves", 0, "kind")),
    "path-without-a-form": edited(drop("paths", 0, "form")),
    "missing-claim-field": edited(drop("claims", 0, "upper")),
    "missing-network": edited(drop("networks", "B")),
    "missing-array": edited(lambda d, a: a.pop("B/W2")),
    "head-array-null": edited(put("claims", 0, "dual", None), HEAD),
    "head-limit-nan": edited(put("claims", 0, "head_limit", "nan"), HEAD),
    "head-name-with-a-newline": edited(put("claims", 0, "name", "x\nVERIFIED"), HEAD),
    # JSON
    "duplicate-json-key": retyped('"version":2', '"version":2,"version":2'),
    "duplicate-json-key-in-a-claim": retyped('"network":"A"', '"network":"B","network":"A"'),
    "duplicate-json-key-in-the-record": retyped('"a":true', '"a":true,"\\u0061":true'),
    "nan-in-json": retyped("2.5", "NaN"),
    "infinity-in-json": retyped("2.5", "-Infinity"),
    "overflow-in-json": retyped("2.5", "1e999"),
    "huge-integer-in-json": retyped("2.5", "9" * 5000),
    "deep-nesting-in-json": retyped("2.5", "[" * 20000 + "]" * 20000),
    "deep-objects-in-json": retyped("2.5", '{"a":' * 10000 + "1" + "}" * 10000),
    "trailing-json": lambda: raw(text_of(BASE.packed()[0]) + "{}", *layout(BASE.packed()[1])),
    "comment-in-json": retyped('"version":2', '"version":2/**/'),
    "single-quotes-in-json": retyped('"version"', "'version'"),
    "trailing-comma-in-json": retyped('"version":2', '"version":2,,'),
    "document-a-list": lambda: raw("[]", *layout(BASE.packed()[1])),
    "document-a-number": lambda: raw("1", *layout(BASE.packed()[1])),
    "document-empty": lambda: raw("", *layout(BASE.packed()[1])),
    "document-null": lambda: raw("null", *layout(BASE.packed()[1])),
    # arrays
    "nan-in-array": edited(lambda d, a: a["A/W1"].__setitem__((0, 0), np.nan)),
    "infinity-in-array": edited(lambda d, a: a["paths/path/0/0/value"].__setitem__((0, 0), -np.inf)),
    "nan-in-breakpoints": edited(lambda d, a: a["paths/line/0/breakpoints"].__setitem__(0, np.nan)),
    "array-unused": edited(lambda d, a: a.update(extra=np.zeros(1))),
    "array-of-the-third-layer": edited(lambda d, a: a.update({"A/W3": np.zeros((1, 1))})),
    "array-renamed": edited(lambda d, a: rename(a, "A/W1", "a/w1")),
    "weights-changed-under-their-hash": edited(lambda d, a: a["A/W1"].__setitem__((0, 0), 9.0)),
    "data-changed-under-their-hash": edited(lambda d, a: a["data/X"].__setitem__((0, 0), 9.0)),
    "targets-changed-under-their-hash": edited(lambda d, a: a["data/targets"].__setitem__((0, 0), 9.0)),
    "networks-exchanged-under-their-hashes": edited(lambda d, a: (rename(a, "A/W1", "t"), rename(a, "B/W1", "A/W1"), rename(a, "t", "B/W1"))),
    "weights-transposed-under-their-hash": edited(lambda d, a: a.update({"A/W1": a["A/W1"].T.copy()})),
    "negative-zero-data-under-their-hash": edited(lambda d, a: a["data/X"].__setitem__(a["data/X"] == 0.0, -0.0) or a["data/X"].__setitem__((0, 0), -0.0)),
    # container
    "array-named-twice": whole(duplicate_array),
    "overlapping-arrays": laid_out(lambda h, data: (shift(h, -8), data[:-8])[1]),
    "hole-between-arrays": laid_out(lambda h, data: (shift(h, 8), data + bytes(8))[1]),
    "arrays-beyond-the-end": laid_out(lambda h, data: shift(h, 8)),
    "bytes-after-the-arrays": laid_out(lambda h, data: data + bytes(8)),
    "truncated-data": laid_out(lambda h, data: data[:-1]),
    "three-dimensional-array": laid_out(entry(shape=[4, 1, 2])),
    "huge-shape-overflow": laid_out(entry(shape=[2**33, 2**33])),
    "shape-beyond-int64": laid_out(entry(shape=[2**64 + 4, 2])),
    "shape-negative": laid_out(entry(shape=[-4, -2])),
    "shape-as-floats": laid_out(entry(shape=[4.0, 2.0])),
    "shape-as-bools": laid_out(entry(shape=[True, True])),
    "shape-too-small-for-its-bytes": laid_out(entry(shape=[3, 2])),
    "offsets-reversed": laid_out(lambda h, data: h["A/W1"]["data_offsets"].reverse()),
    "barrier-without-a-field": edited(lambda d, a: d["claims"][0].pop("gap"), BARRIER),
    "barrier-with-an-unknown-field": edited(lambda d, a: d["claims"][0].update(lower="0x0.0p+0"), BARRIER),
    "barrier-with-a-level-as-number": edited(lambda d, a: d["claims"][0].update(level=1.0), BARRIER),
    "barrier-with-inside-as-text": edited(lambda d, a: d["claims"][0].update(inside="0"), BARRIER),
    "barrier-with-inside-as-bool": edited(lambda d, a: d["claims"][0].update(inside=False), BARRIER),
    "barrier-with-an-array-twice": edited(lambda d, a: d["claims"][0].update(faces=d["claims"][0]["cells"]), BARRIER),
    "region-optimum-without-a-field": edited(lambda d, a: d["claims"][0].pop("bias_limit"), REGION),
    "region-optimum-with-a-limit-as-number": edited(lambda d, a: d["claims"][0].update(bias_limit=1.0), REGION),
    "region-optimum-with-a-limit-as-bool": edited(lambda d, a: d["claims"][0].update(bias_limit=False), REGION),
    "region-optimum-without-a-point": edited(lambda d, a: d["claims"][0].update(point=None), REGION),
    "region-optimum-with-an-array-twice": edited(lambda d, a: d["claims"][0].update(tight=d["claims"][0]["active"]), REGION),
    "region-optimum-with-an-unknown-field": edited(lambda d, a: d["claims"][0].update(pattern=None), REGION),
    "barrier-with-a-line-break-in-its-name": edited(lambda d, a: d["claims"][0].update(name="x\nVERIFIED"), BARRIER),
    # geometry
    "geometry-null": edited(put("networks", "geometry", None), CHANNELS),
    "geometry-left-out": edited(drop("networks", "geometry"), CHANNELS),
    "geometry-of-a-dense-network": edited(lambda d, a: d["networks"].update(geometry={"shape": [2, 1, 1], "readings": []})),
    "geometry-with-an-unknown-field": edited(put("networks", "geometry", "groups", 1), CHANNELS),
    "geometry-without-a-shape": edited(drop("networks", "geometry", "shape"), CHANNELS),
    "geometry-of-two-axes": edited(put("networks", "geometry", "shape", [4, 4]), CHANNELS),
    "geometry-of-floats": edited(put("networks", "geometry", "shape", [1.0, 4.0, 4.0]), CHANNELS),
    "geometry-of-bools": edited(put("networks", "geometry", "shape", [True, 4, 4]), CHANNELS),
    "geometry-readings-as-object": edited(put("networks", "geometry", "readings", {}), CHANNELS),
    "geometry-window-null": edited(put(*OF_LAYER_2, "window", None), CHANNELS),
    "geometry-window-as-list": edited(put(*OF_LAYER_2, "window", [2, 3]), CHANNELS),
    "geometry-kernel-as-number": edited(put(*OF_LAYER_2, "window", "kernel", 3), CHANNELS),
    "geometry-kernel-of-three-axes": edited(put(*OF_LAYER_2, "window", "kernel", [2, 3, 1]), CHANNELS),
    "geometry-padding-negative": edited(put(*OF_LAYER_2, "window", "padding", [-1, 1]), CHANNELS),
    "geometry-padding-beyond-int64": edited(put(*OF_LAYER_2, "window", "padding", [2**70, 1]), CHANNELS),
    "geometry-stride-as-text": edited(put(*OF_LAYER_2, "window", "stride", ["2", "2"]), CHANNELS),
    "geometry-pooling-as-text": edited(put(*OF_LAYER_2, "poolings", 0, "max"), CHANNELS),
    "geometry-pooling-kind-null": edited(put(*OF_LAYER_2, "poolings", 0, "kind", None), CHANNELS),
    "geometry-pooling-without-a-size": edited(drop(*OF_LAYER_2, "poolings", 0, "size"), CHANNELS),
    "geometry-changed-under-its-hash": edited(put(*OF_LAYER_2, "poolings", 0, "kind", "average"), CHANNELS),
    "geometry-stride-changed-under-its-hash": edited(put(*OF_LAYER_2, "window", "stride", [1, 2]), CHANNELS),
    "offsets-negative": laid_out(entry(data_offsets=[-64, 0])),
    "offsets-three": laid_out(entry(data_offsets=[0, 64, 64])),
    "offsets-as-floats": laid_out(lambda h, data: h["A/W1"].update(data_offsets=[float(o) for o in h["A/W1"]["data_offsets"]])),
    "dtype-bfloat16": laid_out(entry(dtype="BF16", shape=[4, 8])),
    "dtype-float16": laid_out(entry(dtype="F16", shape=[4, 8])),
    "dtype-bool": laid_out(entry(dtype="BOOL", shape=[8, 8])),
    "dtype-int32": laid_out(entry(dtype="I32", shape=[4, 4])),
    "dtype-unknown": laid_out(entry(dtype="O")),
    "dtype-as-list": laid_out(entry(dtype=["F64"])),
    "entry-with-an-unknown-field": laid_out(entry(order="F")),
    "entry-null": laid_out(lambda h, data: h.update({"A/W1": None})),
    "metadata-missing": whole(lambda h, data: raw("", {}, data, before=text_of(h).encode())),
    "metadata-with-a-second-key": with_metadata({"certificate": text_of(BASE.packed()[0]), "format": "pt"}),
    "metadata-null": with_metadata(None),
    "metadata-as-object": with_metadata({"certificate": BASE.packed()[0]}),
    "header-as-list": whole(lambda h, data: raw("", {}, data, before=b"[]")),
    "header-not-utf-8": spoiled(lambda b: b.replace(b"squared", b"squ\xffred").replace(b"huber", b"hu\xffer")),
    "header-with-a-byte-order-mark": whole(lambda h, data: raw("", {}, data, before=b"\xef\xbb\xbf" + text_of(h).encode())),
    "header-too-long": spoiled(lambda b: struct.pack("<Q", 2**40) + b[8:]),
    "header-length-of-all-ones": spoiled(lambda b: b"\xff" * 8 + b[8:]),
    "header-length-zero": spoiled(lambda b: bytes(8) + b[8:]),
    "header-cut-short": spoiled(lambda b: struct.pack("<Q", struct.unpack("<Q", b[:8])[0] - 3) + b[8:]),
    "truncated": spoiled(lambda b: b[: len(b) // 2]),
    "truncated-in-the-length": spoiled(lambda b: b[:5]),
    "empty-file": lambda: b"",
    "text-file": lambda: b"VERIFIED\n" * 20,
    "pickle-instead": lambda: pickle.dumps({"format": "verifier-certificate", "object": Harmless()}, protocol=4),
    "zip-instead": lambda: b"PK\x03\x04" + bytes(64),
    "json-instead": lambda: text_of(BASE.packed()[0]).encode(),
}  # fmt: skip
