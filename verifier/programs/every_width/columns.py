"""Column generation over activation patterns: the convex training program of any width (docs/mathematics.md, section 13).

The master is the rows program over the patterns found so far, each with one output and one sign of its head; its dual prices every direction w by
`h_k(w) = sum_j q_j nu_jk relu(w . xt_j)`, and directions with `|h_k(w)| > kappa |w|` bring new patterns in.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.programs.dual import into_domain
from verifier.programs.every_width.cones import largest_pulls
from verifier.programs.fast_head import fast_head
from verifier.programs.region.interior_point import interior_point
from verifier.programs.region.rows_program import RowsProgram

Array = np.ndarray

# Directions that one pricing starts from, steps of each, and patterns that one round may bring.
STARTS, STEPS, NEW = 2000, 40, 60
# Share of the best dual so far in what is priced next to the master's own (in-out separation): the bound then rises steadily.
INNER = 0.6
# Accuracy of a master, and the share of the largest neuron below which one leaves.
ROUGH, LEAST = 1e-6, 1e-5


@dataclass(frozen=True, eq=False)
class Columns:
    """One neuron each: pattern (r, N), output (r,), sign (r,) of its head, and |theta_i| w_i (r, n)."""

    pattern: Array
    output: Array
    sign: Array
    rows: Array

    def distinct(self) -> Columns:
        keys = np.column_stack([self.pattern, self.output, self.sign > 0])
        _, first = np.unique(keys, axis=0, return_index=True)
        return self.at(np.sort(first))

    def at(self, index: Array) -> Columns:
        return Columns(self.pattern[index], self.output[index], self.sign[index], self.rows[index])

    def joined(self, other: Columns) -> Columns:
        pairs = ((getattr(self, f), getattr(other, f)) for f in ("pattern", "output", "sign", "rows"))
        return Columns(*(np.concatenate(p) for p in pairs)).distinct()


def columns_of(networks: list[Network], inputs: Array) -> Columns:
    """The neurons of networks, one column for each output that a neuron feeds."""
    out = []
    for network in networks:
        rows = augmented_rows(network)
        k, i = np.nonzero(network.theta)
        size = np.abs(network.theta[k, i])
        out.append(Columns(rows[i] @ inputs.T > 0.0, k, np.sign(network.theta[k, i]), rows[i] * size[:, None]))
    found = out[0]
    for more in out[1:]:
        found = found.joined(more)
    return found.distinct() if len(found.output) else _one(inputs)


def _one(inputs: Array) -> Columns:
    """The neuron along the longest input, for networks whose heads are all 0."""
    row = inputs[[int(np.linalg.norm(inputs, axis=1).argmax())]]
    return Columns(row @ inputs.T > 0.0, np.zeros(1, dtype=np.int64), np.ones(1), row)


def pull(inputs: Array, weighted: Array, directions: Array) -> Array:
    """h_k(w) for every direction, (w, K); weighted (N, K): q_j nu_jk / N."""
    return np.asarray(np.maximum(directions @ inputs.T, 0.0) @ weighted)


def steepest(inputs: Array, weighted: Array, starts: Array) -> tuple[Array, Array]:
    """(directions of length 1, their |h|), the largest first: of each start the end of an ascent of |h| on the sphere. weighted (N,): of one output."""
    w = starts / np.maximum(np.linalg.norm(starts, axis=1), 1e-300)[:, None]
    h = pull(inputs, weighted[:, None], w)[:, 0]
    moving = np.arange(len(w))
    for _ in range(STEPS):
        active = (w[moving] @ inputs.T) > 0.0
        v = (active * (np.sign(h[moving])[:, None] * weighted)) @ inputs
        v /= np.maximum(np.linalg.norm(v, axis=1), 1e-300)[:, None]
        there = pull(inputs, weighted[:, None], v)[:, 0]
        better = np.abs(there) > np.abs(h[moving]) * (1.0 + 1e-13)
        w[moving[better]], h[moving[better]] = v[better], there[better]
        moving = moving[better]
        if not len(moving):
            break
    order = np.argsort(-np.abs(h))
    return w[order], h[order]


class Search:
    """State of one column generation: the best dual so far, and the least F of the networks passed."""

    def __init__(self, risk: Risk, network: Network, room: float) -> None:
        self.objective, self.targets, self.like, self.room = risk.objective, risk.targets, network, room
        self.inputs = augmented_inputs(risk.X, network.b is not None)
        self.zero_sums = network.c is not None and risk.objective.bias_price == 0
        self.dual, self.primal = -np.inf, np.inf
        self.nu: Array | None = None
        rng = np.random.default_rng(0)
        some = rng.permutation(len(risk.X))[: STARTS // 4]
        random = rng.normal(size=(STARTS // 2, self.inputs.shape[1]))
        self.starts = np.concatenate([self.inputs[some], -self.inputs[some], random])

    def program(self, columns: Columns, c: Array) -> RowsProgram:
        """The master, as a rows program whose neurons have heads +-e_k."""
        r, K = len(columns.output), len(self.like.theta)
        heads = np.zeros((K, r))
        heads[columns.output, np.arange(r)] = columns.sign
        return RowsProgram(
            self.like, self.objective, self.inputs, self.targets, columns.pattern, np.arange(r), heads, np.ones(r), columns.rows, c,
            free=self.like.c is not None, kappa=self.room, decay=None, limits=None, bias_price=self.objective.kappa * self.objective.bias_price, constant=0.0,
        )  # fmt: skip

    def value(self, P: RowsProgram, u: Array, c: Array) -> float:
        """F of the network with rows u and the master's heads, whatever patterns its rows have."""
        f = np.maximum(u @ self.inputs.T, 0.0).T @ P.heads.T + c
        return self.objective.loss_of(f, self.targets) + P.charge(u, c)

    def weighted(self, nu: Array) -> Array:
        return np.asarray(self.objective.loss.scaled(nu)) / len(nu)

    def price(self, nu: Array) -> list[tuple[Array, Array]]:
        """Directions and pulls per output; the bound that nu proves once it is scaled into its price becomes the best where it is."""
        found = [self._steepest(w) for w in self.weighted(nu).T]
        largest = max(float(np.abs(h[0])) for _, h in found)
        if self.like.c is not None and not self.zero_sums:
            means = np.abs(self.weighted(nu).sum(axis=0)).max()
            largest = max(largest, float(means) * self.room / (self.objective.kappa * self.objective.bias_price))
        nu = nu * self._scale(nu, self.room / max(largest, 1e-300))
        value = -float(np.mean(self.objective.loss.scaled(self.objective.loss.plain.conjugate(nu, self.targets))))
        if value > self.dual:
            self.dual, self.nu = value, nu
        return found

    def _steepest(self, weighted: Array) -> tuple[Array, Array]:
        """Ascents from many starts, and from every cone that may hold a larger pull than they found."""
        w, h = steepest(self.inputs, weighted, self.starts)
        known = float(np.abs(h[0]))
        more = [largest_pulls(self.inputs, s * weighted, known)[1] for s in (1.0, -1.0)]
        return steepest(self.inputs, weighted, np.concatenate([w[:STARTS], *more]))

    def _scale(self, nu: Array, most: float) -> float:
        """How far nu is shrunk, or stretched where the conjugate's domain has no end and the bound rises."""
        if self.objective.loss.name != "squared":
            return min(1.0, most)
        q = self.objective.loss.scaled(np.ones(len(nu)))[:, None]
        best = -2.0 * float((q * nu * self.targets).sum()) / max(float((q * nu * nu).sum()), 1e-300)
        return float(np.clip(best, 0.0, most))

    def run(self, columns: Columns, c: Array, *, seconds: float, tolerance: float, most: int = 60) -> tuple[str, int]:
        """(status, rounds). Stops at a relative gap `tolerance` between dual and primal, or after so many CPU seconds."""
        start = time.process_time()
        if not self.inputs.any():
            return self._constant(), 0
        for k in range(1, most + 1):
            P = self.program(columns, c)
            found = interior_point(P, tolerance=ROUGH, most=70 if self.objective.loss.smooth else None)
            c = found.c
            self.primal = min(self.primal, self.value(P, found.u, c))
            nu = into_domain(found.duals[0], self.targets, self.objective, self.zero_sums)
            priced = []
            if self.nu is not None:
                priced.append(self.price(INNER * self.nu + (1.0 - INNER) * nu))
            if not priced or k % 3 == 0:
                priced.append(self.price(nu))
            if self.primal - self.dual <= tolerance * abs(self.primal):
                return "optimal", k
            fresh = self._fresh(priced, nu)
            if fresh is None and len(priced) == 1 and self.nu is not None:
                fresh = self._fresh([self.price(nu)], nu)
            if fresh is None:
                return "no new pattern", k
            if time.process_time() - start > seconds:
                return "out of time", k
            size = np.linalg.norm(found.u, axis=1)
            kept = Columns(columns.pattern, columns.output, columns.sign, found.u).at(
                np.flatnonzero(size > LEAST * size.max())
            )
            columns = kept.joined(Columns(fresh.pattern, fresh.output, fresh.sign, fresh.rows * (1e-3 * size.max())))
            self.starts[: min(len(kept.rows), STARTS // 4)] = kept.rows[: STARTS // 4]
        return "most rounds", most

    def _constant(self) -> str:
        """All inputs are 0: no neuron without a bias does anything, and the best output bias is all there is."""
        Z, free = np.zeros((len(self.inputs), 1)), self.like.c is not None
        start = np.zeros((len(self.like.theta), 1)), np.zeros(len(self.like.theta)) if free else None
        head, c, self.primal = fast_head(Z, self.targets, self.objective, np.ones(1), free, warm=start)
        f = Z @ head.T + (0.0 if c is None else c)
        self.price(
            into_domain(self.objective.loss.gradient(f, self.targets), self.targets, self.objective, self.zero_sums)
        )
        return "optimal"

    def _fresh(self, priced: list[list[tuple[Array, Array]]], nu: Array) -> Columns | None:
        """Patterns of directions that the master's own dual pulls at beyond their price."""
        weighted, out = self.weighted(nu), None
        for found in priced:
            for k, (w, _) in enumerate(found):
                h = pull(self.inputs, weighted[:, k : k + 1], w)[:, 0]
                over = np.flatnonzero(np.abs(h) > self.room * (1.0 + 1e-7))
                if not len(over):
                    continue
                pattern = w[over] @ self.inputs.T > 0.0
                new = Columns(pattern, np.full(len(over), k), -np.sign(h[over]), w[over])
                new = new.at(np.argsort(-np.abs(h[over]), kind="stable")).distinct()
                new = new.at(np.arange(min(NEW, len(new.output))))
                out = new if out is None else out.joined(new)
        return out
