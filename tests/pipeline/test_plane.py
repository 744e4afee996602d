"""The picture shows A, B and the waypoint where they are: they lie on its grid, with their own values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifier.networks.network import linear_combination
from verifier.objective import Risk, make_objective
from verifier.pipeline.sampling import _with, plane

from .conftest import tiny_data, tiny_network


@given(st.integers(2, 25), st.floats(-3, 3), st.floats(0.01, 5), st.lists(st.floats(-2.9, 7.9), min_size=1, max_size=3))
def test_points_are_on_the_grid(size, low, length, points):
    inside = [p for p in points if low <= p <= low + length]
    grid = _with(np.linspace(low, low + length, size), *inside)
    assert (np.diff(grid) > 0).all()
    assert set(inside) <= set(grid.tolist())
    assert len(grid) <= size + len(inside)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 50))
def test_values_at_the_corners_are_those_of_the_networks(seed):
    A, B, C = (tiny_network(3 * seed + k) for k in range(3))
    data, objective = tiny_data(3), make_objective("logistic", kappa=0.01)
    targets = objective.loss.encode(data)
    found = plane(A, B, C, Risk(objective, data.X, targets), "literal")
    x, y, F = (np.array(found[name]) for name in ("x", "y", "F"))
    for network, name in ((A, "A"), (B, "B"), (C, "C")):
        s, t = found[name]
        (i,), (j,) = np.flatnonzero(y == t), np.flatnonzero(x == s)
        assert F[i, j] == pytest.approx(objective.value(network, data.X, targets), rel=1e-9)
    row = F[int(np.flatnonzero(y == 0.0)[0])]
    for s, value in zip(x, row):
        line = objective.value(linear_combination(A, B, float(s)), data.X, targets)
        assert value == pytest.approx(line, rel=1e-9)
