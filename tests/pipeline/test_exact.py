"""`certify --method exact`: both ends of the gap certified, in one file, by both evaluations of the kernel."""

import numpy as np
import pytest

import verifier
from tests.landscape.instances import random_pair
from verifier.data.dataset import Dataset
from verifier.kernel.landscape_claims import BarrierLowerBound
from verifier.outcomes import CertifiedBound
from verifier.pipeline.exact import BoundsContradict, require_consistent


def certified(pair, out, method):
    setting, A, B = pair
    o = setting.objective
    data = Dataset(setting.X, setting.targets[:, 0], "tiny", "regression")
    return verifier.certify(
        A, B, data, loss=o.loss.name, kappa=o.kappa, penalty=o.penalty, penalise_output_bias=o.penalise_output_bias,
        method=method, out=out,
    )  # fmt: skip


@pytest.mark.parametrize("seed", [43, 48, 145])
def test_both_ends_are_certified(seed, tmp_path):
    result = certified(random_pair(seed), tmp_path / "x.safetensors", "exact,halves,theorem2")
    assert all(v.accepted for v in result.check() + result.check(reference=True))
    low, high = (float(x) for x in result.sentence.split("(")[0].removeprefix("CERTIFIED").split("<= gap <="))
    assert 0 < low <= high
    assert high - low <= 1e-6 * result.E
    assert all(b.gap >= low for b in result.bounds)


def test_a_gap_of_zero_has_no_barrier(tmp_path):
    result = certified(random_pair(26), tmp_path / "x.safetensors", "exact")
    assert result.sentence.startswith("CERTIFIED gap <= ")
    assert result.gap <= 1e-9


def test_an_upper_bound_below_a_barrier_is_never_ignored():
    claim = object.__new__(BarrierLowerBound)
    object.__setattr__(claim, "level", 0.5)
    require_consistent([claim], [CertifiedBound("x", 0.5, 0.1, 0.1, None, 0.0)])
    with pytest.raises(BoundsContradict, match="defect of verifier"):
        require_consistent([claim], [CertifiedBound("x", np.nextafter(0.5, 0), 0.1, 0.1, None, 0.0)])
