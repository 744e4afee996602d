"""Duals of faces meet the conditions of docs/mathematics.md, section 8, and prove the face's minimum."""

import numpy as np
import pytest

from tests.landscape.instances import OBJECTIVES, random_face, random_setting
from verifier.landscape.duals import dual_bound, face_dual, slope
from verifier.landscape.faces import FaceValues


@pytest.mark.parametrize(("d", "hidden_bias"), [(1, True), (2, False), (2, True), (3, True)])
@pytest.mark.parametrize("which", OBJECTIVES)
def test_conditions(which, d, hidden_bias):
    rng = np.random.default_rng(len(which[0]) + d)
    setting = random_setting(rng, 5 if d < 3 else 6, 3, *which, d=d, hidden_bias=hidden_bias)
    found, n, kappa = FaceValues(setting), setting.neurons, setting.kappa
    for _ in range(6):
        moving, sample, facet, others = random_face(rng, setting)
        face = found.face(others, facet)
        point = found.point(face)
        dual = face_dual(setting, [moving, *others], sample, point)
        assert dual.bound == dual_bound(setting, dual.nu)
        assert dual.bound <= point.value + 1e-7
        assert dual.bound >= point.value - 2e-6 * max(1.0, abs(point.value))
        for k, code in enumerate([moving, *others]):
            mu = dual.multipliers[k]
            if code < 0:
                assert not mu.any()
                continue
            free = np.arange(setting.N) == (sample if k == 0 else -1)
            assert (mu[~free] >= 0).all()
            left = slope(setting, code, dual.nu) - ((2 * n.pattern(code) - 1) * mu) @ n.inputs
            assert np.linalg.norm(left) <= (kappa if kappa else 1e-6)
        if setting.output_bias:
            assert abs(dual.nu.mean()) <= setting.bias_price + 1e-12


def test_copies_of_a_code_get_equal_multipliers():
    setting = random_setting(np.random.default_rng(3), 5, 3)
    found = FaceValues(setting)
    dual = face_dual(setting, [-1, 4, 4], -1, found.point(found.face([4, 4])))
    np.testing.assert_array_equal(dual.multipliers[1], dual.multipliers[2])
