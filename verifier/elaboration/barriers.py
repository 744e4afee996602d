"""From a set of cells and approximate duals of its leaving faces to a `barrier_lower_bound` that the kernel accepts.

With kappa = 0 the kernel solves for the entries of a basis; which entries those are is decided here. With kappa > 0 the duals are moved to
where their constraints hold as exactly as floats can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verifier.elaboration.claims import above, below
from verifier.errors import VerifierError
from verifier.kernel.fast.barrier import check_barrier, face_bounds, heads_of
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.fast.last_inputs import last_inputs
from verifier.kernel.statements import BarrierLowerBound, Problem, Rejected, kinds_of, validate_barrier
from verifier.kernel.statements.kept import keeps_output
from verifier.programs.zero_sum import domain, on_simplex, with_zero_sum

Array = np.ndarray

# Multipliers below this share of the largest are taken as 0: the basis then need not hold entries that could turn out negative.
SMALL = 1e-10
# A column adds to the span of others when this share of it, or more, lies outside.
OUTSIDE = 1e-9

# Entries of a dual of the logistic loss, of cross-entropy, or of Huber's in units of delta, this near to an end of their domain have no room to be solved
# for; the next share is tried where the kernel refuses a dual.
EDGES = (1e-9, 1e-7, 1e-5, 1e-3)


@dataclass(frozen=True, eq=False)
class LeavingFaces:
    """Faces with approximate duals: codes (f, m), facets (f,) as in `BarrierLowerBound`; nu (f, N K); multipliers (f, m, N), those of the mean."""

    codes: Array
    facets: Array
    nu: Array
    multipliers: Array


@dataclass(frozen=True, eq=False)
class Region:
    """The cells that no path leaves below the level: cells (q, m), inside, outside and what describes their cones, as in `BarrierLowerBound`."""

    patterns: Array
    interiors: Array
    redundant: Array
    supports: Array
    cells: Array
    inside: int
    outside: Sequence[int]


def barrier_claim(
    problem: Problem,
    region: Region,
    faces: LeavingFaces,
    *,
    name: str,
    level: float,
    around: str = "A",
    output_layer: str,
) -> BarrierLowerBound:
    """The claim with the level the kernel finds, at most about `level`, and the gap over E that follows.

    level: what the duals should prove.

    Raises VerifierError when the kernel rejects it: a face is missing, or a dual proves nothing.
    """
    refused: Rejected | None = None
    # Rarely, entries that the kernel solves for leave the conjugates' domain when those near its edge may move.
    for edge in EDGES:
        try:
            return _with_edge(problem, region, faces, name, level, around, output_layer, edge)
        except Rejected as why:
            refused = refused or why
    raise VerifierError(f"barrier {name}: the kernel does not accept the lower bound: {refused}") from None


def _with_edge(
    problem: Problem,
    region: Region,
    faces: LeavingFaces,
    name: str,
    level: float,
    around: str,
    output_layer: str,
    edge: float,
) -> BarrierLowerBound:
    """The claim, checked. Raises Rejected."""
    f, m, N = faces.multipliers.shape
    nu, multipliers, basis = solvable(problem, region.patterns, output_layer, faces, edge)
    claim = BarrierLowerBound(
        name, around, output_layer, max(0.0, level), 0.0, region.patterns, region.interiors, region.redundant, region.supports,
        np.ascontiguousarray(region.cells, dtype=np.int64), int(region.inside), np.array(region.outside, dtype=np.int64),
        np.ascontiguousarray(faces.codes, dtype=np.int64),
        np.ascontiguousarray(faces.facets, dtype=np.int64), nu, np.ascontiguousarray(multipliers.reshape(f, m * N)), basis,
    )  # fmt: skip
    lowest = float(face_bounds(problem, claim, region.patterns).min())
    E = max(objective_at(problem, p).upper for p in (problem.A, problem.B))
    claimed = max(0.0, below(lowest))
    claim = replace(claim, level=claimed, gap=max(0.0, below(claimed - above(E))))
    validate_barrier(problem, claim)
    check_barrier(problem, claim)
    return claim


def solvable(
    problem: Problem, patterns: Array, output_layer: str, faces: LeavingFaces, edge: float
) -> tuple[Array, Array, Array]:
    """(nu (f, N K), multipliers (f, m, N), basis (f, b)) that meet their constraints: exactly once the kernel has solved for the basis, or, with
    kappa > 0, as exactly as floats can. edge: see EDGES."""
    nu, multipliers = faces.nu.astype(np.float64), faces.multipliers.astype(np.float64)
    bases: list[list[int]] = [[] for _ in nu]
    for k in range(len(nu)):
        if problem.objective.penalty in ("none", "l1"):
            nu[k], multipliers[k], bases[k] = _exactly_solvable(problem, patterns, output_layer, faces, k, edge)
        elif (
            problem.A.biases[-1] is not None
            and not keeps_output(output_layer)
            and not problem.objective.penalise_output_bias
        ):
            o = problem.objective
            nu[k] = with_zero_sum(nu[k], problem.targets[:, 0], o.loss, o.delta)
    width = max(map(len, bases), default=0)
    basis = np.array([[*b, *[-1] * (width - len(b))] for b in bases], dtype=np.int64).reshape(len(nu), width)
    return nu, multipliers, basis


def _exactly_solvable(
    problem: Problem, patterns: Array, output_layer: str, faces: LeavingFaces, k: int, edge: float
) -> tuple[Array, Array, list[int]]:
    """(nu, multipliers, basis) of face k: nu and the free multiplier first, they may take any sign; then the largest multipliers."""
    X = np.array([[int(v.p) / int(v.q) for v in row] for row in last_inputs(problem)])
    (N, n), kinds, heads = X.shape, kinds_of(problem), heads_of(problem)
    L = N * heads.shape[1]
    codes, facet = faces.codes[k], int(faces.facets[k])
    m = len(codes)
    nu, multipliers = faces.nu[k].copy(), faces.multipliers[k].copy()
    largest = np.abs(multipliers).max(initial=0.0)
    multipliers[np.abs(multipliers) <= SMALL * largest] = 0.0
    free = L + facet if facet >= 0 else -1
    flat = multipliers.reshape(-1)
    negative = flat < 0.0
    if free >= 0:
        negative[free - L] = False
    flat[negative] = 0.0
    present = [i for i in range(m) if codes[i] >= 0]
    o, labels = problem.objective, problem.targets if problem.objective.loss == "cross_entropy" else None
    blocks = []
    for i in present:
        a, head = patterns[codes[i] // kinds], heads[codes[i] % kinds]
        block = np.zeros((n, L + m * N))
        # A row of cross-entropy sums to 0: its label's entry goes with the others.
        pulls = np.tile(head, (N, 1)) if labels is None else head - head[labels][:, None]
        block[:, :L] = ((a[:, None] * X)[:, None, :] * pulls[:, :, None]).reshape(L, n).T
        block[:, L + i * N : L + (i + 1) * N] = ((1 - 2 * a)[:, None] * X).T * N
        blocks.append(block)
    if problem.A.biases[-1] is not None and not keeps_output(output_layer):
        blocks.append(np.concatenate([np.ones(L), np.zeros(m * N)])[None, :])
    if not blocks:
        return nu, multipliers, []
    M = np.vstack(blocks)
    # Each equation in units of its own: inputs may have columns of very different sizes.
    M = np.ldexp(M, -np.frexp(np.abs(M).max(axis=1, keepdims=True))[1])
    # Entries without room come last, and are 0 where they nearly are.
    if labels is None:
        low, high = domain(problem.targets.reshape(-1), o.loss, o.delta)
        still = np.minimum(nu - low, high - nu) <= edge * (o.delta or 1.0)
        nu[still & (np.abs(nu) <= edge)] = 0.0
        last = np.flatnonzero(still)
    else:
        own = np.arange(N) * heads.shape[1] + labels
        # What an entry gives or takes, its label's takes or gives.
        still = np.minimum(nu, np.repeat(1.0 + nu[own], heads.shape[1])) <= edge
        still[own] = True
        nu = on_simplex(np.where(still & (nu <= edge), 0.0, nu).reshape(N, -1), labels).reshape(-1)
        last = np.setdiff1d(np.flatnonzero(still), own)
    first = [*np.flatnonzero(~still).tolist(), *([free] if free >= 0 else [])]
    support = [L + j for j in np.argsort(-np.abs(flat), kind="stable") if flat[j] != 0.0 and L + j != free]
    return nu, multipliers, _independent(M, first, [*support, *last.tolist()])


def _independent(M: Array, first: list[int], then: list[int]) -> list[int]:
    """Columns that span those of `first` and `then`: from `first` by pivoting, then from `then` in order."""
    scale = np.linalg.norm(M, axis=0)
    rest = M / np.where(scale > 0.0, scale, 1.0)
    chosen: list[int] = []
    while first:
        sizes = np.linalg.norm(rest[:, first], axis=0)
        best = int(np.argmax(sizes))
        if not sizes[best] > OUTSIDE:
            break
        chosen.append(first[best])
        rest = _without(rest, first[best])
    for c in then:
        if np.linalg.norm(rest[:, c]) > OUTSIDE:
            chosen.append(c)
            rest = _without(rest, c)
    return chosen


def _without(rest: Array, c: int) -> Array:
    """All columns with their part along column c taken out, twice against rounding."""
    q = rest[:, c] / np.linalg.norm(rest[:, c])
    for _ in range(2):
        rest = rest - np.outer(q, q @ rest)
    return rest
