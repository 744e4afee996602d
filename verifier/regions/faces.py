"""All full-dimensional cones of a central arrangement with their facets, in exact arithmetic, by recursion over its flats.

The facets on hyperplane h are the full-dimensional cones of the arrangement that the other hyperplanes cut out in h, and each is shared by
exactly two cones. So the cones of a flat follow from those of the flats one dimension below; a flat is visited once. No linear programs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import fmpq, fmpq_mat

from verifier.regions.exact import direction, reduced, to_floats

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Cells:
    """Cones of one flat. signs (p, C) int8, 0 at hyperplanes that hold the flat; points (p, n) float64, about in their relative interior.

    pairs (t, 3) int64: (plus, minus, hyperplane): two cones with a common facet, for the topmost flat only.
    """

    signs: Array
    points: Array
    pairs: Array


def all_cells(normals: Array) -> Cells:
    """Cells of the whole space for integer normals (C, n), an object array of rows that are not 0 and pairwise not parallel."""
    n = normals.shape[1]
    basis = [[int(i == j) for i in range(n)] for j in range(n)]
    return _Flats(normals).cells(basis, ())


class _Flats:
    def __init__(self, normals: Array) -> None:
        self.normals: list[list[int]] = [[int(v) for v in row] for row in normals.tolist()]
        self.shape = normals.shape
        self.known: dict[tuple[int, ...], Cells] = {}

    def cells(self, basis: list[list[int]], holding: tuple[int, ...]) -> Cells:
        """The cones of the flat spanned by integer vectors, which lies in the hyperplanes `holding` and in no other."""
        if holding in self.known:
            return self.known[holding]
        held = set(holding)
        forms = {
            c: [sum(x * b for x, b in zip(row, vector)) for vector in basis]
            for c, row in enumerate(self.normals)
            if c not in held
        }
        groups: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for c, form in forms.items():
            key, sign = direction(form)
            groups.setdefault(key, []).append((c, sign))
        C, n = self.shape
        if not groups:
            result = Cells(np.zeros((1, C), dtype=np.int8), np.zeros((1, n)), np.zeros((0, 3), dtype=np.int64))
        else:
            result = self._joined(basis, holding, forms, list(groups.values()))
        self.known[holding] = result
        return result

    def _joined(
        self,
        basis: list[list[int]],
        holding: tuple[int, ...],
        forms: dict[int, list[int]],
        groups: list[list[tuple[int, int]]],
    ) -> Cells:
        C, n = self.shape
        signs, points, sizes = [], [], []
        for members in groups:
            form = forms[members[0][0]]
            below = self.cells(_cut(basis, form), tuple(sorted((*holding, *(c for c, _ in members)))))
            up = np.zeros(C, dtype=np.int8)
            for c, sign in members:
                up[c] = sign
            # A cone with a single facet is a half of the flat: its facet's point alone would not be inside.
            step = members[0][1] * _gradient(basis, form) if len(groups) == 1 else np.zeros(n)
            signs += [below.signs + up, below.signs - up]
            points += [below.points + step, below.points - step]
            sizes.append(len(below.signs))
        stacked = np.ascontiguousarray(np.concatenate(signs))
        keys = stacked.view(np.dtype((np.void, C))).ravel()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        sums = np.zeros((len(first), n))
        np.add.at(sums, inverse, np.concatenate(points))
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        sums /= np.where(lengths > 0, lengths, 1.0)
        pairs, start = [], 0
        for size, members in zip(sizes, groups):
            block = inverse[start : start + 2 * size]
            pairs.append(np.stack([block[:size], block[size:], np.full(size, members[0][0])], axis=1))
            start += 2 * size
        return Cells(stacked[first], sums, np.concatenate(pairs).astype(np.int64))


def _gradient(basis: list[list[int]], form: list[int]) -> Array:
    """The unit vector of the flat along which a form, given by its values on the basis, grows fastest."""
    # Each basis vector is scaled together with its value, which keeps the equation.
    rows = np.array([to_floats([*vector, value]) for vector, value in zip(basis, form)])
    u = np.linalg.lstsq(rows[:, :-1], rows[:, -1], rcond=None)[0]
    length = np.linalg.norm(u)
    if 0.0 < length < np.inf:
        return u / length
    # Integers of hundreds of digits: a combination of the basis, without rounding.
    gram = fmpq_mat([[fmpq(sum(a * b for a, b in zip(v, w))) for w in basis] for v in basis])
    weights = [row[0] for row in gram.solve(fmpq_mat([[fmpq(v)] for v in form])).tolist()]
    sums = [sum((c * v for c, v in zip(weights, column)), fmpq(0)) for column in zip(*basis)]
    common = math.lcm(*(int(v.q) for v in sums))
    u = to_floats([int(v.p) * (common // int(v.q)) for v in sums])
    return u / np.linalg.norm(u)


def _cut(basis: list[list[int]], form: list[int]) -> list[list[int]]:
    """Integer basis of the part of the flat where the form (its values on the basis) vanishes."""
    p = next(k for k, f in enumerate(form) if f)
    out = []
    for k, vector in enumerate(basis):
        if k != p:
            out.append(reduced([form[p] * v - form[k] * w for v, w in zip(vector, basis[p])]))
    return out
