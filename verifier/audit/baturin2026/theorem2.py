"""Theorem 2: statements, their instances, searches and counterexamples; the inequalities are in `theorem2_trials`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from verifier.audit.baturin2026 import theorem2_main
from verifier.audit.baturin2026.heads import lipschitz
from verifier.audit.baturin2026.segments import (
    features,
    largest_angle,
    mean_losses,
    random_segments,
    root_second_moment,
    trained_segments,
)
from verifier.audit.baturin2026.theorem2_trials import (
    angle_trial,
    constant_repaired_trial,
    constant_trial,
    identity_repaired_trial,
    identity_trial,
    jensen_trial,
    main_trial,
    norm_repaired_trial,
    norm_trial,
    segment_repaired_trial,
    segment_trial,
)
from verifier.audit.claim import Instance, Rng, Statement, Trial, Word
from verifier.audit.search import ascend
from verifier.kernel.papers.statement import ClaimViolation
from verifier.kernel.statements import Objective, Parameters, Problem
from verifier.networks.network import Network
from verifier.objective import make_objective
from verifier.programs import solve_head

PAPER = "baturin2026"
FIELDS = ("X", "W", "V", "beta", "gamma", "t")


def _segments(**words: object) -> Callable[[Rng, int], Iterator[Instance]]:
    def make(rng: Rng, count: int) -> Iterator[Instance]:
        if count >= 100:
            yield from trained_segments()
        yield from random_segments(rng, count, **words)  # type: ignore[arg-type]

    return make


def _pairs(rng: Rng, count: int) -> Iterator[Instance]:
    """Random teachers' data, unit rows, heads trained a little: the l1 penalty, logistic loss."""

    for _ in range(count):
        N, d, m = 30, 2, int(rng.integers(4, 9))
        X, y = rng.normal(size=(N, d)), rng.choice([-1.0, 1.0], size=(N, 1))
        o = make_objective("logistic", kappa=float(np.exp(rng.uniform(-6, -3))), penalty="l1")
        nets = []
        for _ in range(2):
            W = rng.normal(size=(m, d))
            W /= np.linalg.norm(W, axis=1, keepdims=True)
            best = solve_head(np.maximum(X @ W.T, 0), y, o, np.ones(m), bias=False, name="best")
            nets.append(Network((W, best.head * rng.uniform(0.8, 1.0)), (None, None)))
        yield Instance("random", f"N = {N}, m = {m}", {"A": nets[0], "B": nets[1], "objective": o, "X": X, "y": y})


def _searched(evaluate: Callable[[Instance], Trial], fields: tuple[str, ...] = FIELDS, **words: object):  # type: ignore[no-untyped-def]
    def search(rng: Rng, seconds: float) -> Instance | None:
        def starts() -> Iterator[Instance]:
            while True:
                yield from random_segments(rng, 8, **words)  # type: ignore[arg-type]

        return ascend(starts(), evaluate, fields, rng, seconds, rounds=60)

    return search


def _problem(v: dict) -> Problem:
    A, B = (
        Parameters((np.ascontiguousarray(rows), np.ascontiguousarray(head[None, :])), (None, None))
        for rows, head in ((v["W"], v["beta"]), (v["V"], v["gamma"]))
    )
    return Problem(
        Objective("absolute", None, 0.0, "none", False), np.ascontiguousarray(v["X"]), np.zeros((len(v["X"]), 1)), A, B
    )


def _norm_claim(i: Instance) -> tuple[Problem, ClaimViolation]:
    t = norm_trial(i)
    # The kernel bounds the spectral norm by simpler ones, so that it confirms less.
    X = i.values["X"]
    S = X.T @ X / len(X)
    simple = float(min(np.linalg.norm(S), np.abs(S).sum(axis=1).max())) ** 0.5
    return _problem(i.values), ClaimViolation("t2.norm", "t2.norm", np.zeros(len(X)), 0.0, 0.99 * (t.left - simple))


def _identity_claim(i: Instance) -> tuple[Problem, ClaimViolation]:
    v = i.values
    t = float(np.clip(v["t"], 0, 1))
    return _problem(v), ClaimViolation(
        "t2.identity", "t2.identity", np.zeros(len(v["X"])), t, 0.99 * identity_trial(i).left
    )


def _objective_problem(v: dict) -> Problem:
    """Networks of `_problem` under the instance's own loss, with the l1 penalty."""
    o = Objective(v["loss"], v["delta"] if v["loss"] == "huber" else None, float(v["kappa"]), "l1", False)
    return replace(_problem(v), objective=o, targets=np.ascontiguousarray(v["y"][:, None]))


def _segment_claim(i: Instance) -> tuple[Problem, ClaimViolation]:
    """The kernel bounds sqrt|Sigma| by the Frobenius norm and the largest row sum."""
    v, t = i.values, segment_trial(i)
    X = v["X"]
    S = X.T @ X / len(X)
    looser = float(min(np.linalg.norm(S), np.abs(S).sum(axis=1).max())) ** 0.5 / max(root_second_moment(X), 1e-300)
    time = float(np.clip(v["t"], 0, 1))
    margin = 0.99 * (t.left - t.right * looser)
    return _objective_problem(v), ClaimViolation("t2.segment", "t2.segment", np.zeros(len(X)), time, margin)


def _constant_claim(i: Instance) -> tuple[Problem, ClaimViolation]:
    """For absolute loss with predictions at or below positive targets: the dual of a best head is -min(1, kappa N / sum_j z_j) on one row."""
    v = i.values
    path, extended = mean_losses(v)
    allowed = lipschitz(v) ** 2 * largest_angle(v) * root_second_moment(v["X"]) / v["kappa"]
    N = len(v["X"])
    dual = np.concatenate(
        [np.full(N, -min(1.0, v["kappa"] * N / features(v, v[r]).sum(axis=0).max())) for r in ("W", "V")]
    )
    time = float(np.clip(v["t"], 0, 1))
    return _objective_problem(v), ClaimViolation("t2.C", "t2.C", dual, time, 0.99 * (path - extended - allowed))


def _isotropic(d: int) -> Instance:
    one = np.eye(1, d)
    values = {
        "X": np.vstack([np.eye(d), -np.eye(d)]),
        "y": np.ones(2 * d),
        "W": one,
        "V": one,
        "beta": np.ones(1),
        "gamma": np.ones(1),
        "t": 0.5,
    }
    return Instance("known", f"the {2 * d} vectors +-e_i", {**values, "loss": "logistic", "delta": 1.0, "kappa": 0.1})


def _by_hand(label: str, W: list, V: list, beta: list, gamma: list, t: float) -> Instance:
    values = {
        "X": np.array([[1.0, 0.0]]),
        "y": np.zeros(1),
        "W": np.array(W),
        "V": np.array(V),
        "beta": np.array(beta),
        "gamma": np.array(gamma),
        "t": t,
    }
    return Instance("known", label, {**values, "loss": "absolute", "delta": 1.0, "kappa": 0.1})


TURNED = _by_hand("one row turned by 60 degrees, t = 1", [[1.0, 0.0]], [[0.5, 0.75**0.5]], [1.0], [1.0], 1.0)
FAR_TARGET = _by_hand(
    "absolute loss, y = 100, kappa = 1/2, one row turned by 60 degrees",
    [[1.0, 0.0]],
    [[0.5, 0.75**0.5]],
    [100.0],
    [200.0],
    0.5,
)
FAR_TARGET.values.update(y=np.array([100.0]), kappa=0.5)


def _cancelling() -> tuple[Instance, ...]:
    """Each row sees one of two opposite samples with opposite labels: the best heads are opposite, eta_2(1/2) = 0, and yet both sides predict."""
    label = "opposite samples and labels, rows e_1 and -e_1, best heads, t = 1/2: eta_2 = 0"
    instance = _by_hand(label, [[1.0, 0.0]], [[-1.0, 0.0]], [1.0], [-1.0], 0.5)
    # The best head of each: 0.1 = (1/2) / (1 + exp(theta)), so theta = log 4.
    best = np.array([np.log(4.0)])
    instance.values.update(
        X=np.array([[1.0, 0.0], [-1.0, 0.0]]),
        y=np.array([1.0, -1.0]),
        loss="logistic",
        kappa=0.1,
        beta=best,
        gamma=-best,
    )
    return (instance,)


SEGMENT = "Theorem 2, proof for paths (2) and (5)"

STATEMENTS = [
    Statement(
        "t2.jensen",
        PAPER,
        SEGMENT,
        "Jensen's inequality allows us to move the expectation outside the absolute value",
        "|E F(a) - E F(b)| <= E |F(a) - F(b)|.",
        Word.HOLDS,
        _segments(),
        jensen_trial,
    ),
    Statement(
        "t2.identity",
        PAPER,
        SEGMENT,
        "(1-t) beta (Z(eta_1) - Z(W^A)) + t gamma (Z(eta_1) - Z(W^A))",
        "Both terms of the difference are taken against Z(W^A).",
        Word.FAILS,
        _segments(),
        identity_trial,
        (TURNED,),
        _searched(identity_trial),
        _identity_claim,
        Statement(
            "t2.identity.repaired",
            PAPER,
            SEGMENT,
            "",
            "The second term against Z of the perturbed rows.",
            Word.HOLDS,
            _segments(),
            identity_repaired_trial,
        ),
    ),
    Statement(
        "t2.norm",
        PAPER,
        SEGMENT,
        "L alpha E|X| ... = L alpha sqrt|Sigma| ...",
        "E|X|_2 is at most sqrt|Sigma_X| (the proof: equal).",
        Word.FAILS,
        _segments(),
        norm_trial,
        (_isotropic(20),),
        _searched(norm_trial, ("X",)),
        _norm_claim,
        Statement(
            "t2.norm.repaired",
            PAPER,
            SEGMENT,
            "",
            "E|w . X| <= |w| sqrt|Sigma|, which is what the bound needs.",
            Word.HOLDS,
            _segments(),
            norm_repaired_trial,
        ),
    ),
    Statement(
        "t2.segment",
        PAPER,
        SEGMENT,
        "... <= L alpha sqrt|Sigma| |eta_2(t)|_1",
        "The path's loss differs from the extended path's by at most L alpha sqrt|Sigma| |eta_2(t)|_1, for any two heads.",
        Word.FAILS,
        _segments(),
        segment_trial,
        _cancelling(),
        _searched(segment_trial),
        _segment_claim,
        Statement(
            "t2.segment.repaired",
            PAPER,
            SEGMENT,
            "",
            "By at most L alpha sqrt|Sigma| t (1-t) (|beta|_1 + |gamma|_1).",
            Word.HOLDS,
            _segments(),
            segment_repaired_trial,
        ),
    ),
    Statement(
        "t2.C",
        PAPER,
        SEGMENT,
        "<= L^2 alpha sqrt|Sigma| kappa^-1 = C alpha",
        "With the best heads on both sides the excess is at most C alpha, C = L^2 sqrt|Sigma| / kappa.",
        Word.FAILS,
        _segments(best=True),
        constant_trial,
        (FAR_TARGET,),
        _searched(constant_trial, ("X", "y", "W", "V", "t"), best=True),
        _constant_claim,
        Statement(
            "t2.C.repaired",
            PAPER,
            SEGMENT,
            "",
            "At most L sqrt|Sigma| alpha max(|beta|_1, |gamma|_1) / 2, with the actual heads.",
            Word.HOLDS,
            _segments(best=True),
            constant_repaired_trial,
            hypotheses=("beta, gamma are best heads",),
            count=250,
        ),
        hypotheses=("beta, gamma are best heads", "kappa > 0"),
        count=250,
    ),
    Statement(
        "t2.main",
        PAPER,
        "Theorem 2",
        "there exists a continuous path with F_o <= max(lambda, eps)",
        "The least level at which two networks of width 2 are joined is at most max(E, eps(1, pi)), C = L^2 sqrt|Sigma| / kappa.",
        Word.FAILS,
        theorem2_main.instances,
        theorem2_main.printed_trial,
        (theorem2_main.KNOWN,),
        theorem2_main.search,
        theorem2_main.counterexample,
        Statement(
            "t2.main.repaired",
            PAPER,
            "Theorem 2",
            "",
            "The same with C = L sqrt|Sigma| E loss(y, 0) / (2 kappa), the segment's own bound with |theta|_1 <= E loss(y, 0) / kappa.",
            Word.HOLDS,
            theorem2_main.instances,
            theorem2_main.repaired_trial,
            (theorem2_main.KNOWN,),
            count=60,
        ),
        hypotheses=("convex Lipschitz loss", "kappa > 0", "l1 penalty on unit rows, which is the path penalty"),
        count=60,
        trained_counterexamples=lambda: {"second": theorem2_main.SECOND},
    ),
    Statement(
        "t2.main.logistic",
        PAPER,
        "Theorem 2",
        "there exists a continuous path with F_o <= max(lambda, eps)",
        "The same for the logistic loss, where E loss(y, 0) = log 2 and the printed C is more than twice the repaired one.",
        Word.HOLDS,
        theorem2_main.logistic_instances,
        theorem2_main.printed_trial,
        hypotheses=("logistic loss", "kappa > 0", "l1 penalty on unit rows, which is the path penalty"),
        count=60,
    ),
    Statement(
        "t2.path",
        PAPER,
        "Theorem 2",
        "the path consists of six segments",
        "On trained-like logistic pairs the path built as in the proof is certified at or below max(E, eps) with the paper's C.",
        Word.HOLDS,
        _pairs,
        main_trial,
        hypotheses=("convex Lipschitz loss", "l1 penalty", "unit rows"),
        count=24,
    ),
    Statement(
        "t2.angle",
        PAPER,
        SEGMENT,
        "|eta_1(t)_i - W_i^A| <= alpha",
        "Rows within angle alpha are within distance alpha.",
        Word.HOLDS,
        _segments(),
        angle_trial,
    ),
]
