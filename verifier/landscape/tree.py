"""The whole landscape: every cell, every edge, the merge tree (docs/landscape.md).

A cell of m neurons is a number in mixed radix, neuron 0 first. Edge weights depend on the set of the other neurons' codes and on the facet alone,
so that they stand in a table (sets, facets + 1) from which the edges of all m^... ordered cells are read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from verifier.errors import UsageError
from verifier.landscape.faces import FaceValues
from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray

# A join no more than this share of its level above the higher of the two minima is none, nor is one that the solvers cannot tell from it
# (`FaceValues.resolution`): they are one valley.
SAME = 1e-8
MOST_CELLS = 2_000_000


@dataclass(frozen=True, eq=False)
class MergeTree:
    """Local minima and the passes that join them, from solvers in float64.

    values (M,): minima in increasing order. cells (M, m): codes of a cell that holds each. passes (M - 1,): in increasing order the level
    at which `younger[k]` (the higher minimum, which ends there) joins `older[k]`; -1 where nothing joins (never, for connected landscapes).
    resolution: differences of F up to this are none to the solvers. cell_count, edge_count, programs: sizes. cpu_seconds: of building it.
    """

    setting: LandscapeSetting
    values: Array
    cells: Array
    passes: Array
    younger: Array
    older: Array
    resolution: float
    cell_count: int
    edge_count: int
    programs: int
    cpu_seconds: float
    notes: dict[str, object] = field(default_factory=dict)

    @property
    def persistence(self) -> Array:
        """(M - 1,): pass less the younger minimum, the gap of the pair (younger, its nearest lower minimum)."""
        return self.passes - self.values[self.younger]

    @property
    def largest_gap(self) -> tuple[float, float]:
        """The largest gap between two local minima, and the level of its pass; (0, value of the minimum) when there is one minimum only.

        Two minima that first meet at a pass have the largest gap when they are the lowest ones of their sides: that is a persistence.
        """
        if not len(self.passes):
            return 0.0, float(self.values[0])
        k = int(np.argmax(self.persistence))
        return float(self.persistence[k]), float(self.passes[k])

    def components(self, level: float) -> int:
        """Connected components of {F <= level}."""
        return int((self.values <= level).sum() - (self.passes <= level).sum())

    @property
    def steps(self) -> list[tuple[float, int]]:
        """(level, number of components from there to the next level), increasing: the whole function level -> components."""
        levels = np.unique(np.concatenate([self.values, self.passes]))
        born = np.searchsorted(self.values, levels, side="right")
        ended = np.searchsorted(self.passes, levels, side="right")
        counts = (born - ended).tolist()
        out: list[tuple[float, int]] = []
        for level, count in zip(levels.tolist(), counts):
            if not out or out[-1][1] != count:
                out.append((level, count))
        return out

    @property
    def connected(self) -> list[tuple[float, float]]:
        """Intervals [from, to) of levels at which {F <= level} is connected; the last one ends at infinity."""
        steps = self.steps
        return [
            (level, steps[k + 1][0] if k + 1 < len(steps) else np.inf)
            for k, (level, count) in enumerate(steps)
            if count == 1
        ]


@dataclass(frozen=True, eq=False)
class _Graph:
    """values (cells,), and edges as (e,) arrays a, b, weight."""

    values: Array
    a: Array
    b: Array
    weight: Array


def merge_tree(setting: LandscapeSetting, *, most_cells: int = MOST_CELLS, method: str = "auto") -> MergeTree:
    """Every local minimum and every pass. method: see `faces.make_program`.

    Raises UsageError when the landscape has more than `most_cells` cells.
    """
    require_size(setting, most_cells)
    start = time.process_time()
    found = FaceValues(setting, method)
    graph = cell_graph(setting, found)
    values, passes, cells, younger, older = _join(graph, found.resolution)
    codes = _digits(setting, cells)
    return MergeTree(
        setting, values, codes, passes, younger, older, found.resolution, len(graph.values), len(graph.a), len(found.known), time.process_time() - start
    )  # fmt: skip


def require_size(setting: LandscapeSetting, most_cells: int) -> None:
    """Raise UsageError when the landscape has more than `most_cells` cells, and say what to do."""
    if setting.cells > most_cells:
        p = len(setting.neurons.cones.patterns)
        raise UsageError(
            f"landscape: {'' if setting.frozen else '2 x '}{p} one-neuron cells and width {setting.width} make {setting.cells:,} cells, more than "
            f"the {most_cells:,} a merge tree is built of; use fewer samples or neurons, raise --most-cells, or name two networks with "
            "--pair: their exact gap needs only the cells a search visits"
        )


def _own_codes(setting: LandscapeSetting) -> list[Array]:
    """Per neuron the codes it may have, increasing."""
    all_codes = np.arange(setting.neurons.count)
    if setting.frozen_kinds is None:
        return [all_codes] * setting.width
    return [all_codes[kind :: setting.neurons.kinds] for kind in setting.frozen_kinds]


def _digits(setting: LandscapeSetting, cells: Array) -> Array:
    """(q,) cell numbers to (q, m) codes."""
    own = _own_codes(setting)
    out = np.empty((len(cells), setting.width), dtype=np.int64)
    rest = cells
    for i in range(setting.width - 1, -1, -1):
        rest, digit = np.divmod(rest, len(own[i]))
        out[:, i] = own[i][digit]
    return out


def _sets(table: Array) -> tuple[list[tuple[int, ...]], Array]:
    """Rows of codes (q, k) to the distinct sets among them, and each row's set."""
    if table.shape[1] == 0:
        return [()], np.zeros(len(table), dtype=np.int64)
    rows = np.sort(table, axis=1)
    repeated = np.zeros(rows.shape, dtype=bool)
    repeated[:, 1:] = rows[:, 1:] == rows[:, :-1]
    rows = np.sort(np.where(repeated, -1, rows), axis=1)
    radix = int(table.max()) + 2
    key = np.zeros(len(rows), dtype=np.int64)
    for k in range(rows.shape[1]):
        key = key * radix + rows[:, k] + 1
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return [tuple(int(c) for c in rows[i] if c >= 0) for i in first], inverse.reshape(-1)


def _product(parts: list[Array]) -> Array:
    """All tuples, the last coordinate running fastest, (q, len(parts))."""
    if not parts:
        return np.zeros((1, 0), dtype=np.int64)
    return np.stack(np.meshgrid(*parts, indexing="ij"), axis=-1).reshape(-1, len(parts))


def cell_graph(setting: LandscapeSetting, found: FaceValues) -> _Graph:
    """Values of all cells and weights of all edges, each edge once."""
    own, m, neurons = _own_codes(setting), setting.width, setting.neurons
    sizes = [len(o) for o in own]
    strides = [int(np.prod(sizes[i + 1 :])) for i in range(m)]
    sets, which = _sets(_product(own))
    values = np.array([found.value((s, -1)) for s in sets])[which]
    ends_a, ends_b, weights = [], [], []
    pairs, facets = neurons.facet_codes, np.arange(len(neurons.facet_codes))
    known: dict[tuple[int, ...], tuple[Array, Array]] = {}
    for i in range(m):
        others = [own[k] for k in range(m) if k != i]
        # In trained landscapes every neuron has the same codes, and the same table serves.
        kinds = () if setting.frozen_kinds is None else tuple(s for k, s in enumerate(setting.frozen_kinds) if k != i)
        if kinds not in known:
            sets, which = _sets(_product(others))
            table = np.array([[found.value(found.face(s, f)) for f in (*facets, -1)] for s in sets])
            known[kinds] = table, which
        table, which = known[kinds]
        base = _product([np.arange(len(o)) * strides[k] for k, o in enumerate(own) if k != i]).sum(axis=1)
        place = np.full(neurons.count, -1)
        place[own[i]] = np.arange(len(own[i]))
        mine = np.flatnonzero(place[pairs[:, 0]] >= 0)
        columns = [(a, b, f) for (a, b), f in zip(pairs[mine].tolist(), mine.tolist())]
        if not setting.frozen:
            columns += [(c, c + 1, len(facets)) for c in range(0, neurons.count, 2)]
        for a, b, column in columns:
            ends_a.append(base + place[a] * strides[i])
            ends_b.append(base + place[b] * strides[i])
            weights.append(table[which, column])
    if not weights:
        none = np.zeros(0, dtype=np.int64)
        return _Graph(values, none, none, np.zeros(0))
    a, b, weight = np.concatenate(ends_a), np.concatenate(ends_b), np.concatenate(weights)
    # A face is no lower than its cells; solvers may say otherwise in the last digits.
    return _Graph(values, a, b, np.maximum(weight, np.maximum(values[a], values[b])))


def _join(graph: _Graph, resolution: float) -> tuple[Array, Array, Array, Array, Array]:
    """Union-find over the edges of a minimum spanning tree, lowest first. Returns minima, passes, their cells, and who joined whom."""
    n = len(graph.values)
    # Ranks, because a zero weight would be no edge.
    order = np.argsort(graph.weight, kind="stable")
    rank = np.empty(len(order))
    rank[order] = np.arange(1, len(order) + 1)
    tree = minimum_spanning_tree(coo_array((rank, (graph.a, graph.b)), shape=(n, n)).tocsr()).tocoo()
    edges = order[np.sort(tree.data.astype(np.int64)) - 1]
    parent = list(range(n))
    lowest = list(range(n))
    values = graph.values.tolist()

    def root(x: int) -> int:
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    joins: list[tuple[float, int, int]] = []
    for x, y, w in zip(graph.a[edges].tolist(), graph.b[edges].tolist(), graph.weight[edges].tolist()):
        x, y = root(x), root(y)
        if (values[lowest[x]], lowest[x]) > (values[lowest[y]], lowest[y]):
            x, y = y, x
        high, low = lowest[y], lowest[x]
        parent[y] = x
        if w - values[high] > max(SAME * w, resolution):
            joins.append((w, high, low))
    roots = {lowest[root(x)] for x in range(n)} if len(edges) < n - 1 else {lowest[root(0)]}
    minima = sorted({j[1] for j in joins} | roots, key=lambda c: (values[c], c))
    place = {c: k for k, c in enumerate(minima)}
    joins.sort(key=lambda j: j[0])
    # The lower side's lowest cell is a minimum itself: it still lives, or ends at a later join.
    return (
        np.array([values[c] for c in minima]),
        np.array([j[0] for j in joins]),
        np.array(minima, dtype=np.int64),
        np.array([place[j[1]] for j in joins], dtype=np.int64),
        np.array([place[j[2]] for j in joins], dtype=np.int64),
    )
