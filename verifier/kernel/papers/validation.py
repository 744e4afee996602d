"""Strict validation of `claim_violation`, which both evaluations share."""

from __future__ import annotations

import numpy as np

from verifier.kernel.papers.statement import STATEMENTS, ClaimViolation
from verifier.kernel.statements.problem import Objective, Problem, require_relu, require_unweighted
from verifier.kernel.statements.refusal import require, require_array, require_name

# Halves of the layer of cor43.A2 that are looked at, C(12, 6): every one of them.
MOST_NEURONS = 12
COUNTS = ("karhadkar2023.t5", "karhadkar2023.cor8")
# Hidden units of t5 and cor8: 2^-d1 and precisions of that many bits stay cheap.
MOST_UNITS = 4096


def lipschitz(o: Objective) -> float:
    """L of a scalar loss; rejects losses that are not Lipschitz."""
    require(o.loss in ("logistic", "hinge", "absolute", "huber"), f"{o.loss} has no Lipschitz constant")
    return o.delta if o.loss == "huber" and o.delta is not None else 1.0


def validate_violation(problem: Problem, claim: ClaimViolation) -> None:
    require_relu(problem)
    require_unweighted(problem)
    require_name(claim.name)
    require(claim.statement in STATEMENTS, f"unknown statement {claim.statement!r}")
    require(0.0 <= claim.time <= 1.0, "time must lie in [0, 1]")
    require(0.0 < claim.margin < float("inf"), "the margin must be positive and finite")
    paper = claim.statement.partition(".")[0]
    if paper == "nguyen2021":
        _validate_nguyen2021(problem, claim)
    elif paper == "karhadkar2023":
        _validate_karhadkar2023(problem, claim)
    else:
        _validate_baturin2026(problem, claim)


def _validate_baturin2026(problem: Problem, claim: ClaimViolation) -> None:
    N = len(problem.X)
    require(
        len(problem.A.weights) == 2 and problem.A.weights[1].shape[0] == 1,
        "a violation needs one hidden layer and one output",
    )
    require(problem.A.biases[1] is None, "the statements are about networks without an output bias")
    shape = {"t2.C": 2 * N, "baturin2026.exp.mse": 1}.get(claim.statement, N)
    require_array(claim.dual, "dual", np.float64, (shape,))
    if claim.statement == "baturin2026.exp.mse":
        require(problem.objective.loss == "squared" and claim.time == 0.0, "the statement is about the squared loss")
        require(bool(claim.dual[0] > 0.0), "L must be positive")
    if claim.statement.startswith("lemma1") or claim.statement in ("t2.segment", "t2.C"):
        lipschitz(problem.objective)
    if claim.statement in ("lemma1.zero", "lemma1.norm", "t2.C"):
        require(
            problem.objective.penalty == "l1" and problem.objective.kappa > 0.0,
            "the statement is about the l1 penalty with kappa > 0",
        )


def _validate_nguyen2021(problem: Problem, claim: ClaimViolation) -> None:
    """Reject what is not in the statement's setting, or a dual of another shape."""
    N, A, o = len(problem.X), problem.A, problem.objective
    K, hidden = A.weights[-1].shape[0], [W.shape[0] for W in A.weights[:-1]]
    require(A.biases[-1] is None, "the paper's last layer has no bias")
    require(o.penalty == "none", "the paper's loss has no penalty")
    require(claim.time == 0.0, "time belongs to other statements")
    if claim.statement == "nguyen2021.cor44.head":
        require(o.loss == "cross_entropy", "the statement is about the cross-entropy")
        require(all(n >= 2 * K for n in hidden), "Corollary 4.4 asks for 2 n_L neurons in each hidden layer")
        require_array(claim.dual, "dual", np.float64, (K * (hidden[-1] - K + 1) + N * K,))
    elif claim.statement == "nguyen2021.cor44.one-output":
        require(o.loss == "logistic", "the statement is about the logistic loss")
        require(len(hidden) == 1 and hidden[0] >= 2, "one hidden layer of two neurons or more")
        require_array(claim.dual, "dual", np.float64, (problem.X.shape[1] + 1,))
    else:
        require(len(hidden) >= 2, "layer L - 2 is a hidden one with two hidden layers or more")
        require(hidden[-2] <= MOST_NEURONS, f"more than {MOST_NEURONS} neurons in layer L - 2")
        require_array(claim.dual, "dual", np.float64, (N,))
        require(not claim.dual.any(), "this statement needs no dual")


def _validate_karhadkar2023(problem: Problem, claim: ClaimViolation) -> None:
    """Reject what is not in the statement's setting, or a dual of another shape."""
    A, o, (N, d) = problem.A, problem.objective, problem.X.shape
    require(len(A.weights) == 2 and A.weights[1].shape[0] == 1, "the paper has one hidden layer and one output")
    require(A.biases[1] is None, "the paper has no output bias")
    require(o.loss == "squared" and o.penalty == "none", "the paper's loss is the squared one, without a penalty")
    require(bool((A.weights[1] != 0).all()), "the paper's heads have no entry 0")
    require(claim.time == 0.0, "time belongs to other statements")
    if claim.statement in COUNTS:
        require_array(claim.dual, "dual", np.float64, (5,))
        return
    require_array(claim.dual, "dual", np.float64, (N,))
    require(not claim.dual.any(), "this statement needs no dual")
    if claim.statement == "karhadkar2023.prop7":
        require(A.biases[0] is None, "the units of Proposition 7 have no bias")
        return
    require(A.biases[0] is not None and d == 1, "inputs on a line, hidden units with a bias")
    require(bool((problem.X[1:, 0] > problem.X[:-1, 0]).all()), "inputs must increase")
    if claim.statement == "karhadkar2023.lemma15":
        require(A.weights[0].shape[0] == 2 * N, "the two key neurons of each sample, and no others")
    else:
        units = 1 if claim.statement == "karhadkar2023.prop13.cone" else 2
        require(A.weights[0].shape[0] == units, f"the statement is about {units} ReLU")
