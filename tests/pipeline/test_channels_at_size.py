"""Convolutional pairs at their own size: trained digits, LeNet-5 and VGG-11 on images of 3 x 32 x 32. Measured in docs/deep.md."""

import numpy as np
import pytest
import torch

import verifier
from tests.networks import trained_channels as channels
from tests.networks.modules import VGG11, LeNet5
from verifier.kernel.statements import PathUpperBound


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_trained_pair_lies_below_every_path_of_dropout_stability(tmp_path):
    """All 1,797 digits, both evaluations: Theorem 4.1 and exchange certify a gap of 0."""
    data = verifier.load_data("digits-unit")
    images = data.X.reshape(-1, 1, 8, 8)
    pair = [channels.trained(channels.digits, images, data.y, seed) for seed in (0, 1)]
    result = verifier.certify(
        *pair,
        (images, data.y),
        loss="cross_entropy",
        method="theorem41,exchange,dropout",
        out=tmp_path / "c.safetensors",
    )
    assert result.E < 0.05
    gaps = {b.method: b.gap for b in result.bounds}
    assert gaps["theorem41"] == gaps["exchange"] == 0.0
    assert gaps["dropout"] > 1.0
    found = verifier.check_file(result.certificate, networks=pair, reference=True)
    assert found.accepted
    assert sum(isinstance(claim, PathUpperBound) for _, claim, _ in found.verdicts) == 6


def foreign(make, tmp_path, samples, classes=10):
    torch.manual_seed(0)
    A, B = make(), make()
    X, y = channels.images(samples, classes)
    lines = []
    out = tmp_path / "c.safetensors"
    result = verifier.certify(A, B, (X, y), loss="cross_entropy", method="theorem41", out=out, say=lines.append)
    assert result.gap == 0.0
    assert verifier.check_file(out, networks=(A, B)).accepted
    with torch.no_grad():
        losses = [
            torch.nn.functional.cross_entropy(m.double().eval()(torch.tensor(X).double()), torch.tensor(y)).item()
            for m in (A, B)
        ]
    # E is the upper end of an enclosure, wider with depth.
    assert max(losses) <= result.E <= max(losses) * (1 + 1e-8)
    return result


def test_lenet5_on_32_by_32_in_three_colours(tmp_path):
    result = foreign(lambda: LeNet5(3, 32), tmp_path, 20)
    assert result.architecture.short == "2 convolutions + 3 dense layers, 3x32x32 -> 10"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_vgg11_of_a_quarter_of_its_width(tmp_path):
    result = foreign(lambda: VGG11(0.25), tmp_path, 20)
    assert result.architecture.short == "8 convolutions + 3 dense layers, 3x32x32 -> 10"
    assert np.prod(result.architecture.geometry.shape) == 3072
