"""A barrier between different sign counts as a claim, from the search over networks with one neuron fewer (docs/mathematics.md, section 12)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from verifier.elaboration.sign_counts import sign_count_claim
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.statements import Problem, SignCountBarrier
from verifier.kernel.statements.kept import of_paths
from verifier.landscape.sign_count.search import NarrowMinimum
from verifier.numbers import plural, show_down
from verifier.pipeline.record import plain


def narrow_claim(problem: Problem, found: NarrowMinimum, name: str = "sign-count") -> SignCountBarrier:
    """The kernel's claim of what the search proved. Raises VerifierError when the kernel rejects it."""
    nu, slopes, pulls = (np.array([getattr(d, part) for d in found.duals]) for part in ("nu", "slopes", "pulls"))
    return sign_count_claim(
        problem, name=name, positive=found.narrow.signs.count(1), directions=found.narrow.directions, tree=found.tree,
        nu=nu, slopes=slopes, pulls=pulls,
    )  # fmt: skip


def narrow_record(found: NarrowMinimum) -> dict[str, Any]:
    """For the report. The bracket of the least F is the search's, in float64."""
    return plain(
        {
            "positive": found.narrow.signs.count(1), "lower": found.lower, "upper": found.upper, "closed": found.closed,
            "programs": found.programs, "cpu_seconds": found.seconds,
        }
    )  # fmt: skip


def narrow_barrier(
    problem: Problem, minima: Sequence[NarrowMinimum], say: Callable[[str], None], name: str = "sign-count"
) -> tuple[SignCountBarrier | None, dict[str, Any]]:
    """The highest of the barriers, None when none lies above E, and the record of its search."""
    best = max(minima, key=lambda m: m.lower)
    E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
    claim = narrow_claim(problem, best, name) if best.lower > E else None
    if claim is not None and claim.gap == 0.0:
        claim = None
    ends = "" if best.closed else f"; stopped at [{best.lower:.6g}, {best.upper:.6g}] (float64, not certified)"
    cost = f"{plural(best.programs, 'program')}, {best.seconds:.2f} CPU s"
    if claim is None:
        say(f"{name}: no barrier over E was found{ends}, {cost}")
    else:
        say(
            f"{name}: certified gap >= {show_down(claim.gap)} over E: every path {of_paths(claim.output_layer)} leads through a network with "
            "one neuron at 0, where F >= "
            f"{show_down(claim.level, 8)} ({len(claim.nu)} cones){ends}, {cost}"
        )
    return claim, narrow_record(best)
