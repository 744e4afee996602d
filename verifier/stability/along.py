"""Test loss and test error along a certified path (N21, Figure 6): evaluated at its vertices and halfway between them, nothing certified."""

from __future__ import annotations

from dataclasses import dataclass

from verifier.data.dataset import Dataset
from verifier.kernel.statements import PathUpperBound, Problem, apply_writes
from verifier.networks.network import Network, linear_combination, network_of
from verifier.stability.measure import Judge


@dataclass(frozen=True)
class Tested:
    """position: in [0, 1], one step per move. loss, error: on test data; error None for regression."""

    position: tuple[float, ...]
    loss: tuple[float, ...]
    error: tuple[float | None, ...]


def tested_along(problem: Problem, claim: PathUpperBound, judge: Judge, test: Dataset) -> Tested:
    """On `test`, at every vertex of the claim's path and in the middle of every head move and chord; along idle and transfer moves the function is constant."""
    vertex = network_of(problem, problem.A)
    parameters, found = problem.A, [(0.0, *_test(judge, test, vertex))]
    for k, move in enumerate(claim.moves):
        parameters = apply_writes(parameters, move)
        after = network_of(problem, parameters)
        if move.kind in ("head", "chord"):
            found.append((k + 0.5, *_test(judge, test, linear_combination(vertex, after, 0.5))))
        at = found[-1][1:] if move.kind in ("idle", "transfer") else _test(judge, test, after)
        found.append((k + 1.0, *at))
        vertex = after
    count = max(1, len(claim.moves))
    return Tested(
        tuple(x / count for x, _, _ in found), tuple(loss for _, loss, _ in found), tuple(error for *_, error in found)
    )


def _test(judge: Judge, test: Dataset, network: Network) -> tuple[float, float | None]:
    return judge.tested(network.predict, test)
