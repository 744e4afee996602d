"""VGG-11 (Simonyan, Zisserman 2015, configuration A), as Nguyen, Bréchet, Mondelli 2021 train it on CIFAR-10.

Eight convolutions of 3 x 3 and five poolings leave one position of 32 x 32; one dense layer of 512 and the outputs follow, without batch normalisation and
dropout. Poolings of what is one position wide already are left out, so that smaller images have fewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.networks.module import network_from_module
from verifier.options.reading import Reading
from verifier.options.training import TrainingOptions
from verifier.training.protocols import plan
from verifier.training.train import TrainedNetwork, descended, he_initial, isolated, recorded

CHANNELS: tuple[int | None, ...] = (64, None, 128, None, 256, 256, None, 512, 512, None, 512, 512, None)
DENSE = 512


def vgg11_widths(factor: float) -> tuple[int, ...]:
    """Channels of the eight convolutions and neurons of the dense layer, times a factor."""
    return tuple(max(1, round(n * factor)) for n in (*CHANNELS, DENSE) if n is not None)


def vgg11(shape: Sequence[int], classes: int, widths: Sequence[int]) -> Any:
    """A torch module. shape: (channels, height, width) of an image. widths: of the nine hidden layers."""
    from torch import nn

    below, height, width = shape
    layers: list[Any] = []
    given = iter(widths)
    for n in CHANNELS:
        if n is not None:
            above = next(given)
            layers += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU()]
            below = above
        elif min(height, width) > 1:
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
    dense = next(given)
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(below * height * width, dense), nn.ReLU(), nn.Linear(dense, classes)
    )


def train_vgg11(
    dataset: Dataset, shape: Sequence[int], widths: Sequence[int], loss: str, *, seed: int, options: TrainingOptions
) -> TrainedNetwork:
    """VGG-11 of these widths by the options' protocol, drawn as He et al. 2015. Raises what `train_network` raises, and UsageError for a penalty."""
    import torch

    from verifier.training.torch_losses import mean_loss

    p = plan(tuple(widths), loss, seed, options)
    if p.objective.kappa or options.negative_slope or not options.bias:
        raise UsageError("VGG-11: is trained with ReLU and biases and without penalty")
    targets = p.objective.loss.encode(dataset)
    with isolated(p.torch_seed):
        module = vgg11(shape, p.objective.loss.outputs(targets), widths)
        for part in module:
            if hasattr(part, "weight"):
                he_initial(torch, part)
        module.to(options.device)

        def value(X: Any, y: Any) -> Any:
            return mean_loss(loss, module(X), y, p.objective.delta)

        images = dataset.X.reshape(dataset.samples, *shape)
        history = descended(p, list(module.parameters()), value, lambda: None, (images, targets), options.device, None)
        network = network_from_module(module.cpu(), Reading(input_shape=tuple(shape)))
    return recorded(p, network, history, options.device, model="VGG-11")
