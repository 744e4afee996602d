"""The region program: `min (1/N) sum_j (f_j - y_j)^2, f_j = sum_i head_i a_ij w_i . xt_j`, over a closed region (docs/mathematics.md, section 9; K23, E.2).

Neurons with the same pattern and sign of head share one vector u_g = sum_i |head_i| w_i, which runs through the same convex cone; neurons
that are nowhere active drop out. The merged program has the same minimum, and its dual the same nu.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from verifier.errors import UsageError
from verifier.regions.arrangement import Arrangement, exponents, make_arrangement
from verifier.regions.membership import membership
from verifier.regions.patterns import pattern_of
from verifier.regions.polar import facets_and_rays

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class RegionProgram:
    """head (m,), entries not 0; pattern (m, N) int64; targets (N,); inside (m, n): a point of the open region, verified exactly."""

    arrangement: Arrangement
    head: Array
    pattern: Array
    targets: Array
    inside: Array

    @cached_property
    def groups(self) -> tuple[Array, ...]:
        """Neurons that are somewhere active, grouped by sign of head and pattern."""
        used = np.setdiff1d(np.arange(len(self.targets)), self.arrangement.zero)
        alive = np.flatnonzero(self.pattern[:, used].any(axis=1))
        table = np.hstack([np.sign(self.head[alive])[:, None], self.pattern[np.ix_(alive, used)]])
        _, place = np.unique(table, axis=0, return_inverse=True)
        return tuple(alive[place.ravel() == g] for g in range(int(place.max(initial=-1)) + 1))

    @property
    def n(self) -> int:
        return self.arrangement.n

    @cached_property
    def first(self) -> Array:
        """(G,) one neuron of each group."""
        return np.array([g[0] for g in self.groups], dtype=np.int64)

    @cached_property
    def matrix(self) -> Array:
        """(N, G n): f = matrix @ vec(u), signs of the heads folded in."""
        signed = np.sign(self.head[self.first])[:, None] * self.pattern[self.first]
        return (signed.T[:, :, None] * self.arrangement.inputs[:, None, :]).reshape(len(self.targets), -1)

    @cached_property
    def normals(self) -> Array:
        """(G, C, n): unit inward normals of the classes' half-spaces, per group."""
        rows = self.arrangement.inputs[self.arrangement.representatives]
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return self.arrangement.signs(self.pattern[self.first])[:, :, None] * rows

    @cached_property
    def _polar(self) -> list[tuple[Array, Array]]:
        signs = self.arrangement.signs(self.pattern[self.first])
        distinct, place = np.unique(signs, axis=0, return_inverse=True)
        place = place.ravel()
        # Both signs of head share their cone.
        which = np.zeros(len(distinct), dtype=np.int64)
        which[place] = self.first
        found = facets_and_rays(self.arrangement, distinct, self.inside[which])
        return [found[k] for k in place]

    @cached_property
    def facets(self) -> list[Array]:
        """Per group the classes whose half-spaces matter: the facets for n <= 3, all classes otherwise."""
        if self.n > 3:
            return [np.arange(len(self.arrangement.classes))] * len(self.groups)
        return [classes for classes, _ in self._polar]

    @cached_property
    def rays(self) -> list[Array]:
        """Per group the unit rays (k, n) of its cone, n <= 3."""
        return [found for _, found in self._polar]

    @cached_property
    def deep(self) -> Array:
        """(m, n): a point about the middle of each cone, the sum of its unit rays for n <= 3, `inside` otherwise and for silent neurons."""
        out = np.array(self.inside)
        if self.n <= 3:
            for found, members in zip(self.rays, self.groups):
                out[members] = found.sum(axis=0)
        return out

    @cached_property
    def scaled(self) -> tuple[RegionProgram, Array]:
        """(the program in units in which the inputs' columns are of size 1, e (n,)): vectors here are 2^-e times vectors there, all else is the same."""
        e = exponents(self.arrangement.inputs)
        if not e.any():
            return self, e
        inside = np.ldexp(self.inside, e)
        arrangement = make_arrangement(np.ldexp(self.arrangement.inputs, -e), False)
        return RegionProgram(arrangement, self.head, self.pattern, self.targets, inside), e

    def expand(self, u: Array) -> Array:
        """Rows (m, n) of the layer with merged vectors u (G, n): equal shares within a group, silent neurons as in `inside`."""
        W = np.array(self.inside, dtype=np.float64)
        for vector, members in zip(u, self.groups):
            W[members] = vector / (len(members) * np.abs(self.head[members]))[:, None]
        return W

    def value(self, u: Array) -> float:
        """The loss at merged vectors u (G, n), float64."""
        return float(np.mean((self.matrix @ np.ravel(u) - self.targets) ** 2))


def make_program(
    arrangement: Arrangement, head: Array, pattern: Array, targets: Array, inside: Array | None = None
) -> RegionProgram:
    """Validated program of one region. inside (m, n): e.g. the weights the pattern came from; found by linear programs when absent or not inside.

    Raises UsageError for shapes that do not fit, heads with an entry 0, and patterns whose region is empty.
    """
    head, targets = np.asarray(head, dtype=np.float64).ravel(), np.asarray(targets, dtype=np.float64).ravel()
    pattern = np.asarray(pattern)
    N = len(arrangement.inputs)
    if pattern.shape != (len(head), N) or targets.shape != (N,) or not np.isin(pattern, (0, 1)).all():
        raise UsageError(
            f"region program: expected a 0/1 pattern (m, N) = ({len(head)}, {N}) and {N} targets, got {pattern.shape} and {targets.shape}"
        )
    if not (np.isfinite(head).all() and np.isfinite(targets).all() and head.all()):
        raise UsageError(
            "region program: expected finite heads that are not 0 and finite targets; drop neurons with head 0"
        )
    pattern = pattern.astype(np.int64)
    points = np.zeros((len(head), arrangement.n)) if inside is None else np.array(inside, dtype=np.float64)
    seen, signs = pattern_of(points, arrangement)
    nonzero = arrangement.class_of >= 0
    wrong = ((seen != pattern) | (signs == 0))[:, nonzero].any(axis=1)
    for i in np.flatnonzero(wrong):
        found = membership(arrangement, np.where(nonzero, pattern[i], 0))
        if found.interior is None:
            raise UsageError(
                f"region program: the region is empty or too thin, neuron {i}'s pattern has no interior point; see membership"
            )
        points[i] = found.interior
    return RegionProgram(arrangement, head, pattern, targets, points)
