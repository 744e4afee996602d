"""Violating instances of the statements that fail as the kernel's claims."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from verifier.audit.claim import Instance
from verifier.audit.counterexamples import parameters, problem_of, violated
from verifier.audit.karhadkar2023.key_neurons import key_neurons as construction
from verifier.audit.karhadkar2023.vertices import pieces, vertex_units
from verifier.kernel import Problem
from verifier.kernel.papers.statement import ClaimViolation

PAPER = "karhadkar2023"
Array = np.ndarray
Counterexample = tuple[Problem, ClaimViolation]


def shares(identifier: str):  # type: ignore[no-untyped-def]
    """t5 and cor8: five numbers. The file's network is the smallest region with a dead sample: relu(-x) at x = 1 with target 1."""

    def make(instance: Instance) -> Counterexample:
        numbers = np.array([float(instance.values[k]) for k in ("n", "d0", "d1", "epsilon", "constant")])
        A = parameters([-np.ones((1, 1)), np.ones((1, 1))], [None, None])
        return violated(PAPER, identifier, problem_of("squared", np.ones((1, 1)), np.ones((1, 1)), A), numbers)

    return make


def witness(X: Array, pattern: Array) -> Array:
    """w with w . x_j >= 1 where the pattern is 1 and <= -1 where it is 0, at inputs that are not 0; zeros where there is none. A linear program."""
    from scipy.optimize import linprog

    rows = (1 - 2 * np.asarray(pattern)[:, None]) * X
    rows = rows[rows.any(axis=1)]
    d = X.shape[1]
    # The least l1 norm: few digits for integer data.
    solved = linprog(
        np.ones(2 * d), A_ub=np.hstack([rows, -rows]), b_ub=-np.ones(len(rows)), bounds=(0, None), method="highs"
    )
    return solved.x[:d] - solved.x[d:] if solved.status == 0 else np.zeros(d)


def vertex(instance: Instance) -> Counterexample:
    X = np.asarray(instance.values["X"], dtype=np.float64)
    A = parameters([witness(X, instance.values["pattern"])[None, :], np.ones((1, 1))], [None, None])
    return violated(PAPER, "prop7", problem_of("squared", X, np.ones((len(X), 1)), A))


def key_neurons(instance: Instance) -> Counterexample:
    """The proof's neurons with heads -1 and 1, rounded to float64: the kernel rejects them where that changes them."""
    x, z = ([Fraction(v) for v in instance.values[k]] for k in ("x", "z"))
    made = {2 * k + (s > 0): (float(w), float(b)) for k, s, w, b in construction(x, z, False)}
    rows = np.array([made[i] for i in range(2 * len(x))])
    A = parameters([rows[:, :1], np.tile([-1.0, 1.0], len(x))[None, :]], [rows[:, 1], None])
    column = lambda values: np.array([[float(v)] for v in values])
    return violated(PAPER, "lemma15", problem_of("squared", column(x), column(z), A))


def cone(instance: Instance) -> Counterexample:
    x, w, b = (instance.values[k] for k in ("x", "w", "b"))
    A = parameters([np.array([[w]]), np.ones((1, 1))], [np.array([b]), None])
    return violated(PAPER, "prop13.cone", problem_of("squared", x[:, None], np.zeros((len(x), 1)), A))


def unit_of(point: Array, x: Array) -> tuple[float, float]:
    """(w, b) of the ReLU whose values on x are this point of the polyline; raises ValueError when it is not on it."""
    units = vertex_units(x)
    for k, (start, end) in enumerate(pieces(x)):
        along = end - start
        share = float(along @ (point - start) / (along @ along)) if along.any() else 0.0
        if 0.0 <= share <= 1.0 and np.array_equal(start + share * along, point):
            w, b = (1.0 - share) * units[k] + share * units[k + 1]
            return float(w), float(b)
    raise ValueError("no point of the polyline")


def combination(instance: Instance) -> Counterexample:
    x, c, e, p, q = (instance.values[k] for k in ("x", "c", "e", "p", "q"))
    (w, b), (v, s) = unit_of(p, x), unit_of(q, x)
    A = parameters([np.array([[w], [v]]), np.array([[c, e]])], [np.array([b, s]), None])
    return violated(PAPER, "prop13.affine", problem_of("squared", x[:, None], np.zeros((len(x), 1)), A))
