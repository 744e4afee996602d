"""Polished endpoints: networks trained on towards stationarity, so that slack under E becomes visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from verifier.errors import UsageError
from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import Risk, augmented_rows
from verifier.paths.exchange.descent import network_at, value_and_gradient
from verifier.paths.exchange.homotopy import rescaled
from verifier.programs import fast_head

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Polished:
    """before, after: F in float64. gradient: Euclidean norm of its (smoothed) gradient where the search stopped. rounds: of head and L-BFGS."""

    network: Network
    before: float
    after: float
    gradient: float
    rounds: int


def polish(network: Network, risk: Risk, *, rounds: int = 6, steps: int = 2000) -> Polished:
    """Alternate the best head with L-BFGS on all parameters until F falls by less than 1e-7 relative in a round.

    One hidden layer. A ReLU network's F has kinks and flat directions, so what comes out is nearly stationary at best: `gradient` says
    how nearly. Under l1 rows could grow to void the penalty, so every row keeps the length it has in `network`.

    Raises UsageError for deep networks.
    """
    if network.geometry is not None:
        raise UsageError("polish: needs a fully connected network, and this one is convolutional")
    if network.depth != 2:
        raise UsageError(f"polish: needs one hidden layer, the network has {network.depth - 1}")
    if network.negative_slope:
        raise UsageError("polish: needs ReLU, the network is Leaky ReLU")
    before = best = risk.value(network)
    inputs = augmented_inputs(risk.X, network.b is not None)
    lengths = np.linalg.norm(augmented_rows(network), axis=1)
    at, gradient, used = network, float("nan"), 0
    while used < rounds:
        used += 1
        h, c, _ = fast_head(
            at.features(risk.X),
            risk.targets,
            risk.objective,
            risk.objective.row_prices(at),
            at.c is not None,
            warm=(at.theta, at.c),
        )
        start = at.replace(-1, h, c)
        x = np.concatenate([augmented_rows(start).ravel(), h.ravel(), *([] if c is None else [c])])
        found = minimize(
            value_and_gradient, x, args=(network, risk.objective, inputs, risk.targets, np.maximum(lengths, 1e-12)), jac=True, method="L-BFGS-B",
            options={"maxiter": steps, "maxfun": 2 * steps, "ftol": 1e-15, "gtol": 1e-10},
        )  # fmt: skip
        new = network_at(found.x, network)
        if risk.objective.penalty == "l1":
            new = rescaled(new, lengths)
        value = risk.value(new)
        gradient = float(np.linalg.norm(found.jac))
        if not value < best:
            break
        done = best - value <= 1e-7 * abs(best)
        at, best = new, value
        if done:
            break
    return Polished(at, before, best, gradient, used)
