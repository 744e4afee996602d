"""Figures 2, 3, 6, 7, 8: shares among regions, counted or sampled, against what the theorems say about them, on small cells of the presets' kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from math import ceil

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.karhadkar2023.global_minima import complete_share
from verifier.audit.karhadkar2023.one_dimensional import deficient_sets, deficient_share
from verifier.regions.experiment import run_cell
from verifier.regions.presets import LABELS, Cell, make_preset, theorem_width

PAPER = "karhadkar2023"
EPSILON = 0.1
# Of each one-sided comparison; a figure has at most a few dozen cells.
CONFIDENCE = 0.9999


@cache
def shares(cell: Cell) -> tuple[float, float, float]:
    """(hits / trials, lower, upper) of one cell, Clopper-Pearson."""
    result = run_cell(cell)
    return (result.fraction, *result.interval(CONFIDENCE))


def _cells(cells: Callable[[], list[Cell]]):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        chosen = cells()
        for k in range(count):
            cell = replace(chosen[k % len(chosen)], seed=k // len(chosen))
            yield Instance("random", f"{cell.panel}, n = {cell.n}, d1 = {cell.d1}", {"cell": cell})

    return make


def _against(level: float, instance: Instance) -> Trial:
    """level against the lower end of the share where that is enough, against the upper one where even that is not; else nothing is decided."""
    cell = instance.values["cell"]
    share, lower, upper = shares(cell)
    right = lower if lower >= level else upper
    met = lower >= level or upper < level
    return compared(level, right, met=met, text=f"share {share:.3g} of {cell.trials}: {instance.label}")


def _at_least(instance: Instance) -> Trial:
    """At least 1 - epsilon of the regions."""
    return _against(1 - EPSILON, instance)


def _counted(instance: Instance) -> Trial:
    """At least 1 - epsilon of all regions on a line, counted: those with all key neurons of Lemma 15, which are not all that have zero loss, where they are
    enough; those of full rank, which all that have it in codimension n are among, where even they are not."""
    cell = instance.values["cell"]
    lower = float(complete_share(cell.n, cell.d1 // 2, cell.d1 - cell.d1 // 2))
    upper = float(1 - deficient_share(deficient_sets(cell.n), cell.d1))
    level = 1 - EPSILON
    decided = (lower >= level or upper < level) and cell.d0 == 1 and cell.measure == "regions"
    return compared(
        level,
        lower if lower >= level else upper,
        met=decided,
        text=f"share in [{lower:.10g}, {upper:.10g}]: {instance.label}",
    )


def _exact(instance: Instance) -> Trial:
    """At least 1 - epsilon of all regions on a line, counted."""
    cell = instance.values["cell"]
    share = float(1 - deficient_share(deficient_sets(cell.n), cell.d1))
    return compared(
        1 - EPSILON, share, met=cell.d0 == 1 and cell.measure == "regions", text=f"share {share:.10g}: {instance.label}"
    )


def _half(instance: Instance) -> Trial:
    """At least half of the regions."""
    return _against(0.5, instance)


def _none_below(instance: Instance) -> Trial:
    """Fewer parameters than samples: no Jacobian of full rank."""
    cell = instance.values["cell"]
    share = shares(cell)[0]
    return Trial(share, 0.0, 1.0, cell.d1 * (cell.d0 + 1) < cell.n, text=f"share {share:.3g}: {instance.label}")


def _line(kind: str, theorem: str, measure: str, ns: tuple[int, ...]) -> list[Cell]:
    out = []
    for n in ns:
        width = ceil(theorem_width(theorem, n, EPSILON))
        width += width % 2
        for labels in LABELS if kind == "minima" else ("",):
            out.append(Cell(kind, labels or "d0 = 1", 1, n, width, labels, 140, 0, measure=measure))
    return out


def _small(name: str) -> list[Cell]:
    """Cells of a figure of ranks at small size, and as many with too few parameters."""
    cells = list(make_preset(name, "small", trials=20).cells)
    return [replace(c, d1=max(1, (c.n - 1) // (c.d0 + 1))) for c in cells] + cells


def _six_neurons(ns: tuple[int, ...]) -> list[Cell]:
    """d0 = n at the width that is enough for more than half of the regions at n = 10."""
    return [Cell("rank", "d0 = n", n, n, 6, "", 60, 0) for n in ns]


def _wide(d0: int):  # type: ignore[no-untyped-def]
    """Cells of Figures 7 and 8, many more parameters than samples."""
    return _cells(lambda: [Cell("minima", labels, d0, n, 40, labels, 60, 0) for n in (5, 10) for labels in LABELS])


STATEMENTS = [
    Statement(
        "figures.t10", PAPER, "Theorem 10 as a picture (d0 = 1)", "all but at most a fraction eps of non-empty activation regions",
        "Of all (2n)^d1 regions, counted exactly, at least 0.9 have full rank at width 2 n log(n/eps), eps = 0.1; n = 2, 4, 8, 10, 16.",
        Word.HOLDS, _cells(lambda: _line("rank", "10", "regions", (2, 4, 8, 10, 16))), _exact, count=5,
    ),
    Statement(
        "figures.t12", PAPER, "Theorem 12 as a picture (d0 = 1)", "all but at most an eps fraction of non-empty activation regions",
        "Of all (2n)^d1 regions on the line d1 = 4 n log(2n/eps) of Figure 6, half of the heads of either sign, at least 0.9 have all key neurons of Lemma 15, "
        "counted exactly, and with them zero loss whatever the labels; n = 2, 6, 10, 16, 20.",
        Word.HOLDS, _cells(lambda: _line("minima", "12", "regions", (2, 6, 10, 16, 20))), _counted, count=15,
    ),
    Statement(
        "figure6.line", PAPER, "Figure 6, caption and section E.2", "The black dashed line corresponds to the lower bound on d1 estimated for a given "
        "n and eps = 0.1 ... from Theorem 12",
        "The figure's own regions, those of He initialised networks, on the dashed line: the upper 99.99 % end of the share with zero loss is at "
        "least 0.9. Theorem 12 counts every "
        "region alike and does not say this; a narrow gap between samples is seldom hit by a random threshold.",
        Word.FAILS, _cells(lambda: _line("minima", "12", "initialisation", (10, 16, 20))), _at_least, count=9,
        hypotheses=("eps = 0.1", "regions of random initialisations"),
        no_certificate="a confidence bound of a share among sampled regions is statistics, no inequality that holds for certain",
    ),
    Statement(
        "figure2", PAPER, "Figure 2", "exactly the behavior predicted by Theorem 5, which finds full rank regions for d1 >= n/d0",
        "Cells of the preset with d1 (d0 + 1) < n, biases included, show no full rank at all; cells above are measured only.",
        Word.HOLDS, _cells(lambda: _small("figure2")), _none_below, count=32,
    ),
    Statement(
        "figure3", PAPER, "Section 7, Figure 3", "operates in the regime d0 ~ n, and shows that the necessary hidden dimension d1 remains constant in the "
        "dataset size n",
        "d0 = n and six neurons, which give full rank in more than half of the regions at n = 10: so they do for larger n. Fails: a sample is dead in a "
        "share 2^-d1 of the patterns whatever n is (t5), and with n samples one of them is; 47 %, 31 % and 7 % of 100 regions at n = 50, 100 and 200.",
        Word.FAILS, _cells(lambda: _six_neurons((10, 200))), _half, count=2, hypotheses=("regions of random initialisations",),
        no_certificate="a confidence bound of a share among sampled regions is statistics, no inequality that holds for certain",
    ),
    Statement(
        "figure3.parameters", PAPER, "Section 7, Figure 3", "the necessary hidden dimension d1 remains constant in the dataset size n",
        "Cells of the preset with d1 (d0 + 1) < n, fewer parameters than samples, show no full rank at all; what is above is figure3's.",
        Word.HOLDS, _cells(lambda: _small("figure3")), _none_below, count=32,
    ),
    *[
        Statement(
            f"figure{number}", PAPER, f"Figure {number}", "most of the regions contain a global minimum",
            f"Share of sampled regions with zero loss, d0 = {d0}, width 40, n = 5 and 10: its lower 99.99 % end is at least one half.",
            Word.HOLDS, _wide(d0), _half, count=6, hypotheses=("a measurement: no bound is given for regions drawn by initialising weights",),
        )
        for number, d0 in ((7, 2), (8, 5))
    ],
]  # fmt: skip
