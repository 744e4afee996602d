"""Instances of Lemma 1: features of fixed rows, a scalar Lipschitz loss, the l1 penalty; and their best head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verifier.audit.claim import Instance, Rng
from verifier.audit.trained import trained
from verifier.kernel.statements import Objective as KernelObjective
from verifier.kernel.statements import Parameters, Problem
from verifier.objective import make_objective
from verifier.programs import solve_head

Array = np.ndarray
LOSSES = ("logistic", "huber", "absolute", "hinge")


def lipschitz(values: dict) -> float:
    """L of the loss in its prediction."""
    return float(values["delta"]) if values["loss"] == "huber" else 1.0


def objective_of(values: dict):  # type: ignore[no-untyped-def]
    delta = float(values["delta"]) if values["loss"] == "huber" else None
    return make_objective(values["loss"], delta=delta, kappa=float(values["kappa"]), penalty="l1")


def lemma_head(values: dict) -> Array:
    """theta* (r,) of the lemma's program, by CVXPY and Clarabel."""
    Z = values["Z"]
    found = solve_head(Z, values["y"][:, None], objective_of(values), np.ones(Z.shape[1]), bias=False, name="lemma 1")
    return found.head[0]


def total(values: dict, theta: Array) -> float:
    """E loss + kappa |theta|_1."""
    o = objective_of(values)
    f = (values["Z"] @ theta)[:, None]
    return float(np.mean(o.loss.values(f, values["y"][:, None])) + o.kappa * np.abs(theta).sum())


def random_heads(
    rng: Rng, count: int, *, kappa_over_L: tuple[float, float] = (0.02, 0.9), losses: tuple[str, ...] = LOSSES
) -> Iterator[Instance]:
    """Rows on the unit sphere, normal inputs of wild scales, kappa in the given range relative to L."""
    for k in range(count):
        N, d, r = int(rng.integers(1, 12)), int(rng.integers(1, 5)), int(rng.integers(1, 6))
        loss = losses[k % len(losses)]
        rows = rng.normal(size=(r, d))
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        Z = np.maximum(rng.normal(size=(N, d)) * 10.0 ** rng.uniform(-1, 1) @ rows.T, 0.0)
        y = (
            rng.choice([-1.0, 1.0], size=N)
            if loss in ("logistic", "hinge")
            else rng.normal(size=N) * 10.0 ** rng.uniform(-1, 1)
        )
        delta = 10.0 ** rng.uniform(-1, 0.5)
        L = delta if loss == "huber" else 1.0
        kappa = L * np.exp(rng.uniform(*np.log(kappa_over_L)))
        theta = rng.normal(size=r)
        yield Instance(
            "random",
            f"{loss}, N = {N}, r = {r}",
            {"Z": Z, "y": y, "loss": loss, "delta": delta, "kappa": float(kappa), "theta": theta},
        )


def trained_heads(kappa: float = 0.1) -> Iterator[Instance]:
    """Features of networks trained by the paper's protocol on its classification data; logistic loss."""

    for seed in range(2):
        network, dataset = trained("paper-breast-cancer", "logistic", 20, seed)
        y = np.where(dataset.y > 0, 1.0, -1.0).astype(np.float64)
        values = {
            "Z": network.features(dataset.X),
            "y": y,
            "loss": "logistic",
            "delta": 1.0,
            "kappa": kappa,
            "theta": network.theta[0].astype(np.float64),
        }
        yield Instance("trained", f"Breast Cancer, width 20, seed {seed}", values)


def as_problem(values: dict, theta: Array) -> Problem:
    """Features as inputs of one row each: rows e_i reproduce Z, which is not negative."""
    Z = np.ascontiguousarray(values["Z"], dtype=np.float64)
    o = objective_of(values)
    A = Parameters((np.eye(Z.shape[1]), np.ascontiguousarray(theta[None, :])), (None, None))
    objective = KernelObjective(o.loss.name, o.delta, o.kappa, o.penalty, False)
    return Problem(objective, Z, np.ascontiguousarray(values["y"][:, None]), A, A)
