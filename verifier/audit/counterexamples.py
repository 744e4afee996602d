"""Violating instances as the kernel's claims: what the papers' modules share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verifier.kernel import Objective, Parameters, Problem, check
from verifier.kernel.papers.statement import ClaimViolation

Array = np.ndarray
# Of the margin that the kernel finds; other BLAS libraries sum in another order.
SLACK = 2.0**-36
# Positive, and more than one pattern of Theorem 5.
LEAST = 1e-9


def parameters(weights: Sequence[Array], biases: Sequence[Array | None]) -> Parameters:
    """Contiguous float64 copies."""
    copied = lambda a: None if a is None else np.array(a, dtype=np.float64)
    return Parameters(tuple(np.array(W, dtype=np.float64) for W in weights), tuple(map(copied, biases)))


def problem_of(loss: str, X: Array, targets: Array, A: Parameters, B: Parameters | None = None) -> Problem:
    """Without a penalty; B = A unless it is given."""
    X = np.array(X, dtype=np.float64)
    y = np.array(targets, dtype=np.int64 if loss == "cross_entropy" else np.float64)
    return Problem(Objective(loss, None, 0.0, "none", False), X, y, A, A if B is None else B)


def violated(
    paper: str, identifier: str, problem: Problem, dual: Array | None = None
) -> tuple[Problem, ClaimViolation]:
    """The claim with nearly the largest margin that the kernel finds; with the least one where it finds none, to be rejected with its reason."""
    nu = np.zeros(len(problem.X)) if dual is None else np.array(dual, dtype=np.float64)
    least = ClaimViolation(identifier, f"{paper}.{identifier}", nu, 0.0, LEAST)
    margin = check(problem, least).computed.get("margin", LEAST)
    if margin != round(margin):
        margin *= 1.0 - SLACK
    return problem, ClaimViolation(identifier, f"{paper}.{identifier}", nu, 0.0, margin)
