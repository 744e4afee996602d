"""Claims about regions, barriers and statements of papers in the format: every field of the claim under its own name, arrays stored beside the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as fields_of
from typing import Any

import numpy as np

from verifier.certificate.strict import fail, fields, parse_float, printable
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import BarrierLowerBound, JacobianRank, RegionMinimum

LandscapeClaim = BarrierLowerBound | RegionMinimum | JacobianRank | ClaimViolation
KINDS: dict[str, type] = {
    "barrier_lower_bound": BarrierLowerBound,
    "region_minimum": RegionMinimum,
    "jacobian_rank": JacobianRank,
    "claim_violation": ClaimViolation,
}
# How a field is written, by its annotation.
STORED: dict[str, type] = {"str": str, "int": int, "bool": bool, "float": str, "np.ndarray": str}


def landscape_entry(claim: LandscapeClaim, base: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The claim's JSON object; its arrays go into `arrays` as base/field."""
    kind = next(name for name, kept in KINDS.items() if type(claim) is kept)
    entry: dict[str, Any] = {"kind": kind}
    for f in fields_of(claim):
        value = getattr(claim, f.name)
        if f.type == "np.ndarray":
            arrays[f"{base}/{f.name}"] = value
            value = f"{base}/{f.name}"
        entry[f.name] = float(value).hex() if f.type == "float" else value
    return entry


def parse_landscape(entry: Any, where: str, take: Callable[[Any, str], np.ndarray]) -> LandscapeClaim:
    """The claim of an entry whose kind is in KINDS; raises CertificateFormatError."""
    kept = KINDS[entry["kind"]]
    expected = {f.name: STORED[str(f.type)] for f in fields_of(kept)}
    e = fields(entry, where, {"kind": str, **expected})
    values: dict[str, Any] = {}
    for f in fields_of(kept):
        value = e[f.name]
        if f.type == "np.ndarray":
            value = take(value, where)
        elif f.type == "float":
            value = parse_float(value, where)
        elif f.type == "str":
            value = printable(value, where)
        elif f.type == "int" and not -(2**53) < value < 2**53:
            raise fail(f"{where}: {f.name} is out of range")
        values[f.name] = value
    return kept(**values)
