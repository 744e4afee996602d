"""Instances of Theorem 2's segments 2 and 5: rows W and W~ within angle alpha, heads beta and gamma, a time t."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from verifier.audit.baturin2026.heads import lemma_head, objective_of
from verifier.audit.claim import Instance, Rng
from verifier.audit.trained import trained
from verifier.matrices import augmented_inputs
from verifier.objective import augmented_rows

Array = np.ndarray
Values = dict[str, Any]


def features(values: Values, rows: Array) -> Array:
    """Z (N, m)."""
    return np.maximum(values["X"] @ rows.T, 0.0)


def middle(values: Values) -> Array:
    """eta_1(t) (m, n)."""
    t = float(np.clip(values["t"], 0.0, 1.0))
    return (1 - t) * values["W"] + t * values["V"]


def root_second_moment(X: Array) -> float:
    """sqrt of the spectral norm of E[X X^T]."""
    return float(np.linalg.norm(X, 2) / np.sqrt(len(X)))


def largest_distance(values: Values) -> float:
    """max_i |w~_i - w_i|, at most the angle between unit rows."""
    return float(np.linalg.norm(values["V"] - values["W"], axis=1).max())


def largest_angle(values: Values) -> float:
    """max_i angle(w~_i, w_i)."""
    W, V = (a / np.linalg.norm(a, axis=1, keepdims=True) for a in (values["W"], values["V"]))
    half = 0.5 * np.linalg.norm(W - V, axis=1)
    return float(2 * np.arcsin(np.clip(half, 0, 1)).max())


def mean_losses(values: Values) -> tuple[float, float]:
    """E F(eta_2 Z(eta_1)) and E F((1-t) beta Z(W) + t gamma Z(W~))."""
    t = float(np.clip(values["t"], 0.0, 1.0))
    o, y = objective_of(values), values["y"][:, None]
    path = features(values, middle(values)) @ ((1 - t) * values["beta"] + t * values["gamma"])
    extended = (1 - t) * features(values, values["W"]) @ values["beta"] + t * features(values, values["V"]) @ values[
        "gamma"
    ]
    return float(o.loss.values(path[:, None], y).mean()), float(o.loss.values(extended[:, None], y).mean())


def random_segments(
    rng: Rng, count: int, *, best: bool = False, rotation: tuple[float, float] = (1e-3, 3.0)
) -> Iterator[Instance]:
    """Unit rows, each turned by up to an angle; heads at random, or the best ones of both sides (best)."""
    losses = ("logistic", "huber", "absolute", "hinge")
    for k in range(count):
        N, n, m = int(rng.integers(1, 12)), int(rng.integers(2, 6)), int(rng.integers(1, 6))
        loss = losses[k % 4]
        W = rng.normal(size=(m, n))
        W /= np.linalg.norm(W, axis=1, keepdims=True)
        V = W + np.tan(min(1.4, float(np.exp(rng.uniform(*np.log(rotation)))))) * rng.normal(size=(m, n)) / np.sqrt(n)
        V /= np.linalg.norm(V, axis=1, keepdims=True)
        X = rng.normal(size=(N, n)) * 10.0 ** rng.uniform(-1, 1)
        y = (
            rng.choice([-1.0, 1.0], size=N)
            if loss in ("logistic", "hinge")
            else rng.normal(size=N) * 10.0 ** rng.uniform(-1, 1)
        )
        values: Values = {
            "X": X, "y": y, "W": W, "V": V, "loss": loss, "delta": float(10.0 ** rng.uniform(-1, 0.5)), "kappa": float(np.exp(rng.uniform(-4, -1))),
            "beta": rng.normal(size=m), "gamma": rng.normal(size=m), "t": float(rng.uniform()),
        }  # fmt: skip
        if best:
            values["beta"] = lemma_head({**values, "Z": features(values, W)})
            values["gamma"] = lemma_head({**values, "Z": features(values, V)})
        yield Instance("random", f"{loss}, N = {N}, m = {m}", values)


def trained_segments(kappa: float = 0.001) -> Iterator[Instance]:
    """Unit rows (w, b) of networks trained by the paper's protocol, each turned a little; inputs (x, 1); logistic loss."""

    rng = np.random.default_rng(0)
    for seed in range(2):
        network, dataset = trained("paper-breast-cancer", "logistic", 20, seed)
        rows = augmented_rows(network).astype(np.float64)
        sizes = np.linalg.norm(rows, axis=1, keepdims=True)
        W = rows / sizes
        for angle in (0.01, 0.1):
            V = W + angle * rng.normal(size=W.shape) / np.sqrt(W.shape[1])
            V /= np.linalg.norm(V, axis=1, keepdims=True)
            X = augmented_inputs(dataset.X)
            y = np.where(dataset.y > 0, 1.0, -1.0)
            values: Values = {
                "X": X,
                "y": y,
                "W": W,
                "V": V,
                "loss": "logistic",
                "delta": 1.0,
                "kappa": kappa,
                "t": 0.5,
            }
            values["beta"] = network.theta[0].astype(np.float64) * sizes[:, 0]
            values["gamma"] = lemma_head({**values, "Z": features(values, V)})
            yield Instance("trained", f"Breast Cancer, width 20, seed {seed}, rows turned by {angle}", values)
