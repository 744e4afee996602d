"""Counterexamples to statements of Nguyen, Brechet, Mondelli 2021: fast evaluation, features in rationals.

`papers.statement.ClaimViolation` says what each statement is; docs/mathematics.md, section 10, has the arguments.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from flint import arb, fmpq, fmpq_mat

from verifier.kernel.fast import losses
from verifier.kernel.fast.losses import arb_lower
from verifier.kernel.fast.rational import ZERO, fraction
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import Parameters, Problem, require


def features(p: Parameters, X: np.ndarray, layers: int) -> fmpq_mat:
    """The outputs of hidden layer `layers` (0: the data), (N, n_l), exact."""
    H = fmpq_mat([[fraction(v) for v in row] for row in X.tolist()])
    for W, b in zip(p.weights[:layers], p.biases[:layers]):
        shift = [ZERO] * W.shape[0] if b is None else [fraction(v) for v in b.tolist()]
        before = H * fmpq_mat([[fraction(v) for v in row] for row in W.T.tolist()])
        H = fmpq_mat([[max(ZERO, u + s) for u, s in zip(row, shift)] for row in before.tolist()])
    return H


def _require_sides(Z: list[list[fmpq]], plane: np.ndarray, sides: list[bool]) -> None:
    """Reject unless a . z + b has each sample strictly on its side, plane = (a, b)."""
    *a, b = (fraction(v) for v in plane.tolist())
    for z, positive in zip(Z, sides):
        value = sum((u * v for u, v in zip(a, z)), b)
        require(bool(value > 0) if positive else bool(value < 0), "a hyperplane does not separate its class")


def head(problem: Problem, claim: ClaimViolation) -> float:
    """Separable features whose best head has a positive loss."""
    N, K, depth = len(problem.X), problem.A.weights[-1].shape[0], len(problem.A.weights)
    kept = problem.A.weights[-2].shape[0] - K
    Z = [row[:kept] for row in features(problem.A, problem.X, depth - 1).tolist()]
    planes, nu = claim.dual[: K * (kept + 1)].reshape(K, kept + 1), claim.dual[K * (kept + 1) :].reshape(N, K)
    labels = problem.targets.tolist()
    require(set(labels) == set(range(K)), "a class has no sample")
    for k in range(K):
        _require_sides(Z, planes[k], [y == k for y in labels])
    pulls = fmpq_mat(Z).transpose() * fmpq_mat([[fraction(v) for v in row] for row in nu.tolist()])
    require(all(v == 0 for row in pulls.tolist() for v in row), "the dual does not vanish on the features")
    return -losses.conjugate_mean_upper(problem.objective, nu, problem.targets)


def one_output(problem: Problem, claim: ClaimViolation) -> float:
    """One free ReLU neuron has outputs of one sign: each sample of the other label costs log 2 or more."""
    labels = [y > 0.0 for (y,) in problem.targets.tolist()]
    _require_sides(features(problem.A, problem.X, 0).tolist(), claim.dual, labels)
    fewer = min(sum(labels), len(labels) - sum(labels))
    return arb_lower(arb(2).log() * fewer / len(labels))


def generic_position(problem: Problem, claim: ClaimViolation) -> float:
    """Points on one hyperplane z_k = 0 beyond d, for the half of layer L - 2 where they are fewest."""
    X = problem.X + 0.0
    require(len(np.unique(X, axis=0)) == len(X), "Corollary 4.3 asks for distinct inputs")
    Z = [tuple(row) for row in features(problem.A, X, len(problem.A.weights) - 2).tolist()]
    n = len(Z[0])
    d = (n + 1) // 2
    excess = []
    for half in combinations(range(n), d):
        points = {tuple((int(z[k].p), int(z[k].q)) for k in half) for z in Z}
        excess.append(max(sum(point[k][0] == 0 for point in points) for k in range(d)) - d)
    return float(min(excess))


FOUND = {
    "nguyen2021.cor44.head": head,
    "nguyen2021.cor44.one-output": one_output,
    "nguyen2021.cor43.A2": generic_position,
}
