"""Between the layers of convolutional networks: pooling and patches of enclosed maps, for the fast evaluation (docs/mathematics.md, section 6).

Maps of n channels at P positions are matrices of N P rows, sample by sample and position by position in row-major order, and n columns: to the arithmetic
of a dense layer every patch is one more sample. A dense network has one position and reads rows as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from verifier.kernel.fast.balls import INFLATE, NORM_TINY, TINY, Array, Ball, Cloud, U, finite, norms_above
from verifier.kernel.fast.splitting import two_product, two_sum
from verifier.kernel.statements import Geometry, Parameters, Pooling, Window


@dataclass(frozen=True, eq=False)
class Windows:
    """table (P', q): the positions of a map of `positions` ones that each window reads, -1 for padding. divisors (P',): of an average."""

    table: Array
    positions: int
    divisors: Array

    def parts(self, x: Array, missing: float) -> Iterator[Array]:
        """What the windows read in their first place, second, ..., each (N, P', n); x (N P, n)."""
        maps = x.reshape(len(x) // self.positions, self.positions, x.shape[1])
        for place in self.table.T:
            part = maps[:, place]
            part[:, place < 0] = missing
            yield part

    def summed(self, x: Array) -> Array:
        """(N P', n), in floating point."""
        parts = self.parts(x, 0.0)
        total = next(parts)
        for part in parts:
            total += part
        return self.as_rows(total)

    def largest(self, x: Array, missing: float) -> Array:
        parts = self.parts(x, missing)
        top = next(parts)
        for part in parts:
            np.maximum(top, part, out=top)
        return self.as_rows(top)

    def patches(self, x: Array) -> Array:
        """(N P', n q): each channel's q columns next to one another."""
        out = np.stack(list(self.parts(x, 0.0)), axis=3)
        return self.as_rows(out.reshape(*out.shape[:2], x.shape[1] * self.terms))

    @staticmethod
    def as_rows(maps: Array) -> Array:
        """(N, P', n) as (N P', n)."""
        N, positions, n = maps.shape
        return maps.reshape(N * positions, n)

    def per_row(self, samples: int) -> Array:
        """The divisors for every row, (N P', 1)."""
        return np.tile(self.divisors, samples)[:, None]

    @property
    def terms(self) -> int:
        return self.table.shape[1]


def _axis(size: int, w: Window, axis: int) -> Array:
    """Positions along one axis, (windows, kernel), -1 beyond the map."""
    k, s, p, d = (getattr(w, name)[axis] for name in ("kernel", "stride", "padding", "dilation"))
    count = (size + 2 * p - d * (k - 1) - 1) // s + 1
    at = s * np.arange(count)[:, None] - p + d * np.arange(k)
    return np.where((at >= 0) & (at < size), at, -1)


def _adaptive_axis(size: int, count: int) -> Array:
    i = np.arange(count)
    low, high = i * size // count, -(-(i + 1) * size // count)
    at = low[:, None] + np.arange(int((high - low).max()))
    return np.where(at < high[:, None], at, -1)


def _windows(rows: Array, columns: Array, size: tuple[int, int], divisors: Array | None) -> Windows:
    """From the positions along both axes; the windows, and the places in each, in row-major order."""
    row, column = rows[:, None, :, None], columns[None, :, None, :]
    table = np.where((row >= 0) & (column >= 0), row * size[1] + column, -1).reshape(len(rows) * len(columns), -1)
    return Windows(table, size[0] * size[1], (table >= 0).sum(axis=1) if divisors is None else divisors)


def _of_window(size: tuple[int, int], w: Window) -> Windows:
    rows, columns = (_axis(size[axis], w, axis) for axis in (0, 1))
    return _windows(rows, columns, size, np.full(len(rows) * len(columns), math.prod(w.kernel)))


@dataclass(frozen=True, eq=False)
class Deviation:
    """Bounds of `Q(s) - chord(s)`: it lies in [-below, above]; both non-negative, (rows, n)."""

    below: Array
    above: Array


def max_ball(w: Windows, x: Ball) -> Ball:
    """|max a - max b| <= max |a - b|."""
    return Ball(w.largest(x.mid, -np.inf), w.largest(x.rad, 0.0))


def mean_ball(w: Windows, x: Ball) -> Ball:
    by = w.per_row(len(x.mid) // w.positions)
    sizes = w.summed(np.abs(x.mid)) / by
    rad = w.summed(x.rad) / by + (w.terms + 4) * U * sizes
    return Ball(finite(w.summed(x.mid) / by), finite(rad * _growth(w) + w.terms * TINY))


def max_cloud(w: Windows, x: Cloud) -> Cloud:
    """Entry by entry |max a - max b|^2 <= sum |a - b|^2, so that the norm over the channels is at most the root of the window's squares."""
    rad = np.sqrt(w.summed(x.rad[:, None] ** 2))[:, 0] * _growth(w) + NORM_TINY
    if x.low is None:
        return Cloud(w.largest(x.mid, -np.inf), finite(rad))
    # As normalised sums: of the two with the larger leading float one is the larger, and of equal ones that with the larger rest.
    mid, low = two_sum(x.mid, x.low)
    parts = zip(w.parts(mid, -np.inf), w.parts(low, 0.0), strict=True)
    top, rest = next(parts)
    for part, below in parts:
        better = (part > top) | ((part == top) & (below > rest))
        top, rest = np.where(better, part, top), np.where(better, below, rest)
    return Cloud(finite(w.as_rows(top)), finite(rad), w.as_rows(rest))


def mean_cloud(w: Windows, x: Cloud) -> Cloud:
    """A mean of vectors is off by at most the mean of their radii, besides what rounding adds."""
    by, far = w.per_row(len(x.mid) // w.positions), norms_above(x.mid)[:, None]
    rad, sizes = w.summed(x.rad[:, None]) / by, w.summed(far) / by
    if x.low is None:
        return Cloud(finite(w.summed(x.mid) / by), _mean_radius(w, rad + (w.terms + 4) * U * sizes, x))
    parts = zip(w.parts(x.mid, 0.0), w.parts(x.low, 0.0), strict=True)
    high, rest = next(parts)
    for part, below in parts:
        high, error = two_sum(high, part)
        rest = rest + (below + error)
    high, rest = w.as_rows(high), w.as_rows(rest)
    # high / by = mid + (high - mid by) / by; the difference is a float, and the product exact as two.
    mid = finite(high / by)
    scale = np.ldexp(1.0, -np.frexp(by)[1])
    product, error = _products(by * scale, mid)
    low = (((high * scale - product) - error) / scale + rest) / by
    lows = w.summed(norms_above(x.low)[:, None]) / by
    local = (w.terms + 8) ** 2 * U * (U * sizes + lows)
    return Cloud(mid, _mean_radius(w, rad + 8.0 * local, x), finite(low))


def _products(a: Array, x: Array) -> tuple[Array, Array]:
    """Row by row `two_product`; a (rows, 1) in [1/2, 1]."""
    p, e = np.empty_like(x), np.empty_like(x)
    for value in np.unique(a):
        index = np.flatnonzero(a[:, 0] == value)
        p[index], e[index] = two_product(float(value), x[index])
    return p, e


def _mean_radius(w: Windows, rad: Array, x: Cloud) -> Array:
    return finite(rad[:, 0] * _growth(w) + (w.terms + x.mid.shape[1]) * TINY)


def _growth(w: Windows) -> float:
    return (1.0 + 8.0 * (w.terms + 4) * U) * INFLATE


def patch_cloud(w: Windows, x: Cloud) -> Cloud:
    rad = np.sqrt(w.summed(x.rad[:, None] ** 2))[:, 0] * _growth(w) + NORM_TINY
    return Cloud(w.patches(x.mid), finite(rad), None if x.low is None else w.patches(x.low))


def max_deviation(w: Windows, d: Deviation, x: Ball, y: Ball) -> Deviation:
    """Of the maximum of each window, whose entries have the ends x and y: it is at most the largest deviation above its chord, and at least the largest
    deviation below and k below it, k the largest distance of the maximum of the entries' chords from its own chord."""
    below, above = w.largest(d.below, 0.0), w.largest(d.above, 0.0)
    return Deviation(finite((below + _max_kink(w, x, y)) * INFLATE + TINY), above)


def _max_kink(w: Windows, x: Ball, y: Ball) -> Array:
    """Upper bound of k. With a, b the entries that are largest in the middle at either end, and with u, v what the maximum at the other end exceeds them
    by, the chord of the maximum exceeds the larger of both chords by at most u v / (u + v), besides what they miss of the maximum at their own end."""
    tops, own, other = [], [], []
    for start, end in ((x, y), (y, x)):
        at, there = _chosen(w, start, end)
        tops.append(w.largest(start.mid + start.rad, -np.inf))
        own.append(at)
        other.append(there)
    size = np.abs(tops[0]) + np.abs(tops[1]) + sum(np.abs(v) for v in (*own, *other))
    own_miss = np.maximum(tops[0] - own[0], 0.0) + np.maximum(tops[1] - own[1], 0.0)
    u, v = np.maximum(tops[1] - other[0], 0.0), np.maximum(tops[0] - other[1], 0.0)
    small, large = np.minimum(u, v), np.maximum(np.maximum(u, v), TINY)
    return finite((own_miss + small / (1.0 + small / large) + 8.0 * U * size) * INFLATE + TINY)


def _chosen(w: Windows, x: Ball, y: Ball) -> tuple[Array, Array]:
    """Numbers at or below the entry that is largest in the middle of x, at x and at y."""
    lows = (x.mid, x.mid - x.rad, y.mid - y.rad)
    parts = zip(*(w.parts(low, -np.inf) for low in lows), strict=True)
    best, here, there = next(parts)
    for mid, low, end in parts:
        better = mid > best
        best, here, there = np.where(better, mid, best), np.where(better, low, here), np.where(better, end, there)
    return w.as_rows(here), w.as_rows(there)


def mean_deviation(w: Windows, d: Deviation) -> Deviation:
    by = w.per_row(len(d.below) // w.positions)
    below, above = (finite(w.summed(side) / by * _growth(w) + w.terms * TINY) for side in (d.below, d.above))
    return Deviation(below, above)


@dataclass(frozen=True, eq=False)
class Reader:
    """What one layer reads: poolings ("max" or "mean", windows), then patches; None: rows as they are. columns: r_l. size: (height, width) of its own maps."""

    poolings: tuple[tuple[str, Windows], ...] = ()
    window: Windows | None = None
    columns: int = 1
    size: tuple[int, int] = (1, 1)

    @property
    def plain(self) -> bool:
        """Rows are read as they are."""
        return not self.poolings and self.window is None

    def _through(
        self, x: Any, largest: Callable[..., Any], mean: Callable[..., Any], patches: Callable[..., Any]
    ) -> Any:
        for kind, windows in self.poolings:
            x = (largest if kind == "max" else mean)(windows, x)
        return x if self.window is None else patches(self.window, x)

    def numbers(self, x: Array) -> Array:
        """In floating point, without errors."""
        means = lambda w, y: w.summed(y) / w.per_row(len(y) // w.positions)
        found: Array = self._through(x, lambda w, y: w.largest(y, -np.inf), means, Windows.patches)
        return found

    def cloud(self, x: Cloud) -> Cloud:
        found: Cloud = self._through(x, max_cloud, mean_cloud, patch_cloud)
        return found

    def ball(self, x: Ball) -> Ball:
        found: Ball = self._through(x, max_ball, mean_ball, lambda w, y: Ball(w.patches(y.mid), w.patches(y.rad)))
        return found

    def along(self, d: Deviation, x: Ball, y: Ball) -> tuple[Deviation, Ball, Ball]:
        """A deviation and the ends that it is between."""
        found: tuple[Deviation, Ball, Ball] = self._through((d, x, y), _max_along, _mean_along, _patches_along)
        return found


def _max_along(w: Windows, along: tuple[Deviation, Ball, Ball]) -> tuple[Deviation, Ball, Ball]:
    d, x, y = along
    return max_deviation(w, d, x, y), max_ball(w, x), max_ball(w, y)


def _mean_along(w: Windows, along: tuple[Deviation, Ball, Ball]) -> tuple[Deviation, Ball, Ball]:
    d, x, y = along
    return mean_deviation(w, d), mean_ball(w, x), mean_ball(w, y)


def _patches_along(w: Windows, along: tuple[Deviation, Ball, Ball]) -> tuple[Deviation, Ball, Ball]:
    d, *ends = along
    x, y = (Ball(w.patches(e.mid), w.patches(e.rad)) for e in ends)
    return Deviation(w.patches(d.below), w.patches(d.above)), x, y


@dataclass(frozen=True, eq=False)
class Maps:
    """How the layers of a network read one another. positions: of a sample. spread: about how many rows and columns a sample needs beyond one row."""

    positions: int
    readers: tuple[Reader, ...]
    spread: int = 1

    def rows(self, X: Array) -> Array:
        """Samples (N, channels * positions) as rows (N positions, channels)."""
        if self.positions == 1:
            return X
        channels = X.shape[1] // self.positions
        maps = X.reshape(len(X), channels, self.positions).transpose(0, 2, 1)
        return np.ascontiguousarray(maps).reshape(len(X) * self.positions, channels)


@lru_cache(maxsize=8)
def dense(depth: int) -> Maps:
    return Maps(1, (Reader(),) * depth)


@lru_cache(maxsize=8)
def maps_of(geometry: Geometry | None, depth: int) -> Maps:
    """Of a geometry that was validated; None for dense networks of `depth` layers."""
    if geometry is None:
        return dense(depth)
    _, height, width = geometry.shape
    size, readers, spread = (height, width), [], height * width
    for reading in geometry.readings:
        poolings = []
        for pooling in reading.poolings:
            windows, size = _pooled(pooling, size)
            poolings.append(("max" if pooling.kind == "max" else "mean", windows))
            spread = max(spread, len(windows.table))
        window, whole = _of_window(size, reading.window), size == (1, 1)
        size = _size(size, reading.window)
        # One position that is read as it is needs no copy.
        readers.append(Reader(tuple(poolings), None if whole and window.terms == 1 else window, window.terms, size))
        spread = max(spread, len(window.table) * min(window.terms, 9))
    return Maps(height * width, tuple(readers), spread)


def _size(size: tuple[int, int], w: Window) -> tuple[int, int]:
    return len(_axis(size[0], w, 0)), len(_axis(size[1], w, 1))


def _pooled(pooling: Pooling, size: tuple[int, int]) -> tuple[Windows, tuple[int, int]]:
    if pooling.window is not None:
        return _of_window(size, pooling.window), _size(size, pooling.window)
    height, width = pooling.size or (1, 1)
    return _windows(_adaptive_axis(size[0], height), _adaptive_axis(size[1], width), size, None), (height, width)


def multiplications(geometry: Geometry | None, p: Parameters) -> int:
    """Of one sample's way through the network; what a pooling reads counts as one each."""
    readers = maps_of(geometry, len(p.weights)).readers
    return sum(
        math.prod(r.size) * W.size + sum(w.table.size for _, w in r.poolings) * (W.shape[1] // r.columns)
        for r, W in zip(readers, p.weights, strict=True)
    )


def widest(geometry: Geometry | None, p: Parameters) -> int:
    """Most numbers that a layer or a pooling gives on a sample, or that a layer reads in patches of its own."""
    readers = maps_of(geometry, len(p.weights)).readers
    return max(
        max(
            math.prod(r.size) * (len(W) if r.window is None else max(W.shape)),
            *(len(w.table) * (W.shape[1] // r.columns) for _, w in r.poolings),
            0,
        )
        for r, W in zip(readers, p.weights, strict=True)
    )
