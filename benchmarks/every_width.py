"""F from below for every width: how near to the best network found, at what CPU cost. `python -m benchmarks.every_width`.

Each line: the certified bound, the best F known (trained networks and what the search passed), their relative distance, and CPU seconds of search, fast check
and reference check.
"""

from __future__ import annotations

import time

from verifier.data.load import load_data
from verifier.elaboration.claims import kernel_problem
from verifier.elaboration.every_width import every_width_claim
from verifier.kernel import check
from verifier.objective import Risk
from verifier.programs.every_width import solve_every_width
from verifier.training.train import train_network

CASES = (
    ("paper-moons", "squared", 200, 1e-3, 15.0),
    ("paper-moons", "logistic", 200, 1e-3, 20.0),
    ("paper-breast-cancer", "logistic", 200, 0.1, 0.0),
    ("paper-breast-cancer", "logistic", 200, 0.01, 0.0),
    ("paper-breast-cancer", "logistic", 200, 1e-3, 0.0),
)


def main() -> None:
    for name, loss, width, kappa, seconds in CASES:
        data = load_data(name, loss=loss)
        trained = [train_network(data, width, loss, seed=s, kappa=kappa, penalty="path") for s in (0, 1)]
        o, networks = trained[0].objective, [t.network for t in trained]
        targets = o.loss.encode(data)
        found = solve_every_width(networks, Risk(o, data.X, targets), seconds=seconds)
        problem = kernel_problem(networks[0], networks[1], Risk(o, data.X, targets))
        claim = every_width_claim(problem, found)
        known = min(found.primal, *(o.value(n, data.X, targets) for n in networks))
        spent = []
        for evaluation in ("fast", "reference"):
            start = time.process_time()
            assert check(problem, claim, evaluation=evaluation).accepted
            spent.append(time.process_time() - start)
        print(
            f"{name}, {loss}, kappa {kappa:g}: {claim.lower:.7f} <= F, best known {known:.7f}, {100 * (1 - claim.lower / known):.2f} % apart; "
            f"search {found.seconds:.1f}, fast {spent[0]:.2f}, reference {spent[1]:.2f} CPU s",
            flush=True,
        )


if __name__ == "__main__":
    main()
