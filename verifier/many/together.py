"""What certified bounds of pairs prove together: docs/many.md, propositions 1 to 4.

Nodes are networks, 0..n-1. Links are upper bounds: a missing one, or a high one, separates nothing; barriers do (`apart`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise

import networkx as nx
from networkx.utils import UnionFind

from verifier.kernel.fast.forward import Interval
from verifier.kernel.fast.paths import excess
from verifier.many.apart import Apart, between, lower_bounds, separated

Pair = tuple[int, int]
# Claims stand this share above what was computed: a smaller difference of two gaps is no finding.
ROUNDING = 2.0**-30


@dataclass(frozen=True)
class Link:
    """A certified path between two networks: on all of it `F <= sup` and `F - max(F(a), F(b)) <= gap`."""

    sup: float
    gap: float


@dataclass(frozen=True)
class Chain:
    """Stored paths joined end to end through `nodes`: on all of it `F <= sup`, and `F - max(F(first), F(last)) <= gap`."""

    nodes: tuple[int, ...]
    sup: float
    gap: float


@dataclass(frozen=True)
class Edge:
    """An edge of the minimum bottleneck spanning tree; height: certified upper bound of F on its path."""

    a: int
    b: int
    height: float


@dataclass(frozen=True)
class Merge:
    """Two certified connected groups become one at `height` or below. apart: every path between one of the left and one of the right reaches at least
    this level; None where that is not proved of all of them."""

    height: float
    left: frozenset[int]
    right: frozenset[int]
    apart: float | None = None


@dataclass(frozen=True)
class Components:
    """At a level: certified connected groups of the networks certified at or below it, largest first.

    above: certified above the level. undecided: the level lies inside their certified interval, or F has none.
    separated: networks of the groups of which no two lie in one component; as many components are certain.
    """

    level: float
    groups: tuple[tuple[int, ...], ...]
    above: tuple[int, ...]
    undecided: tuple[int, ...]
    separated: tuple[int, ...] = ()


@dataclass(frozen=True)
class Landscape:
    """values: certified enclosure of F per node. links: per pair (a, b), a < b. heights: certified upper bound of F on each link's path.

    tree: minimum bottleneck spanning tree (a forest where links are missing), lowest edge first. passes: bottleneck along the tree for every pair
    it joins, with the nodes on the way. chains: for every pair that links join, the chain with the least certified gap. merges: single linkage.
    barriers: certified lower bounds of passes, by the pair's own certificate. apart: what they prove of all pairs together.
    """

    values: tuple[Interval, ...]
    links: Mapping[Pair, Link]
    heights: Mapping[Pair, float]
    tree: tuple[Edge, ...]
    passes: Mapping[Pair, tuple[float, tuple[int, ...]]]
    chains: Mapping[Pair, Chain]
    merges: tuple[Merge, ...]
    barriers: Mapping[Pair, float] = field(default_factory=dict)
    apart: Mapping[Pair, Apart] = field(default_factory=dict)

    @property
    def improvements(self) -> dict[Pair, Chain]:
        """Pairs whose bound through other networks is lower than the one of their own path by more than rounding, or whose own path is missing."""
        return {
            p: c
            for p, c in self.chains.items()
            if len(c.nodes) > 2 and (p not in self.links or c.gap < self.links[p].gap * (1.0 - ROUNDING))
        }

    @property
    def top(self) -> float:
        """max F over the networks that have a certified value, rounded up; inf when none has."""
        return max((v.upper for v in self.values if math.isfinite(v.upper)), default=math.inf)

    def components(self, level: float) -> Components:
        """Proposition 2: groups joined by paths certified to stay at or below the level."""
        inside = [k for k, v in enumerate(self.values) if v.upper <= level and math.isfinite(v.upper)]
        graph = nx.Graph()
        graph.add_nodes_from(inside)
        graph.add_edges_from(p for p, h in self.heights.items() if h <= level and set(p) <= set(inside))
        groups = sorted((tuple(sorted(g)) for g in nx.connected_components(graph)), key=lambda g: (-len(g), g))
        above = tuple(k for k, v in enumerate(self.values) if v.lower > level)
        undecided = tuple(sorted(set(range(len(self.values))) - {*inside, *above}))
        apart = separated([g[0] for g in groups], level, self.apart)
        return Components(level, tuple(groups), above, undecided, apart)


def landscape(
    values: Sequence[Interval], links: Mapping[Pair, Link], barriers: Mapping[Pair, float] | None = None
) -> Landscape:
    """Everything that follows from the certified values of the networks, the certified links between pairs (a, b), a < b, and their certified barriers.

    A network without a certified value has the interval (-inf, inf); its links still bound what they bound.
    """
    values = tuple(values)
    heights = {p: _height(values, p, l) for p, l in links.items()}
    tree = _tree(len(values), heights)
    chains = {}
    for pair in combinations(range(len(values)), 2):
        chain = best_chain(values, links, heights, pair)
        if chain is not None:
            chains[pair] = chain
    passes, barriers = _passes(len(values), tree), dict(barriers or {})
    apart = lower_bounds(len(values), barriers, {p: height for p, (height, _) in passes.items()})
    merges = tuple(replace(m, apart=between(sorted(m.left), sorted(m.right), apart)) for m in _merges(tree))
    return Landscape(values, dict(links), heights, tree, passes, chains, merges, barriers, apart)


def _sum_up(a: float, b: float) -> float:
    """a + b, rounded up; exact when one of them is 0."""
    return a + b if a == 0.0 or b == 0.0 else math.nextafter(a + b, math.inf)


def _height(values: tuple[Interval, ...], pair: Pair, link: Link) -> float:
    """An upper bound of F on the link's path, at or above the upper ends of both its networks."""
    ends = max(values[k].upper for k in pair)
    return max(link.sup, ends) if math.isinf(ends) else max(min(link.sup, _sum_up(ends, link.gap)), ends)


def link_costs(values: Sequence[Interval], links: Mapping[Pair, Link], pair: Pair) -> dict[Pair, float]:
    """Proposition 1: per link, a bound of `F - E` on its path, where E = max(F(a), F(c)) belongs to `pair`; 0 means exactly 0.

    Per link {u, v} the lesser of `sup - E` and `gap + max(e_u, e_v)`, with `e = 0` for a and c themselves, and else the excess of F over E.
    """
    E = max(values[k].lower for k in pair)
    over = [0.0 if k in pair else math.inf if math.isinf(v.upper) else excess(v.upper, E) for k, v in enumerate(values)]
    own = {p: _sum_up(max(over[k] for k in p), l.gap) for p, l in links.items()}
    return {p: min(own[p], math.inf if math.isinf(E) else excess(l.sup, E)) for p, l in links.items()}


def best_chain(
    values: Sequence[Interval], links: Mapping[Pair, Link], heights: Mapping[Pair, float], pair: Pair
) -> Chain | None:
    """The chain of links with the least certified gap, of those the one with the fewest links; None when no chain joins the pair.

    The pair's own link keeps the gap that its certificate states.
    """
    if pair in links and links[pair].gap == 0.0:
        return Chain(pair, heights[pair], 0.0)
    costs = link_costs(values, links, pair)
    if pair in links:
        costs[pair] = links[pair].gap
    joined, least = UnionFind(range(len(values))), math.inf
    for p, cost in sorted(costs.items(), key=lambda item: item[1]):
        joined.union(*p)
        if joined[pair[0]] == joined[pair[1]]:
            least = cost
            break
    if math.isinf(least):
        return None
    graph = nx.Graph(p for p, cost in costs.items() if cost <= least)
    nodes = tuple(nx.shortest_path(graph, *pair))
    used = [_sorted(p) for p in pairwise(nodes)]
    return Chain(nodes, max(heights[p] for p in used), max(costs[p] for p in used))


def _sorted(pair: Iterable[int]) -> Pair:
    a, b = sorted(pair)
    return a, b


def _tree(n: int, heights: Mapping[Pair, float]) -> tuple[Edge, ...]:
    """Minimum spanning tree of the heights: along it every two nodes have the least possible bottleneck."""
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from((*p, h) for p, h in sorted(heights.items()))
    found = nx.minimum_spanning_tree(graph).edges(data="weight")
    return tuple(sorted((Edge(*_sorted((a, b)), h) for a, b, h in found), key=lambda e: (e.height, e.a, e.b)))


def _passes(n: int, tree: Sequence[Edge]) -> dict[Pair, tuple[float, tuple[int, ...]]]:
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    graph.add_weighted_edges_from((e.a, e.b, e.height) for e in tree)
    out = {}
    for a, ways in nx.all_pairs_shortest_path(graph):
        for c, nodes in ways.items():
            if a < c:
                out[a, c] = (max(graph.edges[e]["weight"] for e in pairwise(nodes)), tuple(nodes))
    return out


def _merges(tree: Sequence[Edge]) -> tuple[Merge, ...]:
    """Single linkage along the tree's edges, which come lowest first."""
    group = {k: frozenset([k]) for e in tree for k in (e.a, e.b)}
    out = []
    for e in tree:
        left, right = sorted((group[e.a], group[e.b]), key=min)
        out.append(Merge(e.height, left, right))
        for k in left | right:
            group[k] = left | right
    return tuple(out)
