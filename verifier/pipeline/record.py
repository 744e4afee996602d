"""The certificate's record: JSON-able rows for the report. Nothing in it is evidence; numbers are float64 for display."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.elaboration import ElaboratedPath
from verifier.kernel import Claim
from verifier.kernel.statements import EndpointValue, HeadOptimum
from verifier.networks.network import Network
from verifier.outcomes import SampledEstimate
from verifier.paths.path import Path
from verifier.pipeline.endpoints import Endpoint, Setting
from verifier.pipeline.sampling import Samples, activation_changes, plane
from verifier.programs.result import ProgramResult


def plain(value: Any) -> Any:
    """JSON-able copy: numpy scalars and arrays to Python, non-finite floats to None, other objects to text."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(v) for v in value]
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return value if isinstance(value, str) or value is None else str(value)


def endpoint_record(e: Endpoint, s: Setting, claim: Claim) -> dict[str, Any]:
    assert isinstance(claim, EndpointValue)
    X, o = s.data.X, s.objective
    return plain(
        {
            "source": e.source, "F": o.value(e.network, X, s.targets), "loss": o.loss_value(e.network, X, s.targets),
            "penalty": o.penalty_value(e.network), "accuracy": o.accuracy(e.network, s.data), "lower": claim.lower, "upper": claim.upper,
            "settings": {k: v for k, v in e.settings.items() if k != "data"}, "sha256": e.network.sha256(),
            "padded_from": e.padded_from, "polished": e.polished,
        }
    )  # fmt: skip


def path_record(e: ElaboratedPath, samples: Samples, path: Path, s: Setting, spent: float) -> dict[str, Any]:
    return plain(
        {
            "method": path.method, "notes": path.notes, "kinds": list(e.kinds), "form": e.claim.form, "uppers": list(e.bounds.uppers),
            "pieces": [1 if m.breakpoints is None else len(m.breakpoints) + 1 for m in e.claim.moves],
            "programs": [m.program for m in path.moves], "cpu_seconds": spent,
            "sampled": {"position": samples.position, "F": samples.F, "maximum": samples.maximum},
            "activation_changes": activation_changes(path, s.data.X),
        }
    )  # fmt: skip


def plane_record(s: Setting, waypoints: dict[str, Network], best: str, forms: dict[str, str]) -> dict[str, Any] | None:
    """F, with weight decay in the path's form, on the plane through A, B and the middle vertex of the best path that has one.

    None when no path has, or one value costs more than 10^10 multiplications: a picture must not cost more than the proof.
    """
    if len(s.data.X) * sum(W.size for W in s.A.network.weights) > 10**10:
        return None
    name = best if best in waypoints else next(iter(waypoints), None)
    if name is None:
        return None
    F = plane(s.A.network, s.B.network, waypoints[name], s.objective, s.data.X, s.targets, forms[name])
    return {"path": name, "form": forms[name], **plain(F)}


def program_record(name: str, p: ProgramResult, claim: HeadOptimum) -> dict[str, Any]:
    return plain(
        {
            "name": name, "title": p.name, "samples": p.N, "rows": p.r, "outputs": p.K, "status": p.status, "solver": p.solver, "primal": p.primal_value,
            "dual": p.dual_value, "certified_lower": claim.lower, "certified_upper": claim.upper, "head_limit": claim.head_limit,
            "compile_seconds": p.compile_seconds, "solve_seconds": p.solve_seconds,
        }
    )  # fmt: skip


def estimate_record(e: SampledEstimate, details: dict[str, Any]) -> dict[str, Any]:
    return plain(
        {
            "method": e.method, "kind": "sampled", "maximum": e.maximum, "gap": e.gap, "points": e.points, "cpu_seconds": e.cpu_seconds,
            "note": e.note, "settings": details.get("settings"), "beads": details.get("beads"),
        }
    )  # fmt: skip
