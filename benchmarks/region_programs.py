"""Region programs of trained networks: certified width, CPU seconds against the targets and against the estimate made before solving.

    python -m benchmarks.region_programs            the route each program takes by itself
    python -m benchmarks.region_programs --cvxpy    also CVXPY with Clarabel, where it is estimated at a minute at most
    python -m benchmarks.region_programs --descent  descent by region programs against L-BFGS, and against Adam for as long as the programs took

Targets: relative width 1e-6 (width 200: 1e-5); width 20 at most 1 s CPU, width 200 at most 8 s, digits with ten classes at most 10 s.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass

from verifier.objective import Risk

os.environ.setdefault("OMP_NUM_THREADS", "1")

from verifier.data.load import load_data
from verifier.elaboration.claims import kernel_problem
from verifier.elaboration.regions import region_claim
from verifier.kernel import check
from verifier.paths.exchange.descent import descend
from verifier.paths.regions.descent import region_descent
from verifier.programs.region import region_cost, solve_region
from verifier.programs.region.size import CVXPY
from verifier.training.train import train_network


@dataclass(frozen=True)
class Case:
    """A network to train, and what its region program may cost."""

    data: str
    width: int
    loss: str
    options: dict[str, object]
    most_seconds: float
    most_width: float


PATH = {"protocol": "default", "kappa": 1e-3, "penalty": "path", "epochs": 500}
DECAY = {**PATH, "penalty": "weight_decay"}
FREE = {"protocol": "default", "epochs": 500}
CASES = {
    "Moons 20, path": Case("paper-moons", 20, "squared", PATH, 1.0, 1e-6),
    "Moons 20, no penalty": Case("paper-moons", 20, "squared", FREE, 1.0, 1e-6),
    "Moons 20, hinge": Case("paper-moons", 20, "hinge", PATH, 1.0, 1e-6),
    "Breast Cancer 20, path": Case("paper-breast-cancer", 20, "logistic", PATH, 1.0, 1e-6),
    "Breast Cancer 20, weight decay": Case("paper-breast-cancer", 20, "logistic", DECAY, 1.0, 1e-6),
    "Breast Cancer 20, l1": Case("paper-breast-cancer", 20, "logistic", {"protocol": "paper"}, 1.0, 1e-6),
    "Moons 200, path": Case("paper-moons", 200, "squared", PATH, 8.0, 1e-5),
    "Breast Cancer 200, path": Case("paper-breast-cancer", 200, "logistic", PATH, 8.0, 1e-5),
    "Breast Cancer 200, weight decay": Case("paper-breast-cancer", 200, "logistic", DECAY, 8.0, 1e-5),
    "Breast Cancer 200, l1": Case("paper-breast-cancer", 200, "logistic", {"protocol": "paper"}, 8.0, 1e-5),
    "Moons 200, hinge": Case("paper-moons", 200, "hinge", PATH, 8.0, 1e-5),
    "Moons 200, absolute": Case("paper-moons", 200, "absolute", PATH, 8.0, 1e-5),
    "Breast Cancer 200, hinge": Case("paper-breast-cancer", 200, "hinge", PATH, 8.0, 1e-5),
    "Breast Cancer 200, absolute, weight decay": Case("paper-breast-cancer", 200, "absolute", DECAY, 8.0, 1e-5),
    "digits 32, path": Case("digits", 32, "cross_entropy", PATH, 10.0, 1e-6),
    "digits 32, no penalty": Case("digits", 32, "cross_entropy", FREE, 10.0, 1e-6),
}
LONGEST_CVXPY = 60.0


def run(name: str, case: Case, cvxpy: bool) -> bool:
    """Print a row per route; whether the route taken by itself keeps the targets."""
    data = load_data(case.data)
    trained = train_network(data, case.width, case.loss, seed=0, **case.options)  # type: ignore[arg-type]
    network, o = trained.network, trained.objective
    y = o.loss.encode(data)
    problem = kernel_problem(network, network, Risk(o, data.X, y))
    size, kept = region_cost(network, Risk(o, data.X, y)), True
    routes = ["auto", *(["CLARABEL"] if cvxpy and size.route != CVXPY and size.cvxpy_seconds <= LONGEST_CVXPY else [])]
    for route in routes:
        program = solve_region(network, Risk(o, data.X, y), solver=route)
        start = time.process_time()
        claim = region_claim(problem, program, "r", of="A")
        if not check(problem, claim).accepted:
            raise SystemExit("the kernel rejects the claim")
        checking = time.process_time() - start
        width = (claim.upper - claim.lower) / claim.upper
        estimate = size.seconds if route == "auto" else size.cvxpy_seconds
        good = width <= case.most_width and program.seconds <= case.most_seconds
        kept = kept and (good or route != "auto")
        drop = 100 * program.drop / program.F
        print(
            f"{name} | {program.solver}, {program.status} | {size.variables} | {size.constraints} | {program.tight_constraints} | {drop:.2f} % | "
            f"{width:.1e} | {program.seconds:.2f} | {estimate:.2f} | {checking:.2f} | {'yes' if good else 'NO'}",
            flush=True,
        )
    return kept


DESCENTS = ("Moons 20, path", "Breast Cancer 20, path", "Breast Cancer 200, path", "digits 32, path")


def descents(name: str, case: Case, seconds: float) -> None:
    """Print F at the start and at the ends of the three, with CPU seconds."""
    data = load_data(case.data)
    trained = train_network(data, case.width, case.loss, seed=0, **case.options)  # type: ignore[arg-type]
    network, o = trained.network, trained.objective
    y = o.loss.encode(data)
    start = time.process_time()
    path = region_descent(network, Risk(o, data.X, y), seconds=seconds)
    spent = time.process_time() - start
    start = time.process_time()
    newton = descend(network, Risk(o, data.X, y), o.value(network, data.X, y), iterations=2000)
    middle = time.process_time()
    # Training from scratch by Adam, with the epochs that the same CPU time pays for.
    train_network(data, case.width, case.loss, seed=0, **{**case.options, "epochs": 200})  # type: ignore[arg-type]
    epochs = max(500, int(200 * spent / (time.process_time() - middle)))
    longer = train_network(data, case.width, case.loss, seed=0, **{**case.options, "epochs": epochs})  # type: ignore[arg-type]
    values = [o.value(v, data.X, y) for v in (network, path.end, newton.end, longer.network)]
    print(
        f"{name} | {values[0]:.6g} | {values[1]:.6g} ({path.notes['programs']} programs, {spent:.1f} s, stationary: {path.notes['stationary']}) | "
        f"{values[2]:.6g} ({middle - start:.1f} s) | {values[3]:.6g} ({epochs} epochs)",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cvxpy", action="store_true", help="also CVXPY where another route is taken")
    parser.add_argument("--descent", action="store_true", help="descents instead")
    args = parser.parse_args()
    import cvxpy  # noqa: F401  (its import is no program's time)

    if args.descent:
        print("network | F trained | region descent | L-BFGS | Adam from scratch in the time of the region descent")
        for name in DESCENTS:
            descents(name, CASES[name], 100.0)
        return
    print(
        "network | solver, status | variables | sign constraints | active | F falls by | relative width | CPU s | estimated | claim and check s | in target"
    )
    missed = [name for name, case in CASES.items() if not run(name, case, args.cvxpy)]
    print(f"targets missed: {', '.join(missed) or 'none'}")


if __name__ == "__main__":
    main()
