"""Make the committed certificates and reports again: `make gallery`. Networks are trained here, seeded, so nothing is downloaded.

One pair each: Moons (width 20, squared), Breast Cancer (widths 20 and 200, logistic), digits (width 32, cross-entropy), with the loss alone
(kappa = 0) and with the path penalty (kappa = 0.001). Two deep pairs on digits, cross-entropy alone: hidden widths 200, 200, and five of 64,
narrow enough that three paths of 32 vertices make a small file. One convolutional pair on 7 percent of digits (`benchmarks.channels`). And
`landscape`: the exact landscape of five samples (docs/landscape.md, seed 0) for widths 1, 2, 3, whole and with the pair of the largest gap of each width
certified from both sides. `barrier`: two networks of two neurons on Moons, 800 samples, squared loss and path penalty, different sign counts, with a
certified barrier between them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import channels
from verifier.cli.main import main as command

ROOT = Path(__file__).resolve().parents[1]
PAIRS = {
    "moons-20": ("paper-moons", "squared", 20, "paper"),
    "breast-cancer-20": ("paper-breast-cancer", "logistic", 20, "paper"),
    "breast-cancer-200": ("paper-breast-cancer", "logistic", 200, "paper"),
    "digits-32": ("digits-unit", "cross_entropy", 32, "default"),
}
# hidden widths, Adam's step size and steps
DEEP = {
    "digits-200-200": ("200,200", "0.003", "150"),
    "digits-64x5": ("64,64,64,64,64", "0.003", "300"),
}
# `benchmarks.channels`: a convolutional pair, and the share of digits that it is trained on and certified on; Theorem 4.1 and dropout stability.
CHANNELS = "digits-channels"
BARRIER = "barrier-moons-sign-count"
KAPPAS = {"loss": [], "path": ["--kappa", "0.001", "--penalty", "path"]}


def make(name: str, folder: Path) -> None:
    """Train a pair with one hidden layer, then certify it once per objective."""
    data, loss, width, protocol = PAIRS[name]
    nets = str(folder / f"{name}-{{seed}}.pt")
    words = [
        "train",
        "--data",
        data,
        "--loss",
        loss,
        "--width",
        str(width),
        "--protocol",
        protocol,
        "--seeds",
        "0:2",
        "--out",
        nets,
    ]
    if protocol == "default":
        words += ["--epochs", "200"]
    run(words)
    for objective, options in KAPPAS.items():
        out = f"gallery-{name}-{objective}"
        run(
            ["certify", "--pair", *(nets.format(seed=s) for s in (0, 1)), *(options or ["--kappa", "0"]), "--exhaustive",
             "--out", str(ROOT / "certificates" / f"{out}.safetensors"), "--report", str(ROOT / "reports" / f"{out}.html")]
        )  # fmt: skip


def make_deep(name: str, folder: Path) -> None:
    """Train a pair with several hidden layers and certify it with the loss alone."""
    widths, lr, epochs = DEEP[name]
    nets = str(folder / f"{name}-{{seed}}.pt")
    run(
        ["train", "--data", "digits-unit", "--loss", "cross_entropy", "--widths", widths, "--epochs", epochs, "--lr", lr, "--seeds", "0:2",
         "--out", nets]
    )  # fmt: skip
    out = f"gallery-{name}"
    run(
        ["certify", "--pair", *(nets.format(seed=s) for s in (0, 1)), "--kappa", "0", "--method", "theorem41,exchange,dropout",
         "--out", str(ROOT / "certificates" / f"{out}.safetensors"), "--report", str(ROOT / "reports" / f"{out}.html")]
    )  # fmt: skip


def make_channels(folder: Path) -> None:
    """Train a convolutional pair and certify it with the loss alone."""
    out = f"gallery-{CHANNELS}"
    where = str(ROOT / "reports" / f"{out}.html")
    certificate = ROOT / "certificates" / f"{out}.safetensors"
    pair = channels.train_digits(folder, channels.SHARE)
    code = channels.certify(
        "digits",
        "digits-unit",
        "theorem41,dropout",
        pair,
        certificate,
        "--train-split",
        channels.SHARE,
        "--report",
        where,
    )
    if code:
        raise SystemExit(f"verifier certify ended with exit code {code}")


def landscape(folder: Path) -> None:
    """Inputs sorted uniform(-1, 1), targets standard normal, drawn in this order."""
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.uniform(-1, 1, 5)), rng.normal(size=5)
    np.savez(folder / "five-samples.npz", X=x[:, None], y=y)
    out = folder / "landscape"
    what = ["--data", str(folder / "five-samples.npz"), "--task", "regression", "--loss", "squared", "--widths", "1:4"]
    run(["landscape", *what, "--compare", "1", "--out", str(out)])
    for file in sorted((out / "pairs").glob("*.safetensors")):
        kept = ROOT / "certificates" / f"landscape-{file.name}"
        shutil.copy(file, kept)
        run(["report", str(kept), "--out", str(ROOT / "reports" / f"{kept.stem}.html")])
    for width in (1, 2, 3):
        kept = ROOT / "certificates" / f"whole-landscape-width-{width}.safetensors"
        shutil.copy(out / f"width-{width}-landscape.safetensors", kept)
        run(["report", str(kept), "--out", str(ROOT / "reports" / f"{kept.stem}.html")])
    shutil.copy(out / "report.html", ROOT / "reports" / "landscape.html")


def barrier(folder: Path) -> None:
    nets = folder / "moons-2-{seed}.pt"
    what = ["--data", "paper-moons", "--loss", "squared", "--kappa", "0.001", "--penalty", "path", "--width", "2"]
    run(["train", *what, "--epochs", "2000", "--seeds", "0:2", "--out", str(nets)])
    pair = [str(nets).format(seed=seed) for seed in (0, 1)]
    kept, page = ROOT / "certificates" / f"{BARRIER}.safetensors", ROOT / "reports" / f"{BARRIER}.html"
    run(["certify", "--pair", *pair, "--method", "exchange,sign-count", "--out", str(kept), "--report", str(page)])


def run(words: list[str]) -> None:
    print("verifier", *words, file=sys.stderr)
    code = command(words)
    if code:
        raise SystemExit(f"verifier {words[0]} ended with exit code {code}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        default=[*PAIRS, *DEEP, CHANNELS, "landscape", "barrier"],
        help=f"some of {', '.join([*PAIRS, *DEEP, CHANNELS])}, landscape, barrier",
    )
    with TemporaryDirectory() as scratch:
        for chosen in parser.parse_args().names:
            if chosen == "landscape":
                landscape(Path(scratch))
            elif chosen == "barrier":
                barrier(Path(scratch))
            elif chosen == CHANNELS:
                make_channels(Path(scratch))
            elif chosen in DEEP:
                make_deep(chosen, Path(scratch))
            else:
                make(chosen, Path(scratch))
