"""The paper's protocol on disjoint pairs: exchange with checking, beside DSS, Bezier and an elastic band on the same pairs, in one run.

    python -m benchmarks.paper_pairs [--pairs 5] [--kappa 0.001]

CPU seconds of one process with one BLAS thread; the last column is a ratio within the run, which is what carries over to other machines.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from verifier.objective import Risk

os.environ.setdefault("OMP_NUM_THREADS", "1")

from verifier.data.load import load_data
from verifier.objective import make_objective
from verifier.paths.curves.dss import dss
from verifier.paths.curves.trained import bezier, elastic_band
from verifier.pipeline.certify import certify
from verifier.training.train import train_network

SETTINGS = (("paper-moons", "squared"), ("paper-breast-cancer", "logistic"))
HEAD = (
    "data, width | certified gap max, zero on, at most all three estimates on | exchange with check, CPU s median, max | "
    "DSS, Bezier, NEB: largest sampled gap | DSS hits | CPU s median of each | exchange / DSS"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--kappa", type=float, default=0.001, help="of the paper's l1 penalty, output bias included; 0: loss alone"
    )
    args = parser.parse_args()
    words = {"kappa": args.kappa, "penalty": "l1" if args.kappa else None, "penalise_output_bias": args.kappa > 0}
    print(HEAD)
    with TemporaryDirectory() as folder:
        for data, loss in SETTINGS:
            dataset = load_data(data)
            for width in (20, 200):
                nets = [
                    train_network(dataset, width, loss, seed=i, protocol="paper").network for i in range(2 * args.pairs)
                ]
                rows = [
                    measure(nets[2 * k], nets[2 * k + 1], dataset, loss, words, Path(folder) / f"{data}-{width}-{k}.safetensors")
                    for k in range(args.pairs)
                ]  # fmt: skip
                show(f"{data}, {width}", rows)


def show(name: str, rows: list) -> None:
    gaps, spent, sampled, hits, searching = zip(*rows)
    best = sum(g <= min(s) for g, s in zip(gaps, sampled))
    estimates = [max(column) for column in zip(*sampled)]
    costs = [median(column) for column in zip(*searching)]
    print(
        f"{name} | {max(gaps):g}, {gaps.count(0.0)}/{len(gaps)}, {best}/{len(gaps)} | {median(spent):.2f}, {max(spent):.2f} | "
        f"{', '.join(f'{e:.1e}' for e in estimates)} | {sum(hits)} | {', '.join(f'{c:.2f}' for c in costs)} | "
        f"{median(spent) / costs[0]:.3f}",
        flush=True,
    )


def measure(A, B, dataset, loss, words, out):  # type: ignore[no-untyped-def]
    """(certified gap, CPU s of certify and check, sampled gaps of DSS, Bezier and NEB, DSS hit, CPU s of the three)."""
    start = time.process_time()
    result = certify(A, B, dataset, loss=loss, method="exchange", out=out, **words)
    if not all(v.accepted for v in result.check()):
        raise SystemExit(f"{out}: the kernel rejects what certify wrote")
    spent = time.process_time() - start
    objective = make_objective(loss, **words)
    y = objective.loss.encode(dataset)
    found = [f(A, B, Risk(objective, dataset.X, y)) for f in (dss, bezier, elastic_band)]
    sampled = tuple(max(0.0, f.maximum - result.E) for f in found)
    return result.gap, spent, sampled, found[0].hit, tuple(f.cpu_seconds for f in found)


if __name__ == "__main__":
    main()
