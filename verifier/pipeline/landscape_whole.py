"""A whole landscape as a certificate: what the kernel confirms of its counts, minima, passes and largest gap (docs/mathematics.md, section 15)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from verifier.certificate import make_document, write_certificate
from verifier.data.dataset import Dataset
from verifier.elaboration import kernel_problem
from verifier.elaboration.landscapes import landscape_claim
from verifier.errors import VerifierError
from verifier.kernel import check
from verifier.kernel.statements import Landscape
from verifier.kernel.statements.landscape import MOST_CELLS
from verifier.landscape.faces import FaceValues
from verifier.landscape.tree import MergeTree
from verifier.landscape.whole import whole_faces
from verifier.numbers import plural, show_down, show_up
from verifier.pipeline.consistent import BoundsContradict
from verifier.pipeline.landscape_records import networks_of, write_csv
from verifier.pipeline.record import plain

# Room between float64 figures and certified bounds of them, over F of the network that is 0.
AGREES = 1e-6
# A minimum this deep, over F of the network that is 0, has to be seen for a landscape to be called certified.
SEEN = 1e-9
MOST_FACES = 40_000
LISTED = 40  # steps in a record; the certificate has all


def whole_record(tree: MergeTree, data: Dataset, folder: Path, most_faces: int) -> dict[str, Any]:
    """The certificate of a tree written, and what it says; or why there is none. Raises VerifierError when it contradicts the tree."""
    try:
        return _certified(tree, data, folder, most_faces)
    except _NotWhole as why:
        for table in _tables(tree.setting.width):
            # Of an earlier run, about another question.
            (folder / table).unlink(missing_ok=True)
        return {"status": "COMPUTED", "why": str(why)}


class _NotWhole(Exception):
    """There is no certificate of the whole landscape, and why."""


def _certified(tree: MergeTree, data: Dataset, folder: Path, most_faces: int) -> dict[str, Any]:
    setting, m = tree.setting, tree.setting.width
    if tree.programs > most_faces or tree.cell_count > MOST_CELLS:
        raise _NotWhole(
            f"{tree.programs:,} distinct cells and faces in {tree.cell_count:,} cells are more than the {most_faces:,} in {MOST_CELLS:,} that are certified "
            "(--certify-faces raises the first)"
        )
    A, B = networks_of(tree)
    problem = kernel_problem(A, B, setting.risk)
    cones = setting.neurons.cones
    try:
        claim = landscape_claim(
            problem, cones.patterns, cones.interiors, whole_faces(FaceValues(setting)), name=f"width {m}"
        )
    except VerifierError as error:
        raise _NotWhole(str(error)) from None
    verdict = check(problem, claim)
    if not verdict.accepted:
        raise VerifierError(
            f"the kernel rejects what was just produced: {verdict.sentence}; this is a defect of verifier, please report it"
        )
    _require_agreement(tree, claim)
    # What the tree tells apart below this is the solvers' noise, on data that can be fitted exactly.
    deep = int((tree.persistence > SEEN * _size(tree)).sum())
    if deep > len(claim.joins):
        longest = float((claim.intervals[:, 1] - claim.intervals[:, 0]).max())
        raise _NotWhole(
            f"the kernel's brackets of the least F on cells and faces are as wide as {longest:.3g}, and tell "
            f"{len(claim.minima)} of {plural(deep + 1, 'minimum', 'minima')} apart"
        )
    target = folder / f"width-{m}-landscape.safetensors"
    document, arrays = make_document(
        problem, [claim], data_name=data.name, labels={}, record={"kind": "landscape", "width": m}
    )
    digest = write_certificate(target, document, arrays)
    _write_tables(claim, folder, m)
    return plain(
        {"status": "CERTIFIED", "certificate": target.name, "sha256": digest, "zero": _size(tree), **figures(claim)}
    )


def _tables(m: int) -> tuple[str, str]:
    return f"width-{m}-certified-tree.csv", f"width-{m}-certified-components.csv"


def _write_tables(claim: Landscape, folder: Path, m: int) -> None:
    """All passes and all minima as certified intervals, and the number of components between two levels. Ends of gaps are rounded outwards."""
    tree, components = _tables(m)
    ends, births = claim.intervals.tolist(), claim.minima[:, 0].tolist()
    rows: list[list[Any]] = [[0, "", *map(repr, ends[births[0]]), "", "", "", ""]]
    for t, young, old in claim.joins.tolist():
        (a, b), (low, high) = ends[t], ends[births[young]]
        gap = [max(0.0, math.nextafter(a - high, -math.inf)), math.nextafter(b - low, math.inf)]
        rows.append([young, old, repr(low), repr(high), repr(a), repr(b), *map(repr, gap)])
    write_csv(folder / tree, ["minimum", "joins", "F_from", "F_to", "pass_from", "pass_to", "gap_from", "gap_to"], rows)
    below = [*(a for a, _ in ends[1:]), None]
    steps: list[list[Any]] = [["", repr(ends[0][0]), 0]]
    steps += [[repr(b), "" if x is None else repr(x), n] for (_, b), x, n in zip(ends, below, claim.counts.tolist())]
    write_csv(folder / components, ["above", "below", "components"], steps)


def figures(claim: Landscape) -> dict[str, Any]:
    """What a claim says, for display. connected_from: F is connected at every level above. steps: (above, below or null, components) where they change."""
    starts, ends = claim.intervals.T.tolist()
    counts = claim.counts.tolist()
    changes = [i for i in range(len(counts)) if i == 0 or counts[i] != counts[i - 1]]
    until = [starts[i] for i in changes[1:]] + [None]
    last = max([int(t) for t in claim.joins[:, 0]], default=int(claim.minima[0, 0]))
    return {
        "minima": len(claim.minima), "passes": len(claim.joins), "gap_lower": claim.gap_lower, "gap_upper": claim.gap_upper,
        "intervals": len(starts), "longest": max(math.nextafter(b - a, math.inf) for a, b in zip(starts, ends)), "connected_from": ends[last],
        "lowest": [starts[0], ends[int(claim.minima[0, 0])]], "faces": len(claim.faces), "duals": len(claim.nu), "points": len(claim.points),
        "steps": [(ends[i], below, counts[i]) for i, below in zip(changes, until)][:LISTED], "more_steps": max(0, len(changes) - LISTED),
    }  # fmt: skip


def _size(tree: MergeTree) -> float:
    """F of the network that is 0."""
    return tree.setting.objective.loss.value_at_zero(tree.setting.targets)


def _require_agreement(tree: MergeTree, claim: Landscape) -> None:
    """Raise VerifierError when the float64 tree is none that the certified figures allow: one of the two is wrong, and it is not the kernel."""
    gap = tree.largest_gap[0]
    room = AGREES * _size(tree) + 10.0 * tree.resolution
    least = (claim.intervals[0, 0], claim.intervals[claim.minima[0, 0], 1])
    if claim.gap_lower - room <= gap <= claim.gap_upper + room and least[0] - room <= tree.values[0] <= least[1] + room:
        return
    raise VerifierError(
        f"the tree's largest gap {gap:.6g} or least F {tree.values[0]:.6g} (float64) contradicts {whole_words(figures(claim))}, least F in "
        f"[{least[0]!r}, {least[1]!r}], which the kernel certifies: the tree of width {tree.setting.width} is wrong; this is a defect of verifier, please "
        "report it"
    )


def require_no_larger(w: dict[str, Any], pair: dict[str, Any]) -> None:
    """Raise BoundsContradict when a pair's certified gap is larger than what the certificate of its width says any gap is."""
    whole, gap = w["whole"], pair["certified_gap"]
    if whole["status"] == "CERTIFIED" and gap is not None and gap > whole["gap_upper"]:
        raise BoundsContradict(
            f"minima {pair['younger']} and {pair['older']} of width {w['width']} have a certified gap of at least {gap!r}, and no two networks of this width "
            f"one over {whole['gap_upper']!r}; this is a defect of verifier, please report it with the data"
        )


def whole_words(w: dict[str, Any], digits: int = 7) -> str:
    """What the kernel certifies of a whole landscape."""
    n, passes = w["minima"], w["passes"]
    text = f"{plural(n, 'minimum', 'minima')}, {plural(passes, 'pass', 'passes')}"
    low = f"{show_down(w['gap_lower'], digits)} <= " if w["gap_lower"] > 0.0 else ""
    return f"{text}, {low}largest gap <= {show_up(w['gap_upper'], digits)}"
