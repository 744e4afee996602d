"""F of one hidden layer with norms smoothed, and its gradient: what L-BFGS descends on in every construction that trains rows and head together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from verifier.objective.objective import Objective

Array = np.ndarray
# |v| is taken as sqrt(|v|^2 + SMOOTH^2).
SMOOTH = 1e-7


class Smoothed(NamedTuple):
    """value: the mean loss plus the smoothed penalty; its gradient in the augmented rows (m, d), the head (K, m) and the output bias (K,)."""

    value: float
    rows: Array
    head: Array
    bias: Array


def smoothed_objective(
    rows: Array,
    head: Array,
    bias: Array,
    objective: Objective,
    inputs: Array,
    targets: Array,
    *,
    kappa: float,
    lengths: Array | None = None,
    used: int | None = None,
) -> Smoothed:
    """Mean loss + kappa sum_i |wt_i| / lengths_i |theta_i| + the price of the output bias.

    rows (m, d), head (K, m), bias (K,), inputs (N, d) with a column of ones where rows hold biases. lengths (m,): None where rows have no price.
    used: how many columns of the rows are priced, all by default.
    """
    used = rows.shape[1] if used is None else used
    U = inputs @ rows.T
    S = np.maximum(U, 0.0)
    predictions = S @ head.T + bias
    value = float(np.mean(objective.loss.values(predictions, targets)))
    G = objective.loss.gradient(predictions, targets) / len(inputs)
    gT, gV, gc = G.T @ S, ((G @ head) * (U > 0)).T @ inputs, G.sum(axis=0)
    if objective.kappa > 0:
        if objective.group == 1:
            sizes = np.sqrt(head**2 + SMOOTH**2)
            mass, slope = sizes.sum(axis=0), head / sizes
        else:
            mass = np.sqrt((head**2).sum(axis=0) + SMOOTH**2)
            slope = head / mass
        if lengths is None:
            value += kappa * float(mass.sum())
            gT = gT + kappa * slope
        else:
            norms = np.sqrt((rows[:, :used] ** 2).sum(axis=1) + SMOOTH**2) / lengths
            value += kappa * float(norms @ mass)
            gT = gT + kappa * norms * slope
            gV[:, :used] += kappa * (mass / (norms * lengths**2))[:, None] * rows[:, :used]
        price = objective.kappa * objective.bias_price
        value += price * float(np.abs(bias).sum())
        gc = gc + price * np.sign(bias)
    return Smoothed(value, gV, gT, gc)
