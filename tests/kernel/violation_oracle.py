"""Margins of counterexamples to Nguyen 2021, Karhadkar 2023 and Baturin's experiments by other means than the kernel's: solvers, enumeration, floats."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product
from math import ceil, expm1, log, log1p
from typing import Any

import numpy as np
from scipy.optimize import linprog, minimize

from verifier.audit.karhadkar2023.global_minima import key_neurons
from verifier.audit.karhadkar2023.polyline import affine_multiple

NEVER = -np.inf  # a hypothesis fails: no margin is true


def paper_margin(problem: Any, claim: Any) -> float | None:
    """The true margin, NEVER where the hypotheses fail, None for statements that are not known here."""
    found = _FOUND.get(claim.statement)
    return None if found is None else found(problem, claim.dual)


def layers(problem: Any) -> list[np.ndarray]:
    out = [problem.X]
    for W, b in zip(problem.A.weights[:-1], problem.A.biases[:-1]):
        out.append(np.maximum(out[-1] @ W.T + (0.0 if b is None else b), 0.0))
    return out


def _fits(problem: Any, loss: str) -> bool:
    return problem.objective.loss == loss and problem.objective.penalty == "none" and problem.A.biases[-1] is None


def _squares(problem: Any, dual: np.ndarray) -> float:
    if problem.objective.loss != "squared" or len(dual) != 1 or not dual[0] > 0:
        return NEVER
    # In fractions, as |f|^2 - |g|^2 - 2 y (f - g): a target of 1e300 swallows small predictions in any float.
    exact = lambda a: np.array([Fraction(v) for v in a.ravel().tolist()], dtype=object).reshape(a.shape)
    f, g = (
        np.maximum(exact(problem.X) @ exact(p.weights[0]).T + (0 if p.biases[0] is None else exact(p.biases[0])), 0)
        @ exact(p.weights[1]).T
        for p in (problem.A, problem.B)
    )
    gaps = abs(f * f - g * g - 2 * exact(problem.targets) * (f - g)) - Fraction(float(dual[0])) * abs(f - g)
    return np.longdouble(gaps.max().numerator) / np.longdouble(gaps.max().denominator)


def _separable(Z: np.ndarray, positive: np.ndarray) -> bool:
    """Whether some hyperplane has the samples strictly on their sides: a linear program, on columns of size one, as a solver cannot see 1e-320."""
    Z = np.ldexp(Z, -np.frexp(np.abs(Z).max(axis=0))[1])
    side = np.where(positive, 1.0, -1.0)[:, None]
    table = -side * np.column_stack([Z, np.ones(len(Z))])
    return bool(linprog(np.zeros(Z.shape[1] + 1), A_ub=table, b_ub=-np.ones(len(Z)), bounds=(None, None)).status == 0)


def _head(problem: Any, dual: np.ndarray) -> float:
    K, hidden = problem.A.weights[-1].shape[0], [len(W) for W in problem.A.weights[:-1]]
    if not _fits(problem, "cross_entropy") or min(hidden) < 2 * K or set(problem.targets) != set(range(K)):
        return NEVER
    Z, y = layers(problem)[-1][:, : hidden[-1] - K], problem.targets
    if not all(_separable(Z, y == k) for k in range(K)):
        return NEVER
    one_hot = np.eye(K)[y]

    def loss(u: np.ndarray) -> tuple[float, np.ndarray]:
        F = Z @ u.reshape(-1, K)
        top = F.max(axis=1, keepdims=True)
        p = np.exp(F - top)
        value = (np.log(p.sum(axis=1)) + top[:, 0] - (F * one_hot).sum(axis=1)).mean()
        return value, (Z.T @ (p / p.sum(axis=1, keepdims=True) - one_hot) / len(y)).ravel()

    # What a descent reaches is at or above the infimum: half of a thousandth is more than it misses.
    return minimize(loss, np.zeros(Z.shape[1] * K), jac=True, method="L-BFGS-B", options={"maxiter": 5000}).fun + 5e-4


def _one_output(problem: Any, dual: np.ndarray) -> float:
    if not _fits(problem, "logistic") or len(problem.A.weights) != 2 or len(problem.A.weights[0]) < 2:
        return NEVER
    positive = problem.targets[:, 0] > 0
    return min(positive.mean(), 1 - positive.mean()) * log(2) if _separable(problem.X, positive) else NEVER


def _generic(problem: Any, dual: np.ndarray) -> float:
    if problem.objective.penalty != "none" or problem.A.biases[-1] is not None or len(problem.A.weights) < 3:
        return NEVER
    if len(np.unique(problem.X + 0.0, axis=0)) < len(problem.X):
        return NEVER
    Z = layers(problem)[-2]
    d = ceil(Z.shape[1] / 2)
    halves = (Z[:, half] for half in combinations(range(Z.shape[1]), d))
    return min(max(len(np.unique(H[H[:, k] == 0], axis=0)) for k in range(d)) - d for H in halves)


def _setting(problem: Any) -> bool:
    return _fits(problem, "squared") and len(problem.A.weights) == 2 and bool(problem.A.weights[1].all())


def _share(problem: Any, dual: np.ndarray) -> float:
    n, d0, d1, eps, C = dual
    whole = all(v == round(v) >= 1 for v in (n, d0, d1))
    if not (_setting(problem) and whole and 0 < eps < 1 and C > 0 and n <= d0 and n > eps * d0 and d1 >= n / d0):
        return NEVER
    return -expm1(n * log1p(-(2.0**-d1))) - eps if d1 >= C * log(n / (eps * d0)) else NEVER


def _vertex(problem: Any, dual: np.ndarray) -> float:
    """Every sum of a subset, against the one that the row chooses."""
    X = problem.X
    if not _setting(problem) or problem.A.biases[0] is not None or X.any(axis=1).all() or not X.any():
        return NEVER
    sums = np.array(list(product((0, 1), repeat=len(X)))) @ X
    least = np.inf
    for w in problem.A.weights[0]:
        chosen = X[X @ w > 0].sum(axis=0)
        others = sums[np.abs(sums - chosen).max(axis=1) > 1e-9]
        least = min(least, ((chosen - others) @ w).min())
    return least


def _lemma15(problem: Any, dual: np.ndarray) -> float:
    Q = Fraction
    x, n = problem.X[:, 0], len(problem.X)
    if (
        not _setting(problem)
        or problem.X.shape[1] != 1
        or (np.diff(x) <= 0).any()
        or len(problem.A.weights[0]) != 2 * n
    ):
        return NEVER
    wrong = 0
    for k, sign, w, b in key_neurons([Q(v) for v in x], [Q(v) for v in problem.targets[:, 0]], False):
        i = 2 * k + (sign > 0)
        v = Q(problem.A.weights[1][0, i])
        if v * sign <= 0 or Q(problem.A.weights[0][i, 0]) * abs(v) != w or Q(problem.A.biases[0][i]) * abs(v) != b:
            return NEVER
        wrong += sum(not (w * Q(t) + b > 0 if j >= k else w * Q(t) + b < 0) for j, t in enumerate(x))
    return wrong


def _line(problem: Any, units: int) -> np.ndarray | None:
    """The hidden units' outputs on increasing numbers, or None."""
    fits = _setting(problem) and problem.X.shape[1] == 1 and problem.A.biases[0] is not None
    increasing = bool((np.diff(problem.X[:, 0]) > 0).all())
    return layers(problem)[1] if fits and increasing and len(problem.A.weights[0]) == units else None


def _cone(problem: Any, dual: np.ndarray) -> float:
    values = _line(problem, 1)
    return NEVER if values is None or len(values) != 1 else float(values.max()) or NEVER


def _affine(problem: Any, dual: np.ndarray) -> float:
    values = _line(problem, 2)
    if values is None:
        return NEVER
    f = values @ problem.A.weights[1][0]
    return NEVER if affine_multiple(f, problem.X[:, 0]) else np.abs(f).max()


_FOUND = {
    "baturin2026.exp.mse": _squares, "nguyen2021.cor44.head": _head, "nguyen2021.cor44.one-output": _one_output, "nguyen2021.cor43.A2": _generic,
    "karhadkar2023.t5": _share, "karhadkar2023.cor8": _share, "karhadkar2023.prop7": _vertex, "karhadkar2023.lemma15": _lemma15,
    "karhadkar2023.prop13.cone": _cone, "karhadkar2023.prop13.affine": _affine,
}  # fmt: skip
