"""The picture shows A, B and the waypoint where they are: they lie on its grid, with their own values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verifier
from tests.pipeline.conftest import tiny_data, tiny_network
from verifier.certificate import read_certificate
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.statements import PathUpperBound
from verifier.networks.network import linear_combination
from verifier.objective import Risk, make_objective
from verifier.report.plane import _with, best_plane, plane
from verifier.report.recheck import recheck


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
    found = plane(A, B, C, Risk(objective, data.X, targets), "literal", name="p", size=9)
    x, y, F = np.array(found.x), np.array(found.y), np.array(found.F)
    for network, name in ((A, "A"), (B, "B"), (C, "C")):
        s, t = found.corners[name]
        (i,), (j,) = np.flatnonzero(y == t), np.flatnonzero(x == s)
        assert F[i, j] == pytest.approx(objective.value(network, data.X, targets), rel=1e-9)
    row = F[int(np.flatnonzero(y == 0.0)[0])]
    for s, value in zip(x, row):
        line = objective.value(linear_combination(A, B, float(s)), data.X, targets)
        assert value == pytest.approx(line, rel=1e-9)


@pytest.mark.parametrize("penalty", ["path", "weight_decay"])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_page_evaluates_what_the_certificate_holds(tmp_path, penalty, weighted):
    """The corners are F(A), F(B) and F at a vertex of the best path, as the certificate's own arrays have them; the record has no say."""
    data = tiny_data(3)
    if weighted:
        data = replace(data, weights=np.random.default_rng(0).uniform(0.5, 2.0, data.samples))
    out = tmp_path / "c.safetensors"
    result = verifier.certify(
        tiny_network(1),
        tiny_network(2),
        data,
        loss="logistic",
        kappa=0.01,
        penalty=penalty,
        out=out,
        method="exchange,line",
    )
    c = read_certificate(out)
    assert "plane" not in c.record
    found = best_plane(recheck(c, result.verdicts), c.problem)
    best = next(claim for claim in c.claims if isinstance(claim, PathUpperBound) and claim.path == found.path)
    values = [objective_at(c.problem, p, form=best.form) for p in (c.problem.A, c.problem.B)]
    for name, value in zip("AB", values):
        s, t = found.corners[name]
        at = found.F[found.y.index(t)][found.x.index(s)]
        assert value.lower * (1 - 1e-9) <= at <= value.upper * (1 + 1e-9)
    s, t = found.corners["C"]
    nearest = found.F[int(np.argmin(np.abs(np.array(found.y) - t)))][int(np.argmin(np.abs(np.array(found.x) - s)))]
    assert nearest <= best.sup * (1 + 1e-6)
