"""How producing and checking grow with N, m, d and K; and the large pair of the scale target.

    python -m benchmarks.scale               table and exponents of growth in N, m, d and K
    python -m benchmarks.scale --large       N = 20,000, d = 100, m = 1,000, K = 10, one pair (about 10 minutes)

Synthetic teacher data: a random ReLU network of width 20 gives K outputs (squared loss), or the class of the largest (cross-entropy).
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
from verifier.pipeline.certify import certify
from verifier.training.train import train_network


def teacher(N: int, d: int, K: int, loss: str) -> Dataset:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, d)).astype(np.float32).astype(np.float64)
    f = np.maximum(X @ rng.normal(size=(d, 20)) / np.sqrt(d), 0.0) @ rng.normal(size=(20, K)) / np.sqrt(20)
    if loss == "cross_entropy":
        return Dataset(X, f.argmax(axis=1), f"teacher-{N}-{d}-{K}", "multiclass", {"seed": 0})
    noisy = (f + 0.1 * rng.normal(size=f.shape)).astype(np.float32)
    return Dataset(X, noisy, f"teacher-{N}-{d}-{K}", "regression", {"seed": 0})


def measure(N: int, d: int, m: int, K: int, loss: str, epochs: int, say=None) -> tuple[float, float, float, int]:  # type: ignore[no-untyped-def]
    """(certified gap, CPU s of producing, CPU s of checking from the file, peak memory in MiB of the process so far)."""
    data = teacher(N, d, K, loss)
    A, B = (train_network(data, m, loss, seed=i, epochs=epochs).network for i in range(2))
    with TemporaryDirectory() as folder:
        start = time.process_time()
        r = certify(A, B, data, loss=loss, method="exchange", out=Path(folder) / "c.safetensors", say=say)
        middle = time.process_time()
        c = read_certificate(r.certificate, data=data_file(r.certificate))
        if not all(check(c.problem, claim).accepted for claim in c.claims):
            raise SystemExit("the kernel rejects what certify wrote")
        checked = time.process_time() - middle
    return r.gap or 0.0, middle - start, checked, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def show(N: int, d: int, m: int, K: int, loss: str, epochs: int, say=None) -> tuple[float, float]:  # type: ignore[no-untyped-def]
    gap, made, checked, memory = measure(N, d, m, K, loss, epochs, say)
    print(f"{N} | {d} | {m} | {K} | {loss} | {gap:g} | {made:.2f} | {checked:.2f} | {memory}", flush=True)
    return made, checked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--loss", default="squared", choices=("squared", "cross_entropy"))
    args = parser.parse_args()
    print("N | d | m | K | loss | certified gap | producing CPU s | checking CPU s | peak MiB")
    if args.large:
        show(20_000, 100, 1_000, 10, args.loss, 60, lambda text: print("   ", text, flush=True))
        return
    series = {
        "N": [(N, 20, 100, 1) for N in (500, 2_000, 6_000, 20_000)],
        "m": [(1_000, 20, m, 1) for m in (20, 100, 300, 1_000)],
        "d": [(1_000, d, 100, 1) for d in (10, 50, 150, 500)],
        "K": [(1_000, 20, 50, K) for K in (1, 3, 10)],
    }
    for name, cells in series.items():
        times = [show(*cell, args.loss, 100) for cell in cells]
        sizes = [cell["NdmK".index(name)] for cell in cells]
        for what, column in (("producing", 0), ("checking", 1)):
            steps = [
                np.log(b[column] / a[column]) / np.log(q / p)
                for (a, b), (p, q) in zip(pairwise(times), pairwise(sizes))
            ]
            whole = np.log(times[-1][column] / times[0][column]) / np.log(sizes[-1] / sizes[0])
            print(
                f"    exponent of {what} in {name}: {whole:.2f} over the whole range (steps {', '.join(f'{s:.2f}' for s in steps)})",
                flush=True,
            )


if __name__ == "__main__":
    main()
