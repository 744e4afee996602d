"""Features far from 0 as compared to their spread, behind a layer of large biases: products with rays keep their digits."""

from fractions import Fraction

import numpy as np
import pytest

from tests.landscape.moons import moons_pair
from verifier.elaboration import kernel_problem
from verifier.kernel import check
from verifier.landscape.above import above_shared
from verifier.landscape.coarse.least import least_passed
from verifier.landscape.sign_count.fan import Fan
from verifier.landscape.sign_count.narrow import narrow, positives_passed
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.sign_count import narrow_claim


def behind_a_layer(N, far):
    """(A, B, risk) of two trained networks, and the same functions, but for rounding, behind a layer of positive neurons about as large as `far`."""
    A, B, X, y = moons_pair(N)
    risk = Risk(make_objective("squared"), X, y)
    W, b = np.array([[1.1, 0.3], [0.2, 0.9]]), far * np.array([1.2345678901, 0.9876543211])
    back = np.linalg.inv(W)
    deep = [
        Network((W, n.weights[0] @ back, n.weights[1]), (b, n.biases[0] - n.weights[0] @ back @ b, n.biases[1]))
        for n in (A, B)
    ]
    return (A, B, risk), (*deep, risk)


@pytest.mark.parametrize("exponent", [4, 24, 30])
def test_duals_hold_on_every_ray(exponent):
    (A, B, risk), (C, D, _) = behind_a_layer(40, 2.0**exponent)
    p = positives_passed(A, B)[0]
    near = least_passed(narrow(A, risk, p), most_programs=2000, seconds=1e9)
    top, problem = above_shared(C, D, risk), kernel_problem(C, D, risk)
    found = least_passed(narrow(top.A, top.risk, p, top.exact), most_programs=2000, seconds=1e9)
    claim = narrow_claim(problem, found)
    assert all(check(problem, claim, evaluation=e).accepted for e in ("fast", "reference"))
    assert claim.level == pytest.approx(near.lower, rel=1e-4)


def test_products_are_those_of_fractions():
    _, (A, _, risk) = behind_a_layer(40, 2.0**30)
    top = above_shared(A, A, risk)
    s = narrow(top.A, top.risk, 1, top.exact)
    whole, e = top.exact
    for g, dots in zip(s.directions, Fan.of(s).dots, strict=False):
        for x, d in zip(whole, dots, strict=True):
            features = [*(Fraction(int(v), 2**e) for v in x), Fraction(1)]
            exact = sum(Fraction(a) * b for a, b in zip(g.tolist(), features))
            assert abs(Fraction(float(d)) - exact) <= abs(exact) * Fraction(1, 2**53)
