"""One row per pair: figures read from a checked certificate, put beside what was planned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verifier.certificate.file import Certificate
from verifier.sweep.plan import PlannedPair

COLUMNS = (
    "experiment", "data", "width", "seed_a", "seed_b", "status", "E", "F_A", "F_B", "gap", "best", "sup", "gap_over_level",
    "sampled_gap_dss", "sampled_max_dss", "dss_hit", "cpu_certify", "cpu_check", "certificate", "reason",
)  # fmt: skip


def accepted(certificate: Certificate) -> tuple[bool, str]:
    """Whether the kernel's fast evaluation accepts every claim, and its first objection."""
    from verifier.kernel import check

    for claim in certificate.claims:
        verdict = check(certificate.problem, claim)
        if not verdict.accepted:
            return False, verdict.sentence
    return True, ""


def measured(certificate: Certificate) -> dict[str, Any]:
    """The figures of a certificate whose claims were accepted: certified ones from claims, sampled ones and times from its record."""
    from verifier.kernel.statements import EndpointValue, PathUpperBound

    record = certificate.record
    ends = {c.network: c for c in certificate.claims if isinstance(c, EndpointValue)}
    paths = sorted((c for c in certificate.claims if isinstance(c, PathUpperBound)), key=lambda c: (c.gap, c.sup))
    row: dict[str, Any] = {
        "F_A": ends["A"].upper, "F_B": ends["B"].upper, "E": max(e.upper for e in ends.values()),
        "gap": None, "best": None, "sup": None, "gap_over_level": None,
        "certificate_sha256": certificate.digest, "outcome": record["verdict"]["outcome"], "sentence": record["verdict"]["sentence"],
        "a_sha256": record["endpoints"]["A"]["source"].get("file_sha256"), "b_sha256": record["endpoints"]["B"]["source"].get("file_sha256"),
    }  # fmt: skip
    if paths:
        row |= {"gap": paths[0].gap, "best": paths[0].path, "sup": paths[0].sup}
        over = [c.gap_over_level for c in paths if c.gap_over_level is not None]
        row["gap_over_level"] = min(over) if over else None
    for c in paths:
        row[f"certified_gap_{c.path}"] = c.gap
        row[f"cpu_{c.path}"] = record["paths"][c.path]["cpu_seconds"]
    for e in record["estimates"]:
        name = "dss" if e["method"].startswith("DSS") else e["method"].replace(" ", "_")
        row |= {f"sampled_gap_{name}": e["gap"], f"sampled_max_{name}": e["maximum"]}
        # A curve that is certified too was found first: its path's seconds hold both.
        row.setdefault(f"cpu_{name}", e["cpu_seconds"])
        if name == "dss":
            row["dss_hit"] = e["note"].startswith("hit")
    return row


def full_row(pair: PlannedPair, result: dict[str, Any], certificate: Path | None) -> dict[str, Any]:
    """All columns of one pair, missing figures as None."""
    figures = {k: v for k, v in result["row"].items() if k not in ("a_sha256", "b_sha256", "outcome", "sentence")}
    return {
        **dict.fromkeys(COLUMNS), "experiment": pair.experiment.name, "data": pair.data_name, "width": pair.width,
        "seed_a": pair.a.seed, "seed_b": pair.b.seed, **figures, "certificate": None if certificate is None else str(certificate),
        "status": result["status"], "reason": result["reason"], "exit_code": result["exit_code"],
    }  # fmt: skip


def columns(rows: list[dict[str, Any]]) -> list[str]:
    """COLUMNS first, then `certified_gap_METHOD`, `sampled_gap_METHOD` and `cpu_METHOD` of what ran, then the rest."""
    extra = sorted({key for row in rows for key in row} - set(COLUMNS) - {"certificate_sha256", "exit_code"})
    return [*COLUMNS, *extra, "certificate_sha256", "exit_code"]


def write_tables(rows: list[dict[str, Any]], folder: Path) -> list[Path]:
    """results.csv, and results.parquet when pandas and pyarrow are installed; returns what was written.

    Numbers in the CSV file read back as the same float64; an empty field is a missing figure.
    """
    import csv
    import io

    from verifier.files import atomic_path, atomic_write_bytes

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
    numeric = ("E", "F_A", "F_B", "sup", "gap", "cpu_", "certified_", "sampled_")
    for name in names:
        if name == "dss_hit":
            table[name] = table[name].astype("boolean")
        elif name.startswith(numeric) and name != "experiment":
            table[name] = table[name].astype("float64")
        elif table[name].dtype == object:
            table[name] = table[name].astype("string")
    out.append(folder / "results.parquet")
    with atomic_path(out[1]) as place:
        table.to_parquet(place, engine="pyarrow", index=False)
    return out
