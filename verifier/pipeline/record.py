"""The certificate's record: JSON-able rows for the report. Nothing in it is evidence; numbers are float64 for display."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.elaboration import ElaboratedPath
from verifier.kernel.statements import EndpointValue, HeadOptimum, SubnetworkHeadOptimum
from verifier.options.certify import CertifyOptions
from verifier.options.declare import options_of
from verifier.options.objective import ObjectiveOptions
from verifier.outcomes import SampledEstimate
from verifier.paths.path import Path
from verifier.pipeline.sampling import Samples, activation_changes
from verifier.pipeline.setting import Endpoint, Setting
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


def data_record(data: Dataset) -> dict[str, Any]:
    return {
        "name": data.name, "task": data.task, "samples": data.samples, "features": data.dimension, "recipe": data.recipe,
        "source_sha256": data.source_sha256, "sha256_of_X_and_y": data.sha256(),
    }  # fmt: skip


def options_record(s: Setting, asked: ObjectiveOptions, o: CertifyOptions) -> dict[str, Any]:
    """Every option of the run, as it was given; arrays only by whether there were any."""
    left_out = ("weights", "reading", "data_options", "state", "progress", "string")
    return plain(
        {
            **asdict(asked), **{x.name: getattr(o, x.name) for x in options_of(CertifyOptions) if x.name not in left_out},
            "string": None if o.string is None else str(o.string), "weights": o.weights is not None,
            # Networks of `certify --all` come polished and padded.
            "polish": s.polished, "pad": o.pad or bool(s.padded_from), "negative_slope": s.A.network.negative_slope,
        }
    )  # fmt: skip


def endpoint_record(e: Endpoint, s: Setting, claim: EndpointValue) -> dict[str, Any]:
    X, o = s.data.X, s.objective
    return plain(
        {
            "source": e.source, "F": o.value(e.network, X, s.targets), "loss": o.loss_value(e.network, X, s.targets),
            "penalty": o.penalty_value(e.network), "accuracy": o.accuracy(e.network, s.data), "lower": claim.lower, "upper": claim.upper,
            "settings": {k: v for k, v in e.settings.items() if k != "data"}, "sha256": e.network.sha256(),
            "padded_from": e.padded_from, "polished": e.polished,
        }
    )  # fmt: skip


def from_words(source: Mapping[str, Any]) -> str:
    """Where a network came from, as its line says it behind its value."""
    parts = [source.get("file", ""), source.get("witness", ""), without_words(source)]
    found = ", ".join(p for p in parts if p)
    return f"  {found}" if found else ""


def without_words(source: Mapping[str, Any]) -> str:
    """Which of its entries are left out of the network; empty where none is."""
    left = source.get("left_out", ())
    return f"without its {', '.join(left)}" if left else ""


def called(s: Setting) -> list[str]:
    """The factories of the user's that were imported and called."""
    files = {e.source["model"]: e.source.get("model_file") for e in (s.A, s.B) if "model" in e.source}
    return [f"model {name}: imported{f' from {file}' if file else ''} and called" for name, file in files.items()]


def path_record(e: ElaboratedPath, samples: Samples, path: Path, s: Setting, spent: float) -> dict[str, Any]:
    return plain(
        {
            "method": path.method, "notes": path.notes, "kinds": list(e.kinds), "form": e.claim.form, "uppers": list(e.bounds.uppers),
            "pieces": [1 if m.breakpoints is None else len(m.breakpoints) + 1 for m in e.claim.moves],
            "programs": [m.program for m in path.moves], "segments": [m.segment for m in path.moves], "cpu_seconds": spent,
            "sampled": {"position": samples.position, "F": samples.F, "maximum": samples.maximum},
            "activation_changes": activation_changes(path, s.data.X),
        }
    )  # fmt: skip


def program_record(name: str, p: ProgramResult, claim: HeadOptimum | SubnetworkHeadOptimum) -> dict[str, Any]:
    return plain(
        {
            "name": name, "title": p.name, "samples": p.N, "rows": p.r, "outputs": p.K, "status": p.status, "solver": p.solver, "primal": p.primal_value,
            "dual": p.dual_value, "certified_lower": claim.lower, "certified_upper": claim.upper, "head_limit": claim.head_limit,
            "compile_seconds": p.compile_seconds, "solve_seconds": p.solve_seconds,
        }
    )  # fmt: skip


def estimate_record(e: SampledEstimate) -> dict[str, Any]:
    return plain(
        {
            "method": e.method, "construction": e.construction, "kind": "sampled", "maximum": e.maximum, "gap": e.gap, "points": e.points,
            "cpu_seconds": e.cpu_seconds, "note": e.note, "hit": e.hit, "least_exceedance": e.least_exceedance,
            "stopped": e.stopped, "matched": e.matched, "settings": e.settings,
            "beads": None if e.string is None else len(e.string.moves) - 1,
        }
    )  # fmt: skip
