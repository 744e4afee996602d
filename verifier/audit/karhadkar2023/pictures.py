"""Proposition 13, second item, the table of Appendix D, Example 14, Figures 1, 4 and 5: regions and functions of one ReLU, mostly in integers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cmp_to_key
from itertools import combinations_with_replacement, pairwise

import numpy as np
from flint import fmpz_mat

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.karhadkar2023.polyline import distance_to_cone
from verifier.audit.karhadkar2023.shares import every_pattern
from verifier.audit.karhadkar2023.vertices import pieces, vertices
from verifier.programs.cone_fit import cone_fit

PAPER = "karhadkar2023"
Array = np.ndarray
Point = tuple[int, int]
Pattern = tuple[int, ...]


def distance_to_sums(f: Array, x: Array, count: int) -> float:
    """Smallest |f - sum_i a_i g_i|_2 over a_i >= 0 and `count` points g_i of the polyline: non-negative least squares on each choice of pieces."""
    least = float("inf")
    for chosen in combinations_with_replacement(pieces(x), count):
        fit = cone_fit(np.column_stack([v for piece in chosen for v in piece]), f)
        if fit is None:
            # A choice left out would make the distance too large.
            return float("nan")
        least = min(least, float(np.sqrt(fit.square)))
    return least


def _sums(instance: Instance) -> Trial:
    """The sum of two units, and as many points of the polyline."""
    x, units = instance.values["x"], instance.values["units"]
    f = sum(np.maximum(w * x + b, 0.0) for w, b in units)
    size = float(np.linalg.norm(f)) or 1.0
    spread = float(x[-1] - x[0]) or 1.0
    points = int(instance.values.get("points", len(units)))
    left = distance_to_sums(f / size, (x - x[0]) / spread, points)
    met = len(x) >= 2 and bool((np.diff(x) > 0).all())
    return Trial(left, 0.0, 1.0, met, 1e-7, f"distance {left:.3g} of the unit function")


def _two_units(rng: Rng, count: int) -> Iterator[Instance]:
    for _ in range(count):
        n = int(rng.integers(2, 6))
        x = np.sort(rng.choice(np.arange(-9, 10), n, replace=False)).astype(np.float64)
        units = []
        for _ in range(2):
            w = float(rng.normal())
            units.append((w, -w * float(rng.uniform(x[0] - 1, x[-1] + 1))))
        yield Instance("random", f"n = {n}", {"x": x, "units": units})


def _rows(x: list[int]) -> list[tuple[int, Pattern, tuple[Point, Point], tuple[list[int], list[int]]]]:
    """The table of Appendix D: (rank, pattern, extreme rays of S, of F) of the 2n regions; x in order, xbar^(i) = (x_i, -1), samples (1, x_j)."""
    n = len(x)
    bar = lambda i, sign: (sign * x[i - 1], -sign)
    at = lambda ray, low, high: [(ray[0] + ray[1] * v) * (low <= j <= high) for j, v in enumerate(x, start=1)]
    unit = lambda i, size: [size * (j == i) for j in range(1, n + 1)]
    ones = lambda low, high: tuple(int(low <= j <= high) for j in range(1, n + 1))
    out = [
        (0, ones(1, 0), (bar(1, 1), bar(n, -1)), (unit(0, 0), unit(0, 0))),
        (1, ones(1, 1), (bar(1, 1), bar(2, 1)), (unit(0, 0), unit(1, x[1] - x[0]))),
        (2, ones(1, n), (bar(n, 1), bar(1, -1)), (at(bar(n, 1), 1, n), at(bar(1, -1), 1, n))),
        (1, ones(n, n), (bar(n - 1, -1), bar(n, -1)), (unit(n, x[-1] - x[-2]), unit(0, 0))),
    ]
    for i in range(2, n):
        out.append((2, ones(1, i), (bar(i, 1), bar(i + 1, 1)), (at(bar(i, 1), 1, i), at(bar(i + 1, 1), 1, i))))
        out.append((2, ones(i, n), (bar(i, -1), bar(i - 1, -1)), (at(bar(i, -1), i + 1, n), at(bar(i - 1, -1), i, n))))
    return out


def _table(instance: Instance) -> Trial:
    """Number of entries of the table that are not so, and of patterns that are missing in it; integers."""
    x = [int(v) for v in instance.values["x"]]
    wrong, seen = 0, set()
    for rank, pattern, rays, functions in _rows(x):
        active = [[a, a * v] for a, v in zip(pattern, x)]
        wrong += int(fmpz_mat(active).rank()) != rank
        inner = [(p + q) for p, q in zip(*rays)]
        # The sum of the rays lies inside the region, each ray on its closure, and the rays differ.
        wrong += tuple(int(inner[0] + inner[1] * v > 0) for v in x) != pattern
        wrong += any((inner[0] + inner[1] * v) == 0 for v in x)
        wrong += any((2 * a - 1) * (r[0] + r[1] * v) < 0 for r in rays for a, v in zip(pattern, x))
        wrong += rays[0][0] * rays[1][1] == rays[0][1] * rays[1][0] and rank != 0
        wrong += sum([max(r[0] + r[1] * v, 0) for v in x] != f for r, f in zip(rays, functions))
        seen.add(pattern)
    wrong += abs(len(seen) - 2 * len(x))
    met = len(x) >= 2 and all(p < q for p, q in pairwise(x))
    return Trial(float(wrong), 0.0, 1.0, met, text=f"{wrong} entries of {len(seen)} rows differ")


def corners(points: list[Point]) -> set[Point]:
    """Vertices of the convex hull, in integers (Andrew's monotone chain)."""
    points = sorted(set(points))
    if len(points) < 3:
        return set(points)
    turn = lambda o, a, b: (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])
    out: set[Point] = set()
    for order in (points, points[::-1]):
        chain: list[Point] = []
        for p in order:
            while len(chain) >= 2 and turn(chain[-2], chain[-1], p) <= 0:
                chain.pop()
            chain.append(p)
        out |= set(chain)
    return out


def labels(X: list[Point]) -> tuple[set[Pattern], int]:
    """Patterns A whose sum of samples is a vertex of sum_j conv{0, x_j}, and the number of vertices; X of two coordinates."""
    add = lambda a: (sum(p[0] for p, s in zip(X, a) if s), sum(p[1] for p, s in zip(X, a) if s))
    sums = {tuple(a): add(a) for a in every_pattern(len(X))}
    hull = corners(list(sums.values()))
    return {a for a, s in sums.items() if s in hull}, len(hull)


def _example14(instance: Instance) -> Trial:
    x = sorted(int(v) for v in instance.values["x"])
    n = len(x)
    found, vertices_of = labels([(1, v) for v in x])
    listed = {tuple(int((j < k) != flip) for j in range(n)) for k in range(n + 1) for flip in (False, True)}
    left = len(found ^ listed) + abs(vertices_of - 2 * n)
    return Trial(float(left), 0.0, 1.0, len(set(x)) == n, text=f"{vertices_of} vertices, n = {n}")


def _turning(r: Point, s: Point) -> int:
    """Order of directions by their angle from (1, 0), counter-clockwise."""
    lower = [p[1] < 0 or (p[1] == 0 and p[0] < 0) for p in (r, s)]
    return (lower[0] - lower[1]) or (r[1] * s[0] - r[0] * s[1])


def _normal_cones(instance: Instance) -> Trial:
    """Directions w between neighbouring boundaries: the pattern of w labels a vertex, the only sum of samples that is largest along w; each once."""
    X = [(int(p), int(q)) for p, q in instance.values["X"]]
    rays = [(s * -q, s * p) for p, q in X if (p, q) != (0, 0) for s in (1, -1)]
    rays = sorted(set(rays), key=cmp_to_key(_turning))
    wrong, seen = 0, set()
    add = lambda a: (sum(p[0] for p, s in zip(X, a) if s), sum(p[1] for p, s in zip(X, a) if s))
    sums = {a: add(a) for a in every_pattern(len(X))}
    for r, s in zip(rays, rays[1:] + rays[:1]):
        w = (r[0] + s[0], r[1] + s[1])
        along = lambda p, w=w: w[0] * p[0] + w[1] * p[1]
        pattern = tuple(int(along(p) > 0) for p in X)
        top = max(along(p) for p in sums.values())
        wrong += [a for a, p in sums.items() if along(p) == top] != [pattern]
        seen.add(pattern)
    found, count = labels(X)
    left = wrong + len(found ^ seen) + abs(len(seen) - count)
    independent = all(p[0] * q[1] != p[1] * q[0] for i, p in enumerate(X) for q in X[:i])
    return Trial(float(left), 0.0, 1.0, independent and len(X) >= 2, text=f"{len(seen)} regions, {count} vertices")


def _normalised(instance: Instance) -> Trial:
    """f / (f_1 + ... + f_n) of a ReLU lies on the polyline of the normalised vertices."""
    x = instance.values["x"]
    f = sum(np.maximum(w * x + b, 0.0) for w, b in instance.values["units"][: int(instance.values.get("of", 1))])
    V = [v / v.sum() for v in vertices(x) if v.sum() > 0]
    met = len(x) in (3, 4) and bool((np.diff(x) > 0).all()) and float(np.sum(f)) > 1e-9
    if not met:
        return Trial(0.0, 0.0, 1.0, False)
    f, least = f / np.sum(f), float("inf")
    for p, q in pairwise(V):
        along = q - p
        share = float(np.clip(along @ (f - p) / (along @ along), 0.0, 1.0)) if along.any() else 0.0
        least = min(least, float(np.linalg.norm(p + share * along - f)))
    return Trial(least, 0.0, 1.0, True, 1e-9, f"distance {least:.3g}, n = {len(x)}")


def _three_or_four(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        x = np.sort(rng.choice(np.arange(-9, 10), 3 + k % 2, replace=False)).astype(np.float64)
        kinks = np.sort(rng.uniform(x[0], x[-1], size=2))
        units = [(s * float(rng.uniform(0.5, 2)), t) for s, t in zip(rng.permutation([-1.0, 1.0]), kinks)]
        yield Instance("random", f"n = {len(x)}", {"x": x, "units": [(w, -w * float(t)) for w, t in units]})


def _quadrant(instance: Instance) -> Trial:
    """Every target that is not negative is a function of one ReLU on two samples, whose parameter plane has four regions."""
    x, y = instance.values["x"], instance.values["y"]
    # The largest entry is 1: the fit is over the polyline of the samples at 0 and 1.
    left = distance_to_cone(y / (np.abs(y).max() or 1.0), (x - x[0]) / (float(x[-1] - x[0]) or 1.0))
    found, count = labels([(1, int(v)) for v in x])
    met = len(x) == 2 and x[0] < x[1] and bool((y >= 0).all())
    return Trial(left + abs(len(found) - 4) + abs(count - 4), 0.0, 1.0, met, 1e-9, f"distance {left:.3g}")


def _two_samples(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        x = np.sort(rng.choice(np.arange(-99, 100), 2, replace=False)).astype(np.float64)
        y = np.abs(rng.normal(size=2)) * (10.0 ** rng.uniform(-6, 6, size=2)) * [1, k % 4 != 0]
        yield Instance("random", f"x = {x.tolist()}", {"x": x, "y": y})


def _integers(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(2, 8))
        size = int(rng.choice((9, 10**6)))
        x = np.sort(rng.choice(np.arange(-9, 10), n, replace=False)) * (1 if k % 2 else size)
        yield Instance("random", f"n = {n}", {"x": x})


def _plane(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = 3 if k % 2 else int(rng.integers(2, 6))
        yield Instance("random", f"n = {n}", {"X": rng.integers(-9, 10, size=(n, 2))})


STATEMENTS = [
    Statement(
        "prop13.sums", PAPER, "Proposition 13, second item", "The set of functions represented by a sum of m ReLUs consists of non-negative scalar "
        "multiples of convex combinations of any m points on this polyline",
        "The sum of two random ReLUs is reached by non-negative least squares on two points of the polyline, whatever the pieces, to 1e-7. The other "
        "direction is prop13.onto with the scalars taken into the weights; n = 1 fails as prop13.cone does.",
        Word.HOLDS, _two_units, _sums, count=100, hypotheses=("distinct points in order", "n >= 2", "m = 2"),
    ),
    Statement(
        "prop13.table", PAPER, "Appendix D, the table", "we list, for each of the non-empty activation regions, the rank of the Jacobian, the activation "
        "pattern, the description of the activation region ..., the extreme rays of the activation region, and the extreme rays of the function space",
        "In integers, all 2n rows: the rank is that of the active samples, the rays lie on the region's closure, differ, and their sum has the row's "
        "pattern, and ReLU takes them to the listed functions.",
        Word.HOLDS, _integers, _table, count=300, hypotheses=("distinct points in order", "n >= 2"),
    ),
    Statement(
        "example14", PAPER, "Example 14", "the polytope P is a polygon with 2n vertices. The vertices have labels 1_S indicating, for each k = 0, ..., n, "
        "the subsets S containing the largest respectively smallest k elements",
        "The convex hull of all 2^n sums of samples, in integers: 2n vertices, with these labels.",
        Word.HOLDS, _integers, _example14, count=300, hypotheses=("no data points on top of each other",),
    ),
    Statement(
        "figure1", PAPER, "Figure 1", "We can represent this, up to scaling by non-negative factors, by functions f with f_1 + ... + f_n = 1. These form "
        "a polyline",
        "n = 3 and 4: a random ReLU's function, divided by its sum, lies on the polyline of the normalised vertices.",
        Word.HOLDS, _three_or_four, _normalised, count=300, hypotheses=("distinct points in order", "the function is not 0"),
    ),
    Statement(
        "figure4", PAPER, "Figure 4", "The activation regions in parameter space are the normal cones of P at its different vertices. Hence the vertices "
        "correspond to the non-empty activation regions",
        "Two to five integer samples of the plane: the pattern of each direction between two boundaries labels the only sum that is largest along it, and "
        "the patterns are the labels of the vertices, each once.",
        Word.HOLDS, _plane, _normal_cones, count=300, hypotheses=("any two samples independent",),
    ),
    Statement(
        "figure5", PAPER, "Figure 5 and section 6", "for n = 2, F_X = R^2_{>= 0}",
        "Four regions (in integers), and each target that is not negative lies on a ray through the polyline, ties at 0 included.",
        Word.HOLDS, _two_samples, _quadrant, count=300, hypotheses=("n = 2", "distinct points in order"),
    ),
]  # fmt: skip
