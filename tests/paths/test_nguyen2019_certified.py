"""Nguyen 2019's polylines before the kernel: no breakpoints, both evaluations, random and trained pairs."""

import numpy as np
import pytest

from tests.paths.nguyen2019_checks import random_network
from verifier.audit.nguyen2019.deep import fitted
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.kernel import check
from verifier.objective import Risk, make_objective
from verifier.paths.nguyen2019.theorem32 import theorem32
from verifier.paths.nguyen2019.theorem42 import theorem42
from verifier.paths.nguyen2019.theorem51 import theorem51
from verifier.paths.nguyen2019.theorem61 import theorem61, theorem61_descent

SMALL = [
    (theorem32, (9, 7, 4, 2), 0.2, 6),
    (theorem51, (2, 12, 7, 4, 1), 0.1, 6),
    (theorem61, (2, 12, 13, 12, 1), 0.0, 6),
]
LARGE = [(theorem51, (5, 60, 20, 10, 1), 0.1, 30), (theorem61, (5, 60, 60, 1), 0.0, 30)]
CASES = [*SMALL, *(pytest.param(*case, marks=pytest.mark.slow) for case in LARGE)]


def certified(A, B, path, X, y):
    problem = kernel_problem(A, B, Risk(make_objective("squared"), X, y))
    claim = elaborate_path(problem, path, most_pieces=1).claim
    assert claim.gap <= 1e-8
    for evaluation in ("fast", "reference"):
        assert check(problem, claim, evaluation=evaluation).accepted


@pytest.mark.parametrize("steps", [0, 60])
@pytest.mark.parametrize(("theorem", "widths", "slope", "N"), CASES)
def test_pairs(theorem, widths, slope, N, steps):
    """The issue's sizes are the slow cases. steps: of training, 0 for random pairs."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, widths[0])), rng.normal(size=(N, widths[-1]))
    A, B = (fitted(random_network(rng, widths, slope), X, y, steps) for _ in range(2))
    certified(A, B, theorem(A, B, Risk(make_objective("squared"), X, y)), X, y)


@pytest.mark.parametrize(
    ("theorem", "widths", "slope"), [(theorem42, (3, 5, 8, 4, 2), 0.1), (theorem61_descent, (2, 6, 9, 2), 0.0)]
)
def test_descents(theorem, widths, slope):
    rng = np.random.default_rng(0)
    o = make_objective("squared")
    X, y = rng.normal(size=(6, widths[0])), rng.normal(size=(6, widths[-1]))
    A = random_network(rng, widths, slope)
    path = theorem(A, Risk(o, X, y))
    assert o.value(path.end, X, y) <= 1e-6
    certified(A, path.end, path, X, y)
