"""Convolutional networks that tests and benchmarks train: factories for `--model`, a short training, and the command with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

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
        "certify", "--pair", *map(str, pair), "--model", f"tests.networks.trained_channels:{name}", "--data", data, "--loss", "cross_entropy",
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
