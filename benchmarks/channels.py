"""Convolutional networks at their own size: train pairs, certify them as a user would, and say what it took. `python -m benchmarks.channels [NAME ...]`

digits: the bundled digits as 1 x 8 x 8 images, three convolutions and two dense layers (`digits`), trained here; Theorem 4.1, exchange and dropout stability.
fashion: 10,000 images of Debian's Fashion-MNIST (its test part), 1 x 28 x 28, three convolutions of which two have stride 2; Theorem 4.1.
lenet5, vgg11: a module written for MNIST's and torchvision's shape with width factor 1/4, untrained, on a few random images of 3 x 32 x 32.
endpoint: one certified value of F of VGG-11 at full width (9.5 million parameters, one dense layer of 512), untrained, on --samples random images.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

import verifier
from tests.networks.modules import VGG11, LeNet5
from verifier.cli.main import main as command
from verifier.data import load_data

LR, BATCH, STEPS = 0.003, 64, 2000
# Samples of digits that the gallery's pair is about, as a share: the file stays small.
SHARE = "0.07"


def digits() -> nn.Module:
    """Channels 6, 10, 10 at 8 x 8, 8 x 8 and 4 x 4 positions, then 40 numbers to 20 neurons."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(10, 10, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(40, 20), nn.ReLU(), nn.Linear(20, 10),
    )  # fmt: skip


def fashion() -> nn.Module:
    """Channels 16, 24, 24 at 14 x 14, 7 x 7 and 7 x 7 positions, then 216 numbers to 64 neurons."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 24, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(216, 64), nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip


def trained(make: Callable[[], nn.Module], X: np.ndarray, y: np.ndarray, seed: int) -> nn.Module:
    """Minibatch Adam on the cross-entropy, for about as many steps whatever N is. X: images (N, C, H, W)."""
    epochs = STEPS // -(-len(y) // BATCH)
    torch.manual_seed(seed)
    module = make()
    images, labels = torch.tensor(X, dtype=torch.float32), torch.tensor(y)
    optimiser = torch.optim.Adam(module.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, epochs)
    for _ in range(epochs):
        for part in torch.randperm(len(labels)).split(BATCH):
            optimiser.zero_grad()
            nn.functional.cross_entropy(module(images[part]), labels[part]).backward()
            optimiser.step()
        schedule.step()
    return module.eval()


def train_digits(folder: Path, share: str | None = None) -> tuple[Path, Path]:
    """Two state dicts, of seeds 0 and 1."""
    data = load_data("digits-unit", train_split=None if share is None else float(share))
    places = folder / "digits-0.pt", folder / "digits-1.pt"
    for seed, place in enumerate(places):
        torch.save(trained(digits, data.X.reshape(-1, 1, 8, 8), data.y, seed).state_dict(), place)
    return places


def train_fashion(folder: Path) -> tuple[Path, Path]:
    """Two state dicts, of seeds 0 and 1."""
    data = load_data("fashion-mnist-test")
    places = folder / "fashion-0.pt", folder / "fashion-1.pt"
    for seed, place in enumerate(places):
        torch.save(trained(fashion, data.X.reshape(-1, 1, 28, 28), data.y, seed).state_dict(), place)
    return places


def certify(name: str, data: str, method: str, pair: tuple[Path, Path], out: Path, *more: str) -> int:
    """`verifier certify` with the module's factory, one of this file. Returns the exit code."""
    words = [
        "certify", "--pair", *map(str, pair), "--model", f"benchmarks.channels:{name}", "--data", data, "--loss", "cross_entropy",
        "--method", method, "--out", str(out), *more,
    ]  # fmt: skip
    print("verifier", *words, file=sys.stderr)
    return command(words)


def images(samples: int, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Random images of 3 x 32 x 32 in the range of pixels / 255, and labels."""
    rng = np.random.default_rng(0)
    return rng.uniform(0.0, 1.0, (samples, 3, 32, 32)).astype(np.float32), rng.integers(0, classes, samples)


def seeded(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return make()


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
    problem = kernel_problem(network, network, objective, X.reshape(samples, -1), y)
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
                pair, out = train_fashion(folder), folder / "fashion.safetensors"
                certify("fashion", "fashion-mnist-test", "theorem41", pair, out, "--no-report")
            elif name == "endpoint":
                endpoint(args.samples)
            else:
                make = {"lenet5": lambda: LeNet5(3, 32), "vgg11": lambda: VGG11(0.25)}[name]
                foreign(make, 20, folder)


if __name__ == "__main__":
    main()
