"""The exact gap of a pair: a bracket of the pass between A and B, a path that stays under it, and the duals that nothing passes lower.

    found = exact_gap(A, B, risk)         # ExactGap; may be stopped early and resumed
    found.lower, found.upper, found.gap                    # levels and the bracket of the gap over E = max(F(A), F(B))
    found.path                                             # verifier.paths.path.Path in the networks' own parameters, to be elaborated like any other
    found.barrier()                                        # BarrierFaces or None: None when no lower bound above E was found, e.g. gap 0

Everything is float64 from solvers. `BarrierFaces` has the arrays of the kernel's BarrierLowerBound of the same names, except `patterns`,
`interiors`, `redundant` and `supports`, which are those of `found.setting.neurons.cones` (codes are 2 * pattern + sign over all its patterns),
and except `basis`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path as FilePath

import numpy as np

from verifier.certificate.hashing import arrays_sha256
from verifier.errors import UsageError
from verifier.kernel.statements.kept import kept_word
from verifier.landscape.above import above_shared, on_top
from verifier.landscape.duals import face_dual
from verifier.landscape.face import Face
from verifier.landscape.faces import FaceValues
from verifier.landscape.kept_layers import Kept, require_covered_pair
from verifier.landscape.lift import lift
from verifier.landscape.locate import cell_of
from verifier.landscape.search import TIE, GapSearch
from verifier.landscape.setting import LandscapeSetting, pair_setting
from verifier.landscape.side import Side
from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.paths.path import Path

Array = np.ndarray

MOST_CELLS = 200_000
# For each attempt at a first walk.
PROBE_CELLS = 300


@dataclass(frozen=True, eq=False)
class BarrierFaces:
    """Cells that no path from one network can leave below `level`, and every face that leaves them with its dual.

    swapped: the cells hold B, and A lies outside; else they hold A, and B lies outside. A claim that needs A inside takes the pair the other
    way round (a barrier has no direction).
    cells (q, m) int64 codes, inside: index of the cell that holds the one network, outside (m,): codes of a cell of the other.
    faces (f, m), facets (f,): the moving neuron's code (-1: absent) before the others' sorted codes, and the sample it crosses (-1).
    nu (f, N K), multipliers (f, m, N), bounds (f,): what each dual proves, in float64. level: the least of them.
    """

    level: float
    swapped: bool
    cells: Array
    inside: int
    outside: Array
    faces: Array
    facets: Array
    nu: Array
    multipliers: Array
    bounds: Array
    residual: float


@dataclass(frozen=True, eq=False)
class ExactGap:
    """lower <= pass between A and B <= upper, both at least E = max(F(A), F(B)); equal up to rounding when `closed`.

    A, B: the networks, or what of them lies above the shared hidden layers of `deep`, which is A as it was given. visited: cells looked at.
    programs: distinct face programs solved.
    """

    setting: LandscapeSetting
    A: Network
    B: Network
    E: float
    lower: float
    upper: float
    search: GapSearch
    visited: int
    programs: int
    deep: Network

    @property
    def output_layer(self) -> str:
        """The kernel's word for what paths may move."""
        return kept_word("frozen" if self.setting.frozen else "trained", "frozen" if self.deep.depth > 2 else "trained")

    @property
    def closed(self) -> bool:
        return self.search.closed

    @property
    def gap(self) -> tuple[float, float]:
        """(lower, upper) of the gap over E."""
        return max(0.0, self.lower - self.E), max(0.0, self.upper - self.E)

    @cached_property
    def path(self) -> Path:
        """A path at or below `upper`, up to rounding, in the networks' own parameters."""
        found = lift(self.setting, self.A, self.B, self.search)
        return on_top(self.deep, found) if self.deep.depth > 2 else found

    def barrier(self) -> BarrierFaces | None:
        """The proof that no path is lower than `lower`; None when `lower` is E, up to the solvers' rounding."""
        if self.lower <= self.E + TIE * max(self.E, self.search.values.scale):
            return None
        cut = self.lower * (1.0 - 2.0 * TIE)
        complete = [k for k in (0, 1) if self.search.sides[k].bound >= cut]
        k = min(complete, key=lambda k: len(self.search.sides[k].below(cut)))
        return _barrier(self.setting, self.search, self.search.sides[k], self.search.sides[1 - k], cut, k == 1)


def exact_gap(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    output_layer: str = "trained",
    hidden_layers: str = "trained",
    most_cells: int = MOST_CELLS,
    state: str | FilePath | None = None,
    progress: Callable[[float, float, int], None] | None = None,
    method: str = "auto",
) -> ExactGap:
    """Search for the pass between two networks of one hidden layer and one output, or of several with a frozen output layer.

    output_layer "frozen": paths keep the output layer. hidden_layers "frozen": they keep all hidden layers but the last, which deep networks need.
    most_cells: stop after so many, with the bracket found; memory grows with them.
    state: file that the search is saved to when it stops early, and taken up from when it is there. progress(lower, upper, visited).

    Raises UsageError for pairs and objectives that cells do not cover, MalformedInputError for a state of something else.
    """
    require_covered_pair(A, B, risk.objective, Kept(output_layer, hidden_layers))
    deep, whole, risk_of_pair = (A, B), None, risk
    if hidden_layers == "frozen":
        top = above_shared(A, B, risk)
        A, B, risk, whole = top.A, top.B, top.risk, top.exact
    setting = pair_setting(A, B, risk, output_layer=output_layer, exact=whole)
    if A.same_parameters(B):
        raise UsageError("landscape: A and B are the same network; name two different ones")
    values = FaceValues(setting, method)
    start = cell_of(setting, A)
    goal = cell_of(setting, B, prefer=start)
    E = max(risk_of_pair.value(n) for n in deep)
    # Shrinking both networks to u = 0 is a path: F is convex on each half of it.
    ceiling = values.value(values.face(()))
    file = None if state is None else FilePath(state)
    arrays = {"X": setting.X, "targets": setting.targets}
    question = f"{risk.objective!r} {output_layer} {hidden_layers} {A.sha256()} {B.sha256()} {arrays_sha256(arrays)}"
    if file is not None and file.exists():
        search = GapSearch.load(file, values, start, goal, question)
    else:
        search = GapSearch(values, start, goal, floor=E, ceiling=ceiling)
        search.probes(PROBE_CELLS)
    search.run(max(0, most_cells - search.visited), progress)
    if file is not None and not search.closed:
        search.save(file, question)
    return ExactGap(setting, A, B, E, search.lower, search.upper, search, search.visited, len(values.known), deep[0])


def _barrier(
    setting: LandscapeSetting, search: GapSearch, side: Side, other: Side, cut: float, swapped: bool
) -> BarrierFaces:
    cells = side.below(cut)
    inside = set(cells)
    samples = setting.neurons.facet_samples.tolist()
    leaving: dict[tuple[int, ...], Face] = {}
    for cell in cells:
        for i, facet, code in search.edges(cell):
            others = cell[:i] + cell[i + 1 :]
            if (*cell[:i], code, *cell[i + 1 :]) in inside:
                continue
            moving = (cell[i], samples[facet]) if facet >= 0 else (-1, -1)
            key = (moving[0], *sorted(others), moving[1])
            if key not in leaving:
                leaving[key] = search.values.face(others, facet)
    keys = sorted(leaving, key=lambda key: leaving[key])
    duals, last, point = [], None, None
    for key in keys:
        # Sorted by face, so that each is solved once and no point is kept.
        if leaving[key] != last or point is None:
            last, point = leaving[key], search.values.point(leaving[key])
        duals.append(face_dual(setting, key[:-1], key[-1], point))
    table = np.array(keys, dtype=np.int64)
    bounds = np.array([d.bound for d in duals])
    return BarrierFaces(
        level=float(bounds.min()),
        swapped=swapped,
        cells=np.array(cells, dtype=np.int64),
        inside=0,
        outside=np.array(other.cells[0], dtype=np.int64),
        faces=np.ascontiguousarray(table[:, :-1]),
        facets=np.ascontiguousarray(table[:, -1]),
        nu=np.array([d.nu for d in duals]),
        multipliers=np.array([d.multipliers for d in duals]),
        bounds=bounds,
        residual=max(d.residual for d in duals),
    )
