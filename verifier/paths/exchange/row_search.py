"""Best-first bottleneck search over row sets of m - 1 rows (Proposition X with one row exchanged at a time).

Two sets are neighbours when their union has at most m rows; the cost of a walk is its largest head value. Without a budget
this finds the best path of exchange with m - 1 rows at every waypoint; it is meant for narrow networks.
"""

from __future__ import annotations

import heapq
import itertools

import numpy as np

from verifier.paths.exchange.problem import ExchangeProblem, Waypoint

Key = tuple[int, ...]


def best_first(problem: ExchangeProblem, start: Waypoint, target: float, budget: int = 6000) -> list[Waypoint]:
    """Waypoints from a set of A's rows to a set of B's; start is the best head on all of A's rows.

    budget: number of head programs. When it runs out the walk to the set with fewest rows of A so far is finished by
    dropping the rest greedily. Values below the target count as the target, so that the search heads for B.
    """
    m = problem.m
    solved: dict[Key, Waypoint] = {}
    parent: dict[Key, Key | None] = {}
    tie = itertools.count()
    queue: list[tuple[float, int, int, Key]] = []

    def reach(rows: np.ndarray, at: Waypoint, bottleneck: float, origin: Key | None) -> None:
        key = tuple(int(i) for i in rows)
        if key in solved:
            return
        solved[key] = problem.solve(rows, at, stop_at=target)
        parent[key] = origin
        cost = max(bottleneck, solved[key].value, target)
        heapq.heappush(queue, (cost, int((rows < m).sum()), next(tie), key))

    for i in range(m):
        reach(np.delete(start.rows, i), start, target, None)
    best: tuple[int, float, Key] | None = None
    finished: Key | None = None
    while queue:
        cost, from_A, _, key = heapq.heappop(queue)
        if best is None or (from_A, cost) < best[:2]:
            best = from_A, cost, key
        if from_A == 0:
            finished = key
            break
        if len(solved) > budget:
            break
        at = solved[key]
        present = np.array(key, dtype=np.int64)
        for new in range(2 * m):
            if new in key:
                continue
            union = np.sort(np.append(present, new))
            wide = problem.solve(union, at, stop_at=0.5 * target, tolerance=1e-5, max_iter=15)
            for gone in union:
                if gone != new:
                    reach(np.setdiff1d(union, [gone]), wide, cost, key)
    if best is None:
        raise ValueError("best_first: a network without neurons has no row sets")
    walk = _walk(finished if finished is not None else best[2], parent, solved)
    return walk if finished is not None else walk + _finish(problem, walk[-1])


def _walk(key: Key, parent: dict[Key, Key | None], solved: dict[Key, Waypoint]) -> list[Waypoint]:
    walk: list[Waypoint] = []
    at: Key | None = key
    while at is not None:
        walk.append(solved[at])
        at = parent[at]
    return walk[::-1]


def _finish(problem: ExchangeProblem, at: Waypoint) -> list[Waypoint]:
    """One row of B in, the cheapest row of A out, until no row of A is left."""
    m = problem.m
    out: list[Waypoint] = []
    while (at.rows < m).any():
        missing = np.setdiff1d(np.arange(m, 2 * m), at.rows)
        union = np.sort(np.append(at.rows, missing[: max(0, m - len(at.rows))]))
        wide = problem.solve(union, at)
        gone = problem.order(wide, union[union < m], max(1, len(union) - (m - 1)), resolve_every=None)
        at = problem.solve(np.setdiff1d(union, gone), wide)
        out.append(at)
    return out
