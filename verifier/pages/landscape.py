"""One self-contained page about exact landscapes, made from the record that `verifier landscape` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from verifier.files import atomic_write_bytes
from verifier.kernel.statements import Objective
from verifier.numbers import plural, show_down, show_up
from verifier.pages.landscape_plot import components_plot, tree_plot, widths_plot
from verifier.pipeline.landscape_critical import critical_words
from verifier.pipeline.landscape_run import every_width, is_certified
from verifier.pipeline.landscape_whole import whole_words
from verifier.report.endpoints import objective_words
from verifier.report.fields import estimate
from verifier.report.headline import MISSED
from verifier.report.html import render_page

SHOWN = 15  # rows of joins, minima and levels on the page; the tables beside it have all


def write_landscape_report(record: dict[str, Any], out: str | Path) -> Path:
    """Write the page of `LandscapeResult.record`, whole or not at all; returns where. Raises UsageError when the place cannot be written."""
    target = Path(out)
    atomic_write_bytes(target, render_page("landscape.html.jinja", context(record)).encode("utf-8"))
    return target


def context(record: dict[str, Any]) -> dict[str, Any]:
    """What the template shows."""
    o, d = record["objective"], record["data"]
    trees = [w for w in record["widths"] if "refused" not in w]
    errors = [e for w in trees for p in w["pairs"] for e in _errors(w, p)]
    computed = [w for w in trees if not is_certified(w)]
    return {
        # What the kernel checked stands in lines of its own, under its own word. Where that is every landscape, nothing is left to be computed only.
        "word": "ERROR" if errors else "COMPUTED" if computed or not trees else "CERTIFIED",
        "tone": "bad" if errors else "note",
        "finding": _finding(computed if trees else []) if computed or not trees or errors else "",
        "certified": ([critical_words(record)] if (record.get("critical") or {}).get("width") is not None else [])
        + [f"width {w['width']}: {whole_words(w['whole'], 9)}" for w in trees if is_certified(w)]
        + [
            f"width {w['width']}, minima {p['younger']} and {p['older']}: {_interval(p)}"
            for w in trees
            for p in w["pairs"]
            if "failed" not in p
        ]
        + _least(record),
        "undecided": critical_words(record) if (record.get("critical") or {"width": 0})["width"] is None else "",
        "errors": errors,
        "objective": objective_words(
            Objective(o["loss"], o["delta"], o["kappa"], o["penalty"], o["penalise_output_bias"])
        ),
        "data": f"{d['name']}: {plural(d['samples'], 'sample')}, {plural(d['features'], 'feature')}",
        "biases": _biases(record),
        "widths": [_overview(w) for w in record["widths"]],
        "widths_picture": widths_plot(trees),
        "trees": [_tree(w) for w in trees],
        "provenance": f"verifier {record['provenance'].get('version')}, commit {record['provenance'].get('commit')}",
    }


def _finding(trees: list[dict[str, Any]]) -> str:
    parts = []
    for w in trees:
        gap = "no barrier found" if w["largest_gap"] == 0.0 else f"largest gap {w['largest_gap']:.5g}"
        parts.append(f"width {w['width']}: {gap}, connected from level {w['connected_from']:.5g}")
    return "; ".join(parts) + "." if parts else "No width."


def _interval(p: dict[str, Any]) -> str:
    """What the kernel certifies of a pair's gap."""
    low = p["certified_gap"]
    return (
        f"gap ≤ {show_up(p['upper_gap'], 9)}"
        if low is None or p["component"] is None
        else f"{show_down(low, 9)} ≤ gap ≤ {show_up(p['upper_gap'], 9)}"
    )


def _least(record: dict[str, Any]) -> list[str]:
    """How low F can be at all, where a pair's certificate proves it, and how near the trees' least minima come."""
    least = every_width(record)
    if least is None:
        return []
    near = [
        f"the least minimum of width {w['width']} has {w['lowest']:.7g} (float64)"
        for w in record["widths"]
        if "refused" not in w
    ]
    return [
        f"every width: no network of this kind, whatever its width, has F below {show_down(least, 7)}; {', '.join(near)}"
    ]


def _biases(record: dict[str, Any]) -> str:
    hidden = "with" if record["hidden_bias"] else "without"
    return f"one hidden layer {hidden} biases, {'with' if record['output_bias'] else 'without'} output bias; all layers move"


def _errors(w: dict[str, Any], p: dict[str, Any]) -> list[str]:
    """A certified path under a certified barrier, or a pair that the kernel did not accept."""
    name = f"width {w['width']}, minima {p['younger']} and {p['older']}"
    if "failed" in p:
        return [f"{name}: {p['failed']}"]
    return [
        f"{name}: {r['method']} is certified to lie under the barrier"
        for r in p["rows"]
        if r["below"] and r["kind"] == "certified"
    ]


def _overview(w: dict[str, Any]) -> dict[str, Any]:
    if "refused" in w:
        return {"width": w["width"], "refused": w["refused"], "cells": f"{w['cells']:,}"}
    return {
        "width": w["width"], "cells": f"{w['cells']:,}", "programs": f"{w['programs']:,}", "minima": w["minima_count"], "distinct": w["distinct_minima"],
        "lowest": estimate(w["lowest"]), "gap": estimate(w["largest_gap"]), "level": estimate(w["level"]) if w["joins"] else "–",
        "connected": estimate(w["connected_from"]), "seconds": f"{w['cpu_seconds']:.2f}", "refused": None,
    }  # fmt: skip


def _tree(w: dict[str, Any]) -> dict[str, Any]:
    return {
        "width": w["width"],
        "minima_count": w["minima_count"],
        "distinct": w["distinct_minima"],
        "whole": _whole(w["whole"]),
        "zero": estimate(w["zero_network"]),
        "connected": "; ".join(
            f"from {a:.6g} on" if b is None else f"from {a:.6g} up to {b:.6g}" for a, b in w["connected"]
        ),
        "picture": tree_plot(w),
        "components_picture": components_plot(w),
        "steps": [{"level": f"{level:.7g}", "count": count} for level, count in w["steps"][:SHOWN]],
        "more_steps": max(0, len(w["steps"]) - SHOWN),
        "joins": [
            {"gap": estimate(j["gap"]), "level": estimate(j["level"], 7), "value": estimate(j["value"], 7), "younger": j["younger"], "older": j["older"]}
            for j in w["joins"][:SHOWN]
        ],
        "more_joins": max(0, w["minima_count"] - 1 - SHOWN),
        "pairs": [_pair(w, p, k) for k, p in enumerate(w["pairs"]) if "failed" not in p],
    }  # fmt: skip


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    """What is certified of a landscape, or why it is not."""
    if found["status"] != "CERTIFIED":
        return {"why": found["why"]}
    return {
        "why": None,
        "words": whole_words(found, 9),
        "outside": f"{plural(found['intervals'], 'interval')} no longer than {show_up(found['longest'], 2)}",
        "connected": show_up(found["connected_from"], 9),
        "proof": f"{found['faces']} distinct cells and faces, {plural(found['duals'], 'dual')}, {plural(found['points'], 'point')}",
        "certificate": found["certificate"],
        "sha256": found["sha256"],
    }


def _pair(w: dict[str, Any], p: dict[str, Any], k: int) -> dict[str, Any]:
    low = p["certified_gap"]
    return {
        "id": f"w{w['width']}p{k}",
        "title": f"minima {p['younger']} and {p['older']}",
        "interval": _interval(p),
        "proof": ""
        if low is None or p["component"] is None
        else f"No path leaves {plural(p['component'], 'cell')} below {show_down(p['certified_level'], 9)}: {plural(p['faces'], 'dual')}, one per face.",
        "visited": p["visited"],
        "certificate": p["certificate"],
        "sha256": p["sha256"],
        "rows": [_row(r) for r in p["rows"]],
    }  # fmt: skip


def _row(r: dict[str, Any]) -> dict[str, Any]:
    certified = r["kind"] == "certified"
    note = "" if not r["below"] else "under the barrier: an error" if certified else MISSED
    return {
        "method": "exact search" if r["method"] == "exact" else r["method"],
        "kind": r["kind"],
        "maximum": f"≤ {show_up(r['maximum'], 8)}" if certified else estimate(r["maximum"], 8),
        "gap": f"≤ {show_up(r['gap'], 5)}" if certified else estimate(r["gap"]),
        "above": f"≤ {show_up(r['above'], 3)}" if certified else estimate(r["above"], 3),
        "note": note,
        "error": r["below"] and certified,
    }
