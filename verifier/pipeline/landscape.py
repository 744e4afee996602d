"""`landscape`: merge trees of one data set for several widths, certificates of their highest barriers, and how far constructions stop above them.

One folder holds everything: width-M.json (the record of a width), width-M-minima.csv, width-M-tree.csv, width-M-components.csv, pairs/, report.html.
Run again with the same options, what is there is kept.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verifier.data.dataset import Dataset
from verifier.errors import UsageError, VerifierError
from verifier.files import atomic_write_bytes, file_sha256
from verifier.landscape.faces import FaceValues
from verifier.landscape.minima import distinct, leading_pairs, minimum_network
from verifier.landscape.setting import LandscapeSetting, make_setting
from verifier.landscape.tree import MOST_CELLS, MergeTree, merge_tree, require_size
from verifier.networks.network import Network, one_hidden_layer
from verifier.numbers import show_down, show_up
from verifier.objective import Objective
from verifier.pipeline.provenance import provenance
from verifier.pipeline.record import plain

VERSION = 1
# What stands beside the exact gap of a pair, in order of cost.
METHODS = ("line", "halves", "exchange", "theorem2", "dss")
# The line to a permuted copy of B may well lie below the barrier of A and B.
ANOTHER_PAIR = "line after matching"
LISTED = 40  # minima and joins in a record; the tables have all


@dataclass(frozen=True)
class LandscapeTask:
    """Everything that determines the results. compare: pairs of minima per width to certify."""

    data: Dataset
    objective: Objective
    hidden_bias: bool = True
    output_bias: bool = False
    most_cells: int = MOST_CELLS
    compare: int = 2
    methods: tuple[str, ...] = METHODS
    seed: int = 0

    def setting(self, width: int) -> LandscapeSetting:
        targets = self.objective.loss.encode(self.data)
        return make_setting(
            self.data.X, targets, self.objective, width, hidden_bias=self.hidden_bias, output_bias=self.output_bias
        )

    def fingerprint(self, width: int) -> str:
        """Of everything a width's record depends on."""
        about = (VERSION, self.data.sha256(), repr(self.objective), self.hidden_bias, self.output_bias, self.compare)
        return hashlib.sha256(repr((about, self.methods, self.seed, width)).encode()).hexdigest()


@dataclass(frozen=True)
class LandscapeResult:
    """record: what the report is made from. folder: where everything lies."""

    record: dict[str, Any]
    folder: Path

    @property
    def exit_code(self) -> int:
        """1 when a pair failed: what the kernel does not accept is a defect."""
        return int(any("failed" in p for w in self.record["widths"] for p in w.get("pairs", ())))

    @property
    def sentence(self) -> str:
        """The one verdict line."""
        trees = [w for w in self.record["widths"] if "refused" not in w]
        parts = [_width_words(w) for w in trees]
        certified = any(p.get("certified_gap") is not None for w in trees for p in w["pairs"])
        failed = sum("failed" in p for w in trees for p in w["pairs"])
        if failed:
            parts.append(f"{failed} of {sum(len(w['pairs']) for w in trees)} pairs failed")
        word = "FAILED" if failed else "CERTIFIED" if certified else "COMPUTED"
        what = (
            "the kernel checked both ends of each <=; counts, and which gap is the largest, are float64"
            if certified
            else "float64 programs, nothing certified"
        )
        return f"{word} {'; '.join(parts)} ({what})"

    def report(self, path: str | Path | None = None) -> Path:
        """Write the HTML page, from the record alone."""
        from verifier.report.landscape import write_landscape_report

        return write_landscape_report(self.record, self.folder / "report.html" if path is None else path)


def _width_words(w: dict[str, Any]) -> str:
    text = f"width {w['width']}: {w['minima_count']} minima in {w['cells']} cells"
    pair = w["pairs"][0] if w["pairs"] else None
    if w["largest_gap"] == 0.0:
        return f"{text}, no barrier"
    if pair is not None and pair.get("certified_gap") is not None:
        return f"{text}, {show_down(pair['certified_gap'], 7)} <= largest gap <= {show_up(pair['upper_gap'], 7)}"
    return f"{text}, largest gap {w['largest_gap']:.6g} at level {w['level']:.6g}"


def _pair_words(p: dict[str, Any]) -> str:
    if "failed" in p:
        return f"failed: {p['failed']}"
    low = "" if p["certified_gap"] is None else f"{show_down(p['certified_gap'])} <= "
    return f"{low}gap <= {show_up(p['upper_gap'])}; {p['certificate']}"


def run_landscape(
    task: LandscapeTask,
    widths: Sequence[int],
    out: str | Path,
    *,
    jobs: int = 1,
    say: Callable[[str], None] | None = None,
) -> LandscapeResult:
    """Build, or take up, the landscapes of all widths in the folder `out`, and certify their leading pairs. jobs: processes.

    Raises UsageError when the data and objective are none that cells cover, or when a width alone has too many cells; among several
    widths, one that is too large becomes a row that says so.
    """
    say = say or (lambda text: None)
    folder = Path(out)
    for width in widths:
        setting = task.setting(width)
        if len(widths) == 1:
            require_size(setting, task.most_cells)
    say(
        f"data {task.data.name}: {task.data.samples} samples, {task.data.dimension} features; loss {task.objective.loss.name}, "
        f"kappa {task.objective.kappa:g}, penalty {task.objective.penalty}; {setting.neurons.count // 2} activation patterns of one neuron"
    )
    records = _all(jobs, [(width_record, (task, width, folder)) for width in widths])
    for w in records:
        say(w.get("refused") or f"{_width_words(w)}; {w['programs']} programs, {w['cpu_seconds']:.2f} CPU s")
    wanted = [(w, k) for w in records for k in range(len(w.get("pairs", ())))]
    found = _all(jobs, [(pair_record, (task, w, k, folder)) for w, k in wanted])
    for (w, k), pair in zip(wanted, found):
        w["pairs"][k] = pair
        say(f"width {w['width']}, minima {pair['younger']} and {pair['older']}: {_pair_words(pair)}")
    record = plain(
        {
            "format": "verifier-landscape", "version": VERSION, "widths": records,
            "data": {"name": task.data.name, "samples": task.data.samples, "features": task.data.dimension, "recipe": task.data.recipe},
            "objective": {
                "loss": task.objective.loss.name, "delta": getattr(task.objective.loss, "delta", None), "kappa": task.objective.kappa,
                "penalty": task.objective.penalty, "penalise_output_bias": task.objective.penalise_output_bias,
            },
            "hidden_bias": task.hidden_bias, "output_bias": task.output_bias, "provenance": provenance({"widths": list(widths), "seed": task.seed}),
        }
    )  # fmt: skip
    _write_json(folder / "landscape.json", record)
    return LandscapeResult(record, folder)


def _all(jobs: int, calls: list[tuple[Callable[..., Any], tuple[Any, ...]]]) -> list[Any]:
    """The results in order, in this process or in several."""
    if jobs == 1 or len(calls) < 2:
        return [f(*args) for f, args in calls]
    from joblib import Parallel, delayed

    return list(Parallel(n_jobs=jobs)(delayed(f)(*args) for f, args in calls))


def _write_json(path: Path, record: dict[str, Any]) -> None:
    atomic_write_bytes(path, (json.dumps(plain(record), indent=1, allow_nan=False) + "\n").encode())


def _read_json(path: Path, fingerprint: str) -> dict[str, Any] | None:
    """The record when it is there and of the same question; else None."""
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("fingerprint") == fingerprint else None


def width_record(task: LandscapeTask, width: int, folder: Path) -> dict[str, Any]:
    """The merge tree of one width as a record, kept in the folder with its tables."""
    fingerprint, file = task.fingerprint(width), folder / f"width-{width}.json"
    known = _read_json(file, fingerprint)
    if known is not None:
        return known
    setting = task.setting(width)
    try:
        tree = merge_tree(setting, most_cells=task.most_cells)
    except UsageError as error:
        return {"width": width, "refused": str(error), "cells": setting.cells}
    record = plain({"fingerprint": fingerprint, **tree_record(tree, task.compare)})
    _write_tables(tree, folder)
    _write_json(file, record)
    return record


def tree_record(tree: MergeTree, compare: int) -> dict[str, Any]:
    """A tree for display, with the networks of its leading pairs."""
    gap, level = tree.largest_gap
    values = FaceValues(tree.setting)
    order = np.argsort(-tree.persistence, kind="stable")[:LISTED].tolist()
    pairs = []
    for p in leading_pairs(tree, compare):
        ends = {n: _arrays(minimum_network(values, tree.cells[k])) for n, k in (("A", p.younger), ("B", p.older))}
        pairs.append({"younger": p.younger, "older": p.older, "tree_level": p.level, "tree_gap": p.gap, **ends})
    connected = tree.connected
    return {
        "width": tree.setting.width, "cells": tree.cell_count, "edges": tree.edge_count, "programs": tree.programs,
        "patterns": tree.setting.neurons.count // 2, "cpu_seconds": tree.cpu_seconds, "minima_count": len(tree.values),
        "distinct_minima": distinct(tree), "lowest": tree.values[0], "largest_gap": gap, "level": level,
        "zero_network": values.value(values.face(())), "connected": connected, "connected_from": connected[-1][0],
        "minima": [{"value": v, "codes": c} for v, c in zip(tree.values[:LISTED], tree.cells[:LISTED])],
        "joins": [
            {"level": tree.passes[k], "younger": tree.younger[k], "older": tree.older[k], "gap": tree.persistence[k], "value": tree.values[tree.younger[k]]}
            for k in order
        ],
        "steps": tree.steps, "pairs": pairs,
    }  # fmt: skip


def _arrays(n: Network) -> dict[str, Any]:
    return {"W": n.W, "b": n.b, "theta": n.theta[0], "c": n.c}


def _network(arrays: dict[str, Any]) -> Network:
    W, b, theta, c = (
        None if arrays[k] is None else np.array(arrays[k], dtype=np.float64) for k in ("W", "b", "theta", "c")
    )
    assert W is not None
    assert theta is not None
    return one_hidden_layer(W, theta, b, c)


def _write_tables(tree: MergeTree, folder: Path) -> None:
    """All minima, all joins, and the number of components between all levels."""
    m = tree.setting.width
    minima = [
        [k, repr(float(v)), " ".join(map(str, c))] for k, (v, c) in enumerate(zip(tree.values, tree.cells.tolist()))
    ]
    _write_csv(folder / f"width-{m}-minima.csv", ["minimum", "F", "codes"], minima)
    joins = [
        [int(y), int(o), repr(float(p)), repr(float(tree.values[y])), repr(float(g))]
        for y, o, p, g in zip(tree.younger, tree.older, tree.passes, tree.persistence)
    ]
    _write_csv(folder / f"width-{m}-tree.csv", ["younger", "older", "pass", "F_younger", "gap"], joins)
    _write_csv(folder / f"width-{m}-components.csv", ["level", "components"], [[repr(v), c] for v, c in tree.steps])


def _write_csv(path: Path, head: list[str], rows: list[list[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    atomic_write_bytes(path, text.getvalue().encode())


def pair_record(task: LandscapeTask, w: dict[str, Any], k: int, folder: Path) -> dict[str, Any]:
    """The k-th leading pair of a width with its certificate: both ends of its gap, and what every construction is certified to reach."""
    pair = w["pairs"][k]
    fingerprint = hashlib.sha256(f"{w['fingerprint']} {k}".encode()).hexdigest()
    stem = folder / "pairs" / f"width-{w['width']}-{k + 1}"
    known = _read_json(stem.with_suffix(".json"), fingerprint)
    certificate = stem.with_suffix(".safetensors")
    if known is not None and certificate.exists() and file_sha256(certificate) == known["sha256"]:
        return known
    try:
        found = compare(task, _network(pair["A"]), _network(pair["B"]), certificate)
    except VerifierError as error:
        # One pair's failure is a row with its reason; it is tried again next time.
        return {**pair, "failed": str(error), "certified_gap": None, "upper_gap": None, "rows": []}
    record = {"fingerprint": fingerprint, **pair, **found}
    _write_json(stem.with_suffix(".json"), record)
    return plain(record)


def compare(task: LandscapeTask, A: Network, B: Network, certificate: Path) -> dict[str, Any]:
    """Certify a pair by exact search and by every construction, into one certificate; how far above the exact pass does each stop?

    A sampled maximum below the certified barrier is marked `below`: its samples missed the pass. A certified one there is an error.
    """
    from verifier.pipeline.run import certify

    o = task.objective
    result = certify(
        A, B, task.data, loss=o.loss.name, delta=getattr(o.loss, "delta", None), kappa=o.kappa, penalty=o.penalty,
        penalise_output_bias=o.penalise_output_bias, method=",".join(("exact", *task.methods)), exhaustive=True, seed=task.seed, out=certificate,
    )  # fmt: skip
    if not all(v.accepted for v in result.check()):
        raise VerifierError(f"{certificate}: the kernel rejects it; this is a defect of verifier, please report it")
    from verifier.certificate import read_certificate

    exact = read_certificate(certificate).record["exact"]
    level = exact["certified_level"] if exact["certified_level"] is not None else result.E
    rows = [
        {"method": b.method, "kind": "certified", "maximum": b.sup, "gap": b.gap, "above": b.sup - level, "below": b.sup < level}
        for b in result.bounds
    ] + [
        {"method": e.method, "kind": "sampled", "maximum": e.maximum, "gap": e.gap, "above": e.maximum - level, "below": e.maximum < level}
        for e in result.estimates
        if e.method != ANOTHER_PAIR
    ]  # fmt: skip
    upper = next(b for b in result.bounds if b.method == "exact")
    return {
        "E": result.E, "certified_gap": exact["certified_gap"], "certified_level": exact["certified_level"], "upper_gap": upper.gap, "upper": upper.sup,
        "component": exact["component"], "faces": exact["faces"], "visited": exact["visited"], "rows": sorted(rows, key=lambda r: r["maximum"]),
        "certificate": str(Path(certificate).name), "sha256": file_sha256(certificate),
    }  # fmt: skip
