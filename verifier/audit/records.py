"""A finding as JSON: everything that the report shows, and the worst instance's numbers exactly, so that anyone can recompute them."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np

from verifier.audit.claim import About, Finding, Instance, Trial

FORMAT, VERSION = "verifier-audit", 2
# Entries of an array that a record spells out; larger ones are named by shape and hash.
LARGEST = 4096


def encode(value: Any) -> Any:
    """JSON-able copy. Floats survive exactly (Python writes the shortest text that reads back); those that are not finite become text."""
    if isinstance(value, np.ndarray):
        if value.size > LARGEST:
            digest = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
            return {"shape": list(value.shape), "dtype": str(value.dtype), "sha256": digest}
        return encode(value.tolist())
    if isinstance(value, np.generic):
        return encode(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {str(k): encode(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__, **{f.name: encode(getattr(value, f.name)) for f in fields(value)}}
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def decode_number(value: Any) -> float | None:
    """A float as `encode` wrote it, infinite ones and NaN included; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and value not in ("inf", "-inf", "nan"):
        return None
    return float(value)


def finding_record(finding: Finding) -> dict[str, Any]:
    """What a finding's file holds, except under which settings it was made."""
    s = finding.statement
    return {
        "format": FORMAT, "version": VERSION,
        "paper": s.paper, "identifier": s.identifier, "place": s.place, "page": s.page, "quote": s.quote, "words": s.words,
        "hypotheses": list(s.hypotheses),
        "expected": s.expected.value, "about": s.about.value, "untestable": s.untestable, "kernel_claim": s.counterexample is not None,
        "no_certificate": s.no_certificate, "known": len(s.known),
        "word": finding.word.value, "as_expected": finding.as_expected, "trials": finding.trials, "skipped": finding.skipped,
        "slacks": encode(list(finding.slacks)), "worst": _worst(finding.worst, finding.worst_instance), "by_search": finding.by_search,
        "has_search": s.search is not None, "cpu_seconds": finding.cpu_seconds, "notes": encode(finding.notes),
        "wrong": None if finding.wrong is None else asdict(finding.wrong), "vacuous": finding.vacuous,
        "repaired": None if finding.repaired is None else finding_record(finding.repaired),
    }  # fmt: skip


def _worst(trial: Trial | None, instance: Instance | None) -> dict[str, Any] | None:
    if trial is None or instance is None:
        return None
    numbers = {k: encode(float(getattr(trial, k))) for k in ("left", "right", "scale", "slack", "tolerance")}
    return {
        **numbers,
        "violated": trial.violated,
        "text": trial.text,
        "origin": instance.origin,
        "label": instance.label,
        "values": encode(instance.values),
    }


def is_claim(record: dict[str, Any]) -> bool:
    """Whether the statement is one that the paper makes."""
    return bool(record["about"] == About.CLAIM.value)


def all_as_expected(record: dict[str, Any]) -> bool:
    """Whether the statement and, where there is one, its repair came out as listed."""
    repaired = record.get("repaired")
    return bool(record["as_expected"]) and (repaired is None or all_as_expected(repaired))


def contradictions(record: dict[str, Any]) -> list[str]:
    """Which verdicts of the record (its own, its repair's) contradict what is listed, in words; trials that decide nothing contradict nothing."""
    out = []
    if record["untestable"] is None and record["word"] != "undecided" and not record["as_expected"]:
        said = (
            "held, in trials that do not refute a wrong statement"
            if record["vacuous"]
            else f"{record['word']} (listed: {record['expected']})"
        )
        out.append(f"{record['identifier']} {said}")
    if record.get("repaired") is not None:
        out += contradictions(record["repaired"])
    return out
