"""Bound F over all widths: cones where there are few, matrices in more dimensions (docs/mathematics.md, section 13)."""

from __future__ import annotations

import time

import numpy as np

from verifier.errors import UsageError
from verifier.kernel.statements.every_width import MOST_DIMENSIONS
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.programs.dual import into_domain, on_grid
from verifier.programs.every_width.columns import Search, columns_of
from verifier.programs.every_width.matrix import repaired, solve_matrix
from verifier.programs.every_width.result import EveryWidthProgram

Array = np.ndarray

COLUMNS, MATRIX = "column generation over activation patterns", "CVXPY with Clarabel"
# Column generation ends by itself; the semidefinite program of Breast Cancer (455 samples, dimension 31, one output) took 13 CPU s.
MATRIX_SECONDS, MATRIX_SAMPLES, MATRIX_DIMENSION = 13.0, 455, 31
# Share by which a dual stays below the price that was found by ascents, so that bisected cones need not become arbitrarily small.
BELOW = 1e-6


def require_priced(network: Network, objective: Objective) -> None:
    """Raise UsageError where no bound for every width exists: neurons cost nothing, or the network is no ReLU network of one hidden layer."""
    if not network.shallow or network.negative_slope:
        raise UsageError("every-width: defined for one hidden layer of ReLU")
    if objective.penalty not in ("path", "weight_decay") or objective.kappa == 0:
        raise UsageError(
            "every-width: a bound needs a price on whole neurons, penalty path or weight_decay with kappa > 0, "
            f"got {objective.penalty} with kappa {objective.kappa:g}"
        )
    if objective.weights is not None and network.c is not None and objective.bias_price == 0:
        raise UsageError(
            "every-width: sample weights and a free output bias together are not covered, as the dual's weighted sum has to be exactly 0"
        )


def every_width_cost(network: Network, X: Array) -> float:
    """About how many CPU seconds the search takes; column generation keeps to its own limit, 0 here."""
    n = X.shape[1] + (network.b is not None)
    if n <= MOST_DIMENSIONS:
        return 0.0
    return MATRIX_SECONDS * len(network.theta) * (len(X) / MATRIX_SAMPLES) * (n / MATRIX_DIMENSION) ** 2


def solve_every_width(
    networks: list[Network],
    risk: Risk,
    *,
    seconds: float = 10.0,
    tolerance: float = 1e-4,
) -> EveryWidthProgram:
    """A dual that bounds F from below at every width.

    networks: at least one, of one architecture but for the width; what column generation begins with. seconds: CPU of column generation, after which the
    best dual so far is taken. tolerance: its relative gap.

    Raises UsageError where no such bound exists (`require_priced`).
    """
    start = time.process_time()
    network = networks[0]
    require_priced(network, risk.objective)
    K = len(network.theta)
    # |theta_i|_2 of weight decay is at least |theta_i|_1 / sqrt(K).
    room = risk.objective.kappa / (np.sqrt(K) if risk.objective.penalty == "weight_decay" else 1.0)
    zero_sums = network.c is not None and risk.objective.bias_price == 0
    if every_width_cost(network, risk.X) == 0.0:
        search = Search(risk, network, room)
        c = np.zeros(K) if network.c is None else np.array(network.c)
        status, rounds = search.run(columns_of(networks, search.inputs), c, seconds=seconds, tolerance=tolerance)
        assert search.nu is not None
        exact = zero_sums and risk.objective.weights is None
        nu = on_grid(
            into_domain((1.0 - BELOW) * search.nu, risk.targets, risk.objective, zero_sums),
            risk.targets,
            risk.objective,
            exact,
        )
        # Under a lower price than its own no network's F was met.
        primal = search.primal if room == risk.objective.kappa else np.inf
        return EveryWidthProgram(nu, search.dual, primal, None, COLUMNS, status, rounds, time.process_time() - start)
    inputs = augmented_inputs(risk.X, network.b is not None)
    found = solve_matrix(risk.objective, inputs, risk.targets, K, room=room, biased=network.c is not None)
    nu, matrices = repaired(risk.objective, inputs, risk.targets, found, room=room, zero_sums=zero_sums)
    value = -float(np.mean(risk.objective.loss.scaled(risk.objective.loss.plain.conjugate(nu, risk.targets))))
    return EveryWidthProgram(nu, value, np.inf, matrices, MATRIX, found[2], 1, time.process_time() - start)
