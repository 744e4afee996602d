"""What T2's segments need of each endpoint: best head, sparse heads on merged rows, and the common theta*."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.networks.network import Network
from verifier.numbers import plural
from verifier.objective import Risk
from verifier.paths.theorem2.clusters import merge_rows
from verifier.paths.theorem2.reference import Reference, reference_network, row_features, rows_as_candidates
from verifier.programs import fast_head, sparse_supports

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Side:
    """One endpoint with what its segments need; letter A or B, full the best head on its own rows."""

    letter: str
    network: Network
    Z: Array
    prices: Array
    full: tuple[Array, Array | None]
    full_value: float

    @property
    def free(self) -> bool:
        return self.network.c is not None


def make_side(letter: str, network: Network, risk: Risk) -> Side:
    """The side's features, prices and best head; delta(m, 0) is its value."""
    Z, prices = network.features(risk.X), risk.objective.row_prices(network)
    h, c, value = fast_head(
        Z, risk.targets, risk.objective, prices, network.c is not None, warm=(network.theta, network.c)
    )
    return Side(letter, network, Z, prices, (h, c), value)


@dataclass(frozen=True, eq=False)
class SparseSide:
    """End of segment 2 or 5: the slots (k,) of the endpoint that stay active, their rows (k, n), and the best head there, whose value is
    delta(m - l, alpha) as found. largest_angle: radians, between a slot's row and the endpoint's."""

    slots: Array
    rows: Array
    head: Array
    bias: Array | None
    value: float
    largest_angle: float


def coupled(m: int, outputs: int) -> bool:
    """Whether a head program's Newton matrix is large because several outputs share it."""
    return outputs > 1 and m * outputs > 200


def sparse_sides(side: Side, risk: Risk, ls: list[int], alpha: float) -> dict[int, SparseSide]:
    """For each l the best head found with at most m - l atoms within alpha of the side's rows."""
    m = side.network.W.shape[0]
    merged = merge_rows(side.network, side.full[0], alpha)
    has_bias = side.network.b is not None
    Z, prices, full = side.Z[:, merged.slots], side.prices[merged.slots], None
    if merged.largest_angle > 0:
        Z = row_features(merged.rows, risk.X, has_bias)
    if len(merged.slots) == m and merged.largest_angle == 0:
        full = side.full[0][:, merged.slots], side.full[1]
    else:
        K = side.full[0].shape[0]
        warm = np.zeros((K, Z.shape[1])), (np.zeros(K) if side.free else None)
        full = fast_head(Z, risk.targets, risk.objective, prices, side.free, warm=warm)[:2]
    methods = ("backward",) if m > 50 or coupled(m, side.full[0].shape[0]) else ("backward", "penalty", "greedy")
    found = sparse_supports(
        Z, risk.targets, risk.objective, prices, side.free, [m - l for l in ls], full=full, methods=methods
    )
    out = {}
    for l in ls:
        sparse = found[min(m - l, Z.shape[1])]
        s = sparse.support
        out[l] = SparseSide(
            merged.slots[s], merged.rows[s], sparse.head[:, s], sparse.bias, sparse.value, merged.largest_angle
        )
    return out


def best_reference(
    sides: tuple[Side, Side],
    l: int,
    risk: Risk,
    seed: int = 0,
    iterations: int = 150,
    restarts: int = 2,
) -> Reference:
    """theta* of l neurons: the best l rows of A or of B, trained from there, and random restarts."""
    pairs = []
    for side in sides:
        found = sparse_supports(
            side.Z, risk.targets, risk.objective, side.prices, side.free, [l], full=side.full, methods=("backward",)
        )[l]
        pairs.append((f"best {plural(l, 'row')} of {side.letter}", side.network, found.support))
    return reference_network(
        l,
        sides[0].network,
        sides[1].network,
        risk,
        seed=seed,
        candidates=rows_as_candidates(pairs, l),
        iterations=iterations,
        restarts=restarts,
    )
