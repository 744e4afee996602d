"""Exchange (Proposition X, docs/constructions.md, section 1): replace A's rows by B's a block at a time, heads re-solved in between.

For row sets `R_0 in A's rows, ..., R_n in B's rows` with `|R_k u R_{k+1}| <= m` and heads h_k on R_k there is a path of head,
idle and transfer moves with `sup F <= max(F(A), F(B), max_k F(R_k, h_k))`. The search below is untrusted: it looks for
sets whose heads stay at or below a target, coarse blocks first, and returns the best sequence it met.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.paths.endpoints import default_target, require_one_hidden_layer
from verifier.paths.exchange.moves import moves_through
from verifier.paths.exchange.problem import ExchangeProblem, Waypoint
from verifier.paths.exchange.row_search import best_first
from verifier.paths.path import Move, Path

Array = np.ndarray


def exchange(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    target: float | None = None,
    exhaustive: bool = False,
) -> Path:
    """Path from A to B of head, idle and transfer moves, aimed at interior values <= target.

    target: E less a rounding margin by default. exhaustive: where one row at a time fails, try every row at the
    step that fails and several orders (slow). Under weight decay interior values use its balanced form.
    Notes: schedule, target, max_value (largest interior F, estimate), held_up (what kept it above target, or None),
    waypoints, programs, seconds. Raises UsageError for deep networks or different architectures.
    """
    require_one_hidden_layer("exchange", A, B)
    start = time.perf_counter()
    if target is None:
        target = default_target(A, B, risk)
    same_rows = np.array_equal(A.W, B.W) and (A.b is None or B.b is None or np.array_equal(A.b, B.b))
    if same_rows:
        notes: dict[str, object] = {"schedule": "same rows", "target": target, "max_value": None, "held_up": None}
        return Path("exchange", A, (Move(B, "head move: the rows agree"),), notes)
    problem = ExchangeProblem(A, B, risk)
    best: list[Waypoint] = []
    best_max, schedule = np.inf, ""
    for name, sequence in _attempts(problem, target, exhaustive):
        top = max(w.value for w in sequence)
        if top < best_max:
            best, best_max, schedule = sequence, top, name
        if best_max <= target:
            break
    moves = moves_through(A, B, best)
    held = None
    if best_max > target:
        k = int(np.argmax([w.value for w in best]))
        from_A = int((best[k].rows < problem.m).sum())
        held = (
            f"waypoint {k} of {len(best)}, {plural(from_A, 'row')} of A and {len(best[k].rows) - from_A} of B: "
            f"{best_max:.6g} is {best_max - target:.3g} over the target"
        )
    notes = {
        "schedule": schedule,
        "target": target,
        "max_value": best_max,
        "held_up": held,
        "waypoints": len(best),
        "programs": problem.solves,
        "seconds": time.perf_counter() - start,
    }
    return Path("exchange", A, moves, notes)


def _attempts(problem: ExchangeProblem, target: float, exhaustive: bool) -> Iterator[tuple[str, list[Waypoint]]]:
    """Sequences of waypoints, cheapest schedule first; each may exceed the target."""
    search = _Search(problem, target)
    halves = search.two_sets()
    yield "two row sets", halves
    m = problem.m
    blocks = []
    b = m // 4
    while b > 1:
        blocks.append(b)
        b //= 4 if b > 8 else 2
    for b in [*blocks, 1]:
        sequence = search.blocks(b, stop_early=b > 1)
        if sequence:
            yield f"blocks of {b}", sequence
    if m > 1:
        # The mirror image makes other greedy choices.
        sequence = search.mirrored().blocks(1, stop_early=False)
        yield "blocks of 1, from B to A", [search.mirror(w) for w in reversed(sequence)]
    if exhaustive and m > 1:
        yield "best-first search over row sets", best_first(problem, search.ends[0], target)


class _Search:
    """Greedy searches for row sets, with the two networks' elimination orders computed once."""

    def __init__(self, problem: ExchangeProblem, target: float) -> None:
        self.problem, self.target = problem, target
        self.ends = []
        self.orders: list[list[int]] = []
        for side in (0, 1):
            given = problem.of_network(side)
            # Far below the target the optimum is of no use; separable classes have none at all.
            full = problem.solve(given.rows, given, stop_at=0.1 * target, tolerance=1e-6)
            self.ends.append(full)
            self.orders.append(problem.order(full, full.rows, problem.m, target=target))
        self._mirrored: _Search | None = None

    def mirrored(self) -> _Search:
        """The same search with A and B exchanged."""
        if self._mirrored is None:
            p = self.problem
            other = object.__new__(ExchangeProblem)
            other.__dict__.update(p.__dict__)
            other.A, other.B = p.B, p.A
            other.Z = np.hstack([p.Z[:, p.m :], p.Z[:, : p.m]])
            other.prices = np.concatenate([p.prices[p.m :], p.prices[: p.m]])
            search = object.__new__(_Search)
            search.problem, search.target = other, self.target
            search.ends = [self.mirror(w) for w in reversed(self.ends)]
            search.orders = [[(i + p.m) % (2 * p.m) for i in order] for order in reversed(self.orders)]
            search._mirrored = self
            self._mirrored = search
        return self._mirrored

    def mirror(self, w: Waypoint) -> Waypoint:
        """The waypoint with A's and B's indices exchanged."""
        m = self.problem.m
        rows = (w.rows + m) % (2 * m)
        order = np.argsort(rows)
        return Waypoint(rows[order], w.head[:, order], w.bias, w.value)

    def best_of(self, side: int, size: int) -> Waypoint:
        """Head on the `size` rows of one network that elimination keeps longest, stopped at the target."""
        rows = np.sort(np.array(self.orders[side][self.problem.m - size :], dtype=np.int64))
        return self.problem.solve(rows, self.ends[side], stop_at=self.target)

    def two_sets(self) -> list[Waypoint]:
        """n = 1: s rows of A, then m - s of B; s is the least that meets the target, or m/2 (N21's halves)."""
        m = self.problem.m
        low, high = 0, m - 1
        found = self.best_of(0, m // 2)
        if found.value <= self.target:
            high = m // 2
        else:
            low = m // 2 + 1
            found = self.best_of(0, high) if high >= low else found
            if found.value > self.target:
                low = high = m // 2
        # A handful of sizes is enough: B's side is what has to fit into the rest.
        for _ in range(3):
            if low >= high:
                break
            middle = (low + high) // 2
            trial = self.best_of(0, middle)
            if trial.value <= self.target:
                high, found = middle, trial
            else:
                low = middle + 1
        room = min(m - len(found.rows), m - 1)
        return [found, self.best_of(1, room)]

    def blocks(self, b: int, *, stop_early: bool) -> list[Waypoint]:
        """Waypoints of at most m - b rows, b rows exchanged at a time; [] as soon as one fails when stop_early."""
        p, m = self.problem, self.problem.m
        arrivals = list(reversed(self.orders[1]))[: m - b]
        current = self.ends[0]
        sequence: list[Waypoint] = []
        while True:
            departing = current.rows[current.rows < m]
            drop = max(0, min(len(departing), len(current.rows) - (m - b)))
            current = self._without(current, departing, drop)
            sequence.append(current)
            if current.value > self.target and stop_early:
                return []
            room = m - len(current.rows)
            coming, arrivals = arrivals[:room], arrivals[room:]
            rows = np.sort(np.concatenate([current.rows, np.array(coming, dtype=np.int64)]))
            if not arrivals:
                # Everything of B that fits is here, and its head alone is what the path has to pass anyway.
                final = p.solve(rows[rows >= m], current, stop_at=self.target)
                sequence.append(final)
                return [] if stop_early and final.value > self.target else sequence
            current = p.solve(rows, current, tolerance=1e-5, max_iter=20, stop_at=0.5 * self.target)

    def _without(self, at: Waypoint, candidates: Array, drop: int) -> Waypoint:
        p = self.problem
        if drop == 0:
            return at
        gone = p.order(at, candidates, drop, resolve_every=0.25)
        return p.solve(np.setdiff1d(at.rows, gone), at, stop_at=self.target)


def exchange_between(left: Path, right: Path, risk: Risk, *, target: float, method: str) -> Path:
    """`left` from A, exchange between the ends of both, and `right` from B backwards. Notes are the exchange's."""
    middle = exchange(left.end, right.end, risk, target=target)
    return Path(method, left.start, left.then(middle).then(right.reversed()).moves, dict(middle.notes))
