"""The layers above a layer without their numbers: what sub-networks on its features have in common with the network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from verifier.kernel.fast.maps import Maps, dense
from verifier.kernel.statements import Reading

Array = np.ndarray
Rows = Sequence[tuple[Array, Array | None]]
# Rows and columns of patches that a pass through a convolutional network holds at once, in units of `Maps.spread`.
TOGETHER = 2**14


def leaky_relu(z: Array, negative_slope: float) -> Array:
    """max(z, negative_slope z), entrywise, as a new array; ReLU for slope 0."""
    return np.asarray(np.maximum(z, negative_slope * z) if negative_slope else np.maximum(z, 0.0))


def affine(Z: Array, W: Array, b: Array | None) -> Array:
    """Z W^T + b, as a new array."""
    out: Array = Z @ W.T
    if b is not None:
        out += b
    return out


@dataclass(frozen=True, eq=False)
class Above:
    """slope: of the activation. maps: positions of the layer, and how the layers above it read one another. size: (height, width) of its maps.

    Features Z of the layer are matrices with one row per sample and position. readings: the kernel's words for `maps`; None of a dense network.
    """

    slope: float
    maps: Maps
    size: tuple[int, int] = (1, 1)
    readings: tuple[Reading, ...] | None = None

    def samples(self, Z: Array) -> int:
        return len(Z) // self.maps.positions

    def of_samples(self, Z: Array, index: Array) -> Array:
        """The features of some samples, in this order."""
        P = self.maps.positions
        return Z[index] if P == 1 else Z.reshape(-1, P, Z.shape[1])[index].reshape(len(index) * P, Z.shape[1])

    def by_sample(self, Z: Array) -> Array:
        """One row per sample, channel after channel, as a row of X is; (N, s P)."""
        if self.maps.positions == 1:
            return Z
        maps = Z.reshape(self.samples(Z), self.maps.positions, Z.shape[1]).transpose(0, 2, 1)
        return np.ascontiguousarray(maps).reshape(self.samples(Z), -1)

    def through(self, Z: Array, rows: Rows, read: bool = False) -> Array:
        """What layers of these rows above give; `read`: as the layer above them reads it."""
        found = [h for _, h in self.parts(Z, rows, read)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def preactivations(self, Z: Array, W: Array, b: Array | None) -> Array:
        """Of the next layer, all its patches times W (n, s r), plus b."""
        found = [affine(h, W, b) for _, h in self.parts(Z, (), read=True)]
        return found[0] if len(found) == 1 else np.concatenate(found)

    @property
    def next(self) -> Above:
        """The layers above the next layer."""
        size, *readers = self.maps.readers[0].size, *self.maps.readers[1:]
        maps = Maps(math.prod(size), tuple(readers), self.maps.spread)
        return Above(self.slope, maps, size, None if self.readings is None else self.readings[1:])

    def parts(self, Z: Array, rows: Rows, read: bool = False) -> Iterator[tuple[slice, Array]]:
        """`through`, a few samples at a time; with the samples."""
        N, P = self.samples(Z), self.maps.positions
        together = max(1, N if self.maps.spread == 1 else TOGETHER // self.maps.spread)
        for k in range(0, max(N, 1), together):
            samples = slice(k, min(k + together, N))
            h = Z[samples.start * P : samples.stop * P]
            for (W, b), reader in zip(rows, self.maps.readers):
                h = leaky_relu(affine(reader.numbers(h), W, b), self.slope)
            yield samples, self.maps.readers[len(rows)].numbers(h) if read else h


def dense_above(slope: float, layers: int) -> Above:
    """Of that many dense layers."""
    return Above(slope, dense(layers))
