"""The nearest point of a cone that holds lines, and the float verdicts built on it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.regions.instances import random_program
from verifier.regions.arrangement import make_arrangement
from verifier.regions.cone_fit import cone_fit
from verifier.regions.estimate import zero_loss
from verifier.regions.patterns import pattern_of
from verifier.regions.program import make_program
from verifier.regions.solve import solve
from verifier.regions.verdict import decide


@pytest.mark.parametrize("seed", range(20))
def test_opposite_and_repeated_columns_meet_the_optimality_conditions(seed):
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((8, 6))
    V = np.hstack([V, -3 * V[:, :2], V[:, :4], -V[:, 4:5], np.zeros((8, 1))])
    y = rng.standard_normal(8)
    c = cone_fit(V, y)
    assert c is not None
    assert c.min() >= 0
    residual = y - V @ c
    assert (V.T @ residual).max() < 1e-9
    assert abs(residual @ V @ c) < 1e-9


def test_regions_where_plain_nnls_breaks_off_agree_with_the_quadratic_program():
    """Both signs of head and many neighbouring cones: scipy's nnls alone gave 0.37 where the minimum is 0.03 or 0."""
    rng = np.random.default_rng(1)
    for _ in range(25):
        X = np.round(rng.uniform(-1, 1, (20, 2)) * 2**16) / 2**16
        arrangement = make_arrangement(X, True)
        W = rng.uniform(-1.7, 1.7, (40, 3))
        pattern, _ = pattern_of(W, arrangement)
        signs = np.where(np.arange(40) % 2, -1.0, 1.0)
        program = make_program(arrangement, signs, pattern, rng.uniform(-1, 1, 20), W)
        assert solve(program, "rays").value == pytest.approx(solve(program, "quadratic").value, abs=1e-8)


def test_float_verdicts_are_the_settled_ones():
    rng = np.random.default_rng(2)
    for _ in range(60):
        _, _, program = random_program(rng)
        assert zero_loss(program)[0] == decide(program).verdict
