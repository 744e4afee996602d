"""How wide the kernel's enclosures of F are with depth, and what they cost beside a plain float64 forward pass in the same run (docs/deep.md).

    python -m benchmarks.enclosures             random 784-245x10-10 (N = 5,000), one hidden layer, trained digits of depth 10, 15, 20; minutes
    python -m benchmarks.enclosures --quick     without the trained ones
    python -m benchmarks.enclosures --reference also the reference evaluation, on 100 samples

CPU seconds are the least of three runs. Widths are relative to the loss where networks are trained. No network's number is stored anywhere.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from flint import ctx

from tests.kernel.deep_problems import plain, problem_of, random_problem, trained_digits
from verifier.kernel.fast.forward import objective_at
from verifier.kernel.reference.objective import endpoint_value
from verifier.kernel.statements import Problem


def least_seconds(run: Callable[[], object], times: int = 3) -> float:
    spent = []
    for _ in range(times):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return min(spent)


def row(name: str, problem: Problem, reference: bool) -> None:
    p = problem.A
    loss, cost = plain(problem, p), least_seconds(lambda: plain(problem, p))
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            F, spent = objective_at(problem, p), least_seconds(lambda: objective_at(problem, p))
    except Exception as error:
        print(f"{name:28s} loss {loss:.4g}: {error}", flush=True)
        return
    width = F.upper - F.lower
    print(
        f"{name:28s} loss {loss:.4g}  width {width:.2g} ({width / loss:.2g} relative)  plain {cost:.3f} s, kernel {spent:.3f} s, ratio {spent / cost:.2f}",
        flush=True,
    )
    if reference:
        part = problem_of(p, problem.X[:100], problem.targets[:100])
        with ctx.workprec(128):
            spent = least_seconds(lambda: endpoint_value(part, p), 1)
            ball = endpoint_value(part, p)
        print(f"{'':28s} reference, 100 samples: {spent:.2f} s, radius {float(ball.rad()):.2g}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without trained networks")
    parser.add_argument("--reference", action="store_true", help="time the reference evaluation too")
    args = parser.parse_args()
    row("random 784-245x10-10", random_problem(5000, [784, *[245] * 10, 10]), args.reference)
    row("random 64-64-10", random_problem(1797, [64, 64, 10]), args.reference)
    row("random 64-200-10", random_problem(1797, [64, 200, 10]), args.reference)
    for sizes in ([64, 20, 10], [64, 200, 10], [784, 200, 10]):
        row(f"random {'-'.join(map(str, sizes))}, 5000", random_problem(5000, sizes), args.reference)
    for depth in () if args.quick else (10, 15, 20):
        row(f"digits 64-128x{depth}-10", trained_digits(depth), args.reference)


if __name__ == "__main__":
    main()
