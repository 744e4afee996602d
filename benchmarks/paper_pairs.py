"""The paper's protocol, five disjoint pairs per data set and width: exchange with checking, beside DSS on the same pairs, in one run.

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

os.environ.setdefault("OMP_NUM_THREADS", "1")

from verifier.data.load import load_data
from verifier.objective import make_objective
from verifier.paths.dss import dss
from verifier.pipeline.run import certify
from verifier.training.train import train_network

SETTINGS = (("paper-moons", "squared"), ("paper-breast-cancer", "logistic"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument(
        "--kappa",
        type=float,
        default=0.001,
        help="with the paper's l1 penalty, output bias included; 0 for the loss alone",
    )
    args = parser.parse_args()
    words = {"kappa": args.kappa, "penalty": "l1" if args.kappa else None, "penalise_output_bias": args.kappa > 0}
    print(
        "data, width | certified gap max, zero on | certify+check CPU s median, max | DSS gap max (sampled), hits | DSS CPU s median | ratio"
    )
    with TemporaryDirectory() as folder:
        for data, loss in SETTINGS:
            dataset = load_data(data)
            for width in (20, 200):
                nets = [
                    train_network(dataset, width, loss, seed=i, protocol="paper").network for i in range(2 * args.pairs)
                ]
                rows = [
                    measure(
                        nets[2 * k],
                        nets[2 * k + 1],
                        dataset,
                        loss,
                        words,
                        Path(folder) / f"{data}-{width}-{k}.safetensors",
                    )
                    for k in range(args.pairs)
                ]
                gaps, spent, sampled, hits, searching = zip(*rows)
                print(
                    f"{data}, {width} | {max(gaps):g}, {gaps.count(0.0)}/{len(gaps)} | {median(spent):.2f}, {max(spent):.2f} | "
                    f"{max(sampled):.2e}, {sum(hits)} | {median(searching):.2f} | {median(spent) / median(searching):.3f}",
                    flush=True,
                )


def measure(A, B, dataset, loss, words, out):  # type: ignore[no-untyped-def]
    """(certified gap, CPU s of certify and check, sampled DSS gap, hit, CPU s of DSS)."""
    start = time.process_time()
    result = certify(A, B, dataset, loss=loss, method="exchange", out=out, **words)
    if not all(v.accepted for v in result.check()):
        raise SystemExit(f"{out}: the kernel rejects what certify wrote")
    spent = time.process_time() - start
    objective = make_objective(loss, **words)
    string = dss(A, B, objective, dataset.X, objective.loss.encode(dataset))
    return result.gap, spent, max(0.0, string.maximum - result.E), string.hit, string.cpu_seconds


if __name__ == "__main__":
    main()
