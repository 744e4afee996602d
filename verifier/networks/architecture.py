"""What a network's architecture is called, wherever one is named: verdict lines, reports, `check`, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verifier.kernel.statements import Geometry, Reading, Rejected
from verifier.kernel.statements.geometry import map_sizes, pooled_sizes, require_geometry
from verifier.numbers import plural


@dataclass(frozen=True)
class Architecture:
    """widths: (n_0, ..., n_L), inputs, neurons or channels of the hidden layers, outputs. geometry: of a convolutional network, None of a dense one."""

    widths: tuple[int, ...]
    geometry: Geometry | None = None

    @property
    def sound(self) -> bool:
        """Whether the geometry is one of such a network; that of a certificate may be none, which the kernel says of each claim."""
        if self.geometry is None:
            return True
        try:
            require_geometry(self.geometry, len(self.widths) - 1)
        except Rejected:
            return False
        return True

    @property
    def dense_layers(self) -> int:
        """Layers whose neurons read all that is below them; of the others, convolutions, each reads patches. 0 of an unsound geometry."""
        if self.geometry is None:
            return len(self.widths) - 1
        if not self.sound:
            return 0
        sizes = [self.geometry.shape[1:], *map_sizes(self.geometry)[:-1]]
        return sum(_dense(reading, size) for reading, size in zip(self.geometry.readings, sizes))

    @property
    def convolutions(self) -> int:
        return len(self.widths) - 1 - self.dense_layers if self.sound else 0

    @property
    def poolings(self) -> int:
        return 0 if self.geometry is None else sum(len(reading.poolings) for reading in self.geometry.readings)

    def __str__(self) -> str:
        return self.words("-")

    def words(self, dash: str) -> str:
        """`64-20-10`, widths joined by `dash`, or `3 convolutions + 2 dense layers, 1x8x8 -> 10, widths 4-6-6-12`."""
        if self.geometry is None:
            return dash.join(map(str, self.widths))
        return f"{self.short}, widths {dash.join(map(str, self.widths[1:-1]))}"

    @property
    def short(self) -> str:
        """Without the hidden widths of a convolutional network: `3 convolutions + 2 dense layers, 1x8x8 -> 10`."""
        if self.geometry is None:
            return str(self)
        if not self.sound:
            return f"a geometry of {plural(len(self.geometry.readings), 'layer')} that no such network has"
        kinds = [_count(self.convolutions, "convolution"), _count(self.dense_layers, "dense layer")]
        shape = "x".join(map(str, self.geometry.shape))
        return f"{' + '.join(k for k in kinds if k)}, {shape} -> {self.widths[-1]}"

    def as_json(self) -> dict[str, Any]:
        """For machines; shape (channels, height, width) is null for dense networks."""
        shape = None if self.geometry is None else list(self.geometry.shape)
        counts = {"convolutions": self.convolutions, "dense_layers": self.dense_layers, "poolings": self.poolings}
        return {"widths": list(self.widths), "shape": shape, **counts}


def architecture_of(inputs: int, weights: Sequence[Any], geometry: Geometry | None) -> Architecture:
    """inputs: numbers per sample. weights: W_l, of which the rows count."""
    return Architecture((inputs, *(len(W) for W in weights)), geometry)


def _dense(reading: Reading, size: tuple[int, ...]) -> bool:
    """Whether a layer that reads maps of this size has one window that covers them."""
    below = [size, *pooled_sizes(size, reading)][-1]
    return reading.window.kernel == below and reading.window.padding == (0, 0)


def _count(n: int, what: str) -> str:
    return "" if n == 0 else plural(n, what)
