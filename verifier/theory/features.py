"""Features of a hidden layer as exact rationals where that is small, and with a rigorous rounding error everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpz_mat

from verifier.networks.network import Network

Array = np.ndarray
# Products of big integers that exact features may cost: about ten seconds.
MOST_PRODUCTS = 2e7
# Samples taken through a layer at a time: what lies between two layers is kept for these only.
BLOCK = 4096


@dataclass(frozen=True)
class Decision:
    """Whether a condition holds; met is None where it was not decided. text: what decided it, or how far the search went."""

    met: bool | None
    text: str


@dataclass(frozen=True, eq=False)
class Features:
    """f_l on the samples X (N, n_0), restricted to the neurons `kept` of layer l (0 is the inputs).

    values (N, d) float64; the exact feature lies within `errors` (N, d) of it, so 0 with error 0 is an exact zero.
    """

    network: Network
    X: Array
    layer: int
    kept: Array
    values: Array
    errors: Array

    @property
    def shape(self) -> tuple[int, int]:
        N, d = self.values.shape
        return N, d

    @property
    def zeros(self) -> Array:
        """Entries that are 0 exactly, (N, d) bool; a ReLU near its kink may be missed."""
        return np.asarray((self.values == 0) & (self.errors == 0))

    def columns(self, kept: Array) -> Features:
        """The neurons kept[k] of these."""
        part = replace(
            self, kept=self.kept[kept], values=np.ascontiguousarray(self.values[:, kept]), errors=self.errors[:, kept]
        )
        if "exact" in self.__dict__ and self.exact is not None:
            part.__dict__["exact"] = self.exact[0][:, kept], self.exact[1]
        return part

    def rows(self, samples: Array) -> Features:
        """These samples only."""
        return replace(self, X=self.X[samples], values=self.values[samples], errors=self.errors[samples])

    @cached_property
    def exact(self) -> tuple[Array, int] | None:
        """(integers (N, d) as an object array, scale 2^s): features are integers / scale. None where they would cost too much."""
        if len(self.X) * self._products > MOST_PRODUCTS:
            return None
        return self.exact_rows(np.arange(len(self.X)))

    @property
    def _products(self) -> int:
        return sum(W.size for W in self.network.weights[: self.layer]) or 1

    def exact_rows(self, samples: Array) -> tuple[Array, int] | None:
        """As `exact` for some samples; None where they would cost too much."""
        if len(samples) * self._products > MOST_PRODUCTS:
            return None
        integers, shift = _exact(self.network, self.X[samples], self.layer)
        return integers[:, self.kept], 1 << shift


def features(network: Network, X: Array, layer: int) -> Features:
    """All features of layer l with their rounding errors; X (N, n_0)."""
    return next(f for f in layers(network, X) if f.layer == layer)


def layers(network: Network, X: Array) -> Iterator[Features]:
    """Features of the layers 0, 1, ..., L - 1 in one pass, with their rounding errors; X (N, n_0).

    |fl(W h + b) - (W h + b)| <= (n + 3) 2^-53 (|W| |h| + |b|) for any order of summation, errors of h carried on; all with room for
    their own rounding.
    """
    h = np.asarray(X, dtype=np.float64)
    error: Array = np.broadcast_to(0.0, h.shape)
    yield Features(network, X, 0, np.arange(h.shape[1]), h, error)
    for l, (W, b) in enumerate(zip(network.weights[:-1], network.biases[:-1]), start=1):
        below, errors_below = h, error
        h, error = np.empty((len(X), len(W))), np.empty((len(X), len(W)))
        for start in range(0, len(X), BLOCK):
            part = slice(start, start + BLOCK)
            h[part], error[part] = _layer(below[part], errors_below[part], W, b, network.negative_slope)
        yield Features(network, X, l, np.arange(h.shape[1]), h, error)


def _layer(h: Array, error: Array, W: Array, b: Array | None, slope: float) -> tuple[Array, Array]:
    size = np.abs(h) @ np.abs(W).T + (0.0 if b is None else np.abs(b))
    carried = error @ np.abs(W).T
    z = h @ W.T + (0.0 if b is None else b)
    error = 1.01 * ((W.shape[1] + 3) * 2.0**-53 * size + carried) + 1e-290
    if slope:
        h = np.maximum(z, slope * z)
        return h, 1.01 * (error + 2.0**-53 * np.abs(h))
    return np.maximum(z, 0.0), np.where(z + error <= 0, 0.0, error)


def dyadic(a: Array) -> tuple[list[list[int]], int]:
    """(integers, s) with a = integers / 2^s entrywise, exactly; a is two-dimensional."""
    ratios = [[v.as_integer_ratio() for v in row] for row in np.asarray(a, dtype=np.float64).tolist()]
    s = max((q.bit_length() - 1 for row in ratios for _, q in row), default=0)
    return [[p << (s - q.bit_length() + 1) for p, q in row] for row in ratios], s


def _exact(network: Network, X: Array, layer: int) -> tuple[Array, int]:
    rows, shift = dyadic(X)
    p, q = network.negative_slope.as_integer_ratio()
    down = q.bit_length() - 1
    for W, b in zip(network.weights[:layer], network.biases[:layer]):
        table, s = dyadic(W.T)
        product = fmpz_mat(rows) * fmpz_mat(table)
        bias, t = dyadic(np.zeros((1, len(W))) if b is None else b[None, :])
        common = max(shift + s, t)
        z = [
            [(int(v) << (common - shift - s)) + (c << (common - t)) for v, c in zip(row, bias[0])]
            for row in product.tolist()
        ]
        rows = [[v << down if v > 0 else v * p for v in row] for row in z]
        shift = common + down
    out: Any = np.zeros((len(rows), len(rows[0])), dtype=object)
    for j, row in enumerate(rows):
        out[j] = row
    return out, shift
