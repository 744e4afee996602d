"""Exact landscapes: cells per second, growth with N and m, and pairs in landscapes too large for a tree.

    OMP_NUM_THREADS=1 python -m benchmarks.landscape [--quick]

Ratios are within one run, CPU seconds of one process with one BLAS thread. Targets: N = 8, m = 3 (32,768 cells) in 10 s, N = 20, m = 2 in 3 s.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from verifier.landscape.faces import FaceValues
from verifier.landscape.gap import exact_gap
from verifier.landscape.minima import minimum_network
from verifier.landscape.setting import LandscapeSetting, make_setting
from verifier.landscape.tree import merge_tree
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective

TREES = [(5, 2, 0.0), (10, 2, 0.0), (20, 2, 0.0), (5, 3, 0.0), (8, 3, 0.0), (10, 3, 0.0), (5, 2, 0.05), (8, 2, 0.05)]
PAIRS = [(10, 5, 0.0, 3), (12, 6, 0.0, 1), (20, 5, 0.0, 0), (30, 4, 0.0, 0), (10, 5, 0.02, 1)]


def instance(seed: int, N: int, m: int, kappa: float) -> LandscapeSetting:
    rng = np.random.default_rng(seed)
    x, y = np.sort(rng.uniform(-1, 1, N)), rng.normal(size=N)
    return make_setting(Risk(make_objective("squared", kappa=kappa), x[:, None], y[:, None]), m)


def descended(setting: LandscapeSetting, values: FaceValues, rng: np.random.Generator) -> Network:
    """A local minimum over neighbouring cells: from a random cell, always to the neighbour with the lowest minimum."""
    cell = tuple(rng.integers(0, setting.neurons.count, setting.width).tolist())
    while True:
        ways = [
            (*cell[:i], to, *cell[i + 1 :])
            for i, code in enumerate(cell)
            for to in (*(t for _, t in setting.neurons.crossings[code]), code ^ 1)
        ]
        best = min(ways, key=lambda c: values.value(values.face(c)))
        if values.value(values.face(best)) >= values.value(values.face(cell)) * (1 - 1e-9):
            return minimum_network(values, np.array(cell))
        cell = best


def trees() -> None:
    print("N  m  kappa  cells  programs  CPU s  cells/s  us/program  minima  largest gap")
    for N, m, kappa in TREES:
        start = time.process_time()
        tree = merge_tree(instance(0, N, m, kappa))
        spent = time.process_time() - start
        print(
            f"{N}  {m}  {kappa:g}  {tree.cell_count:,}  {tree.programs:,}  {spent:.2f}  {tree.cell_count / spent:,.0f}  "
            f"{1e6 * spent / tree.programs:.0f}  {len(tree.values)}  {tree.largest_gap[0]:.5g}",
            flush=True,
        )


def pairs(most_cells: int) -> None:
    print(
        "N  m  kappa  cells of the landscape  E  bracket of the pass  closed  visited  programs  CPU s  component  faces"
    )
    for N, m, kappa, seed in PAIRS:
        setting = instance(seed, N, m, kappa)
        values, rng = FaceValues(setting), np.random.default_rng(seed)
        nets = sorted((descended(setting, values, rng) for _ in range(6)), key=setting.value)
        start = time.process_time()
        found = exact_gap(nets[0], nets[1], setting.risk, most_cells=most_cells)
        spent, barrier = time.process_time() - start, found.barrier()
        sizes = "–  –" if barrier is None else f"{len(barrier.cells)}  {len(barrier.faces)}"
        print(
            f"{N}  {m}  {kappa:g}  {setting.cells:.1e}  {found.E:.6g}  [{found.lower:.8g}, {found.upper:.8g}]  {found.closed}  "
            f"{found.visited}  {found.programs}  {spent:.2f}  {sizes}",
            flush=True,
        )


if __name__ == "__main__":
    trees()
    pairs(2_000 if "--quick" in sys.argv else 20_000)
