"""One self-contained page about experiments (A) and (B): figures per layer and against width, and, from certificates, the loss along two paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.certificate.file import data_file, read_certificate
from verifier.files import atomic_write_bytes
from verifier.kernel.statements import Problem
from verifier.numbers import plural, show_up
from verifier.outcomes import Finding, Outcome
from verifier.pages.stability_plot import QUANTITIES, STYLES, judged_plot, layer_plot, pair_plot, width_plot
from verifier.report.html import render_page
from verifier.report.moves import path_curve
from verifier.report.recheck import recheck
from verifier.report.svg import Picture
from verifier.stability.along import tested_along
from verifier.stability.measure import Judge
from verifier.stability.summary import Group, Mean, Summary, close, largest, show

NAMES = {"theorem41": "(A) Theorem 4.1's path", "dropout": "(B) the dropout path"}


# Pages with more architectures draw the comparison only; tables stay.
MOST_LAYER_PICTURES = 3


@dataclass(frozen=True)
class PathRow:
    """One certified path. sup: the certified maximum, None when the kernel rejects it today. sampled: the largest float64 sample."""

    name: str
    moves: int
    sup: float | None
    gap: float | None
    sampled: float | None


@dataclass(frozen=True)
class Pair:
    """A pair's certificate, every claim checked again. sentence, short: its finding."""

    name: str
    certificate: str
    E: float | None
    paths: tuple[PathRow, ...]
    picture: Picture
    sentence: str
    short: str
    tested: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class JudgedTable:
    """Another quantity per layer, and of the trained networks."""

    words: str
    picture: Picture | None
    rows: list[list[str]]
    trained: str


@dataclass(frozen=True)
class Section:
    """One architecture as text: rows per layer and a row per network."""

    name: str
    picture: Picture | None
    count: int
    columns: list[str]
    rows: list[list[str]]
    largest: list[str]
    networks: list[list[str]]
    draws: str
    seconds: str
    judged: list[JudgedTable]


def certified_pairs(certificates: Sequence[tuple[str, Path]], judge: Judge | None = None) -> list[Pair]:
    """Read certificates (name of the pair, file) and check all their claims. judge: what is tested on along the paths, where something is.

    Raises CertificateFormatError.
    """
    return [_pair(name, place, judge) for name, place in certificates]


def _pair(name: str, place: Path, judge: Judge | None) -> Pair:
    c = read_certificate(place, data=data_file(place))
    found = recheck(c)
    E = None if found.E is None else found.E[1]
    curves, paths = [], []
    for p in found.paths:
        curve = path_curve(p, c.record)
        title = NAMES.get(p.claim.path, p.claim.path)
        sup = p.claim.sup if p.accepted else None
        at = [x / max(1, curve.count) for x in curve.position]
        curves.append((title, at, list(curve.F), sup))
        paths.append(
            PathRow(title, curve.count, sup, p.claim.gap if p.accepted else None, max(curve.F) if curve.F else None)
        )
    said = [f"{p.name}: " + ("REJECTED" if p.sup is None else f"certified F <= {show_up(p.sup)}") for p in paths]
    maxima = ", ".join(f"{p.name[:3]} {'rejected' if p.sup is None else show_up(p.sup)}" for p in paths)
    short = f"certified maxima along the paths: {maxima}"
    bar = "" if E is None else f", E = {show_up(E)}"
    sentence = f"{name}{bar}; {'; '.join(said)}"
    return Pair(
        name,
        place.name,
        E,
        tuple(paths),
        pair_plot(curves, E),
        sentence,
        short + bar,
        _tested(c.problem, found.paths, judge),
    )


def _tested(problem: Problem, paths: Sequence[Any], judge: Judge | None) -> tuple[Picture, ...]:
    """Test loss and test error along the paths."""
    if judge is None or judge.test is None:
        return ()
    names = (NAMES.get(p.claim.path, p.claim.path) for p in paths)
    along = [(name, tested_along(problem, p.claim, judge, judge.test)) for name, p in zip(names, paths)]
    pictures = [judged_plot([(name, list(t.position), list(t.loss)) for name, t in along], QUANTITIES["test_loss"])]
    if all(None not in t.error for _, t in along):
        curves = [(name, list(t.position), [e for e in t.error if e is not None]) for name, t in along]
        pictures.append(judged_plot(curves, QUANTITIES["test_error"]))
    return tuple(pictures)


def headline(summary: Summary, pairs: Sequence[Pair]) -> Finding:
    """The verdict line: what was evaluated, and the certified maxima of the first pairs."""
    said = [summary.finding.text, *(p.short for p in pairs[:3])]
    more = f"; and {plural(len(pairs) - 3, 'more pair')}" if len(pairs) > 3 else ""
    rejected = any(p.sup is None for pair in pairs for p in pair.paths)
    return Finding.of(Outcome.REJECTED if rejected else summary.finding.outcome, "; ".join(said) + more)


def write_stability_report(summary: Summary, settings: dict[str, Any], pairs: Sequence[Pair], out: str | Path) -> Path:
    """Write the page, whole or not at all; returns where. Raises UsageError when the place cannot be written."""
    target = Path(out)
    atomic_write_bytes(target, render_stability(summary, settings, pairs).encode("utf-8"))
    return target


def render_stability(summary: Summary, settings: dict[str, Any], pairs: Sequence[Pair] = ()) -> str:
    """The page as text. settings: `verifier.stability.plan.Settings` as a dict."""
    measured = [g for g in summary.groups if g.maxima]
    widths = measured if len(measured) > 1 else []
    found = headline(summary, pairs)
    first = summary.groups[0].records[0]
    return render_page(
        "stability.html.jinja",
        {
            "title": summary.title, "word": found.outcome.value, "tone": "bad" if found.outcome is Outcome.REJECTED else "note", "sentence": found.text,
            "width_picture": width_plot(widths) if widths else None,
            "width_columns": [STYLES[n][0] for n in widths[0].maxima] if widths else [],
            "width_rows": [[g.name, str(g.reference.count), *(_cell(m, g) for m in g.maxima.values()), show(g.reference)] for g in widths],
            "findings": [line for line in summary.lines if "within" in line],
            "sections": [_section(g, len(measured) <= MOST_LAYER_PICTURES) for g in measured], "settings": settings, "pairs": [_shown(p) for p in pairs],
            "test": first.get("test"), "protocols": sorted({r["training"] for g in summary.groups for r in g.records if r.get("training")}),
            "data": first["data"], "samples": first["samples"], "objective": first["objective"].replace("_", " "),
            "forgotten": any("forgotten" in g.maxima for g in measured),
        },
    )  # fmt: skip


def _cell(m: Mean, group: Group) -> str:
    return show(m) + (" *" if close(m, group.reference) else "")


def _shown(p: Pair) -> dict[str, Any]:
    rows = [
        [
            r.name, str(r.moves), "rejected" if r.sup is None else show_up(r.sup), "–" if r.gap is None else show_up(r.gap),
            "–" if r.sampled is None else f"{r.sampled:.4g}",
        ]
        for r in p.paths
    ]  # fmt: skip
    E = "unknown" if p.E is None else show_up(p.E)
    return {
        "name": p.name,
        "certificate": p.certificate,
        "E": E,
        "rows": rows,
        "picture": p.picture,
        "tested": p.tested,
    }


def _section(g: Group, drawn: bool) -> Section:
    names = list(g.layers)
    rows = []
    for l in range(len(g.hidden) + 1):
        rows.append([str(l), *(show(g.layers[n][l]) if l in g.layers[n] else "–" for n in names)])
    networks = [
        [
            r["name"], f"{r['F']:.3g}", "–" if r["accuracy"] is None else f"{r['accuracy']:.4f}",
            *(f"{largest(r, n):.3g}" for n in names),
        ]
        for r in g.records
    ]  # fmt: skip
    full = {n: plural(g.draws[n], "draw") for n in names}
    return Section(
        g.name,
        layer_plot(g) if drawn else None,
        g.reference.count,
        [STYLES[n][0] for n in names],
        rows,
        [_cell(g.maxima[n], g) for n in names],
        networks,
        "; ".join(f"{STYLES[n][0]}: {full[n]}" for n in names),
        "; ".join(f"{STYLES[n][0]}: {g.seconds[n]:.0f}" for n in names),
        [_judged(g, quantity, drawn) for quantity in g.judged],
    )


def _judged(g: Group, quantity: str, drawn: bool) -> JudgedTable:
    j = g.judged[quantity]
    rows = [
        [str(l), *(show(by_layer[l]) if l in by_layer else "–" for by_layer in j.layers.values())]
        for l in range(len(g.hidden) + 1)
    ]
    drawn = drawn and quantity.startswith("test")
    return JudgedTable(QUANTITIES[quantity], layer_plot(g, quantity) if drawn else None, rows, show(j.trained))
