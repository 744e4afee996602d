"""Running a preset: random regions cell by cell, each cell's result written whole to a file of its own, resumed where it was left.

The figures' regions are those of randomly initialised networks; the theorems count every region once, which is another measure.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from verifier.campaign.records import keep, kept
from verifier.campaign.runner import HERE, Runner
from verifier.errors import VerifierError
from verifier.files import claim_folder
from verifier.numbers import plural
from verifier.regions.arrangement import Arrangement, make_arrangement
from verifier.regions.estimate import zero_loss
from verifier.regions.patterns import pattern_of
from verifier.regions.presets import LABELS, Cell, Preset
from verifier.regions.program import make_program
from verifier.regions.rank import region_rank

Array = np.ndarray

GRID = 2.0**16


@dataclass(frozen=True)
class CellResult:
    """hits of trials regions, and what each trial came to: full, deficient, or a verdict of `verifier.regions.decide`; seconds of CPU.

    settled: trials whose float evidence was not clear and that were decided exactly. Ranks are always decided exactly.
    """

    cell: Cell
    hits: int
    counts: dict[str, int]
    settled: int
    seconds: float

    @property
    def fraction(self) -> float:
        return self.hits / self.cell.trials

    @property
    def undecided(self) -> int:
        return self.counts.get("undecided", 0)

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Clopper-Pearson interval of the fraction; undecided trials count for both ends."""
        return (
            clopper_pearson(self.hits, self.cell.trials, confidence)[0],
            clopper_pearson(self.hits + self.undecided, self.cell.trials, confidence)[1],
        )


def clopper_pearson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Exact two-sided confidence interval of a probability from `hits` in `trials` independent trials."""
    from scipy.stats import binomtest

    found = binomtest(hits, trials).proportion_ci(confidence, method="exact")
    return float(found.low), float(found.high)


def run_cell(cell: Cell) -> CellResult:
    """All trials of a cell. Reproducible: the random numbers depend on the cell alone."""
    start = time.process_time()
    entropy = [
        cell.seed,
        ("rank", "minima").index(cell.kind),
        cell.d0,
        cell.n,
        cell.d1,
        ("", *LABELS).index(cell.labels),
    ]
    rng = np.random.default_rng(entropy)
    counts: Counter[str] = Counter()
    settled = 0
    shared = _data(cell, rng) if cell.same_data else None
    for _ in range(cell.trials):
        if cell.kind == "rank":
            found = _rank_trial(cell, rng)
        else:
            found, evidence = _minimum_trial(cell, rng, shared or _data(cell, rng))
            settled += evidence == "settled"
        counts[found] += 1
    hits = counts["full"] + counts["zero_inside"] + counts["zero_on_boundary"]
    return CellResult(cell, hits, dict(sorted(counts.items())), settled, time.process_time() - start)


def _rank_trial(cell: Cell, rng: np.random.Generator) -> str:
    """K23, E.1: normal inputs, uniform weights and biases; their scale does not change the pattern."""
    arrangement = make_arrangement(rng.standard_normal((cell.n, cell.d0)), True)
    if cell.measure == "regions":
        pattern = _uniform_patterns(cell, arrangement, rng)[0]
    else:
        pattern, _ = pattern_of(rng.uniform(-1, 1, (cell.d1, cell.d0 + 1)), arrangement)
    full = region_rank(arrangement, pattern).full
    return {True: "full", False: "deficient", None: "undecided"}[full]


def _uniform_patterns(cell: Cell, arrangement: Arrangement, rng: np.random.Generator) -> tuple[Array, Array]:
    """(patterns (d1, n), weights (d1, 2) inside) of independent uniform step vectors on one-dimensional inputs (Lemma 9)."""
    ends = np.sort(np.unique(arrangement.inputs[:, 0]))
    # A threshold in each gap, or to the left of all; its two orientations give two different step vectors.
    thresholds = np.concatenate([[ends[0] - 1.0], (ends[:-1] + ends[1:]) / 2])
    t = thresholds[rng.integers(len(thresholds), size=cell.d1)]
    signs = rng.choice((-1.0, 1.0), cell.d1)
    W = np.stack([signs, -signs * t], axis=1)
    return pattern_of(W, arrangement)[0], W


def _weights(cell: Cell, rng: np.random.Generator) -> Array:
    """Uniform He initialisation of weights and biases, (d1, d0 + 1)."""
    bound = np.sqrt(6.0 / cell.d0)
    return rng.uniform(-bound, bound, (cell.d1, cell.d0 + 1))


def _on_grid(values: Any, bits: float = GRID) -> Array:
    return np.round(values * bits) / bits


def _data(cell: Cell, rng: np.random.Generator) -> tuple[Array, Array]:
    """K23, E.2: X (n, d0) uniform on the cube, y (n,) by the cell's labels.

    Everything lies on dyadic grids so coarse that targets are computed without rounding: a teacher's outputs are then exactly its outputs.
    """
    X = _on_grid(rng.uniform(-1, 1, (cell.n, cell.d0)))
    if cell.labels == "random":
        return X, rng.uniform(-1, 1, cell.n)
    if cell.labels == "teacher":
        W = _on_grid(_weights(cell, rng))
        hidden = np.maximum(X @ W[:, :-1].T + W[:, -1], 0.0)
        return X, hidden @ _alternating(cell.d1)
    squares = [X[:, i] * X[:, k] for i in range(cell.d0) for k in range(i, cell.d0)]
    terms = np.column_stack([np.ones(cell.n), X, *squares])
    return X, terms @ _on_grid(rng.uniform(-1, 1, terms.shape[1]), 2.0**12)


def _alternating(width: int) -> Array:
    """The output layer 1, -1, 1, ..."""
    return np.where(np.arange(width) % 2, -1.0, 1.0)


def _minimum_trial(cell: Cell, rng: np.random.Generator, data: tuple[Array, Array]) -> tuple[str, str]:
    X, y = data
    arrangement = make_arrangement(X, True)
    if cell.measure == "regions":
        pattern, W = _uniform_patterns(cell, arrangement, rng)
    else:
        W = _weights(cell, rng)
        pattern, _ = pattern_of(W, arrangement)
    return zero_loss(make_program(arrangement, _alternating(cell.d1), pattern, y, W))


def result_file(folder: Path, cell: Cell) -> Path:
    return folder / "cells" / f"{cell.key}.json"


def read_result(folder: Path, cell: Cell) -> CellResult | None:
    """The stored result of a cell; None when there is none that this code wrote for it, or it was changed since."""
    value = kept(result_file(folder, cell), cell.key)
    if value is None:
        return None
    return CellResult(cell, value["hits"], value["counts"], value["settled"], value["seconds"])


def write_result(folder: Path, result: CellResult) -> None:
    c = result.cell
    value: dict[str, Any] = {
        "kind": c.kind, "panel": c.panel, "d0": c.d0, "n": c.n, "d1": c.d1, "labels": c.labels, "trials": c.trials, "seed": c.seed,
        "same_data": c.same_data, "hits": result.hits, "counts": result.counts, "settled": result.settled, "seconds": result.seconds,
    }  # fmt: skip
    keep(result_file(folder, c), c.key, value)


def _work(cell: Cell, folder: Path) -> CellResult:
    result = run_cell(cell)
    write_result(folder, result)
    return result


def _lost(cell: Cell, error: VerifierError) -> CellResult:
    raise VerifierError(f"n = {cell.n}, d1 = {cell.d1}: {error}; run the command again, what is done is kept")


def run_preset(
    preset: Preset, folder: Path, *, workers: Runner = HERE, say: Callable[[str], None] = lambda text: None
) -> Iterator[CellResult]:
    """Results of all cells, stored ones first; each new one is written to `folder` before it is yielded.

    Stopping at any time loses at most the cells in work. Raises UsageError when the folder cannot be written.
    """
    claim_folder(folder, pages=("report.html",))
    known = [read_result(folder, c) for c in preset.cells]
    there = [r for r in known if r is not None]
    yield from there
    missing = [c for c, r in zip(preset.cells, known) if r is None]
    if missing and there:
        say(f"resuming: {len(there)} of {plural(len(preset.cells), 'cell')} are there")
    # Cheap cells first: a run that is stopped early still shows something of every panel.
    missing.sort(key=lambda c: c.n * c.d1)
    yield from (
        r
        for _, r in workers.run(partial(_work, folder=folder.absolute()), missing, _lost, what="cells", done=len(there))
    )
