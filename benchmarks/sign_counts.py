"""Both ends of a gap between different sign counts, against the number of samples and the loss.

    OMP_NUM_THREADS=1 python -m benchmarks.sign_counts [--quick]

CPU seconds of one process with one BLAS thread. Target: both ends within 1e-6 at 40 to 800 samples in at most 2 CPU seconds of search.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import verifier
from tests.landscape.moons import moons_above, moons_pair, width_three
from verifier.certificate import read_certificate
from verifier.kernel import check
from verifier.kernel.statements import SignCountBarrier
from verifier.landscape.coarse.least import least_passed
from verifier.landscape.sign_count.narrow import narrow, positives_passed
from verifier.landscape.sign_count.search import least_narrow
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective

SAMPLES = (40, 100, 200, 400, 800)
LOSSES = ("squared", "huber", "absolute", "hinge", "logistic")


def instances(samples: tuple[int, ...]) -> None:
    print("N  lower end of the gap  upper end  difference  programs  cones  search s  fast check s  reference check s")
    for N in samples:
        A, B, X, y = moons_pair(N)
        row(f"{N}", A, B, X, y[:, 0])


def above_shared_layers(samples: tuple[int, ...]) -> None:
    """Rows of the same table: one random layer of two neurons, two trained ones above it, on the paths that keep the first."""
    for N in samples:
        row(f"{N}, above a shared layer", *moons_above(N, 0, (0, 2)), hidden_layers="frozen")


def row(name: str, A: Network, B: Network, X: np.ndarray, y: np.ndarray, **options: Any) -> None:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "pair.safetensors"
        verifier.certify(A, B, (X, y), loss="squared", method="sign-count", out=out, **options)
        c = read_certificate(out)
    claim = next((x for x in c.claims if isinstance(x, SignCountBarrier)), None)
    upper = next(x.gap for x in c.claims if hasattr(x, "moves"))
    s = c.record["sign_count"]
    if claim is None:
        print(f"{name}  no barrier  {upper:.2e}  {s['programs']}  {s['cpu_seconds']:.2f}", flush=True)
        return
    spent = []
    for evaluation in ("fast", "reference"):
        start = time.process_time()
        assert check(c.problem, claim, evaluation=evaluation).accepted
        spent.append(time.process_time() - start)
    print(
        f"{name}  {claim.gap:.10f}  {upper:.10f}  {upper - claim.gap:.1e}  {s['programs']}  {len(claim.nu)}  {s['cpu_seconds']:.2f}  "
        f"{spent[0]:.2f}  {spent[1]:.2f}",
        flush=True,
    )


def losses(N: int) -> None:
    """The least F of one neuron of either sign."""
    A, B, X, y = moons_pair(N)
    print("loss  kappa  positive  least F between  and  programs  search s")
    for name in LOSSES:
        for kappa in (0.0, 0.01):
            objective = make_objective(
                name, delta=0.3 if name == "huber" else None, kappa=kappa, penalty="path" if kappa else None
            )
            targets = 2 * y - 1 if name in ("hinge", "logistic") else y
            for p in sorted({*positives_passed(A, B), 0}):
                found = least_narrow(narrow(A, Risk(objective, X, targets), p), most_programs=2000, seconds=30)
                print(
                    f"{name}  {kappa:g}  {p}  {found.lower:.9f}  {found.upper:.9f}  {found.programs}  {found.seconds:.2f}",
                    flush=True,
                )


def width_three_without_a_price() -> None:
    """Target: a positive lower end in 20 CPU minutes."""
    A, B, X, y = width_three()
    risk = Risk(make_objective("squared"), X, y)
    E = max(risk.value(A), risk.value(B))
    found = least_passed(narrow(A, risk, 1), most_programs=20_000, seconds=120)
    print("width 3, N = 40, no penalty: least F passed over E between  and  programs  cones  search s")
    print(
        f"{found.lower - E:.7f}  {found.upper - E:.7f}  {found.programs}  {len(found.duals)}  {found.seconds:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    quick = "--quick" in sys.argv
    instances(SAMPLES[:2] if quick else SAMPLES)
    above_shared_layers(SAMPLES[:2] if quick else SAMPLES)
    losses(40 if quick else 100)
    width_three_without_a_price()
