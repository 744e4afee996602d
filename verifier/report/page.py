"""One self-contained HTML page from one certificate and the kernel's verdicts on every claim of it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.certificate.file import Certificate, read_certificate
from verifier.files import Kind, atomic_write_bytes, require_place
from verifier.kernel.statements import Problem, Verdict
from verifier.numbers import plural
from verifier.report.bounds import apriori_rows, certified_rows, lower_rows, sampled_rows
from verifier.report.claim_rows import claim_rows, programs
from verifier.report.compare_plot import MOST, compare_plot
from verifier.report.endpoints import endpoint_rows, objective_words, recipe, size_words, training
from verifier.report.every_width import every_width_section
from verifier.report.fields import flatten, rows, table, words
from verifier.report.grid_plot import grid_plot
from verifier.report.headline import consistency_flags, headline
from verifier.report.html import render_page
from verifier.report.layers import MEANING, layer_series, layer_table
from verifier.report.layers_plot import layers_plot
from verifier.report.moves import Run, kinds_summary, kinds_words, moves_table, path_curve
from verifier.report.path_plot import path_plot
from verifier.report.plane import best_plane
from verifier.report.plane_plot import plane_plot
from verifier.report.recheck import CheckedPath, Recheck, recheck
from verifier.report.region_programs import region_section
from verifier.report.segments import segments
from verifier.report.slack import slack
from verifier.report.subnetworks import subnetwork_programs
from verifier.report.svg import Picture
from verifier.report.theorems import theorems

# Tables of moves longer than this start folded.
LONG_TABLE = 14


@dataclass(frozen=True)
class PathSection:
    """One path: its picture and its moves."""

    name: str
    accepted: bool
    summary: str
    picture: Picture | None
    moves: list[Run]
    folded: bool
    notes: list[tuple[str, str]]


@dataclass(frozen=True)
class Grid:
    """A table of the record with columns that only the record knows."""

    name: str
    columns: list[str]
    rows: list[list[str]]
    picture: Picture | None


def write_report(certificate: str | Path, out: str | Path | None = None) -> Path:
    """Write the report of a certificate file, whole or not at all; returns where.

    certificate: the file; its data are read from the `.data` file beside it when it does not embed them.
    out: default reports/<certificate name>.html under the current directory.

    Raises CertificateFormatError when the file is no certificate, UsageError when the place cannot be written. A certificate whose
    claims the kernel rejects gets a report that says so.
    """
    return write_page(Path(certificate), out)


def write_page(
    source: Path,
    out: str | Path | None,
    certificate: Certificate | None = None,
    verdicts: Sequence[Verdict] | None = None,
) -> Path:
    """`write_report` for who has read the file already, and perhaps has the kernel's verdicts on every claim of what was read, in their order."""
    target = default_page(source) if out is None else Path(out)
    require_place(target, Kind.PAGE, option="report", inputs=[source])
    page = render(read_certificate(source) if certificate is None else certificate, name=source.name, verdicts=verdicts)
    atomic_write_bytes(target, page.encode("utf-8"))
    return target


def default_page(certificate: str | Path) -> Path:
    """Where the report of a certificate goes when nobody says where."""
    return Path("reports") / f"{Path(certificate).stem}.html"


def render(
    certificate: Certificate, *, name: str = "certificate.safetensors", verdicts: Sequence[Verdict] | None = None
) -> str:
    """The page as text. name: the certificate's file name, for the title and the command that checks it. verdicts: as of `write_report`."""
    return render_page("report.html.jinja", _context(certificate, name, recheck(certificate, verdicts)))


def _context(certificate: Certificate, name: str, found: Recheck) -> dict[str, Any]:
    record, problem = table(certificate.record), certificate.problem
    flags = consistency_flags(found, problem, record)
    apriori = theorems(record)
    plane = best_plane(found, problem)
    E = None if found.E is None else found.E[1]
    data = certificate.document["data"]
    recorded_data = table(record.get("data"))
    provenance = table(record.get("provenance"))
    return {
        "name": name,
        "digest": certificate.digest,
        "headline": headline(found, problem, record, flags),
        "flags": flags,
        "claims": claim_rows(found),
        "accepted": sum(v.accepted for _, v in found.all),
        "slack": slack(found, problem),
        "objective": objective_words(problem.objective, weighted=problem.weights is not None),
        "size": size_words(certificate),
        "data": data,
        "endpoints": endpoint_rows(certificate, found),
        "training": training(certificate),
        "certified": certified_rows(found, problem, record),
        "lower": lower_rows(found, problem, record),
        "apriori": apriori,
        "apriori_rows": apriori_rows(apriori),
        "sampled": sampled_rows(found, record),
        "level": found.level,
        "skipped": [words(s) for s in record.get("skipped") or []] if isinstance(record.get("skipped"), list) else [],
        "paths": [_path_section(p, record, found) for p in found.paths],
        "kinds": kinds_words(
            {m.kind for p in found.paths if p.bounds for m in p.claim.moves}, len(problem.A.weights) > 2
        ),
        **_deep(problem, record, found),
        "programs": programs(found, record),
        "segments": segments(found, problem, record),
        "subnetworks": subnetwork_programs(found, problem, record),
        "regions": region_section(found, problem, record),
        "every_width": every_width_section(found, record),
        "limited_heads": any(c.head_limit is not None for c, _ in found.heads),
        "grids": _grids(record, E),
        "plane": plane,
        "plane_picture": None if plane is None else plane_plot(plane, E),
        "provenance": flatten({k: v for k, v in provenance.items() if k != "options"}),
        "options": flatten(table(provenance.get("options"))),
        "recipe": recipe(recorded_data.get("recipe")),
        "source_sha256": recorded_data.get("source_sha256"),
        "sha256_of_X_and_y": recorded_data.get("sha256_of_X_and_y"),
        "command": f"python -m verifier check {shlex.quote(name)} --reference",
    }


def _path_section(path: CheckedPath, record: dict[str, Any], found: Recheck) -> PathSection:
    curve = path_curve(path, record)
    moves = moves_table(curve)
    notes = flatten(table(table(table(record.get("paths")).get(path.claim.path)).get("notes")))
    drawn = path_plot(
        curve, None if found.E is None else found.E[1], path.claim.sup if path.accepted else None, found.level
    )
    summary = kinds_summary(curve.kinds) or plural(curve.count, "move")
    return PathSection(curve.name, path.accepted, summary, drawn, moves, len(moves) > LONG_TABLE, notes)


def _deep(problem: Problem, record: dict[str, Any], found: Recheck) -> dict[str, Any]:
    """Of networks with several hidden layers: their paths in one picture, and the losses per layer behind them."""
    hidden = [len(W) for W in problem.A.weights[:-1]]
    E = None if found.E is None else found.E[1]
    series = layer_series(found, record, hidden)
    order = sorted(found.paths, key=lambda p: (not p.accepted, *p.rank)) if len(hidden) > 1 else []
    curves = [(path_curve(p, record), p.claim.sup if p.accepted else None) for p in order]
    return {
        "compared": compare_plot(curves, E),
        "left_out": max(0, len(curves) - MOST),
        "layers": series,
        "layers_picture": layers_plot(series, E),
        "layers_table": layer_table(series, hidden, found.E),
        "layers_meaning": [MEANING[k] for k in dict.fromkeys(s.kind for s in series)],
    }


def _grids(record: dict[str, Any], E: float | None) -> list[Grid]:
    out = []
    for name, value in table(record.get("tables")).items():
        found = rows(value)
        columns = list(dict.fromkeys(key for row in found for key in row))
        if columns:
            cells = [[words(row[c]) if row.get(c) is not None else "–" for c in columns] for row in found]
            out.append(Grid(name, columns, cells, grid_plot(found, E) if name == "theorem2" else None))
    return out
