"""The verdict line of one run."""

from __future__ import annotations

import numpy as np

from verifier.kernel.statements import Barrier, EndpointValue, EveryWidthLowerBound, PathUpperBound
from verifier.kernel.statements.kept import kept_word
from verifier.networks.architecture import Architecture
from verifier.numbers import show_down, show_up
from verifier.outcomes import FROZEN, PATHS, Outcome
from verifier.pipeline.work import Work

# Beside every gap of a path that ends in a permuted copy of B.
UP_TO = " up to permutation"
# What F is, and along what, beside every verdict that rests on it.
WEIGHTED = "F the weighted mean"
BALANCED = "weight decay along the balanced image of the stored path"


def verdict(
    work: Work, ends: list[EndpointValue], level: float | None, *, weighted: bool, architecture: Architecture
) -> tuple[Outcome, str]:
    """The verdict line: of the paths between A and B themselves, and only where there is none of those up to permutation. With a level, the question is
    whether a path stays at or below it."""
    E = max(c.upper for c in ends)
    dss = next((e for e in work.estimates if e.construction == "dss"), None)
    options = work.record["provenance"]["options"]
    # A run with frozen layers asks about the paths that keep them, and has certified only such paths.
    kept = kept_word(options["output_layer"], options["hidden_layers"])
    beside = f"E = {E:.4g}" + (
        f"; DSS estimate {dss.gap:.2g}, sampled{', stopped early' if dss.stopped else ''}" if dss else ""
    )
    beside += f"; {WEIGHTED}" if weighted else ""
    # Dense networks are described by the line of the data, as are these; but of these a reader must know that layers are channels.
    beside += f"; {architecture.short}" if architecture.geometry is not None else ""
    bounds = work.between or work.bounds
    up_to = "" if work.between else UP_TO
    quoted = min(bounds, key=lambda b: np.inf if b.gap_over_level is None else b.gap_over_level, default=None)
    if quoted is not None and any(
        c.path == quoted.method and c.form == "balanced" for c in work.claims if isinstance(c, PathUpperBound)
    ):
        beside += f"; {BALANCED}"
    ends_of = work.record["endpoints"]
    narrow = [name for name, e in ends_of.items() if e["padded_from"] is not None]
    if narrow:
        widths = "-".join(map(str, work.record["architecture"]["widths"]))
        beside += f"; {' and '.join(narrow)} padded with dead neurons to {widths}"
        beside += "" if options["polish"] else f", the same function{'s' if len(narrow) > 1 else ''}"
    if less := [name for name, e in ends_of.items() if e["source"].get("left_out")]:
        beside += f"; {' and '.join(less)} without entries of the file{'s' if len(less) > 1 else ''} that were left out as asked"
    if options["polish"]:
        beside += "; between the polished copies of A and B, not the networks that were loaded"
    if up_to and quoted is not None:
        beside += f"; along the path {quoted.method} from A to B with its hidden neurons permuted, the same function"
    path = PATHS[kept]
    barrier = max((c for c in work.claims if isinstance(c, Barrier)), key=lambda c: c.level, default=None)
    if level is not None:
        if max(c.lower for c in ends) > level:
            return (
                Outcome.REFUTED,
                f"REFUTED no path stays at or below level {level!r}: an endpoint lies above it ({beside})",
            )
        if barrier is not None and barrier.level > level:
            return (
                Outcome.REFUTED,
                f"REFUTED no {path} stays at or below level {level!r}: every such path reaches {barrier.level!r} ({beside})",
            )
        best = min((b.gap_over_level for b in bounds if b.gap_over_level is not None), default=None)
        if best == 0.0:
            return Outcome.CERTIFIED, f"CERTIFIED a {path} stays at or below level {level!r}{up_to} ({beside})"
        found = (
            "no path was certified" if best is None else f"the best path exceeds it by at most {show_up(best)}{up_to}"
        )
        return Outcome.INCONCLUSIVE, f"INCONCLUSIVE level {level!r}: {found} ({beside})"
    if not bounds:
        why = "; ".join(work.record["skipped"]) or "what was asked for proposes none"
        wide = max((c.lower for c in work.claims if isinstance(c, EveryWidthLowerBound)), default=None)
        also = "" if wide is None else f"; certified: F >= {show_down(wide, 8)} for one hidden layer of any width"
        also += "" if barrier is None else f"; certified: gap >= {show_down(barrier.gap)} over E for every {path}"
        return Outcome.INCONCLUSIVE, f"INCONCLUSIVE no path was certified: {why}{also} ({beside})"
    # Digits enough to tell the two ends apart. A barrier is about paths between A and B themselves.
    low = "" if barrier is None or up_to else f"{show_down(barrier.gap, 9)} <= "
    where = f"{FROZEN[kept]}; " if kept in FROZEN else ""
    return (
        Outcome.CERTIFIED,
        f"CERTIFIED {low}gap <= {show_up(bounds[0].gap, 9 if low else 4)}{up_to} ({where}{beside})",
    )
