"""Whether a claim about barriers, regions or ranks is false, by other means than the kernel's: searches over paths, solvers, sampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from verifier.errors import VerifierError
from verifier.landscape.gap import exact_gap
from verifier.networks.network import Network
from verifier.objective import make_objective
from verifier.regions.arrangement import make_arrangement
from verifier.regions.program import make_program
from verifier.regions.rank import region_rank
from verifier.regions.solve import solve

SLACK = 1e-7


def false_barrier(problem: Any, claim: Any) -> str | None:
    """A path that stays below the level: the straight line, the way through 0, or the best one the exact search finds."""
    o = problem.objective
    try:
        objective = make_objective(
            o.loss,
            delta=o.delta,
            kappa=o.kappa,
            penalty=None if o.penalty == "none" else o.penalty,
            penalise_output_bias=o.penalise_output_bias,
        )
    except VerifierError as error:
        return f"no objective: {error}"
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    E = max(objective.value(n, problem.X, problem.targets) for n in (A, B))
    # Every path reaches E, so that a gap of 0 is true whatever the level.
    if claim.gap > max(0.0, claim.level - E) + SLACK * abs(E) + 1e-12:
        return f"gap {claim.gap} with level {claim.level} and E = {E}"
    if claim.level <= E:
        return None
    best = _through_zero(A, B, objective, problem)
    if best < claim.level * (1 - SLACK):
        return f"a path through 0 stays below {best}"
    try:
        found = exact_gap(A, B, objective, problem.X, problem.targets, output_layer=claim.output_layer)
    except VerifierError:
        return None
    return f"a path stays below {found.upper}" if found.upper < claim.level * (1 - SLACK) else None


def _through_zero(A: Network, B: Network, objective: Any, problem: Any) -> float:
    """Largest of sampled F along A, A without its head, B without its head, B."""
    worst = -np.inf
    for net in (A, B):
        for t in np.linspace(0, 1, 60):
            faded = net.replace(-1, net.theta * t, net.c)
            worst = max(worst, objective.path_value(faded, problem.X, problem.targets))
    if A.c is not None and B.c is not None:
        for t in np.linspace(0, 1, 60):
            faded = A.replace(-1, 0 * A.theta, A.c + t * (B.c - A.c))
            worst = max(worst, objective.path_value(faded, problem.X, problem.targets))
    return worst


def false_region(problem: Any, claim: Any) -> str | None:
    arrangement = make_arrangement(problem.X, problem.A.biases[0] is not None)
    try:
        value = solve(make_program(arrangement, claim.head, claim.pattern, problem.targets[:, 0]), "cvxpy").value
    except VerifierError as error:
        return f"no region: {error}" if claim.verdict == "zero_inside" else None
    size = 1e-6 * max(1.0, float(np.mean(problem.targets**2)))
    if claim.lower > value + size:
        return f"the minimum is about {value}, below the lower end"
    if claim.upper < value - size:
        return f"the minimum is about {value}, above the upper end"
    return None


def false_rank(problem: Any, claim: Any) -> str | None:
    found = region_rank(make_arrangement(problem.X, problem.A.biases[0] is not None), claim.pattern)
    return f"full is {found.full}" if found.full is not None and found.full != claim.full else None


def true_margin(problem: Any, claim: Any) -> float:
    """The statement's two sides in plain numpy; for proofs by duals the best of a fine search."""
    X, y, A, B = problem.X, problem.targets[:, 0], problem.A, problem.B
    theta, kappa = A.weights[1][0], problem.objective.kappa
    shift = lambda p: 0.0 if p.biases[0] is None else p.biases[0]
    Z = np.maximum(X @ A.weights[0].T + shift(A), 0.0)
    V = np.maximum(X @ B.weights[0].T + shift(B), 0.0)
    loss = {"logistic": lambda f: np.logaddexp(0.0, -y * f), "absolute": lambda f: np.abs(f - y)}[
        problem.objective.loss
    ]
    F = lambda h: loss(Z @ h).mean() + kappa * np.abs(h).sum()
    if claim.statement == "lemma1.grad":
        d = -y / (1 + np.exp(y * (Z @ theta))) if problem.objective.loss == "logistic" else np.sign(Z @ theta - y)
        return np.abs(Z.T @ d / len(y)).max() - 1.0
    if claim.statement == "lemma1.zero":
        return F(0 * theta) - F(theta) if kappa >= 1.0 else -np.inf
    if claim.statement == "lemma1.norm":
        assert Z.shape[1] == 1
        return min(F(np.array([h])) for h in np.linspace(-1 / kappa, 1 / kappa, 2001)) - F(theta)
    if claim.statement == "t2.norm":
        return np.linalg.norm(X, axis=1).mean() - np.linalg.norm(X.T @ X / len(X), 2) ** 0.5
    if claim.statement == "t2.identity":
        t, g = claim.time, B.weights[1][0]
        rows = (1 - t) * A.weights[0] + t * B.weights[0]
        M = np.maximum(X @ rows.T + (1 - t) * shift(A) + t * shift(B), 0.0)
        both = (1 - t) * theta + t * g
        left = np.abs(M @ both - (1 - t) * Z @ theta - t * V @ g).mean()
        return abs(left - np.abs((M - Z) @ both).mean())
    if claim.statement in ("t2.segment", "t2.C"):
        t, g, L = claim.time, B.weights[1][0], 1.0
        rows = (1 - t) * A.weights[0] + t * B.weights[0]
        M = np.maximum(X @ rows.T + (1 - t) * shift(A) + t * shift(B), 0.0)
        off = loss(M @ ((1 - t) * theta + t * g)).mean() - loss((1 - t) * Z @ theta + t * V @ g).mean()
        full = [p.weights[0] if p.biases[0] is None else np.column_stack([p.weights[0], p.biases[0]]) for p in (A, B)]
        unit = [r / np.linalg.norm(r, axis=1, keepdims=True) for r in full]
        alpha = np.arccos(np.clip((unit[0] * unit[1]).sum(axis=1), -1, 1)).max()
        inputs = X if A.biases[0] is None else np.column_stack([X, np.ones(len(X))])
        spread = np.linalg.norm(inputs.T @ inputs / len(X), 2) ** 0.5
        if claim.statement == "t2.segment":
            return abs(off) - L * alpha * spread * np.abs((1 - t) * theta + t * g).sum()
        for features, head in ((Z, theta), (V, g)):
            assert features.shape[1] == 1
            here = loss(features @ head).mean() + kappa * np.abs(head).sum()
            there = min(loss(features @ np.array([h])).mean() + kappa * abs(h) for h in np.linspace(-400, 400, 80001))
            if here > there + 1e-9:
                return -np.inf  # not a best head
        return off - L * L * alpha * spread / kappa
    groups = {}
    for k, row in enumerate(X.tolist()):
        groups.setdefault(tuple(row), []).append(k)
    values = np.linspace(-30, 30, 6001)[:, None]
    with np.errstate(all="ignore"):
        each = np.logaddexp(0.0, -y * values) if problem.objective.loss == "logistic" else np.abs(values - y)
    return sum(each[:, g].sum(axis=1).min() for g in groups.values()) / len(y)


def false_violation(problem: Any, claim: Any) -> str | None:
    if problem.objective.loss not in ("logistic", "absolute"):
        return None
    true = true_margin(problem, claim)
    return None if claim.margin <= true * (1 + SLACK) + 1e-12 else f"the margin is about {true}"
