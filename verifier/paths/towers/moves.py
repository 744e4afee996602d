"""Towers: closed sub-networks, and the path through a chain of compatible ones (docs/deep.md, Proposition T).

A tower lists, per hidden layer, neurons that read only neurons of the tower one layer below, and a head. Consecutive towers
`T_k, T_{k+1}` of a chain fit side by side into the layers' widths, so the path from A to B through them is made of head, idle
and transfer moves and `sup F = max_k F(T_k)`. Theorem 4.1, exchange in depth and dropout stability only choose chains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from verifier.kernel.statements import columns_of
from verifier.networks.above import Above, dense_above
from verifier.networks.network import Network
from verifier.objective import Objective, Risk

Array = np.ndarray
Key = bytes


@dataclass(frozen=True, eq=False)
class Tower:
    """A sub-network apart from any slots; layers may be empty.

    weights: hidden W_l of shape (s_l, s_{l-1}), l = 1..L-1, with s_0 = n_0; of convolutional networks neurons are channels, each with r_l columns next to
        one another in W_l. biases: (s_l,), or None where the network has none.
    head: (K, s_{L-1}), r_L columns per channel. head_bias: (K,) or None. label: for the report. program: name of the convex program the head solves.
    """

    weights: tuple[Array, ...]
    biases: tuple[Array | None, ...]
    head: Array
    head_bias: Array | None
    label: str = ""
    program: str | None = None

    @property
    def sizes(self) -> tuple[int, ...]:
        """(s_1, ..., s_{L-1})."""
        return tuple(W.shape[0] for W in self.weights)

    @cached_property
    def keys(self) -> tuple[tuple[Key, ...], ...]:
        """What each neuron is, per layer: a digest of its bias and of the neurons it reads with non-zero weight, recursively.

        Equal keys mean equal numbers, so neurons of two towers with one key may share a slot. Exact copies within a layer are
        told apart by a running number.
        """
        below: tuple[Key, ...] = tuple(str(i).encode() for i in range(self.weights[0].shape[1]))
        out = []
        for W, b in zip(self.weights, self.biases):
            below = _keys_of_layer(W, b, below)
            out.append(below)
        return tuple(out)

    @property
    def rows(self) -> tuple[tuple[Array, Array | None], ...]:
        """(W_l, b_l) of the hidden layers."""
        return tuple(zip(self.weights, self.biases))

    def features(self, X: Array, above: Above | None = None) -> Array:
        """What the head reads, float64 estimate, shape (N, s_{L-1}); X is (N, n_0). above: the network's layers; dense ReLU where it is left out."""
        above = dense_above(0.0, len(self.weights) + 1) if above is None else above
        return above.through(above.maps.rows(np.asarray(X, dtype=np.float64)), self.rows, read=True)

    def prices(self, objective: Objective) -> Array:
        """r_i of the head program, shape (s_{L-1},): of the rows for one hidden layer, else 0 or, under l1, 1."""
        W, b = self.weights[0], self.biases[0]
        if len(self.weights) > 1:
            return np.ones(self.head.shape[1]) if objective.kappa > 0 else np.zeros(self.head.shape[1])
        return objective.prices_of_rows(W if b is None else np.hstack([W, b[:, None]]))

    def value(self, risk: Risk, above: Above | None = None) -> float:
        """F of any network that holds this tower and else only dead neurons (float64 estimate)."""
        Z = self.features(risk.X, above)
        return risk.objective.head_value(Z, risk.targets, self.prices(risk.objective), self.head, self.head_bias)

    def with_head(self, head: Array, head_bias: Array | None) -> Tower:
        return replace(self, head=head, head_bias=head_bias)


def per_neuron(W: Array, below: int) -> int:
    """How many columns of W belong to each of so many neurons below; 1 where there are none."""
    return W.shape[1] // below if below else 1


def _keys_of_layer(W: Array, b: Array | None, below: tuple[Key, ...]) -> tuple[Key, ...]:
    r = per_neuron(W, len(below))
    # A channel with several columns is read at several places, each with a name of its own.
    below = below if r == 1 else tuple(key + b"@%d" % k for key in below for k in range(r))
    order = sorted(range(len(below)), key=below.__getitem__)
    names = [below[i] for i in order]
    # Adding 0.0 turns -0.0 into 0.0: the same number, the same key.
    rows = np.ascontiguousarray(W[:, order] + 0.0)
    biases = np.zeros((len(W), 0)) if b is None else b[:, None] + 0.0
    # Most rows read everything below: one copy of a digest that has seen all names, and the row's bytes.
    everything = hashlib.blake2b(b"|".join(names) + b"#", digest_size=16)
    whole = np.asarray(rows.all(axis=1))
    seen: dict[Key, int] = {}
    keys = []
    for row, bias, reads_all in zip(rows, biases, whole):
        if reads_all:
            digest = everything.copy()
            digest.update(row)
        else:
            used = np.flatnonzero(row)
            digest = hashlib.blake2b(b"|".join(names[j] for j in used) + b"#", digest_size=16)
            digest.update(row[used])
        digest.update(bias)
        key = digest.hexdigest().encode()
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else key + b"*%d" % seen[key])
    return tuple(keys)


def live_slots(network: Network) -> tuple[Array, ...]:
    """Per hidden layer the neurons from which a chain of non-zero weights leads to an output, as sorted indices."""
    live: list[Array] = [np.arange(network.widths[-1])]
    for W, n in zip(network.weights[:0:-1], network.widths[-2:0:-1]):
        live.insert(0, np.flatnonzero(W[live[0]].any(axis=0).reshape(n, -1).any(axis=1)))
    return tuple(live[:-1])


def tower_of(network: Network, label: str = "") -> Tower:
    """The network's live neurons; entry i of a layer is slot `live_slots(network)[l][i]`."""
    live = live_slots(network)
    weights, biases = stacked(network, live, [])
    return Tower(weights, biases, network.theta[:, network.columns(live[-1], -1)], network.c, label)


def stacked(network: Network, kept: Sequence[Array], upper: Sequence[tuple[Array, Array | None]]) -> tuple[
    tuple[Array, ...], tuple[Array | None, ...]
]:  # fmt: skip
    """Hidden rows of a tower: the network's own neurons `kept` in layers 1..l, then rows (W, b) of the layers above.

    kept[p] holds indices of layer p + 1; each kept neuron reads the kept ones below with its own weights and bias.
    """
    weights: list[Array] = []
    biases: list[Array | None] = []
    below: Array = np.arange(network.weights[0].shape[1])
    for l, (W, b, here) in enumerate(zip(network.weights, network.biases, kept), start=1):
        weights.append(W[np.ix_(here, below)])
        biases.append(None if b is None else b[here])
        below = network.columns(here, l + 1)
    for W, b in upper:
        weights.append(W)
        biases.append(b)
    return tuple(weights), tuple(biases)


def mixed(first: Tower, rows: Array, second: Tower, other_rows: Array) -> Tower:
    """Both towers' lower layers side by side, common neurons once; on top first's `rows`, then second's `other_rows`; head zero."""
    weights: list[Array] = []
    biases: list[Array | None] = []
    here, there = np.arange(first.weights[0].shape[1]), np.arange(first.weights[0].shape[1])
    n_below, sizes = len(here), (first.weights[0].shape[1], *first.sizes)
    for l in range(len(first.weights)):
        W, b, V, c = first.weights[l], first.biases[l], second.weights[l], second.biases[l]
        if l == len(first.weights) - 1:
            mine, others = np.asarray(rows, dtype=np.int64), np.asarray(other_rows, dtype=np.int64)
        else:
            place = {k: i for i, k in enumerate(first.keys[l])}
            mine = np.arange(len(W))
            others = np.array([i for i, k in enumerate(second.keys[l]) if k not in place], dtype=np.int64)
            place.update({second.keys[l][i]: len(W) + j for j, i in enumerate(others)})
        r = per_neuron(W, sizes[l]) if l else 1
        r = per_neuron(V, second.sizes[l - 1]) if l and not sizes[l] else r
        out = np.zeros((len(mine) + len(others), n_below * r))
        out[: len(mine), columns_of(here, r)] = W[mine]
        out[len(mine) :, columns_of(there, r)] = V[others]
        weights.append(out)
        biases.append(None if b is None or c is None else np.concatenate([b[mine], c[others]]))
        if l < len(first.weights) - 1:
            here = mine
            there = np.array([place[k] for k in second.keys[l]], dtype=np.int64)
            n_below = len(out)
    head = np.zeros((first.head.shape[0], len(mine) + len(others)))
    return Tower(tuple(weights), tuple(biases), head, first.head_bias)


def compatible(first: Tower, second: Tower, widths: Sequence[int]) -> bool:
    """Whether the union of both towers' neurons fits into hidden layers of these widths (n_1, ..., n_{L-1})."""
    return all(len({*p, *q}) <= n for p, q, n in zip(first.keys, second.keys, widths))
