"""How layers of channels read one another, for the second evaluation: a channel is one list, sample by sample and position by position."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from flint import arb, arb_mat

from verifier.kernel.reference.numbers import ZERO, Column
from verifier.kernel.statements import Geometry, Pooling, Window

# Of one window: the positions it reads, None for a zero of the padding.
Places = list[int | None]


@dataclass(frozen=True, eq=False)
class Step:
    """kind "max", "mean" or "patch"; before: positions of the maps that it reads. divisors: of a mean, one per window."""

    kind: str
    before: int
    places: list[Places]
    divisors: list[int]

    def applied(self, column: Column) -> list[Column]:
        """Of one channel: a list with the pooled channel, or the columns of its patches."""
        samples = [column[k : k + self.before] for k in range(0, len(column), self.before)]
        if self.kind == "patch":
            # The number behind a sample's last is the 0 of the padding.
            padded, places = [[*s, ZERO] for s in samples], zip(*self.places)
            read = [[self.before if p is None else p for p in place] for place in places]
            return [[x for s in padded for x in map(s.__getitem__, where)] for where in read]
        if self.kind == "max":
            return [[_largest([s[p] for p in window if p is not None]) for s in samples for window in self.places]]
        pairs = list(zip(self.places, self.divisors, strict=True))
        return [[sum((_at(s, p) for p in window), ZERO) / by for s in samples for window, by in pairs]]

    def deviations(self, low: Column, high: Column, u: Column, v: Column) -> tuple[list[Column], list[Column]]:
        """Of one channel with the ends u and v, whose entries lie in [chord - low, chord + high]; (low, high) of what `applied` makes of it."""
        if self.kind != "max":
            return self.applied(low), self.applied(high)
        lows, highs = [], []
        for k in range(0, len(low), self.before):
            for window in self.places:
                inside = [k + p for p in window if p is not None]
                kink = _kink([u[i] for i in inside], [v[i] for i in inside])
                lows.append(_largest([low[i] for i in inside]) + kink)
                highs.append(_largest([high[i] for i in inside]))
        return [lows], [highs]


def _at(sample: Column, place: int | None) -> arb:
    return ZERO if place is None else sample[place]


def _largest(values: list[arb]) -> arb:
    top = values[0]
    for v in values[1:]:
        top = top.max(v)
    return top


def _kink(u: list[arb], v: list[arb]) -> arb:
    """Ball whose upper end bounds how far the maximum of the chords from u to v may lie below its own chord.

    With a and b about the largest at either end, the chord of a misses the maximum's chord by x at 0 and y at 1, that of b by z and w, and at every time
    one of both misses it by at most x + w + y z / (y + z).
    """
    if len(u) == 1:
        return ZERO
    a, b = (max(range(len(x)), key=lambda i: float(x[i].mid())) for x in (u, v))
    start, end = _largest(u), _largest(v)
    x, y, z, w = ((t - s).max(ZERO) for t, s in ((start, u[a]), (end, v[a]), (start, u[b]), (end, v[b])))
    return x + w + (y * z / (y + z) if bool(y + z > 0) else z)


@dataclass(frozen=True, eq=False)
class Reader:
    """What one layer reads of the maps below it. r: columns per channel. positions: of its own maps."""

    steps: tuple[Step, ...]
    r: int
    positions: int

    def columns(self, channels: list[Column]) -> list[Column]:
        for step in self.steps:
            channels = [column for channel in channels for column in step.applied(channel)]
        return channels

    def matrix(self, H: arb_mat) -> arb_mat:
        """Rows per position of the maps below to rows per position of the layer's own."""
        if not self.steps or H.ncols() == 0:
            return H
        return arb_mat(self.columns(H.transpose().tolist())).transpose()

    def along(
        self, low: list[Column], high: list[Column], u: list[Column], v: list[Column]
    ) -> tuple[list[Column], list[Column], list[Column], list[Column]]:
        """Deviations, and the ends of the channels that they are of."""
        for step in self.steps:
            both = [step.deviations(*channel) for channel in zip(low, high, u, v, strict=True)]
            low, high = ([c for pair in both for c in pair[side]] for side in (0, 1))
            u, v = ([c for channel in side for c in step.applied(channel)] for side in (u, v))
        return low, high, u, v


def _axis(size: int, kernel: int, stride: int, padding: int, dilation: int) -> list[Places]:
    windows: list[Places] = []
    start = -padding
    while start + dilation * (kernel - 1) < size + padding:
        at = [start + dilation * k for k in range(kernel)]
        windows.append([p if 0 <= p < size else None for p in at])
        start += stride
    return windows


def _adaptive_axis(size: int, count: int) -> list[Places]:
    windows: list[Places] = []
    for i in range(count):
        end = (i + 1) * size // count + (1 if (i + 1) * size % count else 0)
        windows.append(list(range(i * size // count, end)))
    return windows


def _both(rows: list[Places], columns: list[Places], width: int) -> list[Places]:
    return [
        [None if p is None or q is None else p * width + q for p in row for q in column]
        for row in rows
        for column in columns
    ]


def _windows(size: tuple[int, int], w: Window) -> tuple[list[Places], tuple[int, int]]:
    axes = zip(size, w.kernel, w.stride, w.padding, w.dilation, strict=True)
    rows, columns = (_axis(*axis) for axis in axes)
    return _both(rows, columns, size[1]), (len(rows), len(columns))


def _pooling(p: Pooling, size: tuple[int, int]) -> tuple[Step, tuple[int, int]]:
    positions = size[0] * size[1]
    if p.window is not None:
        places, after = _windows(size, p.window)
        area = p.window.kernel[0] * p.window.kernel[1]
        return Step("max" if p.kind == "max" else "mean", positions, places, [area] * len(places)), after
    height, width = p.size or (1, 1)
    places = _both(_adaptive_axis(size[0], height), _adaptive_axis(size[1], width), size[1])
    return Step("mean", positions, places, [len(window) for window in places]), (height, width)


@lru_cache(maxsize=8)
def readers_of(g: Geometry | None, depth: int) -> tuple[Reader, ...]:
    """One per layer, of a geometry that was validated; dense layers read everything as it is."""
    if g is None:
        return (Reader((), 1, 1),) * depth
    size, found = (g.shape[1], g.shape[2]), []
    for reading in g.readings:
        steps = []
        for pooling in reading.poolings:
            step, size = _pooling(pooling, size)
            steps.append(step)
        places, after = _windows(size, reading.window)
        steps.append(Step("patch", size[0] * size[1], places, []))
        size = after
        found.append(Reader(tuple(steps), len(places[0]), len(places)))
    return tuple(found)


def sample_maps(g: Geometry | None, X: list[list[float]]) -> list[list[float]]:
    """Samples as rows per position, one entry per channel."""
    if g is None:
        return X
    channels, positions = g.shape[0], g.shape[1] * g.shape[2]
    return [[x[c * positions + p] for c in range(channels)] for x in X for p in range(positions)]
