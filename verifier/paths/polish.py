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
from verifier.paths.regions.descent import region_descent
from verifier.programs import fast_head
from verifier.programs.region import region_cost

Array = np.ndarray
# Region programs before L-BFGS, and the longest that one may take by its estimate, in CPU seconds.
PROGRAMS, LONGEST = 4, 10.0
# Times that both are begun with, and the share by which F has to fall for another.
STAGES, LITTLE = 4, 1e-3


@dataclass(frozen=True, eq=False)
class Polished:
    """before, after: F in float64. gradient: Euclidean norm of its (smoothed) gradient where the search stopped. rounds: of head and L-BFGS."""

    network: Network
    before: float
    after: float
    gradient: float
    rounds: int


def polish(network: Network, risk: Risk, *, rounds: int = 6, steps: int = 2000) -> Polished:
    """Alternate the best head with L-BFGS on all parameters until F falls by less than 1e-7 relative in a round; where that is faster, after a few convex
    programs of region descent.

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
    before, at, used = risk.value(network), network, 0
    # Programs cross kinks at which L-BFGS stops, and leave others that it passes.
    for _ in range(STAGES):
        below = _by_programs(at, risk)
        start = risk.value(at)
        at, gradient, more = _by_gradients(below, risk, rounds, steps)
        used += more
        if below is network or not risk.value(at) < start * (1.0 - LITTLE):
            break
    return Polished(at, before, risk.value(at), gradient, used)


def _by_gradients(network: Network, risk: Risk, rounds: int, steps: int) -> tuple[Network, float, int]:
    """The network, the norm of the gradient where the search stopped, and the rounds of head and L-BFGS."""
    inputs = augmented_inputs(risk.X, network.b is not None)
    lengths = np.linalg.norm(augmented_rows(network), axis=1)
    at, best, gradient, used = network, risk.value(network), float("nan"), 0
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
    return at, gradient, used


def _by_programs(network: Network, risk: Risk) -> Network:
    """Descended by region programs where they were measured to fall faster than L-BFGS and further (docs/regions.md): one output, path penalty, smooth loss.
    Dead neurons stay dead, so a network that has some is left as it is."""
    o, alive = risk.objective, bool(augmented_rows(network).any(axis=1).all())
    if not (o.kappa > 0 and o.penalty == "path" and o.loss.smooth and len(network.theta) == 1 and alive):
        return network
    if region_cost(network, risk).seconds > LONGEST:
        return network
    found = region_descent(network, risk, most_programs=PROGRAMS, seconds=PROGRAMS * LONGEST).end
    return found if risk.value(found) < risk.value(network) else network
