"""Every cell and face of a landscape with a dual below and a point above: what a whole landscape's claim is made of (docs/mathematics.md, section 15).

Both are shared. A dual of a larger face is one of a smaller face, a point of a smaller face is one of a larger face; where F has the same minimum on both,
to the solvers, one of them does for both.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from verifier.landscape.duals import face_dual
from verifier.landscape.face import Face, FacePoint
from verifier.landscape.faces import FaceValues
from verifier.landscape.setting import LandscapeSetting

Array = np.ndarray
# Minima of F this near, relative to F of the zero network, are taken for the same one, so that their faces share duals and points.
SAME = 1e-13
# How far, relative to its size, a point that should lie on its cone's boundary is moved inwards; and how near to hyperplanes it is taken to be on them.
INWARD = (0.0, *(2.0**-k for k in range(50, 34, -3)))
NEAR = (1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
# Singular values of unit normals that are no larger belong to directions that they do not span.
FLAT = 1e-9


@dataclass(eq=False)
class WholeFaces:
    """The arrays of the kernel's `Landscape` of the same names, but for `basis`; multipliers (d, m, N)."""

    faces: Array
    facets: Array
    dual: Array
    of_dual: Array
    nu: Array
    multipliers: Array
    point: Array
    of_point: Array
    points: Array
    biases: Array


def all_faces(setting: LandscapeSetting) -> list[Face]:
    """Each set of at most m codes, and each facet with a set of at most m - 1 codes that has neither of its sides; the larger ones first."""
    m, codes = setting.width, range(setting.neurons.count)
    cells = [(s, -1) for k in range(m, 0, -1) for s in itertools.combinations(codes, k)]
    sides = setting.neurons.facet_codes.tolist()
    beside = [()] if m == 1 else [s for k in range(m - 1, 0, -1) for s in itertools.combinations(codes, k)]
    on_facets = [(s, f) for s in beside for f, (a, b) in enumerate(sides) if a not in s and b not in s]
    none: list[Face] = [((), -1)] if m == 1 else []
    return sorted([*cells, *on_facets, *none], key=_size, reverse=True)


def _size(face: Face) -> float:
    return len(face[0]) + 0.5 * (face[1] >= 0)


def whole_faces(values: FaceValues) -> WholeFaces:
    """Duals and points of all faces."""
    setting = values.setting
    faces = all_faces(setting)
    index = {face: k for k, face in enumerate(faces)}
    minima = np.array([values.value(face) for face in faces])
    near = max(SAME * values.scale, values.resolution)
    # Larger faces come first, so that theirs are known.
    lower = _shared(range(len(faces)), minima, near, lambda k: _larger(values, faces[k]), index)
    upper = _shared(range(len(faces) - 1, -1, -1), minima, near, lambda k: _smaller(setting, faces[k]), index)
    solved = {k: values.point(faces[k]) for k in sorted({*lower, *upper})}
    rows, facets = np.array([_row(setting, face) for face in faces]), setting.neurons.facet_samples
    samples = np.array([-1 if f < 0 else facets[f] for _, f in faces])
    of_dual, dual = np.unique(lower, return_inverse=True)
    of_point, point = np.unique(upper, return_inverse=True)
    duals = [face_dual(setting, rows[k].tolist(), int(samples[k]), solved[k]) for k in of_dual.tolist()]
    points = [_inside(setting, faces[k], rows[k].tolist(), solved[k]) for k in of_point.tolist()]
    return WholeFaces(
        rows, samples, dual, of_dual, np.array([d.nu for d in duals]), np.array([d.multipliers for d in duals]), point, of_point, np.array(points),
        np.array([solved[k].bias for k in of_point.tolist()]),
    )  # fmt: skip


def _shared(
    order: Iterable[int],
    minima: Array,
    near: float,
    neighbours: Callable[[int], Iterator[Face]],
    index: dict[Face, int],
) -> Array:
    """Per face the one whose dual, or point, it uses: a neighbour's, where the minimum there is no other, or its own."""
    out = np.full(len(minima), -1)
    for k in order:
        out[k] = k
        for face in neighbours(k):
            other = out[index[face]]
            if abs(minima[other] - minima[k]) <= near:
                out[k] = other
                break
    return out


def _larger(values: FaceValues, face: Face) -> Iterator[Face]:
    """The faces one step larger."""
    (codes, facet), setting = face, values.setting
    if facet >= 0:
        for side in setting.neurons.facet_codes[facet].tolist():
            yield tuple(sorted((*codes, side))), -1
    if len(codes) + (facet >= 0) < setting.width:
        taken = set(codes) | (set(setting.neurons.facet_codes[facet].tolist()) if facet >= 0 else set())
        for code in range(setting.neurons.count):
            if code not in taken:
                yield tuple(sorted((*codes, code))), facet


def _smaller(setting: LandscapeSetting, face: Face) -> Iterator[Face]:
    codes, facet = face
    if len(codes) > 1 or setting.width == 1:
        for k in range(len(codes)):
            yield codes[:k] + codes[k + 1 :], facet
    if facet >= 0:
        if codes or setting.width == 1:
            yield codes, -1
        return
    for k, code in enumerate(codes):
        rest = codes[:k] + codes[k + 1 :]
        if rest or setting.width == 1:
            for f, other in setting.neurons.crossings[code]:
                if other not in rest:
                    yield rest, f


def _row(setting: LandscapeSetting, face: Face) -> list[int]:
    """The codes as the kernel has them: on a facet its lower side first, then the others, filled up with -1."""
    codes, facet = face
    first = [] if facet < 0 else [int(setting.neurons.facet_codes[facet, 0])]
    return [*first, *[-1] * (setting.width - len(codes) - len(first)), *codes]


def _inside(setting: LandscapeSetting, face: Face, row: list[int], point: FacePoint) -> Array:
    """(m n,): the point's neurons in the order of the row, exactly in their cones; on a facet once it is projected there."""
    out = np.zeros((setting.width, setting.neurons.inputs.shape[1]))
    for i, code in enumerate(row):
        if i == 0 and face[1] >= 0:
            assert point.facet_u is not None
            out[i] = _moved(setting, code, point.facet_u, face[1])
        elif code >= 0:
            out[i] = _moved(setting, code, point.u[code], -1)
    return out.reshape(-1)


def _moved(setting: LandscapeSetting, code: int, u: Array, facet: int) -> Array:
    """A point (n,) near u that lies in the code's cone, or on its facet once it is projected there: u itself, or u with those of the hyperplanes that it
    nearly lies on, either a little further inwards; 0 where none does."""
    neurons, normal = setting.neurons, setting.normal
    if not u.any():
        return u
    inwards, sample = neurons.cones.interiors[code // 2], -1 if facet < 0 else int(neurons.facet_samples[facet])
    if facet >= 0:
        # Between interior points on both sides of the facet, where the hyperplane is crossed.
        a, b = (neurons.cones.interiors[c // 2] for c in neurons.facet_codes[facet].tolist())
        x = neurons.inputs[sample]
        inwards = a + (b - a) * (a @ x) / (a @ x - b @ x)
    size = lambda v: np.linalg.norm(np.ldexp(v, setting.columns - normal.output))
    # A facet that is a whole hyperplane has 0 inside it, and nowhere to go.
    inwards = inwards / (size(inwards) or 1.0)
    for near in (0.0, *NEAR):
        settled = u if near == 0.0 else _on_hyperplanes(setting, code, u, near)
        for share in INWARD:
            moved = settled + share * size(settled) * inwards
            if _holds(setting, code, moved, sample):
                return moved
    return np.zeros_like(u)


def _on_hyperplanes(setting: LandscapeSetting, code: int, u: Array, near: float) -> Array:
    """u (n,) projected onto those of its cone's walls that it is nearer to than `near`, in the units of the normal form."""
    normals = setting.scaled_neurons.normals(code)
    normals = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    v = np.ldexp(u, setting.columns - setting.normal.output)
    walls = normals[normals @ v <= near * max(1.0, float(np.linalg.norm(v)))]
    if len(walls):
        _, sizes, across = np.linalg.svd(walls)
        across = across[: int((sizes > FLAT).sum())]
        v = v - across.T @ (across @ v) if len(across) < len(v) else np.zeros_like(v)
    return setting.normal.given_u(v, code)


def _holds(setting: LandscapeSetting, code: int, u: Array, sample: int) -> bool:
    """Whether u, projected onto the sample's hyperplane where one is named, lies in the code's closed cone; exact."""
    X = [[Fraction(v) for v in row] for row in setting.neurons.inputs.tolist()]
    v = [Fraction(a) for a in u.tolist()]
    if sample >= 0:
        w = X[sample]
        along = Fraction(sum(p * q for p, q in zip(v, w))) / sum(q * q for q in w)
        v = [p - along * q for p, q in zip(v, w)]
    signs = [sum(p * q for p, q in zip(v, row)) for row in X]
    return all(z >= 0 if a else z <= 0 for z, a in zip(signs, setting.neurons.pattern(code).tolist()))
