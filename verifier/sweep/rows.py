"""One row per pair: figures read from a checked certificate, put beside what was planned."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from verifier.certificate.file import Certificate
from verifier.files import atomic_path, atomic_write_bytes
from verifier.sweep.plan import PlannedPair

if TYPE_CHECKING:
    from verifier.pipeline.kept import Kept

COLUMNS = (
    "experiment", "data", "width", "seed_a", "seed_b", "status", "E", "F_A", "F_B", "gap", "best", "sup", "gap_over_level", "lower_gap",
    "sampled_gap_dss", "sampled_max_dss", "dss_hit", "dss_least_exceedance", "author_gap", "author_hit",
    "cpu_certify", "cpu_check", "certificate", "reason", "weighted",
)  # fmt: skip


def certified(found: Kept, level: float | None) -> dict[str, Any]:
    """The figures of a certificate's re-checked claims. level: over which `gap_over_level` is asked for."""
    row: dict[str, Any] = {
        "F_A": found.A.upper, "F_B": found.B.upper, "E": found.E, "gap": None, "best": None, "sup": None, "gap_over_level": None, "lower_gap": None,
        "certificate_sha256": found.certificate.digest, "weighted": found.certificate.problem.weights is not None,
    }  # fmt: skip
    if found.paths:
        best = found.paths[0]
        row |= {"gap": best.gap, "best": best.path, "sup": best.sup}
        over = [c.gap_over_level for c in found.paths if c.gap_over_level is not None and c.level == level]
        row["gap_over_level"] = min(over) if over else None
    # Every path of all parameters rises that far above E.
    row["lower_gap"] = max((b.gap for b in found.barriers if b.output_layer == "trained"), default=None)
    return row | {f"certified_gap_{c.path}": c.gap for c in found.paths}


def recorded(certificate: Certificate) -> dict[str, Any]:
    """What only the record of a certificate says that this process has just made: sampled figures and times, which nothing can check afterwards."""
    row: dict[str, Any] = {}
    for name, path in certificate.record["paths"].items():
        row[f"cpu_{name}"] = path["cpu_seconds"]
    for e in certificate.record["estimates"]:
        name = "dss" if e["construction"] == "dss" else e["method"].replace(" ", "_")
        row |= {f"sampled_gap_{name}": e["gap"], f"sampled_max_{name}": e["maximum"]}
        # A curve that is certified too was found first: its path's seconds hold both.
        row.setdefault(f"cpu_{name}", e["cpu_seconds"])
        if name == "dss":
            row |= {"dss_hit": e["hit"], "dss_least_exceedance": e["least_exceedance"]}
    return row


def full_row(pair: PlannedPair, result: dict[str, Any], certificate: Path | None) -> dict[str, Any]:
    """All columns of one pair, missing figures as None."""
    return {
        **dict.fromkeys(COLUMNS), "experiment": pair.experiment.name, "data": pair.data_name, "width": pair.width,
        "seed_a": pair.a.seed, "seed_b": pair.b.seed, **result["row"], "certificate": None if certificate is None else str(certificate),
        "status": result["status"], "reason": result["reason"], "exit_code": result["exit_code"],
        "author_gap": None if pair.record is None else pair.record.gap, "author_hit": None if pair.record is None else pair.record.hit,
    }  # fmt: skip


def columns(rows: list[dict[str, Any]]) -> list[str]:
    """COLUMNS first, then `certified_gap_METHOD`, `sampled_gap_METHOD` and `cpu_METHOD` of what ran, then the rest."""
    extra = sorted({key for row in rows for key in row} - set(COLUMNS) - {"certificate_sha256", "exit_code"})
    return [*COLUMNS, *extra, "certificate_sha256", "exit_code"]


def write_tables(rows: list[dict[str, Any]], folder: Path) -> list[Path]:
    """results.csv, and results.parquet when pandas and pyarrow are installed; returns what was written.

    Numbers in the CSV file read back as the same float64; an empty field is a missing figure.
    """
    names = columns(rows)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, restval=None, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    out = [folder / "results.csv"]
    atomic_write_bytes(out[0], buffer.getvalue().encode())
    try:
        import pandas
        import pyarrow  # noqa: F401
    except ImportError:
        return out
    table = pandas.DataFrame([{name: row.get(name) for name in names} for row in rows], columns=names)
    numeric = (
        "E",
        "F_A",
        "F_B",
        "sup",
        "gap",
        "lower_gap",
        "cpu_",
        "certified_",
        "sampled_",
        "dss_least",
        "author_gap",
    )
    for name in names:
        if name in ("dss_hit", "author_hit", "weighted"):
            table[name] = table[name].astype("boolean")
        elif name.startswith(numeric) and name != "experiment":
            table[name] = table[name].astype("float64")
        elif table[name].dtype == object:
            table[name] = table[name].astype("string")
    out.append(folder / "results.parquet")
    with atomic_path(out[1]) as place:
        table.to_parquet(place, engine="pyarrow", index=False)
    return out
