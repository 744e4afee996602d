"""Region programs: direct routes against CVXPY with Clarabel, as ratios within one run; verdicts on random regions; counts.

    python -m benchmarks.regions [--regions 1000]

Each region is solved by all routes in turn, on a program made anew, so that a busy machine slows all of them alike.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from tests.regions.instances import kernel_problem, random_program
from verifier.kernel.check import check
from verifier.regions.arrangement import generic_count, make_arrangement
from verifier.regions.cones import enumerate_cones
from verifier.regions.decide import decide
from verifier.regions.patterns import pattern_of
from verifier.regions.program import make_program
from verifier.regions.region_claims import region_minimum_claim
from verifier.regions.solve import solve

SIZES = ((1, 10, 10), (1, 20, 60), (2, 10, 10), (2, 20, 40), (2, 50, 60), (5, 10, 6), (5, 20, 20), (5, 50, 40))


def throughput(repeats: int) -> None:
    print("d, N, m | CVXPY ms | Clarabel direct ms (ratio) | rays ms (ratio) | largest difference over mean y^2")
    for d, N, m in SIZES:
        rng = np.random.default_rng([d, N, m])
        spent: dict[str, list[float]] = {}
        worst = 0.0
        for _ in range(repeats):
            arrangement = make_arrangement(rng.uniform(-1, 1, (N, d)), True)
            W = rng.standard_normal((m, d + 1))
            pattern, _ = pattern_of(W, arrangement)
            y, head = rng.standard_normal(N), np.where(np.arange(m) % 2, -1.0, 1.0)
            values = {}
            for route in ("cvxpy", "quadratic", "rays")[: 3 if d <= 2 else 2]:
                program = make_program(arrangement, head, pattern, y, W)
                start = time.perf_counter()
                values[route] = solve(program, route).value
                spent.setdefault(route, []).append(time.perf_counter() - start)
            worst = max(worst, max(abs(v - values["cvxpy"]) for v in values.values()) / float(np.mean(y**2)))
        reference = median(spent["cvxpy"])
        shown = [f"{1e3 * median(t):.2f} ({reference / median(t):.1f}x)" for r, t in spent.items() if r != "cvxpy"]
        print(
            f"{d}, {N}, {m} | {1e3 * reference:.2f} | {' | '.join(shown + ['-'] * (2 - len(shown)))} | {worst:.1e}",
            flush=True,
        )


def verdicts(regions: int) -> None:
    rng = np.random.default_rng(2023)
    counts: Counter[str] = Counter()
    rejected, deciding, checking, widths = 0, 0.0, 0.0, []
    for _ in range(regions):
        X, bias, program = random_program(rng)
        start = time.perf_counter()
        found = decide(program)
        middle = time.perf_counter()
        rejected += not check(kernel_problem(X, program.targets, bias), region_minimum_claim(found, "r")).accepted
        checking += time.perf_counter() - middle
        deciding += middle - start
        counts[found.verdict] += 1
        if found.verdict == "undecided":
            print(f"  {found.sentence}")
        if found.verdict == "positive":
            widths.append((found.upper - found.lower) / found.upper)
    print(f"verdicts on {regions} random regions: {dict(sorted(counts.items()))}, rejected by the kernel: {rejected}")
    print(f"  {1e3 * deciding / regions:.1f} ms to decide, {1e3 * checking / regions:.1f} ms in the kernel, on average")
    print(f"  relative width of positive intervals: median {median(widths):.1e}, largest {max(widths):.1e}")


def counts() -> None:
    print("d, N | cones of one neuron with bias | Proposition 6 | s")
    for d, N in ((1, 12), (2, 12), (3, 12), (4, 12), (2, 50), (3, 25)):
        start = time.perf_counter()
        found = len(enumerate_cones(make_arrangement(np.random.default_rng(0).standard_normal((N, d)), True)).patterns)
        print(f"{d}, {N} | {found} | {generic_count(N, d + 1)} | {time.perf_counter() - start:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--regions", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    counts()
    throughput(args.repeats)
    verdicts(args.regions)


if __name__ == "__main__":
    main()
