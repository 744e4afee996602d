"""From the JSON document and its arrays to the kernel's problem and claims. Every field is required; unknown ones are refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.certificate.geometry import geometry_line, parse_geometry
from verifier.certificate.hashing import arrays_sha256
from verifier.certificate.schema import parse_claim
from verifier.certificate.strict import fail, fields, optional_float, parse_float
from verifier.kernel import Claim, Move, Objective, Parameters, PathUpperBound, Problem, Write

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


def parse_document(document: Any, arrays: dict[str, np.ndarray]) -> tuple[Problem, tuple[Claim, ...]]:
    """Problem and claims; raises CertificateFormatError. The `record` is free-form JSON that nothing relies on."""
    if not isinstance(document, dict) or document.get("format") != "verifier-certificate":
        raise fail("not a verifier certificate")
    if document.get("version") != 2 or type(document.get("version")) is not int:
        raise fail(
            f"certificate version {document.get('version')!r} is unknown; this reader knows version 2, so make the certificate again"
        )
    top = fields(
        document,
        "certificate",
        {"format": str, "version": int, "objective": dict, "data": dict, "networks": dict, "paths": list, "claims": list, "record": dict},
    )  # fmt: skip
    store = _Arrays(arrays)
    problem = _problem(top, store)
    paths: dict[str, dict[str, Any]] = {}
    for k, entry in enumerate(top["paths"]):
        name, path = _path(entry, f"paths[{k}]", store)
        if name in paths:
            raise fail(f"paths[{k}]: two paths are named {name!r}")
        paths[name] = path
    claims = tuple(parse_claim(c, f"claims[{k}]", store.take, paths) for k, c in enumerate(top["claims"]))
    if not claims:
        raise fail("a certificate without claims certifies nothing")
    named = [
        (type(c), getattr(c, "path", None) or getattr(c, "name", None) or getattr(c, "network", None)) for c in claims
    ]
    if len(set(named)) != len(named):
        raise fail("two claims of one kind have the same name")
    idle = paths.keys() - {c.path for c in claims if isinstance(c, PathUpperBound)}
    if idle:
        raise fail(f"paths that no claim is about: {sorted(idle)[:5]}")
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
        optional_float(o["delta"], "objective.delta"),
        parse_float(o["kappa"], "objective.kappa"),
        o["penalty"],
        o["penalise_output_bias"],
    )
    d = fields(top["data"], "data", {"name": str, "sha256": str, "weighted": bool, "embedded": bool})
    names = ("X", "targets", *(("weights",) if d["weighted"] else ()))
    data = {name: store.take(f"data/{name}", "data") for name in names}
    if arrays_sha256(data) != d["sha256"]:
        raise fail(f"data: {', '.join(names)} do not have the SHA-256 the certificate names")
    networks = fields(top["networks"], "networks", {"A": dict, "B": dict, "negative_slope": str}, {"geometry": dict})
    slope = parse_float(networks["negative_slope"], "networks.negative_slope")
    if not 0.0 <= slope < 1.0:
        raise fail("networks.negative_slope: expected a number in [0, 1), 0 for ReLU")
    geometry = parse_geometry(networks["geometry"]) if "geometry" in networks else None
    A, B = (_parameters(networks[n], n, store, geometry_line(geometry)) for n in ("A", "B"))
    return Problem(objective, data["X"], data["targets"], A, B, slope, data.get("weights"), geometry)


def _parameters(entry: Any, name: str, store: _Arrays, first: str) -> Parameters:
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
    if arrays_sha256(named, first) != e["sha256"]:
        raise fail(f"{where}: the arrays do not have the SHA-256 the certificate names")
    return Parameters(tuple(weights), tuple(biases))


def _path(entry: Any, where: str, store: _Arrays) -> tuple[str, dict[str, Any]]:
    """(name, the fields of its claim that stand here)."""
    e = fields(entry, where, {"name": str, "form": str, "permutation": (list, type(None)), "moves": list})
    moves = tuple(_move(m, f"{where}.moves[{k}]", store) for k, m in enumerate(e["moves"]))
    listed = e["permutation"]
    permutation = None if listed is None else tuple(store.take(p, where) for p in listed)
    return e["name"], {"moves": moves, "form": e["form"], "permutation": permutation}


def _move(entry: Any, where: str, store: _Arrays) -> Move:
    f = fields(
        entry, where,
        {"kind": str, "label": str, "writes": list, "breakpoints": OPTIONAL_TEXT, "transfer": OPTIONAL_TEXT,
         "transfer_layer": (int, type(None)), "factors": OPTIONAL_TEXT},
    )  # fmt: skip
    writes = []
    for i, w in enumerate(f["writes"]):
        there = f"{where}.writes[{i}]"
        g = fields(w, there, {"layer": int, "part": str, "axis": int, "index": OPTIONAL_TEXT, "value": str})
        index = store.maybe(g["index"], there)
        writes.append(Write(g["layer"], g["part"], g["axis"], index, store.take(g["value"], there)))
    cuts, swap, factors = (store.maybe(f[name], where) for name in ("breakpoints", "transfer", "factors"))
    return Move(f["kind"], tuple(writes), cuts, swap, f["transfer_layer"], factors)
