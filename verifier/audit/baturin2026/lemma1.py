"""Lemma 1: the size of optimal second-layer weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verifier.audit.baturin2026.heads import (
    as_problem,
    lemma_head,
    lipschitz,
    objective_of,
    random_heads,
    total,
    trained_heads,
)
from verifier.audit.claim import Instance, Rng, Statement, Trial, Word, compared
from verifier.audit.search import ascend
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import Problem

PAPER = "baturin2026"
PLACE = "Lemma 1 and its proof"


def _gradient_size(values: dict) -> float:
    o, Z = objective_of(values), values["Z"]
    slope = o.loss.gradient((Z @ values["theta"])[:, None], values["y"][:, None])[:, 0]
    return float(np.abs(Z.T @ slope / len(Z)).max())


def _grad(instance: Instance) -> Trial:
    return compared(_gradient_size(instance.values), lipschitz(instance.values))


def _grad_repaired(instance: Instance) -> Trial:
    v = instance.values
    return compared(_gradient_size(v), lipschitz(v) * float(v["Z"].mean(axis=0).max()), text="L max_i E|z_i|")


def _zero(instance: Instance) -> Trial:
    v = instance.values
    theta = lemma_head(v)
    nothing = total(v, np.zeros_like(theta))
    gain = nothing - total(v, theta)
    return Trial(
        gain,
        0.0,
        max(nothing, 1e-300),
        bool(v["kappa"] >= lipschitz(v)),
        1e-6,
        f"|theta*|_1 = {np.abs(theta).sum():.6g}",
    )


def _zero_repaired(instance: Instance) -> Trial:
    v = instance.values
    t = _zero(instance)
    return Trial(
        t.left, t.right, t.scale, bool(v["kappa"] >= lipschitz(v) * v["Z"].mean(axis=0).max()), t.tolerance, t.text
    )


def _norm(instance: Instance) -> Trial:
    v = instance.values
    return compared(float(np.abs(lemma_head(v)).sum()), lipschitz(v) / v["kappa"], tolerance=1e-5)


def _norm_repaired(instance: Instance) -> Trial:
    v = instance.values
    theta = lemma_head(v)
    return compared(
        float(np.abs(theta).sum()),
        total(v, np.zeros_like(theta)) / v["kappa"],
        tolerance=1e-5,
        text="E loss(y, 0) / kappa",
    )


def _heads(**words: object):  # type: ignore[no-untyped-def]
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        if count >= 100:
            yield from trained_heads()
        yield from random_heads(rng, count, **words)  # type: ignore[arg-type]

    return make


def _searched(evaluate, fields, **words: object):  # type: ignore[no-untyped-def]
    """Climb from small features, where the statements hold."""

    def search(rng: Rng, seconds: float) -> Instance | None:
        def starts() -> Iterator[Instance]:
            while True:
                for start in random_heads(rng, 8, **words):  # type: ignore[arg-type]
                    values = dict(start.values)
                    values["Z"] = values["Z"] / max(1.0, float(values["Z"].max()))
                    yield Instance("search", start.label, values)

        return ascend(starts(), evaluate, fields, rng, seconds, rounds=60)

    return search


def _known(loss: str, z: float, y: float, kappa: float, theta: float, label: str) -> Instance:
    values = {
        "Z": np.array([[z]]),
        "y": np.array([y]),
        "loss": loss,
        "delta": 1.0,
        "kappa": kappa,
        "theta": np.array([theta]),
    }
    return Instance("known", label, values)


def _grad_claim(instance: Instance) -> tuple[Problem, ClaimViolation]:
    v = instance.values
    margin = 0.99 * (_gradient_size(v) - lipschitz(v))
    return as_problem(v, v["theta"]), ClaimViolation("lemma1.grad", "lemma1.grad", np.zeros(len(v["Z"])), 0.0, margin)


def _zero_claim(instance: Instance) -> tuple[Problem, ClaimViolation]:
    v = instance.values
    return as_problem(v, lemma_head(v)), ClaimViolation(
        "lemma1.zero", "lemma1.zero", np.zeros(len(v["Z"])), 0.0, 0.9 * _zero(instance).left
    )


def _norm_claim(instance: Instance) -> tuple[Problem, ClaimViolation]:
    """F on the ball |theta|_1 <= L / kappa, by a program, and the loss's slope at its minimiser as dual."""
    import cvxpy as cp

    v = instance.values
    o, Z, y = objective_of(v), v["Z"], v["y"]
    h = cp.Variable((Z.shape[1], 1))
    size = cp.norm1(h)
    inside = [size <= lipschitz(v) / v["kappa"]]
    cp.Problem(cp.Minimize(o.loss.cvxpy(Z, h, None, y[:, None]) / len(Z) + o.kappa * size), inside).solve(
        solver=cp.CLARABEL
    )
    near = np.asarray(h.value, dtype=np.float64)[:, 0]
    nu = o.loss.gradient((Z @ near)[:, None], y[:, None])[:, 0]
    theta = lemma_head(v)
    margin = 0.5 * (total(v, near) - total(v, theta))
    return as_problem(v, theta), ClaimViolation(
        "lemma1.norm", "lemma1.norm", np.asarray(nu, dtype=np.float64), 0.0, float(margin)
    )


STATEMENTS = [
    Statement(
        "lemma1.grad",
        PAPER,
        PLACE,
        "|nabla_theta E[L]|_inf <= L",
        "The sup-norm of the loss's gradient in theta is at most the Lipschitz constant of the loss in its prediction.",
        Word.FAILS,
        _heads(),
        _grad,
        (_known("logistic", 10.0, 1.0, 0.1, 0.0, "one sample with z = 10"),),
        _searched(_grad, ("Z", "theta")),
        _grad_claim,
        Statement(
            "lemma1.grad.repaired",
            PAPER,
            PLACE,
            "",
            "It is at most L max_i E|z_i|.",
            Word.HOLDS,
            _heads(),
            _grad_repaired,
        ),
        ("the loss is convex and L-Lipschitz",),
    ),
    Statement(
        "lemma1.zero",
        PAPER,
        PLACE,
        "if kappa >= L then theta* = 0",
        "With kappa at least L no head has a smaller objective than zero.",
        Word.FAILS,
        _heads(kappa_over_L=(1.0, 4.0)),
        _zero,
        (_known("logistic", 10.0, 1.0, 1.5, 0.0, "logistic, one sample x = 10, kappa = 1.5"),),
        _searched(_zero, ("Z",), kappa_over_L=(1.0, 1.5)),
        _zero_claim,
        Statement(
            "lemma1.zero.repaired",
            PAPER,
            PLACE,
            "",
            "With kappa at least L max_i E|z_i|.",
            Word.HOLDS,
            _heads(kappa_over_L=(0.5, 40.0)),
            _zero_repaired,
            count=300,
        ),
        ("the loss is convex and L-Lipschitz", "kappa >= L"),
        300,
    ),
    Statement(
        "lemma1.norm",
        PAPER,
        PLACE,
        "the optimal solution theta* satisfies |theta*|_1 <= L / kappa",
        "The best head's l1 norm is at most L / kappa.",
        Word.FAILS,
        _heads(),
        _norm,
        (_known("absolute", 1.0, 100.0, 0.5, 0.0, "absolute loss, z = 1, y = 100, kappa = 0.5"),),
        _searched(_norm, ("y", "Z"), losses=("absolute",)),
        _norm_claim,
        Statement(
            "lemma1.norm.repaired",
            PAPER,
            PLACE,
            "",
            "It is at most (E loss(y, 0) - inf loss) / kappa.",
            Word.HOLDS,
            _heads(),
            _norm_repaired,
            count=300,
        ),
        ("the loss is convex and L-Lipschitz", "kappa > 0"),
        300,
    ),
]
