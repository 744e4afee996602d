"""Neurons of opposite signs on a common ray cancel at any size, so that without a penalty a dual has to vanish there exactly.

Let g lie in the cones of a positive and of a negative neuron. Then `sum_j nu_j relu(g . xt_j)` is neither above nor below 0 where a dual holds
(docs/mathematics.md, section 14): one linear equation in whole numbers per such ray, besides `sum_j nu_j = 0` of a free output bias. Rounded entries meet
none of them; a few entries moved by whole steps of a fine grid meet all. Which steps: a short vector of a lattice, by LLL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from flint import fmpq_mat, fmpz_mat

from verifier.landscape.sign_count.fan import Cones, Fan
from verifier.regions.exact import integer_rows

Array = np.ndarray
# Entries are multiples of this share of the largest. Those that move stay further than FAR from 0 and from the ends of their domain, and move by less.
GRID, FAR = 2.0**-46, 2.0**-26
# Entries that move, per equation: at 10 their steps have up to 8 binary digits. Digits of whole numbers beyond which nothing is tried.
MOVING, LONGEST = 10, 400
# Equations, of length 1, that depend on others by less than this are not theirs.
DEPENDENT = 1e-9
# A lattice in which what must vanish counts more than any steps do.
HEAVY = 2**60
PASSES = 6
# Shares of a ray below this are none.
TINY = 1e-12


@dataclass(eq=False)
class Cancelling:
    """The rays of a fan on which opposite neurons cancel, and products with samples in whole numbers."""

    fan: Fan
    _whole: dict[int, list[int]] = field(default_factory=dict)
    _met: dict[int, Array] = field(default_factory=dict)
    _shares: dict[tuple[tuple[int, ...], int], tuple[int, ...]] = field(default_factory=dict)

    def rays(self, cones: Cones, signs: Sequence[int]) -> list[tuple[int, int]]:
        """(neuron, ray) whose weights have to vanish: g in a cone of the other sign as well, and the rays there of which it is a sum."""
        out: list[tuple[int, int]] = []
        for i, mine in enumerate(cones):
            for k, other in enumerate(cones):
                for g in other if signs[i] != signs[k] else ():
                    inside = [(i, h) for h in self._within(mine, g)]
                    out += [*inside, (k, g)] if inside else []
        return list(dict.fromkeys(out))

    def _within(self, cone: tuple[int, ...], g: int) -> tuple[int, ...]:
        """Rays of the cone of which g is a positive combination; none where it lies outside."""
        if (cone, g) not in self._shares:
            found: tuple[int, ...] = ()
            if g in cone:
                found = (g,)
            elif cone:
                G = np.array([self.fan.coordinates[r] for r in cone])
                share, *_ = np.linalg.lstsq(G.T, self.fan.coordinates[g], rcond=None)
                if (share >= -TINY).all() and np.abs(share @ G - self.fan.coordinates[g]).max() <= TINY:
                    found = tuple(r for r, part in zip(cone, share) if part > TINY)
            self._shares[cone, g] = found
        return self._shares[cone, g]

    def whole(self, g: int) -> list[int]:
        """A common positive multiple of `g . xt_j` for all samples: rays are exact combinations of the directions."""
        if g not in self._whole:
            self._whole[g] = (self._products @ integer_rows(self.fan.coordinates[g][None])[0]).tolist()
        return self._whole[g]

    @cached_property
    def _products(self) -> Array:
        """(N, n) object: a common positive multiple of all samples' products with the directions, in whole numbers."""
        X, D = (integer_rows(M.reshape(1, -1)).reshape(M.shape) for M in (self.fan.inputs, self.fan.directions))
        X = X if self.fan.exact is None else self.fan.exact
        out: Array = X @ D.T
        return out

    def met(self, g: int) -> Array:
        """Which samples the ray is not at right angles to (N,)."""
        if g not in self._met:
            self._met[g] = np.array([v != 0 for v in self.whole(g)])
        return self._met[g]

    def equation(self, g: int, rising: list[bool], slopes: list[float]) -> list[int]:
        """What the entries of a dual are weighted with on the ray: relu, below which slopes 0 or 1 lie where the loss pulls f down on it."""
        return [
            (d if slope else 0) if up else max(0, d) for d, up, slope in zip(self.whole(g), rising, slopes, strict=True)
        ]


@lru_cache(maxsize=2)
def cancelling(fan: Fan) -> Cancelling:
    """What is known of the fan stays known."""
    return Cancelling(fan)


def vanishing(nu: Array, low: Array, high: Array, equations: list[list[int]], far: float = FAR) -> Array | None:
    """nu (N,) moved by a share of some 2^-36 of its largest entry so that `sum_j a_j nu_j` is exactly 0 for every equation a (N,); None where no such
    vector was found. low, high (N,): the entries' domain. far: as FAR; few entries, or equations of rays that are nearly one, take longer steps."""
    top = float(np.abs(nu).max(initial=0.0))
    if top == 0.0 or any(v.bit_length() > LONGEST for a in equations for v in a):
        return None
    grid = math.ldexp(GRID, math.frexp(top)[1])
    steps = [int(v) for v in np.rint(nu / grid)]
    independent = _independent(equations, nu != 0.0)
    able = np.minimum(np.abs(nu), np.minimum(high - nu, nu - low)) >= far * top
    moving = _moving(independent, np.flatnonzero(able).tolist())
    rest = [sum(v * n for v, n in zip(a, steps)) for a in independent]
    if any(rest):
        moves = _steps([[a[j] for a in independent] for j in moving], [-v for v in rest])
        if moves is None or any(abs(v) * grid > 0.5 * far * top for v in moves):
            return None
        for j, v in zip(moving, moves):
            steps[j] += v
    if any(sum(v * n for v, n in zip(a, steps)) for a in equations):
        return None
    out: Array = np.array(steps, dtype=np.float64) * grid
    return out if bool(((low <= out) & (out <= high)).all()) else None


def _independent(equations: list[list[int]], counts: Array) -> list[list[int]]:
    """Those from which the others follow where the entries that count are concerned."""
    out: list[list[int]] = []
    rows = np.zeros((0, int(counts.sum())))
    for a in equations:
        row = np.array([float(v) for v in a])[counts]
        size = float(np.linalg.norm(row))
        if size > 0.0:
            more = np.vstack([rows, row / size])
            if np.linalg.svd(more, compute_uv=False)[-1] > DEPENDENT:
                rows, out = more, [*out, a]
    return out


def _moving(equations: list[list[int]], able: list[int]) -> list[int]:
    """Entries so that what whole steps of any entry add up to, whole steps of these do too, and small ones where there is a choice.

    By elimination in whole numbers modulo a power of two, the least even number first: then the last binary digits of others are never finer than those
    of the pivots. With every pivot some others in which its equation counts.
    """
    modulus = 2**LONGEST
    rows = [np.array([a[j] for j in able], dtype=object) for a in equations]
    out: dict[int, None] = {}
    while rows and able:
        valuations = [[(v & -v).bit_length() if v else LONGEST + 1 for v in row] for row in rows]
        _, p, j = min((v, p, j) for p, row in enumerate(valuations) for j, v in enumerate(row))
        pivot = rows.pop(p)
        if not pivot[j]:
            break
        out[able[j]] = None
        more = [able[k] for k, v in enumerate(pivot) if v]
        out.update(dict.fromkeys(more[:: max(1, len(more) // MOVING)]))
        even = int(pivot[j]) & -int(pivot[j])
        inverse = pow(int(pivot[j]) // even, -1, modulus)
        rows = [(row - (int(row[j]) // even * inverse % modulus) * pivot) % modulus for row in rows]
    return list(out)


def _steps(columns: list[list[int]], wanted: list[int]) -> list[int] | None:
    """Small whole numbers z with `sum_j z_j columns_j = wanted`."""
    m, r = len(columns), len(wanted)
    if m < r:
        return None
    table = [[int(j == k) for k in range(m)] + [HEAVY * v for v in column] for j, column in enumerate(columns)]
    reduced = [[int(v) for v in row] for row in fmpz_mat(table).lll().tolist()]
    null = [row[:m] for row in reduced if not any(row[m:])]
    others = [row for row in reduced if any(row[m:])]
    if len(others) != r:
        return None
    M = fmpq_mat(r, r, [v // HEAVY for row in zip(*(row[m:] for row in others)) for v in row])
    try:
        shares = M.solve(fmpq_mat(r, 1, wanted))
    except ZeroDivisionError:
        return None
    if any(int(shares[k, 0].q) != 1 for k in range(r)):
        return None
    z = np.array([0] * m, dtype=object)
    for k, row in enumerate(others):
        z = z + int(shares[k, 0].p) * np.array(row[:m], dtype=object)
    if not null:
        return list(z)
    basis = np.array(null, dtype=object)
    back = np.linalg.pinv(basis.astype(np.float64))
    for _ in range(PASSES):
        whole = [round(v) for v in z.astype(np.float64) @ back]
        if not any(whole):
            break
        z = z - np.array(whole, dtype=object) @ basis
    return [int(v) for v in z]
