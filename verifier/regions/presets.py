"""The experiments of Karhadkar et al. 2023 (section 7, Figures 2 and 3; section E.2, Figures 6 to 8) and Theorems 10 and 12 as grids of cells.

The paper's text does not give its grids; these are ours. "full" is meant for the background, "small" for a look and for tests.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from json import dumps
from math import log

from verifier.errors import UsageError

LABELS = ("polynomial", "teacher", "random")
SIZES = ("full", "small")
EPSILON = 0.1  # of the line d1 = 4 n log(2 n / epsilon)


@dataclass(frozen=True)
class Cell:
    """One square of a heat map: `trials` random regions of d1 neurons on n samples in dimension d0, hidden biases on.

    kind "rank": is the Jacobian of full column rank; "minima": does the closed region hold a zero-loss point. labels: one of LABELS, or "".
    measure: "initialisation" draws weights and takes their region, as the figures do; "regions" draws each of the (2n)^d1 regions with equal
    probability (d0 = 1, Lemma 9), which is what Theorems 10 and 12 speak about.
    same_data: all trials of a cell share inputs and targets, which is how the captions of Figures 6 to 8 read; section E.2 draws them anew.
    """

    kind: str
    panel: str
    d0: int
    n: int
    d1: int
    labels: str
    trials: int
    seed: int
    same_data: bool = False
    measure: str = "initialisation"

    @property
    def key(self) -> str:
        """Names the cell's result file; everything that decides its numbers goes in."""
        return sha256(dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Preset:
    """A figure: its cells panel by panel. line: the theorem whose width belongs into the picture, or ""."""

    name: str
    title: str
    kind: str
    cells: tuple[Cell, ...]
    line: str

    @property
    def panels(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c.panel for c in self.cells))


def _rank_fixed(size: str, trials: int, seed: int) -> tuple[Cell, ...]:
    ns, widths = (range(10, 101, 10), range(20, 201, 20)) if size == "full" else ((4, 8), (4, 16))
    return tuple(
        Cell("rank", f"d0 = {d0}", d0, n, d1, "", trials, seed) for d0 in (1, 2, 3, 5) for d1 in widths for n in ns
    )


def _rank_proportional(size: str, trials: int, seed: int) -> tuple[Cell, ...]:
    ns, widths = (range(10, 101, 10), range(2, 21, 2)) if size == "full" else ((4, 8), (2, 6))
    return tuple(
        Cell("rank", f"d0 = n/{part}" if part > 1 else "d0 = n", max(1, n // part), n, d1, "", trials, seed)
        for part in (10, 5, 2, 1)
        for d1 in widths
        for n in ns
    )


def _uniform_rank(ns: range, widths: range, size: str, trials: int, seed: int) -> tuple[Cell, ...]:
    grid = (ns, widths) if size == "full" else ((2, 4), (4, 24))
    return tuple(
        Cell("rank", "d0 = 1", 1, n, d1, "", trials, seed, measure="regions") for d1 in grid[1] for n in grid[0]
    )


def _minima(d0: int, ns: range, widths: range, size: str, trials: int, seed: int) -> tuple[Cell, ...]:
    grid = (ns, widths) if size == "full" else ((2, 4), (4, 24))
    return tuple(
        Cell("minima", labels, d0, n, d1, labels, trials, seed) for labels in LABELS for d1 in grid[1] for n in grid[0]
    )


FIGURES = {
    "figure2": ("full rank, input dimension fixed", "rank", 100),
    "figure3": ("full rank, input dimension proportional to the number of samples", "rank", 100),
    "figure6": ("zero-loss minima, d0 = 1", "minima", 140),
    "figure7": ("zero-loss minima, d0 = 2", "minima", 100),
    "figure8": ("zero-loss minima, d0 = 5", "minima", 100),
    "theorem10": ("full rank, d0 = 1, all regions alike", "rank", 100),
    "theorem12": ("zero-loss minima, d0 = 1, all regions alike", "minima", 100),
}


def make_preset(
    name: str, size: str = "full", *, trials: int | None = None, seed: int = 0, same_data: bool = False
) -> Preset:
    """A figure's cells. trials: per cell; by default the paper's (100, and 140 for Figure 6), or 8 when small. Raises UsageError."""
    if name not in FIGURES or size not in SIZES:
        raise UsageError(
            f"regions: preset {name!r} of size {size!r} is unknown; expected one of {', '.join(FIGURES)}, {' or '.join(SIZES)}"
        )
    title, kind, usual = FIGURES[name]
    count = trials if trials is not None else usual if size == "full" else 8
    if count < 1:
        raise UsageError(f"regions: expected at least one trial per cell, got {count}")
    if same_data and kind == "rank":
        raise UsageError(
            "regions: the same data in every trial is a reading of Figures 6 to 8 only; leave it out for ranks"
        )
    steps, up = range(2, 21, 2), range(20, 401, 20)
    cells = {
        "figure2": lambda: _rank_fixed(size, count, seed),
        "figure3": lambda: _rank_proportional(size, count, seed),
        "figure6": lambda: _minima(1, steps, up, size, count, seed),
        "theorem10": lambda: _uniform_rank(steps, up, size, count, seed),
        "theorem12": lambda: tuple(replace(c, measure="regions") for c in _minima(1, steps, up, size, count, seed)),
        "figure7": lambda: _minima(2, range(5, 51, 5), range(10, 101, 10), size, count, seed),
        "figure8": lambda: _minima(5, range(5, 51, 5), range(5, 51, 5), size, count, seed),
    }[name]()
    line = {"figure6": "12", "theorem12": "12", "theorem10": "10"}.get(name, "")
    return Preset(name, title, kind, tuple(replace(c, same_data=same_data) for c in cells), line)


def theorem_width(theorem: str, n: float, epsilon: float = EPSILON) -> float:
    """The width from which on at most a share epsilon of all regions lacks what the theorem promises, d0 = 1.

    "12": 4 n log(2 n / epsilon), with heads of alternating sign. "10": 2 n log(n / epsilon).
    """
    return 4 * n * log(2 * n / epsilon) if theorem == "12" else 2 * n * log(n / epsilon)
