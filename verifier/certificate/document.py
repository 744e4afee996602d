"""From the kernel's problem and claims to the JSON document and its arrays: the writer's half of the format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verifier.certificate.file import EMBED_LIMIT, FORMAT, VERSION
from verifier.certificate.hashing import arrays_sha256
from verifier.certificate.landscape import landscape_entry
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import (
    BarrierLowerBound,
    Claim,
    EndpointValue,
    HeadOptimum,
    JacobianRank,
    Parameters,
    PathUpperBound,
    Problem,
    RegionMinimum,
)


def _hex(x: float | None) -> str | None:
    return None if x is None else float(x).hex()


def make_document(
    problem: Problem,
    claims: Sequence[Claim],
    *,
    data_name: str,
    labels: Mapping[str, Sequence[str]],
    record: dict[str, Any],
    embed: bool | None = None,
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(document, arrays) for `write_certificate`.

    labels: per path, one text per move. embed: whether X and targets go into the file; None means up to 16 MiB.
    """
    arrays: dict[str, np.ndarray] = {}
    o = problem.objective
    if embed is None:
        embed = problem.X.nbytes + problem.targets.nbytes <= EMBED_LIMIT
    if embed:
        arrays["data/X"], arrays["data/targets"] = problem.X, problem.targets
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "objective": {
            "loss": o.loss, "delta": _hex(o.delta), "kappa": _hex(o.kappa), "penalty": o.penalty,
            "penalise_output_bias": o.penalise_output_bias,
        },
        "data": {"name": data_name, "sha256": arrays_sha256({"X": problem.X, "targets": problem.targets}), "embedded": embed},
        "networks": {name: _network(p, name, arrays) for name, p in (("A", problem.A), ("B", problem.B))}
        | ({"negative_slope": _hex(problem.negative_slope)} if problem.negative_slope else {}),
        "paths": [_path(c, labels[c.path], arrays) for c in claims if isinstance(c, PathUpperBound)],
        "claims": [_claim(c, k, arrays) for k, c in enumerate(claims)],
        "record": record,
    }  # fmt: skip
    return document, arrays


def _network(p: Parameters, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    named: dict[str, np.ndarray] = {}
    for l, (W, b) in enumerate(zip(p.weights, p.biases), start=1):
        named[f"W{l}"] = W
        if b is not None:
            named[f"b{l}"] = b
    arrays.update({f"{name}/{key}": array for key, array in named.items()})
    return {"sha256": arrays_sha256(named), "biases": [b is not None for b in p.biases]}


def _store(array: np.ndarray | None, name: str, arrays: dict[str, np.ndarray]) -> str | None:
    if array is None:
        return None
    arrays[name] = array
    return name


def _path(claim: PathUpperBound, labels: Sequence[str], arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    moves = []
    for k, (move, label) in enumerate(zip(claim.moves, labels, strict=True)):
        base = f"paths/{claim.path}/{k}"
        writes = [
            {
                "layer": w.layer, "part": w.part, "axis": w.axis,
                "index": _store(w.index, f"{base}/{i}/index", arrays), "value": _store(w.value, f"{base}/{i}/value", arrays),
            }
            for i, w in enumerate(move.writes)
        ]  # fmt: skip
        moves.append(
            {
                "label": label, "writes": writes,
                "breakpoints": _store(move.breakpoints, f"{base}/breakpoints", arrays),
                "transfer": _store(move.transfer, f"{base}/transfer", arrays), "transfer_layer": move.transfer_layer,
            }
        )  # fmt: skip
    return {"name": claim.path, "moves": moves}


def _claim(claim: Claim, k: int, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    if isinstance(claim, EndpointValue):
        return {
            "kind": "endpoint_value",
            "network": claim.network,
            "lower": _hex(claim.lower),
            "upper": _hex(claim.upper),
        }
    if isinstance(claim, PathUpperBound):
        return {
            "kind": "path_upper_bound", "path": claim.path, "sup": _hex(claim.sup), "gap": _hex(claim.gap),
            "gap_over_lower": _hex(claim.gap_over_lower), "level": _hex(claim.level), "gap_over_level": _hex(claim.gap_over_level),
        }  # fmt: skip
    if isinstance(claim, (BarrierLowerBound, RegionMinimum, JacobianRank, ClaimViolation)):
        return landscape_entry(claim, f"claims/{k}", arrays)
    assert isinstance(claim, HeadOptimum)
    base = f"heads/{claim.name}"
    return {
        "kind": "head_optimum", "name": claim.name,
        "rows": _store(claim.rows, f"{base}/rows", arrays), "row_bias": _store(claim.row_bias, f"{base}/row_bias", arrays),
        "head": _store(claim.head, f"{base}/head", arrays), "head_bias": _store(claim.head_bias, f"{base}/head_bias", arrays),
        "dual": _store(claim.dual, f"{base}/dual", arrays), "head_limit": _hex(claim.head_limit),
        "lower": _hex(claim.lower), "upper": _hex(claim.upper),
    }  # fmt: skip
