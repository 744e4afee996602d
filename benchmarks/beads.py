"""DSS with one hidden layer as it is, against torch's autograd for steps of beads and a forward pass per point of grids, in one run.

    python -m benchmarks.beads [--steps 150] [--depth 3]

CPU seconds of one process with one BLAS thread, both ways alternating; ratios carry over to other machines. Per setting a step of a bead, a grid
of 200 points (between beads trained from the thirds of the straight line), and a whole search to the given depth, on the first of the paper's pairs.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

from verifier.data.load import load_data
from verifier.networks.network import Network, linear_combination
from verifier.objective import Risk
from verifier.paths.curves.beads import TorchBead
from verifier.paths.curves.dss import custom, dss
from verifier.paths.curves.dss_runner import PublishedRunner, Runner
from verifier.paths.curves.torch_objective import TorchObjective
from verifier.sweep.plan import paper_pairs
from verifier.training.train import isolated, train_network

SETTINGS = (("paper-moons", "squared"), ("paper-breast-cancer", "logistic"))
HEAD = "data, width, preset | ms a step before, now, ratio | ms a grid | CPU s of a search | hit, segments and exceedance before, now"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150, help="that are timed")
    parser.add_argument("--depth", type=int, default=3, help="of the searches")
    args = parser.parse_args()
    print(HEAD)
    for data, loss in SETTINGS:
        dataset = load_data(data, loss=loss)
        for width in (20, 200):
            A, B = (train_network(dataset, width, loss, seed=s, protocol="paper") for s in paper_pairs(width, 1)[0])
            risk = Risk(A.objective, dataset.X, A.objective.loss.encode(dataset))
            for preset in ("paper", "plain"):
                with isolated(0):
                    print(f"{data}, {width}, {preset} | {row(A.network, B.network, risk, preset, args)}", flush=True)


def row(A: Network, B: Network, risk: Risk, preset: str, args: argparse.Namespace) -> str:
    kind = PublishedRunner if preset == "paper" else Runner
    runner = kind(risk, custom(preset, epochs=args.steps), 0, "cpu", A, math.inf)
    thirds = [linear_combination(A, B, t) for t in (1 / 3, 2 / 3)]
    step, grid, search = [], [], []
    for way in 3 * [before, now]:
        with way():
            spent, beads = timed(lambda: [runner.train(n, -math.inf) for n in thirds])
            step.append(1e3 * spent / (2 * args.steps))
            grid.append(1e3 * timed(lambda b=beads: [runner.grid_values(*b) for _ in range(10)])[0] / 10)
    for way in (before, now):
        with way():
            search.append(timed(lambda: dss(A, B, risk, preset=custom(preset, depth=args.depth))))
    found = "; ".join(f"{r.hit}, {len(r.path.moves)}, {r.maximum - r.level:.3g}" for _, r in search)
    return " | ".join([*(ratio(min(t[::2]), min(t[1::2])) for t in (step, grid, [s for s, _ in search])), found])


def ratio(slow: float, fast: float) -> str:
    return f"{slow:.3g}, {fast:.3g}, {slow / fast:.1f}"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


@contextmanager
def now() -> Iterator[None]:
    yield


@contextmanager
def before() -> Iterator[None]:
    """Autograd for every step, all points in the preset's precision, each by a forward pass."""

    def bead(self: Runner, network: Network) -> TorchBead:
        return TorchBead(self, network, self.preset.lr, self.preset.plateau_factor)

    def way(self: TorchObjective, start: Network, end: Network, points: int) -> tuple[Any, int]:
        return self._deep, -(-points // max(1, 2**20 // (len(self.X) * max(start.widths[1:]))))

    def grid(self: PublishedRunner, start: Network, end: Network) -> Any:
        return self.single_values(start, end, self.times(self.preset.grid))

    with (
        patch.object(Runner, "bead", bead),
        patch.object(TorchObjective, "_way", way),
        patch.object(PublishedRunner, "grid_values", grid),
    ):
        yield


if __name__ == "__main__":
    main()
