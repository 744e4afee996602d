"""`landscape`: merge trees of one data set for several widths, certificates of their highest barriers, and how far constructions stop above them.

One folder holds everything: width-M-minima.csv, width-M-tree.csv, width-M-components.csv, width-M-landscape.safetensors, pairs/, landscape.json,
report.html. Trees and their certificates are made on every run; certificates of pairs are kept, checked again.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from verifier.campaign.runner import HERE, Runner
from verifier.data.dataset import Dataset
from verifier.data.targets import said
from verifier.data.weights import require_unweighted
from verifier.errors import UsageError, VerifierError
from verifier.files import atomic_write_bytes, claim_folder
from verifier.landscape.setting import LandscapeSetting, make_setting
from verifier.landscape.tree import MOST_CELLS, merge_tree, require_size
from verifier.numbers import plural, show_down, show_up
from verifier.objective import Objective, Risk
from verifier.outcomes import Outcome
from verifier.pipeline.landscape_critical import connected, critical_record, critical_words
from verifier.pipeline.landscape_pairs import lost_pair, pair_record, pair_words
from verifier.pipeline.landscape_records import LeadingPair, pairs_of, tree_record, write_tables
from verifier.pipeline.landscape_whole import MOST_FACES, require_no_larger, whole_record, whole_words
from verifier.pipeline.provenance import provenance
from verifier.pipeline.record import plain

# What stands beside the exact gap of a pair, in order of cost.
METHODS = ("line", "halves", "exchange", "theorem2", "dss")


# A width's record, and the pairs of its minima that are to be certified.
Built = tuple[dict[str, Any], list[LeadingPair]]


@dataclass(frozen=True)
class LandscapeTask:
    """Everything that determines the results. compare: pairs of minima per width to certify. certify_faces: cells and faces up to which a whole landscape
    is certified. critical: widths are gone through until one is certified to be connected at every level."""

    data: Dataset
    objective: Objective
    hidden_bias: bool = True
    output_bias: bool = False
    most_cells: int = MOST_CELLS
    compare: int = 2
    methods: tuple[str, ...] = METHODS
    seed: int = 0
    certify_faces: int = MOST_FACES
    critical: bool = False

    def setting(self, width: int) -> LandscapeSetting:
        require_unweighted(self.data, "landscape")
        targets = self.objective.loss.encode(self.data)
        risk = Risk(self.objective, self.data.X, targets)
        return make_setting(risk, width, hidden_bias=self.hidden_bias, output_bias=self.output_bias)

    def key(self, pair: LeadingPair) -> str:
        """Hash of the question that a pair's certificate answers."""
        about = (self.data.sha256(), repr(self.objective), self.hidden_bias, self.output_bias, self.methods, self.seed)
        return hashlib.sha256(repr((about, pair.width, pair.number)).encode()).hexdigest()


@dataclass(frozen=True)
class LandscapeResult:
    """record: what the report is made from. folder: where everything lies."""

    record: dict[str, Any]
    folder: Path

    @property
    def exit_code(self) -> int:
        """1 when a pair failed: what the kernel does not accept is a defect; 3 when the critical width was asked for and is not known."""
        if any("failed" in p for w in self.record["widths"] for p in w.get("pairs", ())):
            return 1
        return Outcome.INCONCLUSIVE.exit_code if self.undecided else 0

    @property
    def undecided(self) -> bool:
        """Whether the critical width was asked for and is not known."""
        return (self.record["critical"] or {"width": 0})["width"] is None

    @property
    def sentence(self) -> str:
        """The one verdict line: first what float64 programs computed, then what the kernel certified, each under its own word."""
        trees = [w for w in self.record["widths"] if "refused" not in w]
        pairs = [(w, p) for w in trees for p in w["pairs"]]
        failed = sum("failed" in p for _, p in pairs)
        computed = "; ".join(width_words(w) for w in trees if not is_certified(w)) or ("" if trees else "no width")
        certified = "; ".join(
            [f"width {w['width']}: {whole_words(w['whole'])}" for w in trees if is_certified(w)]
            + [
                f"width {w['width']}, minima {p['younger']} and {p['older']}: {pair_words(p, 7)}"
                for w, p in pairs
                if "failed" not in p
            ]
        )
        if (least := every_width(self.record)) is not None:
            certified += f"; F >= {show_down(least, 7)} for one hidden layer of any width"
        word = f"FAILED {failed} of {plural(len(pairs), 'pair')}; " if failed else ""
        if (critical := critical_words(self.record)) and self.undecided:
            word += f"INCONCLUSIVE: {critical}; "
        elif critical:
            certified = f"{critical}; {certified}"
        # Minima and passes that differ by less than an interval of the certificate are not told apart in it.
        longest = max((w["whole"]["longest"] for w in trees if is_certified(w)), default=None)
        aside = "" if longest is None else f" (landscapes but for differences of at most {show_up(longest, 2)})"
        return f"{word}{f'COMPUTED in float64: {computed}; ' if computed else ''}" + (
            f"CERTIFIED by the kernel{aside}: {certified}" if certified else "nothing certified"
        )


def every_width(record: dict[str, Any]) -> float | None:
    """The highest number that pairs' certificates prove F of no network to be below, whatever its width; None where none does."""
    found = [p["every_width"] for w in record["widths"] for p in w.get("pairs", ()) if p.get("every_width") is not None]
    return max(found, default=None)


def is_certified(w: dict[str, Any]) -> bool:
    """Whether a width's whole landscape is certified."""
    return bool(w.get("whole", {}).get("status") == "CERTIFIED")


def width_words(w: dict[str, Any]) -> str:
    """What was computed of a width."""
    n = w["minima_count"]
    text = f"width {w['width']}: {plural(n, 'minimum', 'minima')} in {plural(w['cells'], 'cell')}"
    if w["largest_gap"] == 0.0:
        return f"{text}, no barrier found"
    return f"{text}, largest gap {w['largest_gap']:.6g} at level {w['level']:.6g}"


def run_landscape(
    task: LandscapeTask,
    widths: Sequence[int],
    out: str | Path,
    *,
    workers: Runner = HERE,
    say: Callable[[str], None] | None = None,
) -> LandscapeResult:
    """Build the landscapes of all widths in the folder `out`, and certify their leading pairs. With `task.critical` the widths are 1, 2, ..., as far as is
    needed.

    Raises UsageError when the data and objective are none that cells cover, or when a width alone has too many cells; among several
    widths, one that is too large becomes a row that says so.
    """
    say = say or (lambda text: None)
    folder = claim_folder(out, known={"landscape.json": ("format", "widths", "provenance")}, pages=("report.html",))
    widths = [1] if task.critical else widths
    for width in widths:
        setting = task.setting(width)
        if len(widths) == 1:
            require_size(setting, task.most_cells)
    say(
        f"data {task.data.name}: {plural(task.data.samples, 'sample')}, {plural(task.data.dimension, 'feature')}; loss {task.objective.loss.name}, "
        f"kappa {task.objective.kappa:g}, penalty {task.objective.penalty}; {setting.neurons.count // 2} activation patterns of one neuron"
    )
    for words in said(task.data):
        say(words)
    build = partial(_width, task=task, folder=folder.absolute())
    built = (
        _until_connected(build) if task.critical else workers.in_order(build, list(widths), _lost_width, what="widths")
    )
    records = [record for record, _ in built]
    for w in records:
        say(w.get("refused") or f"{width_words(w)}; {plural(w['programs'], 'program')}, {w['cpu_seconds']:.2f} CPU s")
        if "refused" not in w:
            say(_said_of_whole(w))
    wanted = [(w, pair) for w, pairs in built for pair in pairs]
    certify_pair = partial(_pair, task=task, folder=folder.absolute())
    found = workers.in_order(certify_pair, [pair for _, pair in wanted], lost_pair, what="pairs")
    for (w, pair), row in zip(wanted, found):
        w["pairs"].append(row)
        require_no_larger(w, row)
        say(
            f"{pair.name}: "
            + (f"failed: {row['failed']}" if "failed" in row else f"{pair_words(row)}; {row['certificate']}")
        )
    record = plain(
        {
            "format": "verifier-landscape", "widths": records,
            "data": {"name": task.data.name, "samples": task.data.samples, "features": task.data.dimension, "recipe": task.data.recipe},
            "objective": {
                **asdict(task.objective.options),
            },
            "hidden_bias": task.hidden_bias, "output_bias": task.output_bias, "critical": critical_record(records) if task.critical else None,
            "provenance": provenance({"widths": [w["width"] for w in records], "seed": task.seed}),
        }
    )  # fmt: skip
    atomic_write_bytes(folder / "landscape.json", (json.dumps(record, indent=1, allow_nan=False) + "\n").encode())
    return LandscapeResult(record, folder)


def _until_connected(build: Callable[[int], Built]) -> list[Built]:
    """Widths from 1 on, up to the first that is certified to be connected, or that nothing decides."""
    built = []
    for width in itertools.count(1):
        built.append(build(width))
        if connected(built[-1][0]) is not False:
            break
    return built


def _said_of_whole(w: dict[str, Any]) -> str:
    """One line on what is certified of a width's landscape."""
    found = w["whole"]
    if not is_certified(w):
        return f"width {w['width']}: the landscape is not certified: {found['why']}"
    return (
        f"width {w['width']}: certified, with the number of components at every level outside {plural(found['intervals'], 'interval')} no longer than "
        f"{show_up(found['longest'], 2)}; {found['certificate']}"
    )


def _lost_width(width: int, error: VerifierError) -> Built:
    raise VerifierError(f"width {width}: {error}")


def _width(width: int, *, task: LandscapeTask, folder: Path) -> Built:
    """The merge tree of one width as a record, its tables and its certificate written, and the pairs to certify."""
    setting = task.setting(width)
    try:
        tree = merge_tree(setting, most_cells=task.most_cells)
    except UsageError as error:
        return {"width": width, "refused": str(error), "cells": setting.cells}, []
    write_tables(tree, folder)
    whole = whole_record(tree, task.data, folder, task.certify_faces)
    return {**tree_record(tree), "whole": whole}, pairs_of(tree, task.compare)


def _pair(pair: LeadingPair, *, task: LandscapeTask, folder: Path) -> dict[str, Any]:
    return pair_record(pair, task.data, task.objective, task.methods, task.seed, task.key(pair), folder)
