"""Head programs over subsets of two networks' rows: the values exchange compares (docs/constructions.md, section 1, Proposition X)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Risk
from verifier.programs.elimination import elimination_order
from verifier.programs.fast_head import fast_head

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Waypoint:
    """A set of rows with a head: rows (s,) sorted indices into A's rows 0..m-1 and B's m..2m-1, head (K, s), bias, value."""

    rows: Array
    head: Array
    bias: Array | None
    value: float


class ExchangeProblem:
    """Features and prices of A's and B's rows side by side; index i < m is A's row i, m + i is B's."""

    def __init__(self, A: Network, B: Network, risk: Risk) -> None:
        self.A, self.B, self.objective, self.targets = A, B, risk.objective, risk.targets
        self.m = A.W.shape[0]
        self.K = A.theta.shape[0]
        self.bias = A.c is not None
        self.Z = np.hstack([A.features(risk.X), B.features(risk.X)])
        self.prices = np.concatenate([risk.objective.row_prices(A), risk.objective.row_prices(B)])
        self.solves = 0

    def of_network(self, side: int) -> Waypoint:
        """A (side 0) or B (side 1) as a waypoint over its own rows."""
        network = (self.A, self.B)[side]
        rows = np.arange(self.m) + side * self.m
        return self.measured(rows, network.theta, network.c)

    def measured(self, rows: Array, head: Array, bias: Array | None) -> Waypoint:
        """Waypoint with its value computed."""
        value = self.objective.head_value(self.Z[:, rows], self.targets, self.prices[rows], head, bias)
        return Waypoint(rows, head, bias, value)

    def solve(
        self, rows: Array, start: Waypoint, stop_at: float | None = None, tolerance: float = 1e-7, max_iter: int = 60
    ) -> Waypoint:
        """Best head on `rows`, warm-started from `start`'s coefficients on the rows they share."""
        self.solves += 1
        warm = self._carried(rows, start), start.bias
        h, c, value = fast_head(
            self.Z[:, rows],
            self.targets,
            self.objective,
            self.prices[rows],
            self.bias,
            warm=warm,
            stop_at=stop_at,
            tolerance=tolerance,
            max_iter=max_iter,
        )
        return Waypoint(rows, h, c, value)

    def order(
        self,
        at: Waypoint,
        candidates: Array,
        count: int,
        resolve_every: float | None = 0.1,
        target: float | None = None,
    ) -> list[int]:
        """Rows of `at` in the order backward elimination removes them, from `candidates` only."""
        inside = np.searchsorted(at.rows, candidates)
        local = elimination_order(
            self.Z[:, at.rows],
            self.targets,
            self.objective,
            self.prices[at.rows],
            (at.head, at.bias),
            candidates=inside,
            count=count,
            resolve_every=resolve_every,
            stop_at=None if target is None else 0.3 * target,
            give_up_above=np.inf if target is None else 2 * target,
        )
        return [int(at.rows[i]) for i in local]

    def _carried(self, rows: Array, start: Waypoint) -> Array:
        head = np.zeros((self.K, len(rows)))
        _, here, there = np.intersect1d(rows, start.rows, return_indices=True)
        head[:, here] = start.head[:, there]
        return head
