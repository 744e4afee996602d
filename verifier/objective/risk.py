"""The regularised empirical risk: an objective on given samples, which is what networks are compared by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verifier.kernel.statements import Problem
from verifier.networks.network import Network
from verifier.objective.objective import Objective, make_objective

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Risk:
    """`F = mean loss + kappa P` on N samples (docs/certificate-v2.md, Problem), in float64.

    objective: loss, kappa and penalty; X (N, n_0); targets as the loss encodes them: (N,) or (N, K). Not copied.
    """

    objective: Objective
    X: Array
    targets: Array

    def value(self, network: Network) -> float:
        """F(network)."""
        return self.objective.value(network, self.X, self.targets)

    def path_value(self, network: Network) -> float:
        """F with the penalty in the form used inside a path; at most F."""
        return self.objective.path_value(network, self.X, self.targets)

    def value_in(self, form: str, network: Network) -> float:
        """F with weight decay as it is ("literal") or in its balanced form ("balanced")."""
        return self.path_value(network) if form == "balanced" else self.value(network)

    def loss_value(self, network: Network) -> float:
        """Mean loss of the network, without kappa P."""
        return self.objective.loss_value(network, self.X, self.targets)

    def at(self, samples: Array) -> Risk:
        """The risk on some of the samples, by index (n,)."""
        return Risk(self.objective.at(samples), self.X[samples], self.targets[samples])


def risk_of(problem: Problem) -> Risk:
    """F of a certificate, in float64."""
    o = problem.objective
    objective = make_objective(
        o.loss, delta=o.delta, kappa=o.kappa, penalty=o.penalty, penalise_output_bias=o.penalise_output_bias
    )
    return Risk(objective.weighted(problem.weights), problem.X, problem.targets)
