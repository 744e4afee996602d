"""Torch modules with convolutions: read as torch computes them, or refused with what is in the way."""

import copy
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.networks.modules import VGG11, Forward, LeNet5, sequential, small
from verifier.errors import CheckpointError, UsageError
from verifier.networks import network_from_module
from verifier.networks.architecture import Architecture
from verifier.options.reading import Reading

EIGHT = Reading(input_shape=(1, 8, 8))


def agrees(network, module, seed=7, N=3):
    """Against torch's own forward in double precision, on samples other than those it was compared on when it was read."""
    X = np.random.default_rng(seed).normal(size=(N, network.widths[0]))
    with torch.no_grad():
        given = torch.from_numpy(X).reshape(N, *network.geometry.shape)
        f = copy.deepcopy(module).double().eval()(given).numpy()
    np.testing.assert_allclose(network.predict(X), f, rtol=1e-11, atol=1e-11 * (1 + np.abs(f).max()))


def seeded(module, seed=0):
    torch.manual_seed(seed)
    for p in module.parameters():
        nn.init.normal_(p, std=0.3)
    return module


def test_lenet5_with_a_functional_forward():
    module = LeNet5()
    network = network_from_module(module, Reading(input_shape="1,28,28"))
    agrees(network, module)
    assert network.described.short == "2 convolutions + 3 dense layers, 1x28x28 -> 10"
    assert module.training  # the caller's module is as it was
    wide = LeNet5(3, 32, 100)
    agrees(network_from_module(wide, Reading(input_shape=(3, 32, 32))), wide)


def test_vgg11_as_in_torchvision():
    module = VGG11()
    network = network_from_module(module, Reading(input_shape=(3, 32, 32)))
    agrees(network, module)
    assert network.described.short == "8 convolutions + 3 dense layers, 3x32x32 -> 10"
    assert str(network.described) == network.described.short + ", widths 16-32-64-64-128-128-128-128-1024-1024"
    assert network.described.poolings == 6  # five maxima, and one position read as 7 x 7


KINDS = {
    "strides": lambda: [nn.Conv2d(1, 3, (3, 2), stride=(2, 1)), nn.ReLU(), nn.Conv2d(3, 4, 2, stride=2), nn.ReLU()],
    "dilation": lambda: [nn.Conv2d(1, 4, 3, dilation=2, padding=2), nn.ReLU(), nn.Conv2d(4, 4, (2, 3), dilation=(3, 1)), nn.ReLU()],
    "same": lambda: [nn.Conv2d(1, 4, 3, padding="same", dilation=2), nn.ReLU()],
    "valid": lambda: [nn.Conv2d(1, 4, 3, padding="valid", bias=False), nn.ReLU()],
    "maximum first": lambda: [nn.Conv2d(1, 4, 3), nn.MaxPool2d(3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(4, 4, 2), nn.ReLU()],
    "dilated maxima": lambda: [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, stride=1, dilation=3)],
    "means": lambda: [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.AvgPool2d(3, stride=2, padding=1), nn.AvgPool2d(2, 1)],
    "adaptive": lambda: [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d((4, None)), nn.Conv2d(4, 4, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1)],
    "adaptive, as it is": lambda: [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(6)],
    "adaptive, larger": lambda: [nn.Conv2d(1, 4, 8), nn.ReLU(), nn.AdaptiveAvgPool2d((3, 2))],
    "ceil that changes nothing": lambda: [nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)],
    "dropout": lambda: [nn.Conv2d(1, 4, 3), nn.Dropout2d(), nn.ReLU(), nn.Dropout(), nn.Identity(), nn.Conv2d(4, 4, 1), nn.ReLU()],
    "twice a maximum": lambda: [nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.ReLU(), nn.MaxPool2d(2)],
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_layers_are_read_as_torch_computes_them(kind):
    module = seeded(sequential(*KINDS[kind]()))
    agrees(network_from_module(module, EIGHT), module)


FORWARDS = {
    "view with the size": lambda net, x: net.fc(F.relu(net.a(x)).view(x.size(0), -1)),
    "view with the shape": lambda net, x: net.fc(torch.relu(net.a(x)).reshape(x.shape[0], -1)),
    "flatten": lambda net, x: net.fc(net.b(net.a(x).relu()).relu().flatten(start_dim=1)),
    "leaky": lambda net, x: net.fc(torch.flatten(F.leaky_relu(net.b(F.leaky_relu(net.a(x), 0.2)), negative_slope=0.2), 1)),
    "rows first": lambda net, x: net.fc(F.relu(net.a(x.view(-1, 1, 8, 8))).flatten(1)),
    "a mean that is read": lambda net, x: net.fc(F.adaptive_avg_pool2d(F.adaptive_avg_pool2d(F.relu(net.a(x)), 1), 8).flatten(1)),
}  # fmt: skip


@pytest.mark.parametrize("kind", FORWARDS)
def test_forwards_are_read(kind):
    module = seeded(Forward(FORWARDS[kind]))
    agrees(network_from_module(module, EIGHT), module)


def test_a_leaky_relu_behind_a_maximum():
    layers = [
        nn.Conv2d(1, 4, 3),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.LeakyReLU(0.1),
        nn.Conv2d(4, 4, 2),
        nn.LeakyReLU(0.1),
    ]
    module = seeded(sequential(*layers, activation=nn.LeakyReLU(0.1)))
    network = network_from_module(module, EIGHT)
    assert network.negative_slope == 0.1
    agrees(network, module)


def test_a_mean_over_the_positions():
    module = Forward(lambda net, x: net.fc(torch.mean(F.relu(net.a(x)), dim=(-2, -1))))
    module.fc = nn.Linear(4, 3)
    agrees(network_from_module(seeded(module), EIGHT), module)


def test_numbers_and_memory_formats():
    for module in (small().half(), small().to(memory_format=torch.channels_last), small().bfloat16()):
        agrees(network_from_module(module, EIGHT), module)
    plain = small()
    weighted = copy.deepcopy(plain)
    torch.nn.utils.parametrizations.weight_norm(weighted[2])
    agrees(network_from_module(weighted, EIGHT), weighted)
    transposed = copy.deepcopy(plain)
    transposed[2].weight = nn.Parameter(transposed[2].weight.detach().transpose(0, 1).contiguous().transpose(0, 1))
    assert not transposed[2].weight.is_contiguous()
    assert network_from_module(transposed, EIGHT).same_parameters(network_from_module(plain, EIGHT))


def test_where_a_shape_comes_from():
    """The user's word, the module's attribute, what the data say, what the forward reshapes to."""
    module = small()
    with pytest.raises(CheckpointError, match="--input-shape 1,8,8"):
        network_from_module(module)
    assert network_from_module(module, Reading(data_shape=(1, 8, 8))).geometry.shape == (1, 8, 8)
    module.input_shape = (1, 8, 8)
    assert network_from_module(module, Reading(data_shape=(1, 9, 9))).geometry.shape == (1, 8, 8)
    with pytest.raises(
        CheckpointError, match=r"takes 24 inputs and meets maps of 6 x 4 x 4 = 96; is the input shape 1,16,16 right"
    ):
        network_from_module(module, Reading(input_shape="1,16,16"))
    with pytest.raises(CheckpointError, match="takes 1 channels and meets 3 channels"):
        network_from_module(module, Reading(input_shape="3,8,8"))
    module.input_shape = (8, 8)
    with pytest.raises(CheckpointError, match="expected an input shape of channels"):
        network_from_module(module)
    for wrong in ("1,8", "a,b,c", "1,8,0", (1, 8), (1.9, 8.5, 8)):
        with pytest.raises(UsageError, match="expected channels, height and width"):
            network_from_module(small(), Reading(input_shape=wrong))
    rows = Forward(FORWARDS["rows first"])
    assert network_from_module(rows).geometry.shape == (1, 8, 8)
    assert network_from_module(rows, Reading(data_shape=(1, 4, 16))).geometry.shape == (1, 8, 8)
    with pytest.raises(
        CheckpointError, match=r"makes images of \(1, 8, 8\), and the input shape is given as \(1, 4, 16\)"
    ):
        network_from_module(rows, Reading(input_shape="1,4,16"))


def conv(*args, **more):
    return [nn.Conv2d(*args, **more), nn.ReLU()]


REFUSED = {
    "groups": (lambda: sequential(*conv(1, 4, 3), *conv(4, 4, 3, groups=2)), "groups=2"),
    "circular": (lambda: sequential(*conv(1, 4, 3, padding=1, padding_mode="circular")), "padding_mode='circular'"),
    "reflect": (lambda: sequential(*conv(1, 4, 3, padding=1, padding_mode="reflect")), "padding_mode='reflect'"),
    "asymmetric": (lambda: sequential(*conv(1, 4, 2, padding="same")), "one side more than the other"),
    "padding beyond": (lambda: sequential(*conv(1, 4, 1, padding=1)), "padding of more than the window's reach"),
    "ceil": (lambda: sequential(*conv(1, 4, 2), nn.MaxPool2d(2, ceil_mode=True)), "ceil_mode=True"),
    "indices": (lambda: Forward(lambda n, x: n.fc(F.max_pool2d(n.a(x), 1, return_indices=True)[0].flatten(1))), "indices"),
    "means without padding": (lambda: sequential(*conv(1, 4, 3), nn.AvgPool2d(2, padding=1, count_include_pad=False)), "count_include_pad"),
    "divisor": (lambda: sequential(*conv(1, 4, 3), nn.AvgPool2d(2, divisor_override=3)), "divisor of its own"),
    "transposed": (lambda: sequential(*conv(1, 4, 3), nn.ConvTranspose2d(4, 4, 2), nn.ReLU()), "ConvTranspose2d.*is not supported"),
    "one dimension": (lambda: nn.Sequential(nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(12, 2)), "expected an input shape"),
    "other activation": (lambda: sequential(nn.Conv2d(1, 4, 3), nn.GELU()), "GELU.*is not supported"),
    "largest of an adaptive pooling": (lambda: sequential(*conv(1, 4, 3), nn.AdaptiveMaxPool2d(2)), "AdaptiveMaxPool2d.*is not supported"),
    "two slopes": (lambda: sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.1)), r"negative slopes \[0.0, 0.1\]"),
    "no activation": (lambda: sequential(nn.Conv2d(1, 4, 3), *conv(4, 4, 3)), "without an activation between"),
    "mean before activation": (lambda: sequential(nn.Conv2d(1, 4, 3), nn.AvgPool2d(2), nn.ReLU()), "numbers before their activation"),
    "activation twice": (lambda: sequential(nn.Conv2d(1, 4, 3), nn.LeakyReLU(0.1), nn.LeakyReLU(0.1)), "twice in a row"),
    "activation of samples": (lambda: sequential(nn.ReLU(), *conv(1, 4, 3)), "applied to the samples themselves"),
    "batch normalisation": (lambda: sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), r"fuse_conv_bn_eval\(conv, bn\)"),
    "flatten all": (lambda: Forward(lambda n, x: n.fc(torch.flatten(F.relu(n.a(x))).view(-1, 256))), "flattens from axis 0"),
    "flatten positions": (lambda: Forward(lambda n, x: n.fc(F.relu(n.a(x)).flatten(2).flatten(1))), "flattens from axis 2"),
    "mixing samples": (lambda: Forward(lambda n, x: n.fc(F.relu(n.a(x)).view(-1, 128).view(-1, 256))), "reshapes to"),
    "linear on maps": (lambda: nn.Sequential(*conv(1, 4, 3), nn.Linear(6, 3)), "not flattened"),
    "maps as outputs": (lambda: nn.Sequential(*conv(1, 4, 3), nn.Conv2d(4, 2, 3)), "gives maps of 2 x 4 x 4"),
    "one layer": (lambda: nn.Sequential(nn.Conv2d(1, 4, 8), nn.Flatten()), "has 1 layer with parameters"),
    "pooling last": (lambda: nn.Sequential(*conv(1, 4, 3), nn.Conv2d(4, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), "ends with an activation or a pooling"),
    "softmax": (lambda: nn.Sequential(*sequential(*conv(1, 4, 3)), nn.LogSoftmax(1)), "loss='cross_entropy'"),
    "softmax, functional": (lambda: Forward(lambda n, x: F.log_softmax(n.fc(F.relu(n.a(x)).flatten(1)), 1)), "loss='cross_entropy'"),
    "residual": (lambda: Forward(lambda n, x: n.fc(F.relu((h := F.relu(n.a(x))) + n.b(h)).flatten(1))), "residual connections"),
    "residual of the input": (lambda: Forward(lambda n, x: n.fc((F.relu(n.a(x)) + x).flatten(1))), "residual connections"),
    "scaled": (lambda: Forward(lambda n, x: n.fc((F.relu(n.a(x)) * 2).flatten(1))), "combines parts|is not supported"),
    "dropout that stays": (lambda: Forward(lambda n, x: n.fc(F.dropout(F.relu(n.a(x))).flatten(1))), "training=self.training"),
    "depends on values": (lambda: Forward(lambda n, x: n.fc(F.relu(n.a(x)).flatten(1)) if x.sum() > 0 else x), "cannot trace"),
    "shared weights": (lambda: Forward(lambda n, x: n.fc(F.relu(n.b(F.relu(n.b(F.relu(n.a(x)))))).flatten(1))), "share weights"),
    "part of the samples": (lambda: Forward(lambda n, x: n.fc(F.relu(n.a(x)).flatten(1))[:1]), "is not supported"),
    "an activation that is lost": (lambda: Forward(lambda n, x: (h := n.a(x), F.relu(h, inplace=True), n.fc(h.flatten(1)))[2]), "without an activation"),
    "weights of its own": (lambda: Forward(lambda n, x: n.fc(F.relu(F.conv2d(x, n.a.weight, padding=1)).flatten(1))), "reads"),
    "old weight norm": (lambda: (m := small(), torch.nn.utils.weight_norm(m[2]))[0], "remove_weight_norm"),
    "old spectral norm": (lambda: (m := small(), torch.nn.utils.spectral_norm(m[2]))[0], "remove_weight_norm"),
    "NaN": (lambda: (m := small(), nn.init.constant_(m[0].bias, float("nan")))[0], "NaN or infinity"),
    "two inputs": (lambda: Two(), "several inputs"),
    "lazy": (lambda: nn.Sequential(nn.LazyConv2d(3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, 2)), "cannot be copied|is not supported"),
}  # fmt: skip


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(1, 2, 3)

    def forward(self, x, y):
        return self.a(x) + y


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.filterwarnings("ignore:.*(weight_norm|Lazy|lazy|same|deprecated).*")
def test_what_is_no_such_chain_is_refused_with_a_sentence(kind):
    make, sentence = REFUSED[kind]
    with pytest.raises(CheckpointError, match=sentence):
        network_from_module(make(), EIGHT)


def test_batch_normalisation_that_was_folded_as_the_message_says():
    torch.manual_seed(0)
    module = sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    module.train()(torch.randn(40, 1, 8, 8))  # statistics of its own
    module = module.double().eval()
    folded = copy.deepcopy(module)
    folded[0], folded[1] = torch.nn.utils.fusion.fuse_conv_bn_eval(module[0], module[1]), nn.Identity()
    agrees(network_from_module(folded, EIGHT), module)


def test_a_slope_is_given_once_and_a_layout_not_at_all():
    module = sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    with pytest.raises(UsageError, match=r"negative slope 0, and 0\.1 is given"):
        network_from_module(module, EIGHT, negative_slope=0.1)
    with pytest.raises(UsageError, match="leave one out"):
        network_from_module(module, Reading(input_shape=(1, 8, 8), layout="0.weight"))


@pytest.mark.parametrize("seed", range(12))
def test_random_chains_are_read_as_torch_computes_them_or_refused(seed):
    """Whatever torch can run in such an order: the same function, or a sentence; most of them are read."""
    rng, read = np.random.default_rng(seed), 0
    for _ in range(6):
        module = seeded(random_chain(rng), int(rng.integers(99)))
        try:
            network = network_from_module(module, EIGHT)
        except CheckpointError as error:
            assert re.search("padding of more|ceil_mode|plain dense", str(error)), error  # noqa: PT017
        else:
            agrees(network, module, seed)
            read += 1
    assert read >= 2


def random_chain(rng):
    """Convolutions with an activation, poolings behind or before it, sizes as long as they last."""
    pick = lambda *values: values[rng.integers(len(values))]
    while True:
        layers, below = [], 1
        for _ in range(rng.integers(1, 4)):
            n = int(rng.integers(1, 5))
            kernel, pads = (pick(1, 2, 3), pick(1, 2, 3)), pick(0, 1, (1, 0))
            layers.append(nn.Conv2d(below, n, kernel, pick(1, 2), pads, pick(1, 1, 2), bias=pick(True, False)))
            pool = pick(
                None, nn.MaxPool2d(pick(2, (1, 2)), pick(None, 1)), nn.MaxPool2d(3, 2, 1, ceil_mode=pick(True, False)),
                nn.MaxPool2d(2, 1, dilation=2),
            )  # fmt: skip
            mean = pick(
                None,
                nn.AvgPool2d(2, pick(None, 1)),
                nn.AvgPool2d(3, 2, 1),
                nn.AdaptiveAvgPool2d((pick(1, 2, 3, 5), pick(1, 2, None))),
            )
            order = pick([pool, nn.ReLU(), mean], [nn.ReLU(), pool, mean], [nn.ReLU(), nn.Dropout(), mean, pool])
            layers += [layer for layer in order if layer is not None]
            below = n
        try:
            return sequential(*layers)
        except RuntimeError:  # a window larger than the map
            continue


def test_a_geometry_that_is_none_has_words_too():
    """`check` names the architecture of a certificate whatever the kernel will say of it."""
    geometry = network_from_module(small(), EIGHT).geometry
    still = replace(geometry.readings[0].window, stride=(0, 0))
    unsound = replace(geometry, readings=(replace(geometry.readings[0], window=still), *geometry.readings[1:]))
    for g in (unsound, replace(geometry, readings=()), replace(geometry, shape=(1, 0, 8)), replace(geometry, shape=())):
        found = Architecture((64, 4, 6, 6, 12, 10), g)
        assert "that no such network has" in str(found)
        assert found.as_json()["convolutions"] == found.as_json()["dense_layers"] == 0


def test_a_shape_that_contradicts_the_data_is_refused():
    """With an adaptive pooling every shape of as many numbers fits the layers; the same numbers are another image."""
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 2)
    )
    assert network_from_module(module, Reading(input_shape="1,4,16")).geometry.shape == (1, 4, 16)
    with pytest.raises(CheckpointError, match=r"takes samples of shape 1x4x16, .* the data are of shape 1x8x8"):
        network_from_module(module, Reading(input_shape="1,4,16", data_shape=(1, 8, 8)))
    module.input_shape = (1, 4, 16)
    with pytest.raises(CheckpointError, match=r"takes samples of shape 1x4x16, .* the data are of shape 1x8x8"):
        network_from_module(module, Reading(data_shape=(1, 8, 8)))


class CutOff(nn.Module):
    """A dense network that does something else far out, or in little."""

    def __init__(self, change):
        super().__init__()
        self.first, self.last, self.change = nn.Linear(3, 5), nn.Linear(5, 1), change

    def forward(self, x):
        return self.change(self.last(torch.relu(self.first(x))), x)


@pytest.mark.parametrize(
    "change",
    [
        lambda f, x: f.clamp(max=1e4),
        lambda f, x: torch.where(x.abs().amax(1, keepdim=True) > 1e3, 0.0 * f, f),
        lambda f, x: f + 1e-6,
    ],
    ids=["clamp", "cut", "offset"],
)
def test_what_a_forward_does_far_out_or_in_little_is_noticed(change):
    torch.manual_seed(0)
    module = CutOff(change)
    with torch.no_grad():
        module.last.weight.abs_()  # outputs grow far out
    with pytest.raises(CheckpointError, match=r"forward\(\) does something else"):
        network_from_module(module)
    module.change = lambda f, x: f
    assert network_from_module(module).widths == (3, 5, 1)
