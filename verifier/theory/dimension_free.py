"""Dimension-free values of the later versions by T2's author (2026-08; docs/constructions.md, section 4)."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Objective, Risk
from verifier.theory.bounds import (
    AprioriBound,
    HasNotes,
    Hypothesis,
    convex_loss,
    finite_or_none,
    l1_penalty,
    lipschitz_constant,
    lipschitz_loss,
    no_output_bias,
    number,
    positive_kappa,
    second_moment_norm,
    unit_rows,
)

Array = np.ndarray
SOURCE = "Baturin, version of 2026-08 (docs/constructions.md, section 4)"


def _model(objective: Objective, networks: tuple[Network, ...]) -> tuple[Hypothesis, ...]:
    K = networks[0].theta.shape[0]
    return (
        convex_loss(objective),
        lipschitz_loss(objective, K),
        positive_kappa(objective),
        l1_penalty(objective, networks),
        unit_rows(networks),
        no_output_bias(networks),
        Hypothesis("one output", K == 1, f"K = {K}"),
    )


def sparsification_barrier(
    A: Network,
    B: Network,
    objective: Objective,
    X: Array,
    *,
    level: float,
    l: int,
    e_l: float,
    risk_lower_bound: float = 0.0,
) -> AprioriBound:
    """Barrier over `level`: max{ L D_X (level - R) / (kappa sqrt(m - l)), (e(l) - level)_+ }, D_X = sqrt|Sigma|.

    e_l: value of an l-neuron network. risk_lower_bound: R, a lower bound of the mean loss (0 holds for every loss here).
    """
    m, K = A.W.shape[0], A.theta.shape[0]
    L, D = lipschitz_constant(objective, K), math.sqrt(second_moment_norm(X, A.b is not None))
    value = math.inf
    if objective.kappa > 0 and l < m:
        first = L * D * (level - risk_lower_bound) / (objective.kappa * math.sqrt(m - l))
        value = max(first, max(e_l - level, 0.0)) if not math.isnan(first) else math.inf
    size = Hypothesis("1 <= l < m", 1 <= l < m, f"l = {l}, m = {m}")
    above = Hypothesis(
        "the level is at least R", level >= risk_lower_bound, f"{level:.6g} against {risk_lower_bound:.6g}"
    )
    return AprioriBound(
        f"dimension-free barrier, l = {l}",
        SOURCE,
        finite_or_none(value),
        (*_model(objective, (A, B)), size, above),
        "an excess over the level",
        excess=True,
    )


def pruning_cost(network: Network, objective: Objective, X: Array, *, l: int) -> AprioriBound:
    """Cost of removing the l neurons of smallest mass: (L D_X - kappa)_+ (l / m) |theta|_1."""
    m, K = network.W.shape[0], network.theta.shape[0]
    L, D = lipschitz_constant(objective, K), math.sqrt(second_moment_norm(X, network.b is not None))
    value = (
        math.nan if math.isnan(L) else max(L * D - objective.kappa, 0.0) * l / m * float(np.abs(network.theta).sum())
    )
    size = Hypothesis("0 <= l <= m", 0 <= l <= m, f"l = {l}, m = {m}")
    return AprioriBound(
        f"smallest-mass pruning, l = {l}",
        SOURCE,
        finite_or_none(value),
        (*_model(objective, (network,)), size),
        "an excess over the network's own value",
        excess=True,
    )


def connected_sublevel_sets(A: Network, B: Network, objective: Objective, X: Array) -> AprioriBound:
    """If kappa >= L D_X every sublevel set is connected: barrier 0. The value is None when the condition fails."""
    K = A.theta.shape[0]
    L, D = lipschitz_constant(objective, K), math.sqrt(second_moment_norm(X, A.b is not None))
    met = None if math.isnan(L) else bool(objective.kappa >= L * D)
    condition = Hypothesis("kappa >= L D_X", met, f"kappa = {objective.kappa:g}, L D_X = {L * D:.6g}")
    return AprioriBound(
        "connected sublevel sets",
        SOURCE,
        0.0 if met else None,
        (*_model(objective, (A, B)), condition),
        "an excess",
        excess=True,
    )


def dimension_free_bounds(A: Network, B: Network, risk: Risk, best: HasNotes) -> list[AprioriBound]:
    """The barrier over E with l and e(l) of a T2 path, pruning l neurons from either network, and the connectedness test."""
    l, e_l = int(number(best.notes, "l")), number(best.notes, "e_l")
    E = max(risk.value(A), risk.value(B))
    pruned = [
        replace(pruning_cost(n, risk.objective, risk.X, l=l), name=f"smallest-mass pruning of {letter}, l = {l}")
        for letter, n in (("A", A), ("B", B))
    ]
    barrier = sparsification_barrier(A, B, risk.objective, risk.X, level=E, l=l, e_l=e_l)
    return [barrier, *pruned, connected_sublevel_sets(A, B, risk.objective, risk.X)]
