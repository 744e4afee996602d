"""The exact gap of a pair as claims: the path it found, bounded like any other, and the barrier that no path avoids (docs/mathematics.md, section 8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from verifier.elaboration.barriers import LeavingFaces, Region, barrier_claim
from verifier.kernel.statements import BarrierLowerBound, Problem
from verifier.landscape.gap import ExactGap
from verifier.numbers import plural, show_down
from verifier.pipeline.record import plain
from verifier.regions.cones import redundancy_of


def barrier_of(problem: Problem, found: ExactGap, *, name: str = "exact") -> BarrierLowerBound | None:
    """The kernel's claim of the search's lower bound; None when it found none above E.

    Only the patterns that cells of the claim have are stored. Raises VerifierError when the kernel rejects it.
    """
    b = found.barrier()
    if b is None:
        return None
    cones, kinds = found.setting.neurons.cones, found.setting.neurons.kinds
    used = np.unique(np.concatenate([b.cells.ravel(), b.outside]) // kinds)
    place = np.full(len(cones.patterns), -1)
    place[used] = np.arange(len(used))

    def renumbered(codes: np.ndarray) -> np.ndarray:
        return np.where(codes >= 0, kinds * place[codes // kinds] + codes % kinds, -1)

    redundant, supports = redundancy_of(cones, used.tolist())
    redundant = redundant.copy()
    redundant[:, 0] = place[redundant[:, 0]]
    # The moving neuron's code stays first; the others are sorted by their new numbers.
    faces = renumbered(b.faces)
    order = np.argsort(faces[:, 1:], axis=1, kind="stable")
    faces[:, 1:] = np.take_along_axis(faces[:, 1:], order, axis=1)
    multipliers = b.multipliers.copy()
    multipliers[:, 1:] = np.take_along_axis(multipliers[:, 1:], order[:, :, None], axis=1)
    region = Region(
        patterns=cones.patterns[used],
        interiors=cones.interiors[used],
        redundant=redundant,
        supports=supports,
        cells=renumbered(b.cells),
        inside=b.inside,
        outside=renumbered(b.outside).tolist(),
    )
    return barrier_claim(
        problem,
        region,
        LeavingFaces(faces, b.facets, b.nu, multipliers),
        name=name,
        level=b.level,
        around="B" if b.swapped else "A",
        output_layer=found.output_layer,
    )


def exact_record(found: ExactGap, claim: BarrierLowerBound | None) -> dict[str, Any]:
    """For the report. The bracket is the search's, in float64; the certified lower bound is the claim's."""
    lower, upper = found.gap
    return {
        "lower": found.lower, "upper": found.upper, "gap_lower": lower, "gap_upper": upper, "closed": found.closed, "visited": found.visited,
        "programs": found.programs, "cells": found.setting.cells, "patterns": len(found.setting.neurons.cones.patterns),
        "component": None if claim is None else len(claim.cells), "faces": None if claim is None else len(claim.faces),
        "certified_level": None if claim is None else claim.level, "certified_gap": None if claim is None else claim.gap,
    }  # fmt: skip


def barrier_and_record(
    problem: Problem, found: ExactGap, say: Callable[[str], None]
) -> tuple[BarrierLowerBound | None, dict[str, Any]]:
    """The search's lower bound as a claim, where it has one, and its record."""
    claim = barrier_of(problem, found)
    stopped = f"; stopped after {plural(found.visited, 'cell')}, the search's bracket (float64, not certified) is [{found.lower:.6g}, {found.upper:.6g}]"
    ends = "" if found.closed else stopped
    if claim is None:
        say(f"exact: no barrier over E was found{ends}")
    else:
        say(
            f"exact: certified gap >= {show_down(claim.gap)} over E: no path leaves {plural(len(claim.cells), 'cell')} below "
            f"{show_down(claim.level, 8)} ({plural(len(claim.faces), 'face')}){ends}"
        )
    return claim, plain(exact_record(found, claim))
