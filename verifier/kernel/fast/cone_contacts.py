"""Where simplicial cones of one partition touch, exactly (docs/mathematics.md, section 14).

In coordinates of the directions rays are rows of small integers, their products are exact in int64, and where they might not be Python's integers are used.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.kernel.fast.cone_duals import Fan
from verifier.kernel.fast.rational import Row

Array = np.ndarray
Rays = tuple[int, ...]
APART, FACET, OVERLAP = 0, 1, 2


def whole(values: list[fmpq]) -> Row:
    """The shortest integer vector that is a positive multiple."""
    common = math.lcm(*(int(v.q) for v in values))
    out = [int(v.p) * (common // int(v.q)) for v in values]
    shared = math.gcd(*out)
    return tuple(v // shared for v in out) if shared else tuple(out)


class Cones:
    """Cones by index, each with its rays (n, n) and inward normals (n, n) as integer rows: normal k is 0 on all rays but the k-th, where it is positive."""

    def __init__(self, fan: Fan) -> None:
        self.n = len(fan.rays[0])
        unit = [[Fraction(int(e == k)) for e in range(self.n)] for k in range(self.n)]
        coordinates = unit + [[-v for v in row] for row in unit]
        for a, b in fan.middles:  # in the order in which rays were made
            coordinates.append([(x + y) / 2 for x, y in zip(coordinates[a], coordinates[b])])
        self.coordinates = [whole([fmpq(v.numerator, v.denominator) for v in row]) for row in coordinates]
        self.index: dict[Rays, int] = {}
        self.rays: list[Rays] = []
        self.normals: list[list[Row]] = []

    def add(self, rays: Rays) -> int:
        if rays not in self.index:
            self.index[rays] = len(self.rays)
            self.rays.append(rays)
            table = fmpq_mat(self.n, self.n, [fmpq(v) for r in rays for v in self.coordinates[r]]).inv()
            self.normals.append([whole([table[e, k] for e in range(self.n)]) for k in range(self.n)])
        return self.index[rays]

    def contains(self, cone: int, u: list[fmpq]) -> bool:
        """Whether the closed cone holds the point of these coordinates."""
        return all(bool(sum((v * x for v, x in zip(normal, u)), fmpq(0)) >= 0) for normal in self.normals[cone])

    def tables(self, some: list[int]) -> tuple[Array, Array]:
        """(rays, normals) of these cones, both (c, n, n), of Python's integers."""
        rays = np.array([[self.coordinates[r] for r in self.rays[c]] for c in some], dtype=object)
        normals = np.array([self.normals[c] for c in some], dtype=object)
        return rays.reshape(-1, self.n, self.n), normals.reshape(-1, self.n, self.n)


def contacts(cones: Cones, some: list[int], others: list[int]) -> tuple[Array, Array]:
    """(kind, facet), both (len(some), len(others)): APART, FACET or OVERLAP, and for FACET the ray that the first cone's facet leaves out.

    OVERLAP where no facet of either cone has them on different sides: all that can have inner points in common. FACET where they lie on different
    sides of a facet of both and these may overlap.
    """
    n = cones.n
    (rays_a, normals_a), (rays_b, normals_b) = cones.tables(some), cones.tables(others)
    largest = [
        max((abs(v) for v in table.ravel().tolist()), default=0) for table in (rays_a, normals_a, rays_b, normals_b)
    ]
    if max(*largest, n * largest[0] * largest[3], n * largest[1] * largest[2]) < 2**62:
        rays_a, normals_a, rays_b, normals_b = (t.astype(np.int64) for t in (rays_a, normals_a, rays_b, normals_b))
    kind = np.zeros((len(some), len(others)), dtype=np.int8)
    facet = np.full(kind.shape, -1, dtype=np.int8)  # rays are few, pairs many
    for a in range(len(some)):
        # Signs of normal k of the first cone on ray l of the others, and of normal l of the others on ray k of the first.
        T = _signs(np.tensordot(rays_b, normals_a[a].T, axes=1)).transpose(0, 2, 1)
        S = _signs(np.tensordot(normals_b, rays_a[a].T, axes=1))
        behind: Array = np.all(T <= 0, axis=2)
        apart: Array = np.any(behind, axis=1) | np.any(np.all(S <= 0, axis=2), axis=1)
        kind[a, ~apart] = OVERLAP
        for k in range(n):
            zero: Array = T[:, k] == 0
            touching = np.flatnonzero(behind[:, k] & (zero.sum(axis=1) == n - 1))
            rest = np.delete(np.arange(n), k)
            t, s, on = T[touching], S[touching], zero[touching]
            # Within the common hyperplane: another normal of either one that has the two facets on different sides.
            split: Array = np.any(np.all((t[:, rest] <= 0) | ~on[:, None, :], axis=2), axis=1)
            if n > 1:
                split = split | np.any(np.all(s[:, :, rest] <= 0, axis=2) & on, axis=1)
            kind[a, touching[~split]], facet[a, touching[~split]] = FACET, k
    return kind, facet


def _signs(products: Array) -> Array:
    return np.sign(products).astype(np.int8)


def common_rays(cones: Cones, a: int, b: int, facet: int) -> Rays:
    """Rays of a cone that holds all points common to both: one of the two, the first where it lies in the second; with `facet` a facet of one of them."""
    mine, other = list(cones.rays[a]), list(cones.rays[b])
    if facet >= 0:
        normal = cones.normals[a][facet]
        del mine[facet]
        other = [r for r in other if sum(v * x for v, x in zip(normal, cones.coordinates[r])) == 0]
    lies_in = all(
        sum(v * x for v, x in zip(normal, cones.coordinates[r])) >= 0 for normal in cones.normals[b] for r in mine
    )
    return tuple(mine if lies_in else other)
