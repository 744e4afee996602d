"""Proposition 13: what one ReLU, and linear combinations of m of them, can represent on n points of a line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations_with_replacement, product

import numpy as np

from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.karhadkar2023 import counterexamples
from verifier.audit.karhadkar2023.vertices import pieces, vertex_units, vertices
from verifier.programs.cone_fit import cone_fit

PAPER = "karhadkar2023"
Array = np.ndarray


def distance_to_cone(f: Array, x: Array) -> float:
    """Smallest |f - alpha g|_2 over alpha >= 0 and g on the polyline: non-negative least squares on each piece."""
    fits = [cone_fit(np.column_stack(pair), f) for pair in pieces(x)]
    found = [float(np.sqrt(fit.square)) for fit in fits if fit is not None]
    # A piece left out would make the distance too large.
    return min(found) if len(found) == len(fits) else float("nan")


def _inside(instance: Instance) -> Trial:
    x, w, b = (instance.values[k] for k in ("x", "w", "b"))
    f = np.maximum(w * x + b, 0.0)
    size = float(np.linalg.norm(f))
    if not size:
        return Trial(0.0, 0.0, 1.0, bool((np.diff(x) > 0).all()), text="the zero function")
    # Normalised by the data's spread, so that the vertices are of size one.
    spread = float(x[-1] - x[0]) or 1.0
    left = distance_to_cone(f / size, (x - x[0]) / spread)
    return Trial(left, 0.0, 1.0, bool((np.diff(x) > 0).all()), 1e-7, f"distance {left:.3g} of the unit function")


def _inside_two(instance: Instance) -> Trial:
    t = _inside(instance)
    return Trial(t.left, t.right, t.scale, t.met and len(instance.values["x"]) >= 2, t.tolerance, t.text)


def _onto(instance: Instance) -> Trial:
    """A point of a piece is the function of the same combination of the vertices' parameters (b, w): +-(x_i, -1)."""
    x, piece, share = (instance.values[k] for k in ("x", "piece", "share"))
    k = int(piece) % (2 * len(x) - 1)
    V, units = vertices(x), vertex_units(x)
    point = (1 - share) * V[k] + share * V[k + 1]
    w, b = (1 - share) * units[k] + share * units[k + 1]
    left = float(np.abs(np.maximum(w * x + b, 0.0) - point).max())
    return Trial(left, 0.0, float(np.abs(x).max()) or 1.0, bool((np.diff(x) > 0).all()), 1e-12)


def _units(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = int(rng.integers(1, 8))
        x = np.sort(rng.normal(size=n)) if k % 2 else np.sort(rng.choice(np.arange(-9, 10), n, replace=False)).astype(np.float64)  # fmt: skip
        w = float(rng.normal())
        # A kink among the points, or on one of them.
        b = -w * float(rng.choice(x) if k % 3 == 0 else rng.uniform(x[0] - 1, x[-1] + 1))
        values = {"x": x, "w": w, "b": b, "piece": int(rng.integers(64)), "share": float(rng.choice((0.0, 0.5, rng.random())))}  # fmt: skip
        yield Instance("random", f"n = {n}", values)


def affine_multiple(f: Array, x: Array) -> bool:
    """Whether f = alpha (t p + (1 - t) q) for some numbers alpha, t and points p, q of the polyline.

    For each pair of pieces and signs of the two coefficients f is a conic combination of four signed vertices, and alpha is the signed sum of the
    coefficients: f = 0 or some alpha that is not 0 has to be possible, which two linear programs decide.
    """
    from scipy.optimize import linprog

    if not f.any():
        return True
    for (p, q), (s, t) in product(combinations_with_replacement(pieces(x), 2), ((1, 1), (1, -1), (-1, 1), (-1, -1))):
        signs = np.array([s, s, t, t], dtype=np.float64)
        table = np.column_stack([*p, *q]) * signs
        for cost in (signs, -signs):
            solved = linprog(cost, A_eq=table, b_eq=f, bounds=(0, None), method="highs")
            if solved.status == 3 or (solved.status == 0 and solved.fun < -1e-7):
                return True
    return False


def _combination(instance: Instance) -> Trial:
    """Two units with polyline points p, q and coefficients c, e."""
    x, c, e, p, q = (instance.values[k] for k in ("x", "c", "e", "p", "q"))
    f = c * p + e * q
    found = abs(c + e) > 1e-9 or affine_multiple(f, x)
    return Trial(float(not found), 0.0, 1.0, bool((np.diff(x) > 0).all()), text=f"coefficients {c:g}, {e:g}; f = {f}")


def _linear(instance: Instance) -> Trial:
    """Linear combinations of points of the polyline: what the two units give, by least squares on the pieces of p and q."""
    x, c, e, p, q = (instance.values[k] for k in ("x", "c", "e", "p", "q"))
    left = max(distance_to_cone(p, x), distance_to_cone(q, x)) * (abs(c) + abs(e))
    return Trial(left, 0.0, float(np.abs(p).max() + np.abs(q).max()) * (abs(c) + abs(e)), tolerance=1e-7)


def _pairs(rng: Rng, count: int) -> Iterator[Instance]:
    for k in range(count):
        n = 6
        x = np.sort(rng.choice(np.arange(-9, 10), n, replace=False)).astype(np.float64)
        points = []
        for _ in range(2):
            start, end = pieces(x)[int(rng.integers(1, 2 * n - 2))]
            share = float(rng.choice((0.25, 0.5, 0.75)))
            points.append((1 - share) * start + share * end)
        c = float(rng.choice((-2.0, 1.0, 3.0)))
        # The tie: coefficients that cancel.
        e = -c if k % 2 == 0 else float(rng.choice((-4.0, -0.5, 0.5, 5.0)))
        yield Instance("random", f"n = {n}", {"x": x, "c": c, "e": e, "p": points[0], "q": points[1]})


def _difference() -> Instance:
    x = np.arange(6.0)
    V = vertices(x)
    p, q = (V[2] + V[3]) / 2, (V[7] + V[8]) / 2
    return Instance("known", "p - q on six points", {"x": x, "c": 1.0, "e": -1.0, "p": p, "q": q})


STATEMENTS = [
    Statement(
        "prop13.cone", PAPER, "Proposition 13, first item", "the set of functions a ReLU represents on X is a polyhedral cone consisting of functions "
        "alpha f, f an element of the polyline",
        "relu(w x + b) on the points lies on a ray through the polyline, to 1e-7. Fails for n = 1, where all vertices are 0 and the function space is "
        "[0, inf).",
        Word.FAILS, _units, _inside, (Instance("known", "n = 1, relu(1)", {"x": np.array([0.0]), "w": 0.0, "b": 1.0}),),
        counterexample=counterexamples.cone,
        repaired=Statement("prop13.cone.repaired", PAPER, "Proposition 13, first item", "", "n >= 2.", Word.HOLDS, _units, _inside_two,
        hypotheses=("n >= 2",)),
        hypotheses=("distinct points in order",),
    ),
    Statement(
        "prop13.onto", PAPER, "Proposition 13, first item", "consisting of functions alpha f, where alpha >= 0 and f is an element of the polyline",
        "Each point of the polyline is a ReLU's function, with the parameters of its piece's ends combined.", Word.HOLDS, _units, _onto,
        hypotheses=("distinct points in order",),
    ),
    Statement(
        "prop13.affine", PAPER, "Proposition 13, third item", "arbitrary linear combinations of m ReLUs consists of arbitrary scalar multiples of "
        "affine combinations of any m points on this polyline",
        "c p + e q is a multiple of an affine combination of two points. Fails where c + e = 0: the proof normalises f_1 + ... + f_n = 1, which "
        "leaves out functions with sum 0.",
        Word.FAILS, _pairs, _combination, (_difference(),), counterexample=counterexamples.combination,
        repaired=Statement("prop13.affine.repaired", PAPER, "Proposition 13, third item", "", "Linear combinations of any m points.", Word.HOLDS,
        _pairs, _linear),
        hypotheses=("distinct points in order", "m = 2"), count=24,
    ),
]  # fmt: skip
