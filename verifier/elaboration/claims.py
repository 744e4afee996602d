"""The numbers a certificate claims: the kernel's own, moved out by a margin so that another machine's BLAS confirms them too."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from verifier.elaboration.breakpoints import cut_chord
from verifier.elaboration.moves import kernel_moves, parameters
from verifier.errors import UsageError
from verifier.kernel.fast.chord import chord_between
from verifier.kernel.fast.forward import Interval, objective_at
from verifier.kernel.fast.heads import check_head, check_subnetwork_head
from verifier.kernel.fast.paths import PathBounds, bound_path, excess
from verifier.kernel.statements import (
    EndpointValue,
    HeadOptimum,
    Move,
    PathUpperBound,
    Problem,
    Rejected,
    SubnetworkHeadOptimum,
    apply_writes,
)
from verifier.kernel.statements import Objective as KernelObjective
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.path import Path

# Relative room between what this machine's fast evaluation found and what is claimed. BLAS results differ between machines by
# about 1e-14 relative; the kernel's own radii are about 1e-12.
MARGIN = 2.0**-36
Layers = Sequence[tuple[np.ndarray, np.ndarray | None]]


@dataclass(frozen=True)
class ElaboratedPath:
    """A path's claim with what the report shows of it."""

    claim: PathUpperBound
    labels: tuple[str, ...]
    bounds: PathBounds

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(m.kind for m in self.claim.moves)


def kernel_problem(A: Network, B: Network, risk: Risk) -> Problem:
    """The exact problem: kappa, delta and sample weights as the float64 they are."""
    o = KernelObjective(
        risk.objective.loss.name,
        risk.objective.delta,
        risk.objective.kappa,
        risk.objective.penalty,
        risk.objective.penalise_output_bias,
    )
    return Problem(
        o,
        np.ascontiguousarray(risk.X, dtype=np.float64),
        np.ascontiguousarray(risk.targets),
        parameters(A),
        parameters(B),
        A.negative_slope,
        risk.objective.weights,
        A.geometry,
    )


def _wider(x: float, direction: float) -> float:
    return math.nextafter(x + math.copysign(MARGIN * abs(x), direction), direction)


def above(x: float) -> float:
    return _wider(x, math.inf)


def below(x: float) -> float:
    return _wider(x, -math.inf)


def endpoint_claims(problem: Problem) -> tuple[EndpointValue, EndpointValue]:
    """Enclosures of F(A) and F(B). Raises UsageError where float64 has no room for them."""
    try:
        # As the kernel's check has it.
        with np.errstate(over="raise", invalid="raise"):
            values = [objective_at(problem, p) for p in (problem.A, problem.B)]
    except (Rejected, FloatingPointError) as error:
        raise UsageError(
            f"values of A and B: expected inputs, targets and weights of sizes at which float64 has room for F, got others ({error}); scale the data, or "
            "the networks"
        ) from error
    a, b = (EndpointValue(name, max(0.0, below(v.lower)), above(v.upper)) for name, v in zip("AB", values))
    return a, b


def _with_cuts(
    problem: Problem, moves: tuple[Move, ...], form: str, target: float, relative: float, most: int
) -> tuple[Move, ...]:
    """Breakpoints for every chord that has none."""
    vertex, out = problem.A, []
    for move in moves:
        after = apply_writes(vertex, move)
        if move.breakpoints is None and move.kind == "chord":
            chord = chord_between(problem, vertex, after, form)
            move = replace(move, breakpoints=cut_chord(chord, target=target, relative=relative, most=most))
        out.append(move)
        vertex = after
    return tuple(out)


def path_form(problem: Problem, path: Path, output_layer: str = "trained") -> str:
    """Which path is bounded under weight decay: a user's own segments as they are, a construction's through its image under the balancing map,
    unless that would move an output layer that is to be kept."""
    literal = path.literal or output_layer != "trained"
    return "balanced" if problem.objective.penalty == "weight_decay" and not literal else "literal"


def path_upper_bound(path: Path, risk: Risk) -> float:
    """The kernel's upper bound of F along a path with its chords uncut, ends included. Rejected where the kernel refuses the path."""
    problem = kernel_problem(path.start, path.end, risk)
    # A path up to permutation ends, of its own problem, in B itself.
    found = bound_path(problem, kernel_moves(path)[0], path_form(problem, path))
    return max(found.A.upper, found.B.upper, found.interior)


def elaborate_path(
    problem: Problem,
    path: Path,
    *,
    name: str | None = None,
    level: float | None = None,
    relative: float = 1e-4,
    most_pieces: int = 256,
    output_layer: str = "trained",
) -> ElaboratedPath:
    """Cut the chords, let the kernel bound the path, and claim what it found.

    level: also claim the gap over this value. output_layer: what is claimed of the layers that the path keeps.
    relative, most_pieces: see `cut_chord`. The target of cutting is E.
    """
    (moves, labels), form = kernel_moves(path), path_form(problem, path, output_layer)
    ends: list[Interval] = [objective_at(problem, p) for p in (problem.A, problem.B)]
    E, least = max(v.lower for v in ends), min(v.lower for v in ends)
    moves = _with_cuts(problem, moves, form, E * (1.0 - 2 * MARGIN), relative, most_pieces)
    found = bound_path(problem, moves, form, path.permutation)
    interior = above(found.interior) if math.isfinite(found.interior) else found.interior
    sup = max(above(found.A.upper), above(found.B.upper), interior)
    claim = PathUpperBound(
        path=name or path.method,
        moves=moves,
        sup=sup,
        # E and the lower endpoint may come out lower elsewhere by the same margin.
        gap=0.0 if interior <= below(E) else above(excess(interior, below(E))),
        gap_over_lower=above(excess(sup, below(least))),
        level=level,
        gap_over_level=None if level is None else above(excess(sup, level)) if sup > level else 0.0,
        form=form,
        permutation=path.permutation,
        output_layer=output_layer,
    )
    return ElaboratedPath(claim, labels, found)


def head_claim(
    problem: Problem,
    name: str,
    rows: np.ndarray,
    row_bias: np.ndarray | None,
    head: np.ndarray,
    head_bias: np.ndarray | None,
    dual: np.ndarray,
) -> HeadOptimum:
    """Interval for a head program on rows of one hidden layer; see `_limited`."""
    return _limited(problem, HeadOptimum(name, rows, row_bias, head, head_bias, dual, None, 0.0, math.inf), check_head)


def subnetwork_head_claim(
    problem: Problem, name: str, layers: Layers, head: np.ndarray, head_bias: np.ndarray | None, dual: np.ndarray
) -> SubnetworkHeadOptimum:
    """Interval for a head program on a sub-network with these hidden layers (W_l, b_l); see `_limited`."""
    widths = np.array([len(W) for W, _ in layers], dtype=np.int64)
    flat = np.concatenate([part.ravel() for layer in layers for part in layer if part is not None])
    free = SubnetworkHeadOptimum(name, widths, flat, head, head_bias, dual, None, 0.0, math.inf)
    return _limited(problem, free, check_subnetwork_head)


H = TypeVar("H", HeadOptimum, SubnetworkHeadOptimum)


def _limited(problem: Problem, free: H, check: Callable[[Problem, H], dict[str, float]]) -> H:
    """The claim with both ends. Where the dual meets its constraints only up to rounding, the lower end is claimed for heads with entries at most ten times
    the largest found."""
    try:
        found = check(problem, free)
        limit = None
    except Rejected:
        head, bias = free.head, free.head_bias
        entries = [np.abs(head).max(initial=0.0), np.abs(bias).max(initial=0.0) if bias is not None else 0.0]
        limit = float(10.0 * max(1.0, *entries))
        found = check(problem, replace(free, head_limit=limit))
    return replace(free, head_limit=limit, lower=max(0.0, below(found["lower"])), upper=above(found["upper"]))
