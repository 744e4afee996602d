"""A module is read through its parameters and believed only when its own outputs agree."""

import numpy as np
import pytest
import torch
from torch import nn

from verifier.errors import CheckpointError
from verifier.networks import network_from_module


class Net(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.fc1, self.fc2, self.how = nn.Linear(4, 4), nn.Linear(4, 4), forward

    def forward(self, x):
        return self.how(self, x)


def test_plain_modules_are_read():
    for module in (
        nn.Sequential(nn.Flatten(), nn.Linear(3, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 2)),
        nn.DataParallel(nn.Sequential(nn.Linear(3, 5, bias=False), nn.ReLU(), nn.Linear(5, 1))),
        Net(lambda net, x: net.fc2(torch.relu(net.fc1(x)))),
        nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 5), nn.ReLU(), nn.Linear(5, 1)).half(),
    ):
        network = network_from_module(module)
        assert np.array_equal(network.W, next(module.parameters()).detach().double().numpy())


def test_module_with_squeezed_output():
    assert network_from_module(Narrow()).widths == (3, 5, 1)


class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(3, 5), nn.Linear(5, 1)

    def forward(self, x):
        return self.fc2(torch.relu(self.fc1(x))).squeeze(1)


@pytest.mark.parametrize(
    "layer",
    [nn.Tanh(), nn.Sigmoid(), nn.ELU(), nn.GELU(), nn.ReLU6(), nn.BatchNorm1d(5), nn.LayerNorm(5), nn.Softmax(1)],
)
def test_other_layers_are_refused_by_name(layer):
    with pytest.raises(
        CheckpointError, match=f"its part 1 is {type(layer).__name__}; only Linear layers with ReLU"
    ) as caught:
        network_from_module(nn.Sequential(nn.Linear(3, 5), layer, nn.Linear(5, 2)))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: net.fc2(torch.tanh(net.fc1(x))),
        lambda net, x: net.fc2(net.fc1(x)),
        lambda net, x: x + net.fc2(torch.relu(net.fc1(x))),
        lambda net, x: torch.relu(net.fc2(torch.relu(net.fc1(x)))),
        lambda net, x: net.fc1(torch.relu(net.fc2(x))),
        lambda net, x: torch.softmax(net.fc2(torch.relu(net.fc1(x))), dim=1),
    ],
)
def test_functions_that_are_not_the_plain_network_are_refused(forward):
    with pytest.raises(CheckpointError, match=r"its outputs differ by up to .* forward\(\) does something else"):
        network_from_module(Net(forward))


def test_modules_that_cannot_be_called_as_the_network_are_refused():
    with pytest.raises(CheckpointError, match=r"calling it on an array of shape .* failed"):
        network_from_module(Net(lambda net, x: net.fc1(x[:, :2])))
    with pytest.raises(CheckpointError, match="returns outputs of shape"):
        network_from_module(Net(lambda net, x: net.fc2(torch.relu(net.fc1(x)))[:, :2]))


def test_leaky_relu_modules_carry_their_slope():
    module = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 5), nn.LeakyReLU(0.2), nn.Linear(5, 2))
    network = network_from_module(module)
    assert network.negative_slope == 0.2
    X = np.random.default_rng(0).normal(size=(7, 3))
    outputs = module.double()(torch.from_numpy(X)).detach().numpy()
    np.testing.assert_allclose(network.predict(X), outputs, rtol=1e-12, atol=1e-12)


def test_two_slopes_are_refused():
    for other in (nn.ReLU(), nn.LeakyReLU(0.3)):
        with pytest.raises(CheckpointError, match="slope"):
            network_from_module(
                nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.2), nn.Linear(4, 5), other, nn.Linear(5, 2))
            )
