"""A leading pair of a landscape with its certificate: both ends of its gap, and what every construction is certified to reach.

Figures are those of claims that the kernel has checked on reading; sampled ones stand in a certificate's record, and are shown only where a sealed
record beside it says that this code wrote that very file.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from verifier.campaign.records import keep, kept
from verifier.data.dataset import Dataset
from verifier.elaboration import kernel_problem
from verifier.errors import UsageError, VerifierError
from verifier.kernel.fast.paths import excess
from verifier.kernel.statements import BarrierLowerBound, EveryWidthLowerBound, Problem
from verifier.numbers import show_down, show_up
from verifier.objective import Objective, Risk
from verifier.options.certify import CertifyOptions
from verifier.pipeline.certify import certify
from verifier.pipeline.kept import Kept, NotThis, read_kept
from verifier.pipeline.landscape_records import LeadingPair
from verifier.pipeline.record import plain
from verifier.programs.every_width.solve import every_width_cost, require_priced

# Room between the tree's gap and certified bounds of it, over the level of the pass.
AGREES = 1e-6
# CPU seconds, by the estimate, of a bound for every width that a pair's certificate gets besides.
EVERY_WIDTH = 10.0


def pair_words(p: dict[str, Any], digits: int = 4) -> str:
    """What the kernel certifies of a pair's gap."""
    low = "" if p["certified_gap"] is None else f"{show_down(p['certified_gap'], digits)} <= "
    return f"{low}gap <= {show_up(p['upper_gap'], digits)}"


def pair_record(
    pair: LeadingPair, data: Dataset, objective: Objective, methods: tuple[str, ...], seed: int, key: str, folder: Path
) -> dict[str, Any]:
    """The pair as a record, its certificate kept or made. key: hash of the question (data, objective, options), for which a certificate is kept."""
    stem = folder / "pairs" / f"width-{pair.width}-{pair.number}"
    certificate, beside = stem.with_suffix(".safetensors"), stem.with_suffix(".json")
    problem = kernel_problem(pair.A, pair.B, Risk(objective, data.X, objective.loss.encode(data)))
    try:
        found = _kept(certificate, beside, problem, key)
        if found is None:
            found = _made(pair, data, objective, methods, seed, certificate, problem)
            keep(beside, key, {"sha256": found.certificate.digest})
        figures = _figures(found, certificate)
        _require_agreement(pair, figures)
    except VerifierError as error:
        return lost_pair(pair, error)
    return plain({**pair.as_record(), "status": "CERTIFIED", **figures})


def lost_pair(pair: LeadingPair, error: VerifierError) -> dict[str, Any]:
    """One pair's failure is a row with its reason; it is tried again next time."""
    nothing: dict[str, Any] = {"certified_gap": None, "upper_gap": None, "rows": []}
    return plain({**pair.as_record(), "status": "FAILED", "failed": str(error), **nothing})


def _kept(certificate: Path, beside: Path, problem: Problem, key: str) -> Kept | None:
    """The certificate that is there, when this code wrote it for this question and the kernel accepts it for this problem."""
    known = kept(beside, key)
    if known is None:
        return None
    try:
        found = read_kept(certificate, problem)
    except NotThis:
        return None
    return found if found.certificate.digest == known.get("sha256") and found.paths else None


def _made(
    pair: LeadingPair, data: Dataset, o: Objective, methods: tuple[str, ...], seed: int, certificate: Path, problem: Problem
) -> Kept:  # fmt: skip
    """By exact search and by every construction, into one certificate."""
    wanted = ("exact", *methods, *["every-width"] * _priced(pair, data, o))
    options = CertifyOptions(
        method=",".join(dict.fromkeys(wanted)), exhaustive=True, seed=seed, estimate_seconds=math.inf
    )
    result = certify(pair.A, pair.B, data, objective=o.options, options=options, out=certificate)
    try:
        return read_kept(certificate, problem, result.digest)
    except NotThis as why:
        raise VerifierError(f"{why}; this is a defect of verifier, please report it") from None


def _priced(pair: LeadingPair, data: Dataset, o: Objective) -> bool:
    """Whether a bound for every width exists and is quickly found."""
    try:
        require_priced(pair.A, o)
    except UsageError:
        return False
    return every_width_cost(pair.A, data.X) <= EVERY_WIDTH


def _figures(found: Kept, certificate: Path) -> dict[str, Any]:
    """How far above the exact pass does each construction stop?

    A sampled maximum below the certified barrier is marked `below`: its samples missed the pass. A certified one there is an error.
    """
    if not found.paths:
        raise VerifierError(f"{certificate}: no path was certified; this is a defect of verifier, please report it")
    barrier = max(found.barriers, key=lambda c: c.level, default=None)
    level = found.E if barrier is None else barrier.level
    widths = [c.lower for c in found.certificate.claims if isinstance(c, EveryWidthLowerBound)]
    cells = barrier if isinstance(barrier, BarrierLowerBound) else None
    rows = [
        {"method": p.path, "kind": "certified", "maximum": p.sup, "gap": p.gap, "above": excess(p.sup, level), "below": p.sup < level}
        for p in found.paths
    ] + [
        {"method": e["method"], "kind": "sampled", "maximum": e["maximum"], "gap": e["gap"], "above": e["maximum"] - level, "below": e["maximum"] < level}
        for e in found.certificate.record["estimates"]
        if not e["matched"]  # the line to a permuted copy of B may well lie below the barrier of A and B
    ]  # fmt: skip
    return {
        "E": found.E, "certified_gap": None if barrier is None else barrier.gap, "certified_level": None if barrier is None else barrier.level,
        "upper_gap": found.paths[0].gap, "upper": found.paths[0].sup, "every_width": max(widths, default=None), "component": cells and len(cells.cells),
        "faces": cells and len(cells.faces), "visited": (found.certificate.record.get("exact") or {}).get("visited"),
        "rows": sorted(rows, key=lambda r: r["maximum"]), "certificate": certificate.name, "sha256": found.certificate.digest,
    }  # fmt: skip


def _require_agreement(pair: LeadingPair, figures: dict[str, Any]) -> None:
    """Raise VerifierError when the tree's float64 gap is none that the certified bounds allow: one of the two is wrong, and it is not the kernel."""
    low, high, gap = figures["certified_gap"] or 0.0, figures["upper_gap"], pair.minima.gap
    room, least = AGREES * pair.minima.level + 10.0 * pair.resolution, pair.lowest
    if figures["every_width"] is not None and least < figures["every_width"] - room:
        raise VerifierError(
            f"the tree's least F {least:.6g} (float64) lies below {show_down(figures['every_width'], 7)}, which the kernel certifies for every width: "
            f"the tree of width {pair.width} is wrong; this is a defect of verifier, please report it"
        )
    if not low - room <= gap <= high + room:
        raise VerifierError(
            f"the tree's gap {gap:.6g} (float64) contradicts {pair_words(figures)}, which the kernel certifies: the tree of width {pair.width} is wrong; "
            "this is a defect of verifier, please report it"
        )
