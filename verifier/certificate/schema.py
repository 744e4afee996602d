"""Claims in the format, one declaration for writer and reader: every field of a claim under its own name, its kind of value read off its annotation.

Numbers are `float.hex()` texts, arrays stand beside the document and are named by it, moves stand in the document's `paths`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as fields_of
from typing import Any

import numpy as np

from verifier.certificate.strict import fail, fields, optional_float, parse_float
from verifier.kernel import Claim, EndpointValue, HeadOptimum, PathUpperBound
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import (
    BarrierLowerBound,
    ConeBarrier,
    EveryWidthLowerBound,
    JacobianRank,
    Landscape,
    RegionMinimum,
    RegionOptimum,
    SignCountBarrier,
    SubnetworkHeadOptimum,
)
from verifier.kernel.statements.refusal import NAME

KINDS: dict[str, type] = {
    "endpoint_value": EndpointValue,
    "path_upper_bound": PathUpperBound,
    "head_optimum": HeadOptimum,
    "subnetwork_head_optimum": SubnetworkHeadOptimum,
    "barrier_lower_bound": BarrierLowerBound,
    "sign_count_barrier": SignCountBarrier,
    "cone_barrier": ConeBarrier,
    "landscape": Landscape,
    "region_minimum": RegionMinimum,
    "region_optimum": RegionOptimum,
    "every_width_lower_bound": EveryWidthLowerBound,
    "jacobian_rank": JacobianRank,
    "claim_violation": ClaimViolation,
}
# Fields of a path's claim that stand in its entry of `paths`.
OF_THE_PATH = ("moves", "form", "permutation")
Take = Callable[[Any, str], np.ndarray]

NOTHING = type(None)
# How a field is written, by its annotation.
WRITTEN: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "float": str,
    "float | None": (str, NOTHING),
    "np.ndarray": str,
    "np.ndarray | None": (str, NOTHING),
}


def _columns(kind: type) -> dict[str, str]:
    return {f.name: str(f.type) for f in fields_of(kind) if not (kind is PathUpperBound and f.name in OF_THE_PATH)}


def claim_entry(claim: Claim, base: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The claim's JSON object; its arrays go into `arrays` as base/field."""
    entry: dict[str, Any] = {"kind": next(name for name, kept in KINDS.items() if type(claim) is kept)}
    for name, annotation in _columns(type(claim)).items():
        value = getattr(claim, name)
        if value is not None and annotation.startswith("np.ndarray"):
            arrays[f"{base}/{name}"] = value
            value = f"{base}/{name}"
        elif value is not None and annotation.startswith("float"):
            value = float(value).hex()
        entry[name] = value
    return entry


def parse_claim(entry: Any, where: str, take: Take, paths: dict[str, dict[str, Any]]) -> Claim:
    """The claim of an entry; `paths` holds the fields OF_THE_PATH by name. Raises CertificateFormatError."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise fail(f"{where}: unknown kind of claim {kind!r}")
    kept = KINDS[kind]
    columns = _columns(kept)
    e = fields(entry, where, {"kind": str, **{name: WRITTEN[a] for name, a in columns.items()}})
    values: dict[str, Any] = {}
    for name, annotation in columns.items():
        value = e[name]
        if annotation.startswith("np.ndarray"):
            value = None if value is None else take(value, where)
        elif annotation.startswith("float"):
            value = parse_float(value, where) if annotation == "float" else optional_float(value, where)
        elif name in ("name", "path") and not NAME.fullmatch(value):
            raise fail(f"{where}: {value!r} is no name: letters, digits, spaces and _.,+'/()&~*- only, at most 120")
        elif annotation == "int" and not -(2**53) < value < 2**53:
            raise fail(f"{where}: {name} is out of range")
        values[name] = value
    if kept is PathUpperBound:
        if values["path"] not in paths:
            raise fail(f"{where}: no path is named {values['path']!r}")
        values |= paths[values["path"]]
    claim: Claim = kept(**values)
    return claim
