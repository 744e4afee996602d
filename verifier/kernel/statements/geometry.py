"""How the layers of a convolutional network read one another: what turns a matrix per layer into a network of channels (docs/certificate-v2.md, Channels).

A neuron of such a network is a *channel*: a map of numbers at `height x width` positions. A layer pools the maps below it, cuts from them, at each of its
own positions, the patch that its window covers, and applies one matrix to every patch. A layer on flattened maps is the case of one window that covers all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements.refusal import require

POOLINGS = ("max", "average", "adaptive_average")
# Most positions of a map, and most numbers that one layer reads or gives on one sample: a small file must not ask for much memory.
MOST_POSITIONS, MOST_ENTRIES = 2**16, 2**25
MOST_POOLINGS = 8
# Most positions that all windows of a network read together: each is a number in a table of either evaluation.
MOST_READ = 2**23


@dataclass(frozen=True)
class Window:
    """Along each of both axes: from `-padding`, in steps of `stride`, `kernel` positions at distances `dilation`; beyond the map there are zeros."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]


@dataclass(frozen=True)
class Pooling:
    """max: the largest entry of each window, padding left out. average: their sum, padding as 0, by the product of `kernel`.

    adaptive_average, with `size` (height, width) and no window: the mean over rows floor(i H / height) to ceil((i+1) H / height) - 1, columns alike.
    """

    kind: str
    window: Window | None = None
    size: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Reading:
    """What a layer reads: the maps below through `poolings`, one after the other, patch by patch of `window`."""

    poolings: tuple[Pooling, ...]
    window: Window


@dataclass(frozen=True)
class Geometry:
    """shape: (channels, height, width) of a sample, whose numbers stand in this order in a row of X. readings: one per layer, the last included."""

    shape: tuple[int, ...]
    readings: tuple[Reading, ...]


def output_size(size: int, w: Window, axis: int) -> int:
    """How many windows there are along an axis of `size` positions; less than 1 where not even one fits."""
    return (size + 2 * w.padding[axis] - w.dilation[axis] * (w.kernel[axis] - 1) - 1) // w.stride[axis] + 1


def pooled_size(size: tuple[int, ...], pooling: Pooling) -> tuple[int, ...]:
    """(height, width) behind a pooling that `require_geometry` let pass."""
    if pooling.window is None:
        return pooling.size or ()
    return tuple(output_size(n, pooling.window, axis) for axis, n in enumerate(size))


def pooled_sizes(size: tuple[int, ...], reading: Reading) -> list[tuple[int, ...]]:
    """(height, width) behind each pooling of a layer, one after the other."""
    out: list[tuple[int, ...]] = []
    for pooling in reading.poolings:
        out.append(pooled_size(out[-1] if out else size, pooling))
    return out


def map_sizes(g: Geometry) -> list[tuple[int, ...]]:
    """(height, width) of each layer's own maps, for a geometry that `require_geometry` let pass."""
    size, out = g.shape[1:], []
    for reading in g.readings:
        size = [size, *pooled_sizes(size, reading)][-1]
        size = tuple(output_size(n, reading.window, axis) for axis, n in enumerate(size))
        out.append(size)
    return out


def require_geometry(g: Geometry, depth: int) -> None:
    """Reject what is no geometry of a network of `depth` layers with one vector of outputs, what is too large, and plain dense networks, which have none."""
    require(
        len(g.shape) == 3 and min(g.shape) >= 1, "geometry: a sample has channels, height and width, all at least 1"
    )
    require(g.shape[0] < 2**26, "geometry: too many channels")
    require(math.prod(g.shape[1:]) <= MOST_POSITIONS, "geometry: a sample has too many positions")
    require(len(g.readings) == depth, "geometry: expected one reading per layer")
    size, reads = g.shape[1:], 0
    for reading in g.readings:
        require(len(reading.poolings) <= MOST_POOLINGS, "geometry: too many poolings before one layer")
        for pooling in reading.poolings:
            size, more = _require_pooling(pooling, size)
            reads += more
            require(reads <= MOST_READ, "geometry: windows with too many positions together")
        size, more = _require_window(reading.window, size)
        reads += more
        require(reads <= MOST_READ, "geometry: windows with too many positions together")
    require(size == (1, 1), "geometry: the last layer has more than one position, so that the outputs are no vector")
    plain = all(not r.poolings and r.window.kernel == (1, 1) and r.window.padding == (0, 0) for r in g.readings)
    require(not plain or g.shape[1:] != (1, 1), "geometry: a plain dense network has none")


def require_entries(g: Geometry, weights: tuple[np.ndarray, ...]) -> None:
    """Reject matrices that do not fit the patches, and layers with too many numbers per sample."""
    below, before = g.shape[0], g.shape[1:]
    for l, (W, reading, size) in enumerate(zip(weights, g.readings, map_sizes(g), strict=True), start=1):
        require(W.shape[1] == below * math.prod(reading.window.kernel), f"W{l} does not fit the patches that it reads")
        require(math.prod(size) * max(W.shape) <= MOST_ENTRIES, f"layer {l} has too many numbers per sample")
        pooled = max((math.prod(s) for s in pooled_sizes(before, reading)), default=1)
        require(pooled * below <= MOST_ENTRIES, f"a pooling before layer {l} gives too many numbers per sample")
        before = size
        below = len(W)


def _require_window(w: Window, size: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """The maps' size behind it, and how many positions its windows read."""
    for name in ("kernel", "stride", "padding", "dilation"):
        value, least = getattr(w, name), 0 if name == "padding" else 1
        require(len(value) == 2, f"geometry: {name} has one number for each of two axes")
        require(all(least <= v <= MOST_POSITIONS for v in value), f"geometry: {name} out of range")
    for axis, n in enumerate(size):
        reach = w.dilation[axis] * (w.kernel[axis] - 1)
        require(w.padding[axis] <= reach, "geometry: padding of more than the window's reach")
        require(output_size(n, w, axis) >= 1, "geometry: a window is larger than the padded map")
    found = tuple(output_size(n, w, axis) for axis, n in enumerate(size))
    require(math.prod(found) <= MOST_POSITIONS, "geometry: a map has too many positions")
    return found, math.prod(found) * math.prod(w.kernel)


def _require_pooling(p: Pooling, size: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """As `_require_window`."""
    require(p.kind in POOLINGS, f"geometry: unknown pooling {p.kind!r}")
    adaptive = p.kind == "adaptive_average"
    require((p.window is None) == adaptive, "geometry: a window belongs to a pooling that is not adaptive")
    require((p.size is not None) == adaptive, "geometry: a size belongs to an adaptive pooling")
    if p.window is None:
        found = p.size or ()
        require(len(found) == 2 and min(found) >= 1, "geometry: an adaptive pooling needs a height and a width")
        require(
            max(found) <= MOST_POSITIONS and math.prod(found) <= MOST_POSITIONS,
            "geometry: a map has too many positions",
        )
        # A window of an adaptive pooling may hold up to size / found + 2 positions of each axis.
        return found, math.prod(n + 2 * f for n, f in zip(size, found, strict=True))
    found, reads = _require_window(p.window, size)
    for axis, n in enumerate(size):
        k, d = p.window.kernel[axis], p.window.dilation[axis]
        for i in range(found[axis]):
            start = i * p.window.stride[axis] - p.window.padding[axis]
            first = max(0, -(start // d))
            require(first < k and start + first * d < n, "geometry: a window of a pooling lies in the padding")
    return found, reads
