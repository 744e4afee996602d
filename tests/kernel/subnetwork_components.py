"""Component checks of `subnetwork_head_optimum`: what is accepted contains the value of every head at its lower end, the stored head's at its upper end."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from flint import arb

from .components import LOSSES, SHORT_SLOPES, Kernel, dual, exact_value, outputs, problem

CASES = [(loss, *penalty) for loss in LOSSES for penalty in (("none", False), ("l1", False), ("l1", True))]


def _instance(K: Kernel, rng: np.random.Generator, loss: str, penalty: str, penalise: bool):
    """A deep problem, and a sub-network of other widths as (widths, flat, layers)."""
    Kout, depth = outputs(loss), int(rng.integers(2, 4))
    bias, slope = penalise or rng.random() < 0.7, float(rng.choice(SHORT_SLOPES))
    widths = (2, *[3] * depth, Kout)
    p = problem(K, rng, loss, penalty, widths, bias=bias, penalise=penalise, slope=slope)
    own = [int(s) for s in rng.integers(1, 4, size=depth)]
    layers = [
        (rng.normal(size=(q, r)), rng.normal(size=q) if bias else None) for r, q in pairwise([p.X.shape[1], *own])
    ]
    flat = np.concatenate([a.ravel() for layer in layers for a in layer if a is not None])
    return p, np.array(own, dtype=np.int64), flat, layers, bias


def check_intervals(K: Kernel, rng: np.random.Generator) -> None:
    """With a limit: no head within it lies below, the stored one not above; nothing tighter than what was found is accepted."""
    for loss, penalty, penalise in CASES:
        p, widths, flat, layers, bias = _instance(K, rng, loss, penalty, penalise)
        Kout, limit = outputs(loss), 0.5
        nu = dual(rng, loss, p.targets, Kout) * 2.0**-4
        heads = [rng.uniform(-limit, limit, size=(Kout, widths[-1])) * s for s in (1.0, 0.1, 0.0)]
        shifts = [rng.uniform(-limit, limit, size=Kout) * s if bias else None for s in (1.0, 0.1, 0.0)]
        claim = K.statements.SubnetworkHeadOptimum("h", widths, flat, heads[0], shifts[0], nu, limit, 0.0, 1e9)
        make = lambda low, high, claim=claim: replace(claim, lower=low, upper=high)
        found = K.heads.check_subnetwork_head(p, make(0.0, 1e9))
        values = [
            exact_value(p, K.statements.Parameters((*(W for W, _ in layers), h), (*(b for _, b in layers), c)))
            for h, c in zip(heads, shifts)
        ]
        assert arb(found["upper"]) >= values[0], "the upper end lies below the stored head"
        assert all(arb(found["lower"]) <= F for F in values), "a head within the limit lies below the lower end"
        assert found["upper"] <= float(values[0].mid()) * (1 + 1e-6) + 1e-12, "the upper end is loose"
        conjugate = K.losses.conjugate_mean_upper(p.objective, nu, p.targets)
        charged = (arb(-conjugate) - arb(limit) * arb(found["violation"])).max(arb(0))
        assert arb(found["lower"]) <= charged + arb(1e-13), "the violation is not charged"
        reference = K.reference_heads.check_subnetwork_head(p, make(0.0, 1e9))
        assert abs(reference["lower"] - found["lower"]) <= 1e-6 * (1 + abs(found["lower"]))
        assert reference["upper"] <= found["upper"] * (1 + 1e-12)
        for bad in (
            make(np.nextafter(found["lower"], 1e9), 1e9),
            make(0.0, np.nextafter(found["upper"], 0.0)),
            make(float("nan"), 1e9),
        ):
            try:
                K.heads.check_subnetwork_head(p, bad)
            except K.statements.Rejected:
                continue
            raise AssertionError("an interval tighter than what was found was accepted")


def check_features_are_those_of_the_subnetwork(K: Kernel, rng: np.random.Generator) -> None:
    """A dual is charged for what it pulls at on the sub-network's own last layer: heads that follow the pull never lie below the bound."""
    for loss, penalty, penalise in [c for c in CASES if c[0] in ("squared", "huber", "absolute")]:
        p, widths, flat, layers, bias = _instance(K, rng, loss, penalty, penalise)
        Kout, limit = outputs(loss), 0.25
        S = p.X
        for W, b in layers:
            u = S @ W.T + (0.0 if b is None else b)
            S = np.maximum(u, p.negative_slope * u)
        nu = dual(rng, loss, p.targets, Kout)
        follow, c = -limit * np.sign(nu.T @ S), -limit * np.sign(nu.sum(axis=0)) if bias else None
        claim = K.statements.SubnetworkHeadOptimum("h", widths, flat, follow, c, nu, limit, 0.0, 1e9)
        for wing in (K.heads, K.reference_heads):
            found = wing.check_subnetwork_head(p, claim)
            here = K.statements.Parameters((*(W for W, _ in layers), follow), (*(b for _, b in layers), c))
            assert arb(found["lower"]) <= exact_value(p, here), "a head within the limit lies below the lower end"
            at = p.objective, nu, p.targets
            free = max(0.0, -K.losses.conjugate_mean_upper(*at))
            price, free_bias = p.objective.kappa, p.objective.kappa if penalise else 0.0
            over = np.maximum(np.abs(nu.T @ S) / len(p.X) - price, 0.0).sum()
            over += np.maximum(np.abs(nu.sum(axis=0)) / len(p.X) - free_bias, 0.0).sum() if bias else 0.0
            pulled = limit * over
            assert found["lower"] <= max(0.0, free - pulled) + 1e-9, "less than the pull was charged"
            assert found["lower"] >= max(0.0, free - pulled) - 1e-9, "more than the pull was charged"


SUBNETWORK_CHECKS = [check_intervals, check_features_are_those_of_the_subnetwork]
