"""Homotopy drop (docs/constructions.md, section 1): where dropping a row at fixed rows costs too much, let all rows and heads adapt while it fades.

A quadratic pressure on one neuron's product |wt_i| |theta_i| is raised step by step, everything else minimises under it, and every step is a chord.
The pass is then about a local minimum with m - 1 *trained* neurons instead of m - 1 given ones.
"""

from __future__ import annotations

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.endpoints import default_target, require_one_hidden_layer
from verifier.paths.exchange.descent import network_at, value_and_gradient
from verifier.paths.exchange.proposition_x import exchange_between
from verifier.paths.path import Move, Path
from verifier.programs import fast_head
from verifier.programs.elimination import removal_costs

Array = np.ndarray


def rescaled(network: Network, lengths: Array) -> Network:
    """Rows brought back to the given lengths, heads scaled inversely: the same function up to rounding."""
    rows = augmented_rows(network)
    now = np.linalg.norm(rows, axis=1)
    factor = np.where((now > 0) & (lengths > 0), lengths / np.where(now > 0, now, 1.0), 1.0)
    rows = rows * factor[:, None]
    W, b = (rows, None) if network.b is None else (rows[:, :-1], rows[:, -1])
    return network.replace(1, W, b).replace(-1, network.theta / factor)


def drop(network: Network, i: int, risk: Risk, *, stages: int = 14, steps: int = 40) -> Path:
    """From `network` to a network whose neuron i is dead and whose others have adapted.

    The last two moves are head moves: neuron i's coefficient to exactly 0, then the best head on the other rows. Under l1 rows keep their lengths.
    """
    from scipy.optimize import minimize

    inputs = augmented_inputs(risk.X, network.b is not None)
    lengths = np.maximum(np.linalg.norm(augmented_rows(network), axis=1), 1e-12)
    m = network.W.shape[0]
    at, moves = network, []
    mass = lengths[i] * float(np.linalg.norm(network.theta[:, i]))
    pressure = 1e-2 * max(risk.value(network), 1e-6) / max(mass**2, 1e-12)
    for stage in range(stages):
        extra = np.zeros(m)
        extra[i] = pressure * 3.0**stage
        x = np.concatenate([augmented_rows(at).ravel(), at.theta.ravel(), *([] if at.c is None else [at.c])])
        found = minimize(
            value_and_gradient, x, args=(network, risk.objective, inputs, risk.targets, lengths, extra), jac=True, method="L-BFGS-B",
            options={"maxiter": steps},
        )  # fmt: skip
        new = network_at(found.x, network)
        at = rescaled(new, lengths) if risk.objective.penalty == "l1" else new
        moves.append(Move(at, f"homotopy: neuron {i} fades, stage {stage + 1}"))
        if np.linalg.norm(augmented_rows(at)[i]) * np.linalg.norm(at.theta[:, i]) < 1e-6 * mass:
            break
    theta = at.theta.copy()
    theta[:, i] = 0.0
    at = at.replace(-1, theta)
    moves.append(Move(at, f"homotopy: neuron {i} is dropped"))
    keep = np.delete(np.arange(m), i)
    h, c, _ = fast_head(
        at.features(risk.X)[:, keep],
        risk.targets,
        risk.objective,
        risk.objective.row_prices(at)[keep],
        at.c is not None,
        warm=(theta[:, keep], at.c),
    )
    theta = np.zeros_like(theta)
    theta[:, keep] = h
    moves.append(Move(at.replace(-1, theta, c), "homotopy: best head on the other rows"))
    return Path("homotopy", network, tuple(moves))


def best_drop(network: Network, risk: Risk, *, target: float, tries: int = 4) -> Path:
    """The drop with the least largest vertex value among the `tries` rows that are cheapest to remove; stops at the first within target."""
    costs, _ = removal_costs(network.features(risk.X), risk.targets, risk.objective, network.theta, network.c)
    best, least = None, np.inf
    for i in np.argsort(costs)[:tries]:
        path = drop(network, int(i), risk)
        top = max(risk.path_value(m.to) for m in path.moves)
        if top < least:
            best, least = path, top
        if least <= target:
            break
    assert best is not None  # a network has at least one neuron
    return best


def homotopy_exchange(A: Network, B: Network, risk: Risk, *, target: float | None = None) -> Path:
    """A and B each drop one neuron by homotopy, exchange joins what is left, and B's drop is walked backwards.

    Notes: exchange's, between the dropped networks. target: E less a margin by default.
    Raises UsageError for deep networks or different architectures.
    """
    require_one_hidden_layer("homotopy", A, B)
    if target is None:
        target = default_target(A, B, risk)
    left, right = (best_drop(n, risk, target=target) for n in (A, B))
    aim = max(target, *(risk.path_value(p.end) for p in (left, right)))
    path = exchange_between(left, right, risk, target=aim, method="homotopy")
    path.notes["drop_moves"] = len(left.moves) + len(right.moves)
    return path
