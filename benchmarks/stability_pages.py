"""Pages of N21's figures in reports/, as far as two cores go: `python -m benchmarks.stability_pages [NAME ...]`, each a call of `verifier stability`.

figure3a: L = 11, widths 245, on 20,000 images of Fashion-MNIST. figure3b: L = 6, widths 500, on 2,000 samples of CIFAR-10's shape: tinted Fashion-MNIST.
figure3c: VGG-11 with an eighth of its widths, on 1,000 images of Fashion-MNIST. figure4: widths 500 to 2,000 on digits.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from verifier.cli.main import main as command
from verifier.data import load_data

ROOT = Path(__file__).resolve().parents[1]
# As seen from ROOT, where the command runs: pages say where data came from, and nobody else has this machine's folders.
FOLDER = Path("build") / "stability"


def tinted(word: str, count: int) -> Path:
    """The first images of Fashion-MNIST with a border of zeros to 32 x 32, in a colour drawn for each, as pixels / 255 of 3 x 32 x 32."""
    data = load_data(word)
    gray = np.pad(data.X[:count].reshape(-1, 28, 28), ((0, 0), (2, 2), (2, 2)))
    tint = np.random.default_rng(0).uniform(0.3, 1.0, (len(gray), 3))
    X = np.round(255 * gray[:, None] * tint[:, :, None, None]) / 255
    place = FOLDER / f"tinted-{word}-{count}.npz"
    place.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(place, X=X, y=data.y[:count])
    return place


def words(name: str) -> list[str]:
    """The options behind a page."""
    if name == "figure3a":
        return ["--train-split", "0.33333334", "--seeds", "0:2", "--epochs", "30"]
    if name == "figure3b":
        train, test = tinted("fashion-mnist", 2000), tinted("fashion-mnist-test", 2000)
        return [
            "--data",
            str(train),
            "--test-data",
            str(test),
            "--scale",
            "channels",
            "--seeds",
            "0:3",
            "--epochs",
            "30",
        ]
    if name == "figure3c":
        return [
            "--data", "fashion-mnist", "--scale", "symmetric", "--train-split", "0.016667", "--test-data", "fashion-mnist-test",
            "--width-factor", "0.125", "--epochs", "15", "--batch", "25", "--lr", "0.02", "--draws-b", "20", "--steps", "60", "--seeds", "0:1",
        ]  # fmt: skip
    return [
        "--data",
        "digits",
        "--train-split",
        "0.8",
        "--widths",
        "500,1000,2000",
        "--seeds",
        "0:2",
        "--epochs",
        "20",
        "--lr",
        "0.005",
    ]


def main() -> int:
    os.chdir(ROOT)
    names = sys.argv[1:] or ["figure3a", "figure3b", "figure3c", "figure4"]
    pages = {"figure3a": "stability-figure3a-fashion", "figure4": "stability-figure4-wide"}
    for name in names:
        page = ROOT / "reports" / f"{pages.get(name, f'stability-{name}')}.html"
        command(["stability", "--preset", name, *words(name), "--out", str(FOLDER / name), "--report", str(page)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
