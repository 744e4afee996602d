"""A path's moves for display: kinds and bounds as the kernel finds them today, samples and labels beside them, quiet moves in runs."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from verifier.numbers import show_up
from verifier.report.fields import estimate, numbers, table
from verifier.report.recheck import CheckedPath

QUIET = ("idle", "transfer")
KINDS = ("head", "idle", "transfer", "chord", "rescale")


@dataclass(frozen=True)
class PathCurve:
    """What is drawn and tabulated of one path.

    kinds: per move, as claimed and checked. uppers: per move, from the kernel today. Both () when the path was rejected.
    position, F: sampled, in moves (k + t for time t of move k). changes: per vertex, the share of (sample, neuron) pairs switched against A,
    a float64 count; None when not recorded.
    """

    name: str
    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    uppers: tuple[float, ...]
    position: tuple[float, ...]
    F: tuple[float, ...]
    changes: tuple[float, ...] | None

    @property
    def count(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Run:
    """One row of the moves table: moves `first` to `last` (1-based), all of one kind or all quiet."""

    moves: str
    kind: str
    label: str
    upper: str
    sampled: str
    switched: str


def path_curve(path: CheckedPath, record: dict[str, Any]) -> PathCurve:
    """Curve of a path; recorded samples of the wrong shape, or outside the path, are left out."""
    entry = table(table(record.get("paths")).get(path.claim.path))
    sampled = table(entry.get("sampled"))
    n = len(path.claim.moves)
    position = numbers(sampled.get("position")) or []
    F = numbers(sampled.get("F"), len(position)) or []
    if (
        len(F) != len(position)
        or any(b < a for a, b in itertools.pairwise(position))
        or not all(0 <= p <= n for p in position)
    ):
        position, F = [], []
    changes = numbers(entry.get("activation_changes"), n + 1)
    kinds = tuple(m.kind for m in path.claim.moves) if path.bounds else ()
    uppers = path.bounds.uppers if path.bounds else ()
    return PathCurve(
        path.title,
        path.labels,
        kinds,
        uppers,
        tuple(position),
        tuple(F),
        None if changes is None else tuple(changes),
    )


def groups(kinds: tuple[str, ...]) -> list[tuple[int, int]]:
    """(first, one past last) of maximal runs: idle and transfer moves together, chords together, others alone."""
    out: list[tuple[int, int]] = []
    for k, kind in enumerate(kinds):
        previous = kinds[k - 1] if k else None
        joins = (kind in QUIET and previous in QUIET) or (kind == previous == "chord")
        if joins:
            out[-1] = (out[-1][0], k + 1)
        else:
            out.append((k, k + 1))
    return out


def moves_table(curve: PathCurve) -> list[Run]:
    """Rows of the moves table."""
    rows = []
    for first, end in groups(curve.kinds):
        kinds = curve.kinds[first:end]
        named = [f"{kinds.count(k)} {k}" if len(kinds) > 1 else k for k in dict.fromkeys(kinds)]
        labels = list(dict.fromkeys(curve.labels[first:end]))
        label = labels[0] if len(labels) == 1 else f"{labels[0]} … {labels[-1]}" if labels else ""
        inside = [f for p, f in zip(curve.position, curve.F) if first <= p <= end]
        rows.append(
            Run(
                str(first + 1) if end == first + 1 else f"{first + 1}–{end}",
                ", ".join(named),
                label,
                show_up(max(curve.uppers[first:end]), 6),
                estimate(max(inside, default=None), 6),
                "–" if curve.changes is None else f"{100 * curve.changes[end]:.1f} %",
            )
        )
    return rows


def kinds_words(kinds: set[str], deep: bool) -> list[tuple[str, str]]:
    """(kind, what it does and how it is bounded) for those that occur, in the order of KINDS. deep: more than one hidden layer."""
    lemma = "the chord lemma in depth" if deep else "the chord lemma"
    meaning = {
        "head": "moves change the last layer only, where F is convex: its two ends bound F",
        "idle": "moves change neurons that reach no output: the outputs are constant",
        "transfer": "moves hand outgoing weights over between neurons with equal incoming ones: the outputs are constant",
        "chord": f"moves are straight segments that change hidden layers, bounded piece by piece, by {lemma}",
        "rescale": "moves scale neurons up and their outgoing weights down along a curve of constant outputs, then go straight to the stored vertex",
    }
    return [(k, meaning[k]) for k in KINDS if k in kinds]


def kinds_summary(kinds: tuple[str, ...]) -> str:
    """E.g. "4 head, 3 idle"; "" for a path that was rejected."""
    return ", ".join(f"{kinds.count(k)} {k}" for k in dict.fromkeys(kinds))
