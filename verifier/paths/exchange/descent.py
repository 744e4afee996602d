"""Descend, then exchange (docs/constructions.md, section 1): both endpoints first follow a descent, which frees room under E.

Every step of the descent is a chord whose F stays below the target because F falls; the kernel cuts and bounds it.
"""

from __future__ import annotations

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network, linear_combination
from verifier.objective import Objective, Risk, augmented_rows
from verifier.paths.endpoints import default_target, require_one_hidden_layer
from verifier.paths.exchange.proposition_x import exchange_between
from verifier.paths.path import Move, Path
from verifier.paths.smoothed import smoothed_objective
from verifier.programs import fast_head

Array = np.ndarray


def value_and_gradient(
    x: Array,
    shape: Network,
    objective: Objective,
    inputs: Array,
    targets: Array,
    lengths: Array | None = None,
    extra: Array | None = None,
) -> tuple[float, Array]:
    """F in path form with |.| smoothed, and its gradient, at parameters x = (rows, theta, c).

    lengths (m,): under l1, price neuron i at |wt_i| / lengths_i instead of 1. The value is then l1's after every row is brought
    back to its length, and growing rows no longer voids the penalty.
    extra (m,): adds 1/2 sum_i extra_i |wt_i|^2 |theta_i|^2, the homotopy's pressure on single neurons.
    """
    m, K, d = shape.theta.shape[1], shape.theta.shape[0], inputs.shape[1]
    V, T, c = x[: m * d].reshape(m, d), x[m * d : m * d + K * m].reshape(K, m), x[m * d + K * m :]
    bias = c if shape.c is not None else np.zeros(K)
    if objective.penalty != "l1":
        lengths = np.ones(m)
    value, gV, gT, gc = smoothed_objective(
        V, T, bias, objective, inputs, targets, kappa=objective.kappa, lengths=lengths
    )
    if extra is not None:
        rows, heads = (V**2).sum(axis=1), (T**2).sum(axis=0)
        value += 0.5 * float(extra @ (rows * heads))
        gT = gT + extra * rows * T
        gV = gV + (extra * heads)[:, None] * V
    parts = [gV.ravel(), gT.ravel()] + ([gc] if shape.c is not None else [])
    return value, np.concatenate(parts)


def network_at(x: Array, shape: Network) -> Network:
    m, K = shape.theta.shape[1], shape.theta.shape[0]
    d = augmented_rows(shape).shape[1]
    V, T = x[: m * d].reshape(m, d), x[m * d : m * d + K * m].reshape(K, m)
    c = x[m * d + K * m :] if shape.c is not None else None
    if shape.b is None:
        return Network((V, T), (None, c))
    return Network((V[:, :-1], T), (V[:, -1], c))


def descend(network: Network, risk: Risk, target: float, iterations: int = 150) -> Path:
    """Best head, then L-BFGS steps as chords, thinned to few vertices, as far as sampled F stays at or below target.

    The path is empty when even the best head is above target.
    """
    from scipy.optimize import minimize

    h, c, value = fast_head(
        network.features(risk.X),
        risk.targets,
        risk.objective,
        risk.objective.row_prices(network),
        network.c is not None,
        warm=(network.theta, network.c),
    )
    if value > target:
        return Path("descent", network, ())
    start = network.replace(-1, h, c)
    inputs = augmented_inputs(risk.X, network.b is not None)
    iterates = [start]
    x0 = np.concatenate([augmented_rows(start).ravel(), h.ravel(), *([] if c is None else [c])])
    minimize(
        value_and_gradient,
        x0,
        args=(network, risk.objective, inputs, risk.targets),
        jac=True,
        method="L-BFGS-B",
        callback=lambda x: iterates.append(network_at(x, network)),
        options={"maxiter": iterations},
    )
    moves = [Move(start, "descent: best head")]
    at = 0
    while at < len(iterates) - 1:
        # The longest chord that stays below the target; the kernel decides afterwards.
        reach = len(iterates) - 1
        while reach > at and not _below(iterates[at], iterates[reach], risk, target):
            reach = at + (reach - at) // 2
        if reach == at:
            break
        moves.append(Move(iterates[reach], f"descent: step {at} to {reach}"))
        at = reach
    return Path("descent", network, tuple(moves))


def _below(v: Network, w: Network, risk: Risk, target: float) -> bool:
    """Whether F sampled on the chord stays clearly below the target, leaving room for the chord's own bound."""
    room = target - risk.path_value(v)
    return all(
        risk.path_value(linear_combination(v, w, float(t))) <= target - 0.25 * max(room, 0.0)
        for t in np.linspace(0, 1, 9)[1:]
    )


def descend_then_exchange(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    target: float | None = None,
    iterations: int = 150,
) -> Path:
    """A -> A' and B -> B' by descent, exchange between A' and B', then B's descent backwards.

    Notes are exchange's, measured between A' and B', plus descent_moves. Where neither side can descend this is exchange.
    """
    require_one_hidden_layer("descent", A, B)
    if target is None:
        target = default_target(A, B, risk)
    left = descend(A, risk, target, iterations)
    right = descend(B, risk, target, iterations)
    path = exchange_between(left, right, risk, target=target, method="descent")
    path.notes["descent_moves"] = len(left.moves) + len(right.moves)
    return path
