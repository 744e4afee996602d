"""One-neuron cells: a kind and a cone each, with their common facets. A network's cell is a tuple of their codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from verifier.regions.cones import Cones

Array = np.ndarray
SIGNS = np.array([[1.0], [-1.0]])


@dataclass(frozen=True, eq=False)
class NeuronCells:
    """The codes `kinds * pattern + kind` over the cones of a data set, and the facets between them.

    heads (kinds, K): what a neuron of each kind adds to the K outputs, as multiples of its relu. With one output the kinds are the signs + and -, and a
    neuron's variable is u_i = |theta_i| wt_i; with several they are the neurons themselves, whose heads are frozen, and it is wt_i.
    A facet belongs to two codes of one kind whose patterns differ at one class of parallel inputs.
    """

    cones: Cones
    heads: Array = field(default_factory=SIGNS.copy)

    @property
    def kinds(self) -> int:
        return len(self.heads)

    @property
    def count(self) -> int:
        """kinds * p."""
        return self.kinds * len(self.cones.patterns)

    def price(self, code: int) -> float:
        """Of a variable of norm 1, over kappa: 1 with one output, |theta_i|_1 with several."""
        return float(np.abs(self.heads[code % self.kinds]).sum())

    @property
    def inputs(self) -> Array:
        """xt (N, n)."""
        return self.cones.arrangement.inputs

    @cached_property
    def facet_codes(self) -> Array:
        """(F, 2) int64: the two codes that share the facet, the smaller one first."""
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
        codes = np.stack([self.kinds * pairs + kind for kind in range(self.kinds)], axis=1).reshape(-1, 2)
        return codes.astype(np.int64), np.repeat(samples, self.kinds)

    @cached_property
    def crossings(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Per code the (facet, code on its other side)."""
        out: list[list[tuple[int, int]]] = [[] for _ in range(self.count)]
        for f, (a, b) in enumerate(self.facet_codes.tolist()):
            out[a].append((f, b))
            out[b].append((f, a))
        return tuple(tuple(x) for x in out)

    def sign(self, code: int) -> float:
        """Of theta_i, with one output."""
        return -1.0 if code % 2 else 1.0

    def pattern(self, code: int) -> Array:
        """(N,) int64."""
        return self.cones.patterns[code // self.kinds]

    @cached_property
    def walls(self) -> tuple[Array, ...]:
        """Per pattern the samples (one per class) whose hyperplanes carry its facets, int64."""
        return tuple(np.array(f, dtype=np.int64) for f in self.cones.facets)

    def normals(self, code: int) -> Array:
        """(q, n): inward normals `(2 a_j - 1) xt_j` of the code's facets, in the order of `walls`."""
        j = self.walls[code // self.kinds]
        return (2.0 * self.pattern(code)[j] - 1.0)[:, None] * self.inputs[j]

    def features(self, code: int) -> Array:
        """M (N K, n) with `head_k relu(u . xt_j) = (M u)_(j K + k)` for u in the code's closed cone."""
        active = self.pattern(code)[:, None] * self.inputs
        head = self.heads[code % self.kinds]
        return (active[:, None, :] * head[None, :, None]).reshape(-1, active.shape[1])
