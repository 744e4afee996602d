"""Barriers over coarse cells between networks of one sign pattern: the bracket, its cost, and that of the checks.

    OMP_NUM_THREADS=1 python -m benchmarks.coarse_cells [--quick]

CPU seconds of one process with one BLAS thread. Pairs: the two lowest minima of these signs that L-BFGS finds from 20 random starts on Moons (noise .2,
random_state 1, standardised), width 2, path penalty; then trained networks without a penalty, heads of both signs, in the same slots; then of width 3.
Each search ends when the ends differ by 1 % of the gap, or after its seconds.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from tests.kernel.cone_barriers import minima
from tests.kernel.sign_counts import network
from tests.landscape.moons import in_slots, moons_minima, moons_pair, width_three
from verifier.elaboration import kernel_problem
from verifier.kernel import check
from verifier.landscape.coarse.pair import pair_barrier
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.cone_barrier import cone_barrier

# (samples, loss, kappa, signs, seconds).
CASES = (
    (40, "squared", 0.01, (1, 1), 240.0),
    (40, "squared", 0.01, (1, -1), 240.0),
    (100, "squared", 0.01, (1, -1), 240.0),
    (400, "squared", 0.01, (1, -1), 240.0),
    (800, "squared", 0.01, (1, 1), 240.0),
    (800, "squared", 0.01, (1, -1), 240.0),
    (40, "logistic", 0.01, (1, 1), 240.0),
    (40, "logistic", 0.01, (1, -1), 240.0),
)


# Without a penalty: (samples, L-BFGS seeds of the two minima, seconds).
TRAINED = ((40, (3, 0), 240.0), (100, (3, 2), 240.0), (400, (3, 7), 240.0), (800, (3, 0), 240.0))


# The same at width 3, 40 samples: (seeds of two minima of equal sign counts, whether B's neurons stand in slots of A's signs, seconds).
THREE = (((18, 31), False, 60.0), ((1, 3), False, 60.0), ((18, 31), True, 600.0))


def three(cases: tuple[tuple[tuple[int, int], bool, float], ...]) -> None:
    """Rows of the same table."""
    for seeds, same, seconds in cases:
        A, B, X, y = width_three(*seeds)
        name = f"width 3, seeds {seeds}, in {'the same' if same else 'other'} slots"
        row(name, A, in_slots(A, B) if same else B, Risk(make_objective("squared"), X, y), seconds)


def trained(cases: tuple[tuple[int, tuple[int, int], float], ...]) -> None:
    """Rows of the same table."""
    for N, seeds, seconds in cases:
        A, B, X, y = moons_minima(N, seeds)
        B = in_slots(A, B)
        row(f"{N}  squared  0  seeds {seeds}", A, B, Risk(make_objective("squared"), X, y), seconds)


def main(cases: tuple[tuple[int, str, float, tuple[int, ...], float], ...]) -> None:
    print(
        "N  loss  kappa  signs  E  gap between  and  ended  programs  parts  inside  ways  duals  search s  fast s  reference s"
    )
    for N, loss, kappa, signs, seconds in cases:
        _, _, X, y = moons_pair(N)
        targets = 2 * y - 1 if loss == "logistic" else y
        objective = make_objective(loss, kappa=kappa, penalty="path")
        rng = np.random.default_rng(0)
        found = minima(rng, objective, np.column_stack([X, np.ones(N)]), targets, signs, True, count=20)
        B, A = (network(u, c, list(signs), rng, True, True) for u, c, _ in found[:2])
        row(f"{N}  {loss}  {kappa:g}  {signs}", A, B, Risk(objective, X, targets), seconds)


def row(name: str, A: Network, B: Network, risk: Risk, seconds: float) -> None:
    """Search, claim and checks of one pair."""
    problem = kernel_problem(A, B, risk)
    pair = pair_barrier(A, B, risk, most_programs=10**6, seconds=seconds)
    claim, _ = cone_barrier(problem, pair, lambda text: None)
    s, E = pair.search, max(risk.value(p) for p in (A, B))
    head = f"{name}  {E:.7f}"
    if claim is None:
        print(
            f"{head}  0  {pair.upper - E:.7f}  {s.ended.value}  {s.programs}  {s.parts}  -  -  -  {s.seconds:.1f}",
            flush=True,
        )
        return
    spent = []
    for evaluation in ("fast", "reference"):
        start = time.process_time()
        assert check(problem, claim, evaluation=evaluation).accepted
        spent.append(time.process_time() - start)
    print(
        f"{head}  {claim.gap:.5g}  {pair.upper - E:.5g}  {s.ended.value}  {s.programs}  {s.parts}  {int(claim.inside.sum())}  "
        f"{len(claim.faces)}  {len(claim.nu)}  {s.seconds:.1f}  {spent[0]:.2f}  {spent[1]:.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main(CASES[:1] if "--quick" in sys.argv else CASES)
    trained(TRAINED[:1] if "--quick" in sys.argv else TRAINED)
    three(THREE[:1] if "--quick" in sys.argv else THREE)
