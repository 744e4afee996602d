"""Linear separability of features, one class against the rest (N21, Corollary 4.4), with a certificate either way.

Separable: a hyperplane (w, b) per class, s_j (w . z_j + b) > 0 checked for all samples with rounding errors, exactly where these leave doubt.
Not separable: a Farkas vector, lambda >= 0, not 0, with sum_j lambda_j s_j (z_j, 1) = 0, solved in rational arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from flint import fmpq
from scipy.optimize import linprog, minimize

from verifier.numbers import plural
from verifier.regions.exact import null_space, reduced
from verifier.theory.features import Features

Array = np.ndarray
# Entries of the table above which no linear program is tried, and its time limit in seconds.
LARGEST_PROGRAM = 1e6
PROGRAM_SECONDS = 20.0
# Samples in a Farkas vector that exact elimination takes.
LONGEST_FARKAS = 120
# N d K above which hyperplanes are sought on a part of the samples, and how often the part grows: at least PARTS times, then while
# each time halves what is left, at most MOST_PARTS times.
LARGEST = 5e6
PARTS, MOST_PARTS = 4, 10


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
    if N * d * K > LARGEST and (size := int(LARGEST / (d * K))) < N:
        return _by_parts(f, sides, affine, max(1, size))
    return _at_once(f, sides, affine, programs=True)


def _by_parts(f: Features, sides: Array, affine: bool, size: int) -> Separation:
    """Hyperplanes of `size` samples checked on all, those on the wrong side joining them; what refutes the part refutes the whole.

    A Farkas vector takes up to d + 2 samples, so where exact elimination stops before that, linear programs are left out.
    """
    N, d = f.shape
    chosen = np.sort(np.random.default_rng(0).choice(N, size, replace=False))
    wrong, rounds = N, 0
    while rounds < MOST_PARTS:
        found = _at_once(f.rows(chosen), sides[:, chosen], affine, programs=d + 2 <= LONGEST_FARKAS)
        where = f"{len(chosen)} of {N} samples"
        if found.samples is not None:
            return replace(found, samples=chosen[found.samples])
        if found.w is None or found.b is None:
            return replace(found, text=f"{found.text}, on {where}")
        margins = (
            sides
            * (found.w @ f.values.T + found.b[:, None])
            / np.abs(found.w).max(axis=1, keepdims=True, initial=1e-300)
        )
        present = (sides > 0).any(axis=1)
        least = margins[present].min(axis=0, initial=np.inf)
        before, wrong, rounds = wrong, int((least <= 0).sum()), rounds + 1
        if wrong == 0:
            proven = [proven_margin(f, sides[k], found.w[k], float(found.b[k])) for k in np.flatnonzero(present)]
            if min(proven, default=np.inf) > 0:
                text = f"{len(sides)} hyperplanes found on {where} and checked on all, least proven margin {min(proven):.2g}"
                return replace(found, text=text, margin=min(proven))
        if rounds >= PARTS and wrong > before / 2:
            break
        worst = np.argsort(least, kind="stable")[: max(1, size // 2)]
        chosen = np.union1d(chosen, worst)
    return Separation(
        None, f"hyperplanes of {where} leave {wrong} of all on a wrong side or too close to call, after {rounds} rounds"
    )


def _at_once(f: Features, sides: Array, affine: bool, programs: bool) -> Separation:
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
        few = 10 * (d + 2)
        if d + 2 <= LONGEST_FARKAS and few < N:
            # A Farkas vector of some samples refutes all: sought among those at the hyperplane found and the furthest on its wrong side.
            margin = sides[k] * (f.values @ w[k] + b[k])
            near = np.union1d(
                np.argsort(np.abs(margin), kind="stable")[: few // 2], np.argsort(margin, kind="stable")[: few // 2]
            )
            if (against := farkas(f.rows(near), scale, sides[k][near], affine)) is not None:
                return _refuted(name, k, near[against[0]], against[1])
        if not programs or N * (d + 2) > LARGEST_PROGRAM:
            return Separation(
                None, f"{name}: no hyperplane found by descent, and too large for an exact linear program"
            )
        found = _program(f.values / scale, sides[k], affine)
        if found is not None:
            w[k], b[k] = found[0] / scale, found[1]
            margins[k] = proven_margin(f, sides[k], w[k], b[k])
            if margins[k] > 0:
                continue
        against = farkas(f, scale, sides[k], affine)
        if against is not None:
            return _refuted(name, k, *against)
        return Separation(None, f"{name}: neither a hyperplane with a proven margin nor an exact Farkas vector")
    least = float(margins.min(initial=np.inf))
    return Separation(True, f"{plural(K, 'hyperplane')}, least proven margin {least:.2g}", w, b, least)


def _refuted(name: str, k: int, samples: Array, weights: tuple[int, ...]) -> Separation:
    text = f"{name}: Farkas vector on {len(samples)} samples, exact"
    return Separation(False, text, cls=k, samples=samples, weights=weights)


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
