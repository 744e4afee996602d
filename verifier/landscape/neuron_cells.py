"""One-neuron cells: a sign and a cone each, with their common facets. A network's cell is a tuple of their codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.regions.cones import Cones

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class NeuronCells:
    """The codes `2 * pattern + (0 for sign +, 1 for sign -)` over the cones of a data set, and the facets between them.

    A facet belongs to two codes of one sign whose patterns differ at one class of parallel inputs.
    """

    cones: Cones

    @property
    def count(self) -> int:
        """2p."""
        return 2 * len(self.cones.patterns)

    @property
    def inputs(self) -> Array:
        """xt (N, n)."""
        return self.cones.arrangement.inputs

    @cached_property
    def facet_codes(self) -> Array:
        """(F, 2) int64: the two codes that share the facet, in increasing order."""
        return self._facets[0]

    @cached_property
    def facet_samples(self) -> Array:
        """(F,) int64: the sample, first of its class, whose hyperplane holds the facet."""
        return self._facets[1]

    @cached_property
    def _facets(self) -> tuple[Array, Array]:
        representatives = [int(c[0]) for c in self.cones.arrangement.classes]
        here, across = np.nonzero(self.cones.neighbours >= 0)
        there = self.cones.neighbours[here, across]
        keep = here < there
        pairs = np.stack([here[keep], there[keep]], axis=1)
        samples = np.array(representatives, dtype=np.int64)[across[keep]]
        codes = np.stack([2 * pairs, 2 * pairs + 1], axis=1).reshape(-1, 2)
        return codes.astype(np.int64), np.repeat(samples, 2)

    @cached_property
    def crossings(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Per code the (facet, code on its other side)."""
        out: list[list[tuple[int, int]]] = [[] for _ in range(self.count)]
        for f, (a, b) in enumerate(self.facet_codes.tolist()):
            out[a].append((f, b))
            out[b].append((f, a))
        return tuple(tuple(x) for x in out)

    def sign(self, code: int) -> float:
        return -1.0 if code % 2 else 1.0

    def pattern(self, code: int) -> Array:
        """(N,) int64."""
        return self.cones.patterns[code // 2]

    @cached_property
    def walls(self) -> tuple[Array, ...]:
        """Per pattern the samples (one per class) whose hyperplanes carry its facets, int64."""
        return tuple(np.array(f, dtype=np.int64) for f in self.cones.facets)

    def normals(self, code: int) -> Array:
        """(q, n): inward normals `(2 a_j - 1) xt_j` of the code's facets, in the order of `walls`."""
        j = self.walls[code // 2]
        return (2.0 * self.pattern(code)[j] - 1.0)[:, None] * self.inputs[j]

    def features(self, code: int) -> Array:
        """M (N, n) with `s relu(u . xt_j) = (M u)_j` for u in the code's closed cone."""
        return self.sign(code) * self.pattern(code)[:, None] * self.inputs
