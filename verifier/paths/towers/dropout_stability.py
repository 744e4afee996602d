"""Dropout stability (Kuditipudi et al. 2019; N21's Corollary 4.2 and Experiment B), its path certified like any chain of towers.

D_l keeps a subset J_p of at most floor(n_p / 2) neurons in each layer p = l..L-1 and all neurons below, every kept neuron with its own
weights and bias; the last layer's weights are scaled by one factor r, the output bias is not. The loss is convex in r.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from verifier.errors import UsageError
from verifier.networks.network import Network, affine
from verifier.objective import Objective, Risk
from verifier.paths.endpoints import require_same_architecture
from verifier.paths.path import Move, Path
from verifier.paths.towers.moves import Tower, live_slots, stacked
from verifier.paths.towers.neuron_choice import importance
from verifier.paths.towers.tower_path import moves_through_towers

Array = np.ndarray
# Draws are ranked on this many samples when there are more; the FINALISTS best are evaluated on all.
SCREENING_SAMPLES = 4000
FINALISTS = 5


@dataclass(frozen=True, eq=False)
class Dropped:
    """D_l of one network. kept: J_l, ..., J_{L-1}, sorted. scale: r. value: F. draws: subsets tried. how: importance or random."""

    layer: int
    kept: tuple[Array, ...]
    scale: float
    value: float
    draws: int
    how: str

    def predict(self, network: Network, X: Array, forgotten_biases: bool = False) -> Array:
        """Outputs of D_l of `network` on X (N, n_0), (N, K)."""
        below = network.features(X, self.layer - 1)
        top = _features(network, below, self.layer, self.kept, forgotten_biases)
        return affine(top, self.scale * network.theta[:, network.columns(self.kept[-1], -1)], network.c)

    def tower(self, network: Network, letter: str) -> Tower:
        """D_l with its neurons' own biases."""
        live = live_slots(network)
        weights, biases = stacked(network, [*live[: self.layer - 1], *self.kept], [])
        label = f"dropout: half of layers {self.layer} to {network.depth - 1} of {letter}, head scaled by {self.scale:.4g}, F = {self.value:.6g}"
        head = network.theta[:, network.columns(self.kept[-1], -1)]
        return Tower(weights, biases, self.scale * head, network.c, label)


def dropout_losses(
    network: Network,
    risk: Risk,
    *,
    draws: int = 200,
    seed: int = 0,
    layers: Sequence[int] | None = None,
    forgotten_biases: bool = False,
    by_importance: bool = True,
    ratio: float = 0.5,
) -> list[Dropped]:
    """Experiment (B): for each layer l = 1..L-1 the best of `draws` random subsets and, with by_importance, of the most important neurons.

    layers: those l asked for, all by default. forgotten_biases: the mistake of the public code, kept neurons take the
    first |J_p| biases of their layer instead of their own; such a point is no D_l and has no place on a path. ratio: share of the neurons that is
    removed; with less than a half it has none either.
    Raises UsageError when there is no hidden layer, draws is negative, or nothing is to be tried.
    """
    if network.depth < 2:
        raise UsageError("dropout: needs at least one hidden layer, and this network has none")
    if draws < 0 or (draws == 0 and not by_importance):
        raise UsageError(f"dropout: draws must be at least {int(not by_importance)}, got {draws}")
    wanted = range(1, network.depth) if layers is None else layers
    screen = np.arange(len(risk.X))
    if len(risk.X) > SCREENING_SAMPLES:
        screen = np.sort(np.random.default_rng(seed).choice(len(risk.X), SCREENING_SAMPLES, replace=False))
    on_screen = risk.objective.at(screen)
    out = []
    for l in wanted:
        if not 1 <= l < network.depth:
            raise UsageError(f"dropout: layer {l} is not hidden; the hidden layers are 1 to {network.depth - 1}")
        below = network.features(risk.X, l - 1)
        part = network.above(l - 1).of_samples(below, screen)
        rng = np.random.default_rng([seed, l])
        tried = []
        for how, kept in _subsets(network, part, l, draws, rng, by_importance, ratio):
            top = _features(network, part, l, kept, forgotten_biases)
            tried.append((*_best_scale(network, on_screen, top, risk.targets[screen], kept[-1]), how, kept))
        tried.sort(key=lambda t: t[0])
        if len(risk.X) > SCREENING_SAMPLES:
            again = []
            for _, _, how, kept in tried[:FINALISTS]:
                top = _features(network, below, l, kept, forgotten_biases)
                again.append((*_best_scale(network, risk.objective, top, risk.targets, kept[-1]), how, kept))
            again.sort(key=lambda t: t[0])
            tried[: len(again)] = again
        value, scale, how, kept = tried[0]
        out.append(Dropped(l, kept, scale, value, len(tried), how))
    return out


def removed(n: int, ratio: float) -> int:
    """How many of n neurons a share is, rounded up: ceil(n / 2) for a half."""
    return math.ceil(n * ratio - 1e-9)


def _subsets(
    network: Network, below: Array, l: int, draws: int, rng: np.random.Generator, by_importance: bool, ratio: float
) -> Iterator[tuple[str, tuple[Array, ...]]]:
    """(how, (J_l, ..., J_{L-1})), each of n_p less the share `ratio`, rounded up, of its neurons."""
    widths = network.widths[l:-1]
    sizes = [n - removed(n, ratio) for n in widths]
    if by_importance:
        kept, h = [], below
        for p, size in enumerate(sizes, start=l):
            h = network.above(p - 1).through(h, network.hidden_rows[p - 1 : p])
            order = np.argsort(-importance(network, h, p), kind="stable")
            kept.append(np.sort(order[:size]))
        yield "importance", tuple(kept)
    for _ in range(draws):
        yield "random", tuple(np.sort(rng.choice(n, size, replace=False)) for n, size in zip(widths, sizes))


def _features(network: Network, h: Array, l: int, kept: Sequence[Array], forgotten_biases: bool) -> Array:
    """What the head reads of the kept neurons, (N, |J_{L-1}|), from the outputs (N, n_{l-1}) of layer l - 1."""
    below: Array = np.arange(network.weights[l - 1].shape[1])
    rows = []
    for p, here in enumerate(kept, start=l):
        W, b = network.weights[p - 1], network.biases[p - 1]
        own = None if b is None else (b[: len(here)] if forgotten_biases else b[here])
        rows.append((W[np.ix_(here, below)], own))
        below = network.columns(here, p + 1)
    return network.above(l - 1).through(h, rows, read=True)


def _best_scale(network: Network, objective: Objective, Z: Array, targets: Array, kept: Array) -> tuple[float, float]:
    """(F, r) for the head r theta_J on features Z (N, |J|), by Brent's method; also tries r = 0 and r = 1."""
    read = network.columns(kept, -1)
    theta, c = network.theta[:, read], network.c
    direction = Z @ theta.T
    shift = 0.0 if c is None else c
    # Deep networks are penalised by l1 of the head alone; row prices cover one hidden layer.
    price = objective.kappa * float(
        objective.row_prices(network)[read] @ np.linalg.norm(theta, ord=objective.group, axis=0)
    )
    fixed = objective.kappa * objective.bias_price * (0.0 if c is None else float(np.abs(c).sum()))

    def F(r: float) -> float:
        return objective.loss_of(r * direction + shift, targets) + abs(r) * price + fixed

    with np.errstate(over="ignore", invalid="ignore"):
        found = minimize_scalar(F, method="brent", bracket=(0.5, 2.0), options={"maxiter": 100, "xtol": 1e-9})
    tried = [(F(r), r) for r in (0.0, 1.0, float(found.x)) if np.isfinite(r)]
    return min(t for t in tried if np.isfinite(t[0]))


def dropout_path(
    A: Network,
    B: Network,
    risk: Risk,
    *,
    draws: int = 200,
    seed: int = 0,
) -> Path:
    """A -> D_{L-1} of A -> ... -> D_1 of A -> D_1 of B -> ... -> B; the certified maximum is the largest of F(A), F(B) and all F(D_l).

    Notes: per endpoint F of D_1..D_{L-1}, scale, how; held_by, max_value, draws, seconds. Raises UsageError for different architectures.
    """
    require_same_architecture("dropout", A, B)
    start = time.perf_counter()
    if all(np.array_equal(a, b) for (n, a), (_, b) in zip(A.arrays(), B.arrays()) if int(n[1:]) < A.depth):
        return Path("dropout", A, (Move(B, "head move: the hidden layers agree"),), {"held_by": None})
    both = [dropout_losses(n, risk, draws=draws, seed=seed + i) for i, n in enumerate((A, B))]
    towers = [d.tower(A, "A") for d in reversed(both[0])] + [d.tower(B, "B") for d in both[1]]
    notes: dict[str, Any] = {"draws": draws}
    top, held = -np.inf, ""
    for letter, dropped in zip("AB", both):
        notes[letter] = {
            "D": [d.value for d in dropped], "scale": [d.scale for d in dropped], "how": [d.how for d in dropped],
        }  # fmt: skip
        for d in dropped:
            if d.value > top:
                top, held = d.value, f"layers {d.layer} to {A.depth - 1} of {letter} halved"
    notes |= {"max_value": top, "held_by": held, "seconds": time.perf_counter() - start}
    return Path("dropout", A, moves_through_towers(A, B, towers), notes)
