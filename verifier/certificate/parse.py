"""From the JSON document and its arrays to the kernel's problem and claims. Every field is required; unknown ones are refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.certificate.hashing import arrays_sha256
from verifier.certificate.landscape import KINDS, parse_landscape
from verifier.certificate.strict import fail, fields, parse_float, printable
from verifier.kernel.statements import (
    Claim,
    EndpointValue,
    HeadOptimum,
    Move,
    Objective,
    Parameters,
    PathUpperBound,
    Problem,
    Write,
)

OPTIONAL_TEXT = (str, type(None))


class _Arrays:
    """The arrays of a file, each of which the document must name exactly once."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.arrays, self.left = arrays, set(arrays)

    def take(self, name: Any, where: str) -> np.ndarray:
        if not isinstance(name, str) or name not in self.arrays:
            raise fail(f"{where}: array {name!r} is not in the file")
        if name not in self.left:
            raise fail(f"{where}: array {name!r} is used twice")
        self.left.discard(name)
        return self.arrays[name]

    def maybe(self, name: Any, where: str) -> np.ndarray | None:
        return None if name is None else self.take(name, where)


def _optional_float(value: Any, where: str) -> float | None:
    return None if value is None else parse_float(value, where)


def parse_document(document: Any, arrays: dict[str, np.ndarray]) -> tuple[Problem, tuple[Claim, ...]]:
    """Problem and claims; raises CertificateFormatError. The `record` is free-form JSON that nothing relies on."""
    if not isinstance(document, dict) or document.get("format") != "verifier-certificate":
        raise fail("not a verifier certificate")
    if document.get("version") != 1 or type(document.get("version")) is not int:
        raise fail(f"certificate version {document.get('version')!r} is unknown; this reader knows version 1")
    top = fields(
        document,
        "certificate",
        {"format": str, "version": int, "objective": dict, "data": dict, "networks": dict, "paths": list, "claims": list, "record": dict},
    )  # fmt: skip
    store = _Arrays(arrays)
    problem = _problem(top, store)
    paths = {}
    for k, entry in enumerate(top["paths"]):
        name, moves = _path(entry, f"paths[{k}]", store)
        if name in paths:
            raise fail(f"paths[{k}]: two paths are named {name!r}")
        paths[name] = moves
    claims = tuple(_claim(c, f"claims[{k}]", paths, store) for k, c in enumerate(top["claims"]))
    if not claims:
        raise fail("a certificate without claims certifies nothing")
    if store.left:
        raise fail(f"arrays that nothing uses: {sorted(store.left)[:5]}")
    return problem, claims


def _problem(top: dict[str, Any], store: _Arrays) -> Problem:
    o = fields(
        top["objective"],
        "objective",
        {"loss": str, "delta": OPTIONAL_TEXT, "kappa": str, "penalty": str, "penalise_output_bias": bool},
    )
    objective = Objective(
        o["loss"],
        _optional_float(o["delta"], "objective.delta"),
        parse_float(o["kappa"], "objective.kappa"),
        o["penalty"],
        o["penalise_output_bias"],
    )
    d = fields(top["data"], "data", {"name": str, "sha256": str, "embedded": bool})
    X, targets = store.take("data/X", "data"), store.take("data/targets", "data")
    if arrays_sha256({"X": X, "targets": targets}) != d["sha256"]:
        raise fail("data: X and targets do not have the SHA-256 the certificate names")
    networks = fields(top["networks"], "networks", {"A": dict, "B": dict}, {"negative_slope": str})
    slope = parse_float(networks.get("negative_slope", (0.0).hex()), "networks.negative_slope")
    if "negative_slope" in networks and not 0.0 < slope < 1.0:
        raise fail("networks.negative_slope: expected a number in (0, 1), or no such field for ReLU")
    A, B = (_parameters(networks[n], n, store) for n in ("A", "B"))
    return Problem(objective, X, targets, A, B, slope)


def _parameters(entry: Any, name: str, store: _Arrays) -> Parameters:
    where = f"networks.{name}"
    e = fields(entry, where, {"sha256": str, "biases": list})
    if not all(type(b) is bool for b in e["biases"]) or not e["biases"]:
        raise fail(f"{where}.biases: expected one true or false per layer")
    named: dict[str, np.ndarray] = {}
    weights: list[np.ndarray] = []
    biases: list[np.ndarray | None] = []
    for l, has_bias in enumerate(e["biases"], start=1):
        weights.append(store.take(f"{name}/W{l}", where))
        named[f"W{l}"] = weights[-1]
        bias = store.take(f"{name}/b{l}", where) if has_bias else None
        if bias is not None:
            named[f"b{l}"] = bias
        biases.append(bias)
    if arrays_sha256(named) != e["sha256"]:
        raise fail(f"{where}: the arrays do not have the SHA-256 the certificate names")
    return Parameters(tuple(weights), tuple(biases))


def _path(entry: Any, where: str, store: _Arrays) -> tuple[str, tuple[Move, ...]]:
    e = fields(entry, where, {"name": str, "moves": list})
    moves = []
    for k, m in enumerate(e["moves"]):
        here = f"{where}.moves[{k}]"
        f = fields(
            m, here,
            {"label": str, "writes": list, "breakpoints": OPTIONAL_TEXT, "transfer": OPTIONAL_TEXT, "transfer_layer": (int, type(None))},
        )  # fmt: skip
        writes = []
        for i, w in enumerate(f["writes"]):
            there = f"{here}.writes[{i}]"
            g = fields(w, there, {"layer": int, "part": str, "axis": int, "index": OPTIONAL_TEXT, "value": str})
            index = store.maybe(g["index"], there)
            writes.append(Write(g["layer"], g["part"], g["axis"], index, store.take(g["value"], there)))
        cuts, swap = store.maybe(f["breakpoints"], here), store.maybe(f["transfer"], here)
        moves.append(Move(tuple(writes), cuts, swap, f["transfer_layer"]))
    return printable(e["name"], where), tuple(moves)


def _claim(entry: Any, where: str, paths: dict[str, tuple[Move, ...]], store: _Arrays) -> Claim:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if kind == "endpoint_value":
        e = fields(entry, where, {"kind": str, "network": str, "lower": str, "upper": str})
        return EndpointValue(e["network"], parse_float(e["lower"], where), parse_float(e["upper"], where))
    if kind == "path_upper_bound":
        e = fields(
            entry, where,
            {"kind": str, "path": str, "sup": str, "gap": str, "gap_over_lower": str, "level": OPTIONAL_TEXT, "gap_over_level": OPTIONAL_TEXT},
        )  # fmt: skip
        if e["path"] not in paths:
            raise fail(f"{where}: no path is named {e['path']!r}")
        return PathUpperBound(
            e["path"],
            paths[e["path"]],
            parse_float(e["sup"], where),
            parse_float(e["gap"], where),
            parse_float(e["gap_over_lower"], where),
            _optional_float(e["level"], where),
            _optional_float(e["gap_over_level"], where),
        )
    if kind == "head_optimum":
        e = fields(
            entry, where,
            {"kind": str, "name": str, "rows": str, "row_bias": OPTIONAL_TEXT, "head": str, "head_bias": OPTIONAL_TEXT, "dual": str,
             "head_limit": OPTIONAL_TEXT, "lower": str, "upper": str},
        )  # fmt: skip
        return HeadOptimum(
            printable(e["name"], where),
            store.take(e["rows"], where),
            store.maybe(e["row_bias"], where),
            store.take(e["head"], where),
            store.maybe(e["head_bias"], where),
            store.take(e["dual"], where),
            _optional_float(e["head_limit"], where),
            parse_float(e["lower"], where),
            parse_float(e["upper"], where),
        )
    if isinstance(kind, str) and kind in KINDS:
        return parse_landscape(entry, where, store.take)
    raise fail(f"{where}: unknown kind of claim {kind!r}")
