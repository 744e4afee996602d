"""Convolutional networks at their own size: train pairs, certify them as a user would, and say what it took. `python -m benchmarks.channels [NAME ...]`

digits: the bundled digits as 1 x 8 x 8 images, three convolutions and two dense layers (`digits`), trained here; Theorem 4.1, exchange and dropout stability.
fashion: 10,000 images of Debian's Fashion-MNIST (its test part), 1 x 28 x 28, three convolutions of which two have stride 2; the same three constructions;
    the page goes to reports/channels-fashion-mnist.html, the certificate, whose 60 MiB of data lie beside it, to build/channels.
lenet5, vgg11: a module written for MNIST's and torchvision's shape with width factor 1/4, untrained, on a few random images of 3 x 32 x 32.
endpoint: one certified value of F of VGG-11 at full width (9.5 million parameters, one dense layer of 512), untrained, on --samples random images.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn

import verifier
from tests.networks.modules import VGG11, LeNet5
from tests.networks.trained_channels import certify, images, seeded, train_digits, train_fashion
from verifier.objective import Risk

ROOT = Path(__file__).resolve().parents[1]


def foreign(make: Callable[[], nn.Module], samples: int, folder: Path) -> None:
    """Two untrained modules, Theorem 4.1's path between them, and how long it takes."""
    start = time.process_time()
    pair = [seeded(make, seed) for seed in (0, 1)]
    result = verifier.certify(
        *pair, images(samples), loss="cross_entropy", method="theorem41", out=folder / "foreign.safetensors", say=print
    )
    produced, start = time.process_time() - start, time.process_time()
    found = verifier.check_file(result.certificate)
    size = result.certificate.stat().st_size / 2**20
    print(
        f"{result.sentence}: {produced:.1f} CPU s, check {time.process_time() - start:.1f}, {size:.1f} MiB, {found.accepted}"
    )


def vgg11() -> nn.Module:
    """At full width with the classifier that is used on 32 x 32 images: one dense layer of 512 before the output."""
    module = VGG11(1.0)
    module.avgpool = nn.AdaptiveAvgPool2d(1)
    module.classifier = nn.Sequential(nn.Linear(512, 512), nn.ReLU(True), nn.Dropout(), nn.Linear(512, 10))
    return module


def endpoint(samples: int) -> None:
    """F of one network of full width, certified; its enclosure and cost beside a plain pass of torch."""
    from verifier.elaboration import kernel_problem
    from verifier.kernel import check
    from verifier.kernel.fast.forward import objective_at
    from verifier.kernel.statements import EndpointValue
    from verifier.networks import network_from_module
    from verifier.objective import make_objective
    from verifier.options.reading import Reading

    module = seeded(vgg11, 0).eval()
    X, y = images(samples)
    network = network_from_module(module, Reading(input_shape=(3, 32, 32)))
    objective = make_objective("cross_entropy")
    problem = kernel_problem(network, network, Risk(objective, X.reshape(samples, -1), y))
    start = time.process_time()
    with torch.no_grad():
        plain = nn.functional.cross_entropy(module.double()(torch.tensor(X).double()), torch.tensor(y)).item()
    forward, start = time.process_time() - start, time.process_time()
    # One value: both claims would be of the same network.
    value = objective_at(problem, problem.A)
    claim = EndpointValue("A", max(0.0, value.lower * (1 - 1e-9)), value.upper * (1 + 1e-9))
    start = time.process_time()
    verdict = check(problem, claim)
    print(
        f"{network.described}, {sum(a.size for _, a in network.arrays()):,} parameters, {samples} images: {verdict.sentence}; torch {plain!r}; "
        f"enclosed to {value.upper - value.lower:.2g}; plain pass {forward:.1f} CPU s, check {time.process_time() - start:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=["digits", "lenet5", "vgg11"])
    parser.add_argument("--samples", type=int, default=500)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in args.names:
            if name == "digits":
                pair, out = train_digits(folder), folder / "digits.safetensors"
                certify("digits", "digits-unit", "theorem41,exchange,dropout", pair, out, "--no-report")
            elif name == "fashion":
                place = ROOT / "build" / "channels"
                place.mkdir(parents=True, exist_ok=True)
                page = ROOT / "reports" / "channels-fashion-mnist.html"
                words = ("fashion-mnist-test", "theorem41,exchange,dropout", train_fashion(folder))
                certify("fashion", *words, place / "fashion-channels.safetensors", "--report", str(page))
            elif name == "endpoint":
                endpoint(args.samples)
            else:
                make = {"lenet5": lambda: LeNet5(3, 32), "vgg11": lambda: VGG11(0.25)}[name]
                foreign(make, 20, folder)


if __name__ == "__main__":
    main()
