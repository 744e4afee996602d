"""Region programs keep every verdict and every digit when inputs, targets or heads are scaled by powers of two."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.regions.instances import random_program
from verifier.regions.arrangement import exponents, make_arrangement
from verifier.regions.decide import decide
from verifier.regions.estimate import zero_loss
from verifier.regions.membership import membership, zonotope_vertex
from verifier.regions.patterns import pattern_of
from verifier.regions.program import make_program
from verifier.regions.solve import solve

powers = st.integers(-60, 60)


@given(st.integers(0, 2**32 - 1), st.data())
@settings(deadline=None, max_examples=60)
def test_verdicts_in_all_units(seed, data):
    """Per column of the inputs, the bias's column aside, per target and per head."""
    _, _, p = random_program(np.random.default_rng(seed))
    X, bias = p.arrangement.inputs, bool((p.arrangement.inputs[:, -1] == 1.0).all())
    e = np.array([data.draw(powers) for _ in range(X.shape[1])])
    e[-1] = 0 if bias else e[-1]
    y, h = data.draw(powers), data.draw(powers)
    arrangement = make_arrangement(np.ldexp(X, e), False)
    q = make_program(arrangement, np.ldexp(p.head, h), p.pattern, np.ldexp(p.targets, y), np.ldexp(p.inside, -e))
    assert zero_loss(q) == zero_loss(p)
    for route in ("auto", "quadratic"):
        a, b = solve(p, route), solve(q, route)
        assert b.value == np.ldexp(a.value, 2 * y)
        np.testing.assert_array_equal(b.u, np.ldexp(a.u, y - e))
    a, b = decide(p), decide(q)
    assert b.verdict == a.verdict
    assert (b.lower, b.upper) == (np.ldexp(a.lower, 2 * y), np.ldexp(a.upper, 2 * y))
    np.testing.assert_array_equal(b.tight, a.tight)


@pytest.mark.parametrize("power", [-45, 0, 45])
def test_membership_in_all_units(power):
    """Patterns of neurons and patterns of none, with a bias beside inputs of 2^power: all decided, and alike."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        X = rng.normal(size=(6, 2))
        plain, scaled = make_arrangement(X, True), make_arrangement(np.ldexp(X, power), True)
        for pattern in (*pattern_of(rng.normal(size=(2, 3)), plain)[0], *rng.integers(0, 2, (2, 6))):
            a, b = membership(plain, pattern), membership(scaled, pattern)
            assert a.realisable is b.realisable is not None
            assert zonotope_vertex(scaled, pattern) is zonotope_vertex(plain, pattern)


def test_exponents_divide_exactly_or_not_at_all():
    rows = np.array([[1.0, 3.0, 0.0, 1e300], [-0.5, -8.0, 0.0, 5e-324]])
    np.testing.assert_array_equal(exponents(rows), [0, 3, 0, 0])
    np.testing.assert_array_equal(exponents(np.ldexp(rows[:, :2], -7)), [-7, -4])
