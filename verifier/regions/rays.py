"""Generators of a neuron's closed cone in dimension at most 3, exact: they are among normals and cross products of inputs (docs/mathematics.md, section 9)."""

from __future__ import annotations

import numpy as np

from verifier.errors import UsageError
from verifier.regions.arrangement import Arrangement
from verifier.regions.exact import reduced, to_floats

Array = np.ndarray


def rays(arrangement: Arrangement, pattern: Array) -> Array:
    """Generators (k, n) float64 of the closed cone of a pattern (N,), largest entry about 1: `integer_rays` rounded."""
    whole = integer_rays(arrangement, pattern)
    return np.array([to_floats(row) for row in whole.tolist()]).reshape(len(whole), arrangement.n)


def integer_rays(arrangement: Arrangement, pattern: Array) -> Array:
    """Generators (k, n) of the closed cone {u : (2 a_j - 1) u . xt_j >= 0}, coprime Python integers in an object array, exact, n <= 3.

    For inputs that span R^n these are the extreme rays. Otherwise the cone holds a linear subspace: the generators are the extreme rays of
    its part in the span of the inputs and both directions of a basis of the complement. A cone {0} has no generators.

    Raises UsageError for n > 3, and for a pattern that contradicts itself at parallel inputs or is not 0 at zero inputs.
    """
    n = arrangement.n
    if n > 3:
        raise UsageError(
            f"rays of a cone: expected dimension at most 3, got {n}; use the linear programs of verifier.regions.membership"
        )
    pattern = np.asarray(pattern)
    signs = arrangement.signs(pattern[None])
    if not np.array_equal(arrangement.patterns(signs)[0], pattern):
        raise UsageError(
            "rays of a cone: the pattern contradicts itself at parallel inputs or is not 0 where the input is 0"
        )
    whole = [
        [int(s) * v for v in row]
        for s, row in zip(signs[0].tolist(), arrangement.integers[arrangement.representatives].tolist())
    ]
    lines, candidates = _candidates(whole, n, arrangement, signs[0])
    found: dict[tuple[int, ...], None] = {}
    for vector in lines:
        found[tuple(reduced(vector))] = None
        found[tuple(reduced([-v for v in vector]))] = None
    for candidate in candidates:
        for signed in (candidate, [-v for v in candidate]):
            if any(signed) and all(sum(a * b for a, b in zip(row, signed)) >= 0 for row in whole):
                found[tuple(reduced(signed))] = None
    out = np.zeros((len(found), n), dtype=object)
    for k, ray in enumerate(found):
        out[k] = ray
    return out


def _candidates(
    whole: list[list[int]], n: int, arrangement: Arrangement, signs: Array
) -> tuple[list[list[int]], list[list[int]]]:
    """(basis of the lineality space, vectors of which every extreme ray is one, up to sign)."""
    rank = arrangement.rank
    if rank == 0:
        return [[int(i == j) for j in range(n)] for i in range(n)], []
    first = whole[0]
    if rank == 1:
        return _perpendicular(first), [first]
    if n == 2:
        return [], [[-x[1], x[0]] for x in whole]
    if rank == 2:
        line = next(c for c in (_cross(first, x) for x in whole[1:]) if any(c))
        return [line], [_cross(line, x) for x in whole]
    return [], [_cross(whole[k], whole[l]) for k, l in _plausible_pairs(arrangement, signs)]


def _plausible_pairs(arrangement: Arrangement, signs: Array) -> list[tuple[int, int]]:
    """Pairs of classes whose cross product may be a ray of the cone: floats leave out only those they are sure of."""
    rows = arrangement.inputs[arrangement.representatives]
    with np.errstate(under="ignore"):
        rows = signs[:, None] * rows / np.abs(rows).max(axis=1, keepdims=True)
    k, l = np.triu_indices(len(rows), 1)
    # A block at a time keeps the table of margins small.
    out: list[tuple[int, int]] = []
    for start in range(0, len(k), 4096):
        a, b = k[start : start + 4096], l[start : start + 4096]
        margins = np.cross(rows[a], rows[b]) @ rows.T
        # Entries of `rows` are at most 1, so rounding stays far below 1e-13.
        keep = (margins >= -1e-13).all(axis=1) | (margins <= 1e-13).all(axis=1)
        out += list(zip(a[keep].tolist(), b[keep].tolist()))
    return out


def _cross(a: list[int], b: list[int]) -> list[int]:
    return reduced([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


def _perpendicular(x: list[int]) -> list[list[int]]:
    """Integer basis of the vectors orthogonal to x, which is not 0."""
    n = len(x)
    p = next(k for k, v in enumerate(x) if v)
    out = []
    for k in range(n):
        if k != p:
            vector = [0] * n
            vector[k], vector[p] = x[p], -x[k]
            out.append(reduced(vector))
    return out
