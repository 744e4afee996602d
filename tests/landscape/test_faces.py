"""Face programs: rays, Clarabel and CVXPY agree, and the points they return have the value they claim."""

import numpy as np
import pytest

from tests.landscape.instances import OBJECTIVES, random_face, random_setting
from verifier.landscape.faces import FaceValues, make_program
from verifier.landscape.reference import reference_minimum


@pytest.mark.parametrize(("d", "hidden_bias"), [(1, True), (2, False), (2, True)])
@pytest.mark.parametrize("which", OBJECTIVES)
def test_programs_agree(which, d, hidden_bias):
    rng = np.random.default_rng(d)
    setting = random_setting(rng, 5, 3, *which, d=d, hidden_bias=hidden_bias)
    n, loss = setting.neurons, setting.objective.loss
    found = FaceValues(setting)
    programs = [make_program(setting, k) for k in {"conic", "auto"}]
    for _ in range(4):
        moving, sample, facet, others = random_face(rng, setting)
        face = found.face(others, facet)
        value, _f = reference_minimum(setting, others, (moving, sample) if facet >= 0 else None)
        for program in programs:
            point = program.solve(face)
            assert point.value == pytest.approx(value, abs=2e-7)
            assert program.value(face) == point.value
            predictions = np.full(setting.N, point.bias + setting.offset)
            norms = 0.0
            parts = [(c, u) for c, u in point.u.items()]
            if face[1] >= 0:
                parts.append((moving, point.facet_u))
                assert abs(n.inputs[sample] @ point.facet_u) < 1e-8
            for code, u in parts:
                assert (n.normals(code) @ u > -1e-7).all()
                predictions += n.sign(code) * np.maximum(n.inputs @ u, 0.0)
                norms += np.linalg.norm(u)
            np.testing.assert_allclose(predictions, point.predictions, atol=1e-6)
            F = loss.values(predictions[:, None], setting.targets).mean() + setting.kappa * norms
            assert F + setting.bias_price * abs(point.bias) == pytest.approx(point.value, abs=1e-6)


def test_a_neuron_on_a_facet_of_another_is_idle():
    setting = random_setting(np.random.default_rng(0), 5, 2)
    found = FaceValues(setting)
    a, b = setting.neurons.facet_codes[0].tolist()
    assert found.face([a, a], 0) == ((a,), -1)
    assert found.face([b, 3], 0) == (tuple(sorted({b, 3})), -1)
