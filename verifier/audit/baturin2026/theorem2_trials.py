"""Theorem 2: each inequality of the proof for segments 2 and 5 as a trial, and the theorem against certified paths."""

from __future__ import annotations

import numpy as np

from verifier.audit.baturin2026.heads import lemma_head, lipschitz, objective_of
from verifier.audit.baturin2026.segments import (
    features,
    largest_angle,
    largest_distance,
    mean_losses,
    middle,
    root_second_moment,
)
from verifier.audit.claim import Instance, Trial, compared
from verifier.elaboration import elaborate_path, kernel_problem
from verifier.objective import Risk
from verifier.paths.theorem2 import theorem2_grid
from verifier.theory.theorem2 import bounds_from_terms, terms_from_notes


def scale(v: dict) -> float:
    """Size of the predictions that are compared."""
    return (
        float(np.abs(features(v, v["W"]) @ v["beta"]).mean() + np.abs(features(v, v["V"]) @ v["gamma"]).mean()) + 1e-300
    )


def jensen_trial(i: Instance) -> Trial:
    v = i.values
    o, y, t = objective_of(v), v["y"][:, None], float(np.clip(v["t"], 0, 1))
    path = features(v, middle(v)) @ ((1 - t) * v["beta"] + t * v["gamma"])
    other = (1 - t) * features(v, v["W"]) @ v["beta"] + t * features(v, v["V"]) @ v["gamma"]
    a, b = o.loss.values(path[:, None], y), o.loss.values(other[:, None], y)
    return Trial(
        abs(float(a.mean() - b.mean())),
        float(np.abs(a - b).mean()),
        float(np.abs(a).mean() + np.abs(b).mean()) + 1e-300,
    )


def sides(v: dict, *, repaired: bool) -> tuple[float, float]:
    """The two sides of the third equality. Repaired: the second term differenced against Z(W~)."""
    t = float(np.clip(v["t"], 0, 1))
    M, Z, Y = features(v, middle(v)), features(v, v["W"]), features(v, v["V"])
    kept, gained = (1 - t) * v["beta"], t * v["gamma"]
    left = np.abs(M @ (kept + gained) - Z @ kept - Y @ gained).mean()
    right = np.abs((M - Z) @ kept + (M - (Y if repaired else Z)) @ gained).mean()
    return float(left), float(right)


def identity_trial(i: Instance) -> Trial:
    left, right = sides(i.values, repaired=False)
    return Trial(abs(left - right), 0.0, scale(i.values), text=f"{left:.6g} against {right:.6g}")


def identity_repaired_trial(i: Instance) -> Trial:
    left, right = sides(i.values, repaired=True)
    return Trial(abs(left - right), 0.0, scale(i.values))


def norm_trial(i: Instance) -> Trial:
    X = i.values["X"]
    return compared(float(np.linalg.norm(X, axis=1).mean()), root_second_moment(X))


def norm_repaired_trial(i: Instance) -> Trial:
    X, w = i.values["X"], i.values["W"][0]
    return compared(
        float(np.abs(X @ w).mean()),
        float(np.linalg.norm(w)) * root_second_moment(X),
        text="E|w . X| <= |w| sqrt|Sigma|",
    )


def segment_trial(i: Instance) -> Trial:
    v = i.values
    t = float(np.clip(v["t"], 0, 1))
    path, extended = mean_losses(v)
    mass = float(np.abs((1 - t) * v["beta"] + t * v["gamma"]).sum())
    bound = lipschitz(v) * largest_angle(v) * root_second_moment(v["X"]) * mass
    return Trial(abs(path - extended), bound, lipschitz(v) * scale(v))


def segment_repaired_trial(i: Instance) -> Trial:
    """L alpha sqrt|Sigma| t (1-t) (|beta|_1 + |gamma|_1), alpha the largest distance of two rows."""
    v = i.values
    t = float(np.clip(v["t"], 0, 1))
    path, extended = mean_losses(v)
    mass = t * (1 - t) * float(np.abs(v["beta"]).sum() + np.abs(v["gamma"]).sum())
    bound = lipschitz(v) * largest_distance(v) * root_second_moment(v["X"]) * mass
    return Trial(abs(path - extended), bound, lipschitz(v) * scale(v))


def with_best_heads(v: dict) -> dict:
    return {
        **v,
        "beta": lemma_head({**v, "Z": features(v, v["W"])}),
        "gamma": lemma_head({**v, "Z": features(v, v["V"])}),
    }


def constant_trial(i: Instance) -> Trial:
    """The heads are made the best ones here, so that a search cannot move away from the hypothesis."""
    v = with_best_heads(i.values)
    path, extended = mean_losses(v)
    bound = lipschitz(v) ** 2 * largest_angle(v) * root_second_moment(v["X"]) / v["kappa"]
    return Trial(path - extended, bound, lipschitz(v) * scale(v), tolerance=1e-5)


def constant_repaired_trial(i: Instance) -> Trial:
    """L sqrt|Sigma| alpha max(|beta|_1, |gamma|_1) / 2 with the actual heads."""
    v = with_best_heads(i.values)
    path, extended = mean_losses(v)
    mass = 0.5 * max(float(np.abs(v["beta"]).sum()), float(np.abs(v["gamma"]).sum()))
    return Trial(
        path - extended, lipschitz(v) * largest_angle(v) * root_second_moment(v["X"]) * mass, lipschitz(v) * scale(v)
    )


def angle_trial(i: Instance) -> Trial:
    v = i.values
    return compared(largest_distance(v), largest_angle(v), text="2 sin(alpha / 2) <= alpha")


def main_trial(i: Instance) -> Trial:
    """The best certified path against max(lambda, eps) with the grid's best (l, alpha); lambda = E."""

    A, B, o, X, y = (i.values[name] for name in ("A", "B", "objective", "X", "y"))
    grid = theorem2_grid(A, B, Risk(o, X, y), seed=0, seconds=0.0)
    paper = bounds_from_terms(terms_from_notes(grid.notes), A, B, Risk(o, X, y))[0].value
    claim = elaborate_path(kernel_problem(A, B, Risk(o, X, y)), grid.path).claim
    E = max(o.value(n, X, y) for n in (A, B))
    # `gap` is the certified excess over E and exactly 0 where nothing lies above it; the rest is the margin of claims.
    return Trial(
        E + claim.gap,
        max(E, paper if paper is not None else np.inf),
        E,
        tolerance=1e-9,
        text=f"certified gap {claim.gap:.3g}",
    )
