"""One self-contained page about a sweep, from its rows and statistics: the paper's tables redone, gap against width, failures, costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verifier.files import atomic_write_bytes
from verifier.numbers import plural, show_down, show_up
from verifier.pages.sweep_plot import Point, gap_plot
from verifier.pages.sweep_published import PrintedTable, printed
from verifier.pipeline.verdict_line import WEIGHTED
from verifier.report.fields import estimate
from verifier.report.html import render_page
from verifier.report.svg import Picture
from verifier.sweep.statistics import Interval
from verifier.sweep.summary import AUTHOR, CERTIFIED, FORMULA, SAMPLED, Figures, Group, Summary, WidthComparison

Row = dict[str, Any]
LARGEST = 20  # pairs named one by one
# How each kind of figure is called, and the tone of its badge.
EVIDENCE = {
    CERTIFIED: ("certified", "ok"),
    SAMPLED: ("DSS, sampled", "note"),
    FORMULA: ("smallest exceedance", "note"),
    AUTHOR: ("author's records", "note"),
}
TONES = {"certified": "ok", "inconclusive": "warn", "refuted": "bad", "rejected": "bad", "failed": "bad"}


@dataclass(frozen=True)
class GapRow:
    """A line of a table of gaps, as text. tone: of the badge that names the evidence."""

    width: int
    evidence: str
    tone: str
    pairs: str
    mean: str
    interval: str
    median: str
    maximum: str
    zero: str
    hit_rate: str


@dataclass(frozen=True)
class TestRow:
    """A line of the table of comparisons between widths."""

    __test__ = False
    evidence: str
    tone: str
    widths: str
    U: str
    p_less: str
    p_U: str
    delta: str
    p_max: str
    share_max: str


@dataclass(frozen=True)
class RecordRow:
    """A pair of the paper's, as text: the author's figure, the same formula found again, DSS's maximum and the certified gap, all over E."""

    width: int
    seeds: str
    author: str
    formula: str
    sampled: str
    certified: str


@dataclass(frozen=True)
class Section:
    """One experiment. table: number of the paper's table that is redone, or None. records: its pairs beside the author's records of them."""

    name: str
    data: str
    table: int | None
    gaps: list[GapRow]
    tests: list[TestRow]
    picture: Picture | None
    shared: bool
    missing: int
    records: list[RecordRow]


def write_sweep_report(rows: Sequence[Row], summary: Summary, out: str | Path, *, name: str) -> Path:
    """Write the page, whole or not at all; returns where. Raises UsageError when the place cannot be written."""
    target = Path(out)
    atomic_write_bytes(target, render_sweep(rows, summary, name=name).encode("utf-8"))
    return target


def render_sweep(rows: Sequence[Row], summary: Summary, *, name: str) -> str:
    """The page as text. name: of the sweep, for the title."""
    return render_page("sweep.html.jinja", _context(list(rows), summary, name))


def _context(rows: list[Row], summary: Summary, name: str) -> dict[str, Any]:
    statuses = [r["status"] for r in rows]
    bad = [r for r in rows if r["status"] != "certified"]
    positive = sorted((r for r in rows if r["gap"]), key=lambda r: -r["gap"])[:LARGEST]
    return {
        "name": name,
        "word": _word(statuses),
        "tone": "bad" if any(TONES[s] == "bad" for s in statuses) else "warn" if bad else "ok",
        "sentence": _sentence(rows),
        "sections": [_section(e, summary, rows) for e in dict.fromkeys(g.experiment for g in summary.groups)],
        "failures": [{**r, "tone": TONES[r["status"]]} for r in bad],
        "largest": [
            {**r, "gap_text": show_up(r["gap"]), "E_text": show_up(r["E"]), "dss_text": estimate(r["sampled_gap_dss"])}
            for r in positive
        ],
        "costs": [_cost(g) for g in summary.groups],
        "total": {k: f"{sum(g.cpu[k] for g in summary.groups):.1f}" for k in ("certify", "check", "dss")},
    }


def _word(statuses: list[str]) -> str:
    for status, word in (("refuted", "REFUTED"), ("rejected", "REJECTED"), ("failed", "FAILED ROWS")):
        if status in statuses:
            return word
    return "INCONCLUSIVE" if "inconclusive" in statuses else "CERTIFIED"


def _sentence(rows: list[Row]) -> str:
    bounded = [r["gap"] for r in rows if r["gap"] is not None]
    text = f"{len(bounded)} of {plural(len(rows), 'pair')} have a certified bound on the energy gap over E"
    if bounded:
        zero = sum(g == 0.0 for g in bounded)
        least = f"{zero} of them and at most {show_up(max(bounded))} on each"
        text += f"; it is exactly 0 on {'all of them' if zero == len(bounded) else least}"
    weighted = sum(r.get("weighted") is True for r in rows)
    if weighted:
        text += f"; {WEIGHTED} of the losses, not the plain one, in {'all' if weighted == len(rows) else weighted}"
    return text + "."


def _section(name: str, summary: Summary, rows: list[Row]) -> Section:
    groups = [g for g in summary.groups if g.experiment == name]
    table = printed(groups[0].data)
    gaps = [line for g in groups for line in _gap_rows(g, table)]
    tests = [_test_row(c) for c in summary.comparisons if c.experiment == name]
    if table is not None:
        tests.insert(
            0,
            TestRow("printed", "note", "200 against 20", "–", table.p_less, "–", table.cliffs_delta, "–", table.p_max),
        )
    points = [p for g in groups for p in _points(g, table)]
    return Section(
        name,
        groups[0].data,
        None if table is None else table.number,
        gaps,
        tests,
        gap_plot(name, points),
        any(not g.independent for g in groups),
        sum(g.pairs - (g.certified.pairs if g.certified else 0) for g in groups),
        [_record_row(r) for r in rows if r["experiment"] == name and r["author_gap"] is not None],
    )


def _record_row(r: Row) -> RecordRow:
    search = lambda gap, hit: f"{estimate(gap, 3)}{', hit' if hit else ''}"
    formula, sampled = r["dss_least_exceedance"], r["sampled_gap_dss"]
    return RecordRow(
        r["width"],
        f"{r['seed_a']}, {r['seed_b']}",
        search(r["author_gap"], r["author_hit"]),
        "–" if formula is None else search(formula, r["dss_hit"]),
        "–" if sampled is None else estimate(max(0.0, sampled), 3),
        "–" if r["gap"] is None else show_up(r["gap"]),
    )


def _gap_rows(g: Group, table: PrintedTable | None) -> list[GapRow]:
    out = []
    for p in table.rows if table is not None else ():
        if p.width == g.width:
            texts = (p.mean_text, "–", p.median_text, p.maximum_text, "–", p.hit_rate)
            out.append(GapRow(g.width, "printed", "note", str(p.pairs), *texts))
    for f in (g.author, g.formula, g.sampled, g.certified):
        if f is not None:
            out.append(_figures_row(g.width, f, *EVIDENCE[f.kind], show_up if f.kind == CERTIFIED else estimate))
    if (b := g.barriers) is not None:
        proved = f"{b.pairs} of {b.of} above 0"
        out.append(
            GapRow(
                g.width,
                "certified, from below",
                "ok",
                proved,
                show_down(b.mean),
                "–",
                "–",
                show_down(b.maximum),
                "–",
                "–",
            )
        )
    return out


def _figures_row(width: int, f: Figures, evidence: str, tone: str, show: Any) -> GapRow:
    hits = "–" if f.hit_rate is None else estimate(f.hit_rate, 3) + _between(f.hit_interval)
    zero = f"{100 * f.zero:.4g} %"
    return GapRow(
        width, evidence, tone, str(f.pairs), show(f.mean), _between(f.mean_interval).strip() or "–", show(f.median), show(f.maximum), zero, hits,
    )  # fmt: skip


def _between(i: Interval | None) -> str:
    return "" if i is None else f" [{estimate(i.lower, 3)}, {estimate(i.upper, 3)}]"


def _test_row(c: WidthComparison) -> TestRow:
    r = c.result
    texts = (estimate(v, 3) for v in (r.p_less, r.p_U, r.cliffs_delta, r.p_max, r.share_max))
    return TestRow(*EVIDENCE[c.kind], f"{c.wide} against {c.narrow}", estimate(r.U), *texts)


def _points(g: Group, table: PrintedTable | None) -> list[Point]:
    out = []
    for f in (g.certified, g.sampled):
        if f is not None:
            i = f.mean_interval
            out.append(Point(f.kind, g.width, f.mean, f.maximum, None if i is None else (i.lower, i.upper)))
    for p in table.rows if table is not None else ():
        if p.width == g.width:
            out.append(Point("printed", g.width, p.mean, p.maximum))
    return out


def _cost(g: Group) -> dict[str, str]:
    per_pair = (g.cpu["certify"] + g.cpu["check"]) / max(1, g.pairs)
    spent = {k: f"{v:.1f}" for k, v in g.cpu.items()}
    return {"experiment": g.experiment, "width": str(g.width), "pairs": str(g.pairs), **spent, "per_pair": f"{per_pair:.2f}"}  # fmt: skip
