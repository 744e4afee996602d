"""Certifying a DSS string to 1e-6 relative against sampling it on the paper's 200 points per segment, in one run.

    python -m benchmarks.strings [--pairs 2]

With one output sampling takes no forward pass per point (`benchmarks.beads`); against such passes the target was at most five times their cost.
"""

from __future__ import annotations

import argparse
import os
import time
from statistics import median

from verifier.objective import Risk

os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools

from verifier.data.load import load_data
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.objective import make_objective
from verifier.paths.curves.dss import dss
from verifier.paths.curves.torch_objective import TorchObjective
from verifier.training.train import train_network

SETTINGS = (("paper-moons", "squared"), ("paper-breast-cancer", "logistic"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=2)
    pairs = parser.parse_args().pairs
    print("data, width | segments, pieces | sampling CPU s | certifying CPU s | ratio | certified / sampled - 1")
    for data, loss in SETTINGS:
        dataset = load_data(data)
        objective = make_objective(loss)
        y = objective.loss.encode(dataset)
        for width in (20, 200):
            ratios = []
            for k in range(pairs):
                A, B = (train_network(dataset, width, loss, seed=2 * k + i, protocol="paper").network for i in range(2))
                string = dss(A, B, Risk(objective, dataset.X, y))
                vertices = list(string.path.vertices())
                evaluator = TorchObjective(Risk(objective, dataset.X, y))
                start = time.process_time()
                sampled = max(float(evaluator.segment_values(v, w, 200).max()) for v, w in itertools.pairwise(vertices))
                sampling = time.process_time() - start
                problem = kernel_problem(A, B, Risk(objective, dataset.X, y))
                start = time.process_time()
                path = elaborate_path(problem, string.path, relative=1e-6, most_pieces=4096)
                certifying = time.process_time() - start
                pieces = sum(1 if m.breakpoints is None else len(m.breakpoints) + 1 for m in path.claim.moves)
                ratios.append(certifying / sampling)
                print(
                    f"{data}, {width} | {len(vertices) - 1}, {pieces} | {sampling:.2f} | {certifying:.2f} | {ratios[-1]:.1f} | "
                    f"{path.claim.sup / sampled - 1:.1e}",
                    flush=True,
                )
            print(f"    median ratio {median(ratios):.1f}", flush=True)


if __name__ == "__main__":
    main()
