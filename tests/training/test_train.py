"""Training follows its protocol, repeats itself, and refuses options that contradict each other."""

import json
from itertools import pairwise

import numpy as np
import pytest
import torch

from verifier.data import Dataset, load_data
from verifier.errors import UsageError, VerifierError
from verifier.options.training import TrainingOptions
from verifier.training import train_network
from verifier.training.vgg import train_vgg11, vgg11, vgg11_widths

MOONS = load_data("moons:n=60")
IRIS = load_data("iris", standardize=True)


def reference_paper_run(dataset, width, seed, epochs):
    """The paper's protocol written out a second time, the way its notebook would."""
    with torch.random.fork_rng():
        torch.manual_seed(1000 + width + seed)
        net = torch.nn.Sequential(torch.nn.Linear(dataset.dimension, width), torch.nn.ReLU(), torch.nn.Linear(width, 1))
    X, y = torch.tensor(dataset.X).float(), torch.tensor(dataset.y).float()[:, None]
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, mode="min", factor=0.9)
    for _ in range(epochs):
        adam.zero_grad()
        loss = ((net(X) - y) ** 2).mean() + 0.001 * sum(p.abs().sum() for p in net[2].parameters())
        loss.backward()
        adam.step()
        plateau.step(loss.item())
        with torch.no_grad():
            norms = net[0].weight.norm(dim=1)
            net[0].weight /= norms[:, None]
            net[0].bias /= norms
            net[2].weight *= norms
    return net


def test_paper_protocol():
    reference = reference_paper_run(MOONS, 6, 3, 150)
    trained = train_network(MOONS, 6, "squared", seed=3, protocol="paper")
    for mine, theirs in zip((a for _, a in trained.network.arrays()), reference.parameters()):
        np.testing.assert_allclose(mine, theirs.detach().numpy(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(trained.network.W, axis=1), 1, atol=1e-6)
    assert (trained.settings["kappa"], trained.settings["penalty"], trained.settings["penalise_output_bias"]) == (
        0.001,
        "l1",
        True,
    )
    assert (trained.settings["epochs"], trained.settings["torch_seed"]) == (150, 1009)
    assert len(trained.history) == 151
    assert trained.history[-1] < trained.history[0]
    objective = trained.objective
    value = objective.value(trained.network, MOONS.X, objective.loss.encode(MOONS))
    assert value == pytest.approx(trained.history[-1], rel=1e-4)


def test_initialisation_is_pytorchs():
    for widths in (5, (4, 3)):
        trained = train_network(MOONS, widths, "logistic", seed=2, epochs=0)
        sizes = (2, *((widths,) if isinstance(widths, int) else widths), 1)
        with torch.random.fork_rng():
            torch.manual_seed(1000 + sum(sizes[1:-1]) + 2)
            layers = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
        for layer, W, b in zip(layers, trained.network.weights, trained.network.biases):
            assert np.array_equal(W, layer.weight.detach().double().numpy())
            assert np.array_equal(b, layer.bias.detach().double().numpy())


@pytest.mark.parametrize(
    ("dataset", "loss", "options", "outputs"),
    [
        (MOONS, "logistic", {"kappa": 0.01}, 1),
        (MOONS, "hinge", {"kappa": 0.01, "penalty": "weight_decay"}, 1),
        (MOONS, "cross_entropy", {}, 2),
        (IRIS, "cross_entropy", {"kappa": 0.001, "penalty": "path", "penalise_output_bias": True}, 3),
        (IRIS, "squared", {"bias": False}, 3),
        (IRIS, "huber", {"delta": 0.5, "kappa": 0.01, "penalty": "l1"}, 3),
        (load_data("diabetes", standardize=True), "absolute", {"lr": 0.1}, 1),
    ],
)
def test_every_loss_goes_down_and_repeats(dataset, loss, options, outputs):
    before = torch.random.get_rng_state()
    steps = []
    runs = [
        train_network(dataset, 5, loss, seed=seed, epochs=30, progress=lambda n, F: steps.append(n), **options)
        for seed in (1, 1, 2)
    ]
    assert runs[0].network.sha256() == runs[1].network.sha256() != runs[2].network.sha256()
    assert torch.equal(before, torch.random.get_rng_state())
    assert steps == 3 * list(range(1, 31))
    for run in runs:
        assert run.network.widths == (dataset.dimension, 5, outputs)
        assert run.history[-1] < run.history[0]
        assert run.network.architecture[1] == (options.get("bias", True),) * 2
        targets = run.objective.loss.encode(dataset)
        assert run.objective.value(run.network, dataset.X, targets) == pytest.approx(run.history[-1], rel=1e-4)
        json.dumps(run.settings, allow_nan=False)


def test_penalty_defaults():
    assert train_network(MOONS, 3, "logistic", seed=0, epochs=0).settings["penalty"] == "none"
    assert train_network(MOONS, 3, "logistic", seed=0, epochs=0, kappa=0.1).settings["penalty"] == "path"
    paper = train_network(MOONS, 3, "logistic", seed=0, epochs=0, protocol="paper", kappa=0.0).settings
    assert (paper["penalty"], paper["penalise_output_bias"]) == ("none", False)
    decay = train_network(MOONS, 3, "logistic", seed=0, epochs=0, protocol="paper", penalty="weight_decay").settings
    assert (decay["kappa"], decay["penalise_output_bias"]) == (0.001, False)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"protocol": "x"}, "protocol 'x' is unknown; choose one of paper, sgd, default"),
        ({"width": 0}, "hidden widths must be integers of at least 1"),
        ({"width": ()}, "hidden widths must be integers"),
        ({"batch": 5}, "batch 5: expected at least 1 sample, with protocol sgd; default was asked for"),
        ({"batch": 0, "protocol": "sgd"}, "batch 0: expected at least 1"),
        ({"width": (3, 3), "protocol": "paper"}, "protocol paper is for one hidden layer"),
        ({"width": (3, 3), "kappa": 0.1}, "penalty path is defined for one hidden layer"),
        ({"penalty": "l1"}, "penalty l1 needs its weight: give --kappa K"),
        ({"penalise_output_bias": True}, "the output bias can be penalised only with a penalty"),
        ({"kappa": 0.1, "penalty": "weight_decay", "penalise_output_bias": True}, "under l1 and path only"),
        ({"kappa": -1.0}, "kappa must be a finite number >= 0"),
        ({"kappa": float("nan")}, "kappa must be a finite number >= 0"),
        ({"epochs": -1}, "epochs must be 0 or more"),
        ({"lr": 0.0}, "learning rate must be a positive number"),
        ({"seed": -1}, "seed must lie in"),
        ({"loss": "x"}, "loss 'x' is unknown"),
        ({"delta": 1.0}, "belongs to the huber loss only"),
        ({"device": "nowhere"}, "device 'nowhere' is not available here"),
        ({"dataset": IRIS}, "logistic loss needs a binary task"),
    ],
)
def test_refused(options, text):
    arguments = {"dataset": MOONS, "width": 3, "loss": "logistic", "seed": 0} | options
    with pytest.raises(UsageError, match=text) as caught:
        train_network(arguments.pop("dataset"), arguments.pop("width"), arguments.pop("loss"), **arguments)
    assert caught.value.exit_code == 2


def test_divergence_is_an_error():
    data = Dataset(np.array([[1e30], [-1e30]]), np.array([1.0, 2.0]), "huge", "regression")
    with pytest.raises(
        VerifierError, match=r"training seed 0: the objective became (inf|nan) after 0 steps; lower --lr"
    ):
        train_network(data, 2, "squared", seed=0, epochs=3)


def test_minibatches_pass_over_every_sample_once_and_repeat():
    """One pass at step size about 0: the mean over the batches is the objective; the same seed, the same network, whatever torch drew before."""
    given = {"seed": 3, "protocol": "sgd", "epochs": 1, "batch": 7}
    still = train_network(MOONS, (5, 4), "logistic", lr=1e-30, **given)
    assert len(still.history) == 2
    assert still.history[0] == pytest.approx(still.history[1], rel=1e-5)
    targets = still.objective.loss.encode(MOONS)
    assert still.history[1] == pytest.approx(still.objective.value(still.network, MOONS.X, targets), rel=1e-5)
    assert still.settings["batch"] == 7
    assert still.settings["optimiser"].startswith("SGD, batches of 7")
    first = train_network(MOONS, (5, 4), "logistic", **given)
    torch.rand(3)
    assert train_network(MOONS, (5, 4), "logistic", **given).network.same_parameters(first.network)
    assert not first.network.same_parameters(still.network)


def test_sgd_starts_with_the_variances_of_he_and_trains_ten_layers():
    """PyTorch's own initialisation leaves such a network at log 3; with He's it learns."""
    network = train_network(IRIS, (200,) * 2, "cross_entropy", seed=0, protocol="sgd", epochs=0).network
    assert np.var(network.weights[1]) == pytest.approx(2 / 200, rel=0.1)
    assert not network.biases[0].any()
    deep = train_network(IRIS, (20,) * 10, "cross_entropy", seed=0, protocol="sgd", epochs=20, batch=10)
    assert deep.history[-1] < 0.3


def test_vgg11_is_trained_on_images_of_any_size_and_read_from_its_checkpoint(tmp_path):
    data = load_data("digits-unit")
    widths = vgg11_widths(1 / 16)
    assert vgg11_widths(1.0) == (64, 128, 256, 256, 512, 512, 512, 512, 512)
    options = TrainingOptions(protocol="sgd", epochs=1, batch=200)
    trained = train_vgg11(data, (1, 8, 8), widths, "cross_entropy", seed=0, options=options)
    assert trained.network.described.short == "8 convolutions + 2 dense layers, 1x8x8 -> 10"
    targets = trained.objective.loss.encode(data)
    # float32 on the module, float64 on the network of channels
    value = trained.objective.value(trained.network, data.X, targets)
    assert trained.history[-1] == pytest.approx(value, rel=1e-4)
    again = train_vgg11(data, (1, 8, 8), widths, "cross_entropy", seed=0, options=options)
    assert again.network.same_parameters(trained.network)
    with torch.no_grad():
        for shape, count in (((3, 32, 32), 5), ((1, 28, 28), 4)):
            module = vgg11(shape, 10, vgg11_widths(1 / 32))
            assert module(torch.zeros(2, *shape)).shape == (2, 10)
            assert sum(isinstance(m, torch.nn.MaxPool2d) for m in module) == count
    with pytest.raises(UsageError, match="without penalty"):
        train_vgg11(data, (1, 8, 8), widths, "cross_entropy", seed=0, options=TrainingOptions(kappa=0.1, penalty="l1"))
