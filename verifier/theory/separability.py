"""Linear separability of features, one class against the rest (N21, Corollary 4.4), with a certificate either way.

Separable: a hyperplane (w, b) per class, s_j (w . z_j + b) > 0 checked for all samples with rounding errors, exactly where these leave doubt.
Not separable: a Farkas vector, lambda >= 0, not 0, with sum_j lambda_j s_j (z_j, 1) = 0, solved in rational arithmetic (theory.md section 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog, minimize

from verifier.regions.exact import null_space, reduced
from verifier.theory.features import Features

Array = np.ndarray
# Entries of the table above which no linear program is tried, and its time limit in seconds.
LARGEST_PROGRAM = 1e6
PROGRAM_SECONDS = 20.0
# Samples in a Farkas vector that exact elimination takes.
LONGEST_FARKAS = 120


@dataclass(frozen=True, eq=False)
class Separation:
    """Whether all classes are separated from the rest, proved (True, False) or undecided (None).

    w (K, d), b (K,): the hyperplanes for True; margin: the least proven s_j (w . z_j + b), with entries at most 1 on features scaled to
    largest entry 1. cls, samples, weights: for False, a class that cannot be separated and its Farkas vector, positive integers. text: what decided.
    """

    separable: bool | None
    text: str
    w: Array | None = None
    b: Array | None = None
    margin: float = 0.0
    cls: int = -1
    samples: Array | None = None
    weights: tuple[int, ...] = ()


def signs_of(targets: Array, outputs: int) -> Array:
    """Sides (n, N) of +1 and -1: one row for one output with labels +-1 or 0/1, else a row per class; targets (N,) classes or (N, 1)."""
    if outputs == 1:
        return np.where(np.asarray(targets).ravel() > 0, 1.0, -1.0)[None, :]
    return np.where(np.arange(outputs)[:, None] == np.asarray(targets)[None, :], 1.0, -1.0)


def separate(f: Features, sides: Array, *, affine: bool = True) -> Separation:
    """Separate each row of sides (K, N) by a hyperplane; affine=False asks for hyperplanes through the origin (no bias).

    A side without samples is no condition.
    """
    K, (N, d) = len(sides), f.shape
    scale = np.abs(f.values).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    w, b = _logistic(f.values / scale, sides, affine)
    w = w / scale
    margins = np.zeros(K)
    for k in range(K):
        if (sides[k] < 0).all():
            margins[k], w[k], b[k] = np.inf, 0.0, -1.0 if affine else 0.0
            continue
        margins[k] = proven_margin(f, sides[k], w[k], b[k])
        if margins[k] > 0:
            continue
        name = f"class {k}" if K > 1 else "the labels"
        if N * (d + 2) > LARGEST_PROGRAM:
            return Separation(None, f"{name}: no hyperplane found by descent, and too large for the linear program")
        found = _program(f.values / scale, sides[k], affine)
        if found is not None:
            w[k], b[k] = found[0] / scale, found[1]
            margins[k] = proven_margin(f, sides[k], w[k], b[k])
            if margins[k] > 0:
                continue
        against = farkas(f, scale, sides[k], affine)
        if against is not None:
            return Separation(
                False, f"{name}: Farkas vector on {len(against[0])} samples, exact", cls=k, samples=against[0], weights=against[1]
            )  # fmt: skip
        return Separation(None, f"{name}: neither a hyperplane with a proven margin nor an exact Farkas vector")
    least = float(margins.min(initial=np.inf))
    return Separation(True, f"{K} hyperplane{'s' * (K > 1)}, least proven margin {least:.2g}", w, b, least)


def proven_margin(f: Features, side: Array, w: Array, b: float) -> float:
    """A lower bound of min_j s_j (w . z_j + b), or 0 where none above 0 was proved; doubtful samples are computed exactly."""
    d = len(w)
    value = side * (f.values @ w + b)
    size = np.abs(f.values) @ np.abs(w) + abs(b)
    low = value - 1.01 * ((d + 4) * 2.0**-53 * size + f.errors @ np.abs(w)) - 1e-290
    doubtful = np.flatnonzero(~(low > 0))
    if len(doubtful):
        if len(doubtful) > 200 or (value < -1e-6 * size).any():
            return 0.0
        exact = f.exact_rows(doubtful)
        if exact is None:
            return 0.0
        from flint import fmpq

        numbers = [fmpq(*float(v).as_integer_ratio()) for v in w]
        shift = fmpq(*float(b).as_integer_ratio())
        for j, row in zip(doubtful.tolist(), exact[0].tolist()):
            total = sum((c * fmpq(int(v), exact[1]) for c, v in zip(numbers, row)), shift)
            if total * int(side[j]) <= 0:
                return 0.0
            low[j] = max(float(value[j]), 5e-324)
    return float(low.min(initial=np.inf))


def _logistic(Z: Array, sides: Array, affine: bool) -> tuple[Array, Array]:
    """(w (K, d), b (K,)) of one-against-rest logistic regressions, each scaled to largest entry 1: a cheap first candidate."""
    K, (N, d) = len(sides), Z.shape

    def value(x: Array) -> tuple[float, Array]:
        u = x.reshape(K, d + 1)
        margin = sides * (u[:, :d] @ Z.T + (u[:, d:] if affine else 0.0))
        g = -sides / (1.0 + np.exp(np.minimum(margin, 700.0))) / N
        grad = np.hstack([g @ Z, g.sum(axis=1, keepdims=True) * affine])
        return float(np.logaddexp(0.0, -margin).sum() / N), grad.ravel()

    steps = 300 if K * N * d < 1e7 else 60
    u = minimize(value, np.zeros(K * (d + 1)), jac=True, method="L-BFGS-B", options={"maxiter": steps}).x.reshape(K, d + 1)  # fmt: skip
    size = np.abs(u).max(axis=1, keepdims=True)
    u = u / np.where(size > 0, size, 1.0)
    return u[:, :d].copy(), u[:, d].copy() if affine else np.zeros(K)


def _program(Z: Array, side: Array, affine: bool) -> tuple[Array, float] | None:
    """Hyperplane of largest margin with entries in [-1, 1]; None when that is not positive. HiGHS."""
    N, d = Z.shape
    table = np.hstack([-side[:, None] * Z, -side[:, None], np.ones((N, 1))])
    bounds = [(-1.0, 1.0)] * d + [(-1.0, 1.0) if affine else (0.0, 0.0), (None, 1.0)]
    solved = _linprog(np.append(np.zeros(d + 1), -1.0), A_ub=table, b_ub=np.zeros(N), bounds=bounds)
    if solved is None or solved[-1] <= 0:
        return None
    return solved[:d], float(solved[d])


def farkas(f: Features, scale: Array, side: Array, affine: bool) -> tuple[Array, tuple[int, ...]] | None:
    """(samples, positive integers) with sum_j weight_j s_j (z_j, 1) = 0 exactly, the 1 left out for affine=False; None when none was found."""
    N = len(f.values)
    table = (side[:, None] * f.values / scale).T
    if affine:
        table = np.vstack([table, side])
    equations = np.vstack([table, np.ones(N)])
    right = np.append(np.zeros(len(table)), 1.0)
    solved = _linprog(np.zeros(N), A_eq=equations, b_eq=right, bounds=[(0.0, None)] * N)
    if solved is None:
        return None
    samples = np.flatnonzero(solved > 1e-9 * solved.max())
    if len(samples) > LONGEST_FARKAS or (exact := f.exact_rows(samples)) is None:
        return None
    columns = []
    for j, row in zip(samples.tolist(), exact[0].tolist()):
        s = int(side[j])
        columns.append([s * int(v) for v in row] + ([s * exact[1]] if affine else []))
    return _positive(samples, columns, solved[samples])


def _positive(samples: Array, columns: list[list[int]], guess: Array) -> tuple[Array, tuple[int, ...]] | None:
    """A combination of the null space near the guess whose entries are all >= 0, exactly."""
    basis = null_space(columns)
    if not basis:
        return None
    top = [max(abs(v) for v in vector) for vector in basis]
    table = np.array([[v / t for v in vector] for vector, t in zip(basis, top)], dtype=np.float64).T
    coefficients = np.linalg.lstsq(table, guess, rcond=None)[0]
    # Over one denominator: any integers near the coefficients give a vector of the null space.
    whole = [round(float(c) * 2**60) for c in coefficients]
    common = int(np.lcm.reduce(np.array(top, dtype=object)))
    vector = [sum(c * (common // t) * v[k] for c, t, v in zip(whole, top, basis)) for k in range(len(samples))]
    if min(vector) < 0 or max(vector) == 0:
        return None
    keep = np.array([v > 0 for v in vector])
    return samples[keep], tuple(reduced([v for v in vector if v > 0]))


def _linprog(cost: Array, **constraints: Any) -> Array | None:
    solved = linprog(cost, method="highs-ds", options={"time_limit": PROGRAM_SECONDS}, **constraints)
    return None if solved.status != 0 or solved.x is None else np.asarray(solved.x)
