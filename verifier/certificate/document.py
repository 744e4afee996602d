"""From the kernel's problem and claims to the JSON document and its arrays: the writer's half of the format (docs/certificate-v2.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verifier.certificate.file import EMBED_LIMIT, FORMAT, VERSION, data_arrays
from verifier.certificate.geometry import geometry_entry, geometry_line
from verifier.certificate.hashing import arrays_sha256
from verifier.certificate.schema import claim_entry
from verifier.kernel import Claim, Parameters, PathUpperBound, Problem


def _hex(x: float | None) -> str | None:
    return None if x is None else float(x).hex()


def embeds(problem: Problem) -> bool:
    """Whether the data go into the certificate when nobody says otherwise: up to EMBED_LIMIT."""
    return sum(a.nbytes for a in data_arrays(problem).values()) <= EMBED_LIMIT


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

    labels: per path, one text per move. embed: whether the data go into the file; None means up to 16 MiB.
    """
    arrays: dict[str, np.ndarray] = {}
    o, data = problem.objective, data_arrays(problem)
    if embed is None:
        embed = embeds(problem)
    if embed:
        arrays |= {f"data/{name}": array for name, array in data.items()}
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "objective": {
            "loss": o.loss, "delta": _hex(o.delta), "kappa": _hex(o.kappa), "penalty": o.penalty,
            "penalise_output_bias": o.penalise_output_bias,
        },
        "data": {"name": data_name, "sha256": arrays_sha256(data), "weighted": problem.weights is not None, "embedded": embed},
        "networks": {name: _network(p, name, arrays, geometry_line(problem.geometry)) for name, p in (("A", problem.A), ("B", problem.B))}
        | {"negative_slope": _hex(problem.negative_slope)}
        | ({} if problem.geometry is None else {"geometry": geometry_entry(problem.geometry)}),
        "paths": [_path(c, labels[c.path], arrays) for c in claims if isinstance(c, PathUpperBound)],
        "claims": [claim_entry(c, f"claims/{k}", arrays) for k, c in enumerate(claims)],
        "record": record,
    }  # fmt: skip
    return document, arrays


def _network(p: Parameters, name: str, arrays: dict[str, np.ndarray], first: str) -> dict[str, Any]:
    named: dict[str, np.ndarray] = {}
    for l, (W, b) in enumerate(zip(p.weights, p.biases), start=1):
        named[f"W{l}"] = W
        if b is not None:
            named[f"b{l}"] = b
    arrays.update({f"{name}/{key}": array for key, array in named.items()})
    return {"sha256": arrays_sha256(named, first), "biases": [b is not None for b in p.biases]}


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
                "kind": move.kind, "label": label, "writes": writes,
                "breakpoints": _store(move.breakpoints, f"{base}/breakpoints", arrays),
                "transfer": _store(move.transfer, f"{base}/transfer", arrays), "transfer_layer": move.transfer_layer,
                "factors": _store(move.factors, f"{base}/factors", arrays),
            }
        )  # fmt: skip
    permutation = claim.permutation
    return {
        "name": claim.path, "form": claim.form, "moves": moves,
        "permutation": None if permutation is None
        else [_store(p, f"paths/{claim.path}/permutation/{l}", arrays) for l, p in enumerate(permutation, start=1)],
    }  # fmt: skip
