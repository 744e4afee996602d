"""Theorem 4.1 at the size of MNIST: N = 60,000, d = 784, ten hidden layers of width 245, ten classes; one certificate produced and checked.

    python -m benchmarks.deep_scale                       the whole size (under an hour on two cores)
    python -m benchmarks.deep_scale --samples 2000 --layers 4 --width 60

Synthetic data of MNIST's shape: pixels in [0, 1], about three of four of them 0; each image is a noisy copy of one of 50 prototypes, five to a class.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from verifier.certificate import read_certificate
from verifier.certificate.file import data_file
from verifier.data.dataset import Dataset
from verifier.kernel import check
from verifier.networks.network import Network
from verifier.pipeline.certify import certify


def images(N: int, d: int = 784, K: int = 10) -> Dataset:
    rng = np.random.default_rng(0)
    prototypes = rng.random((5 * K, d)) < 0.25
    which = rng.integers(5 * K, size=N)
    lit = prototypes[which] ^ (rng.random((N, d)) < 0.12)
    X = np.where(lit, rng.integers(1, 256, size=(N, d)) / 255.0, 0.0)
    y = which % K
    return Dataset(X, y, f"images-{N}", "multiclass", {"seed": 0})


def train(data: Dataset, widths: list[int], seed: int, epochs: int) -> Network:
    """Minibatch Adam in float32: at this size full-batch steps would leave the networks near the loss of a constant."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    layers = [torch.nn.Linear(a, b) for a, b in pairwise([784, *widths, 10])]
    net = torch.nn.Sequential(*(part for layer in layers for part in (layer, torch.nn.ReLU())))[:-1]
    for layer in layers:
        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    X, y = torch.tensor(data.X, dtype=torch.float32), torch.tensor(data.y)
    steps = epochs * (len(X) // 256)
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        batch = torch.randint(len(X), (256,))
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(X[batch]), y[batch]).backward()
        optimiser.step()
        schedule.step()
    arrays = [p.detach().numpy().astype(np.float64) for p in net.parameters()]
    return Network(tuple(arrays[::2]), tuple(arrays[1::2]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--layers", type=int, default=10, help="hidden layers")
    parser.add_argument("--width", type=int, default=245)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--out", help="keep the certificate here")
    args = parser.parse_args()
    begin, data = time.time(), images(args.samples)
    A, B = (train(data, [args.width] * args.layers, seed, args.epochs) for seed in range(2))
    print(f"two networks trained in {time.time() - begin:.0f} s", flush=True)
    with TemporaryDirectory() as folder:
        out = Path(args.out) if args.out else Path(folder) / "deep.safetensors"
        clock, cpu = time.time(), time.process_time()
        r = certify(
            A,
            B,
            data,
            loss="cross_entropy",
            method="theorem41",
            out=out,
            say=lambda text: print("   ", text, flush=True),
        )
        made, made_cpu = time.time() - clock, time.process_time() - cpu
        clock, cpu = time.time(), time.process_time()
        c = read_certificate(r.certificate, data=data_file(r.certificate))
        verdicts = [check(c.problem, claim) for claim in c.claims]
        checked, checked_cpu = time.time() - clock, time.process_time() - cpu
        size = out.stat().st_size
    if not all(v.accepted for v in verdicts):
        raise SystemExit("the kernel rejects what certify wrote")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{r.sentence}")
    print(f"produced in {made:.0f} s ({made_cpu:.0f} CPU s), checked in {checked:.0f} s ({checked_cpu:.0f} CPU s)")
    print(f"peak memory {memory:.1f} GiB, certificate {size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
