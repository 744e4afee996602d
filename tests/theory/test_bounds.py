"""A-priori bounds: formulae on hand-made numbers, hypotheses judged on networks that violate them one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest

from verifier.networks.network import one_hidden_layer
from verifier.objective import Risk, make_objective
from verifier.paths.path import Path
from verifier.theory import (
    Theorem2Terms,
    bounds_from_terms,
    connected_sublevel_sets,
    halves_bound,
    pruning_cost,
    second_moment_norm,
    sparsification_barrier,
)

TERMS = Theorem2Terms(l=2, alpha=0.1, e_l=0.3, full_A=0.1, sparse_A=0.2, sparse_B=0.25, full_B=0.1, head_mass=5.0)


def networks(unit=True, c=None):
    W = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]) * (1.0 if unit else 2.0)
    net = one_hidden_layer(W, np.array([1.0, -1.0, 0.5]), None, c)
    return net, net


X = np.array([[1.0, 0.0], [0.0, 2.0]])
Y = np.array([[1.0], [-1.0]])


def verdicts(bound):
    return {h.statement: h.met for h in bound.hypotheses}


def test_second_moment_norm_is_the_largest_eigenvalue():
    assert second_moment_norm(X, False) == pytest.approx(2.0)
    inputs = np.hstack([X, np.ones((2, 1))])
    assert second_moment_norm(X, True) == pytest.approx(np.linalg.eigvalsh(inputs.T @ inputs / 2)[-1])


def test_theorem2_formulae():
    A, B = networks()
    o = make_objective("logistic", kappa=0.01, penalty="l1")
    paper, repaired, before = bounds_from_terms(TERMS, A, B, Risk(o, X, Y))
    assert paper.value == pytest.approx(0.3 + math.sqrt(2.0) / 0.01 * 0.1)
    assert repaired.value == pytest.approx(0.3 + math.sqrt(2.0) * 5.0 * 0.1)
    assert before.value == pytest.approx(0.3 + math.sqrt(2.0) * math.log(2.0) / 0.02 * 0.1)
    assert before.value < paper.value
    assert paper.applies
    assert repaired.applies
    assert before.applies


@pytest.mark.parametrize(
    ("loss", "alpha", "said"),
    [("logistic", 0.1, "as printed it holds"), ("huber", 0.1, "REFUTED as printed"), ("huber", 0.0, "does not enter")],
)
def test_a_refuted_constant_says_so(loss, alpha, said):
    o = make_objective(loss, delta=1.0 if loss == "huber" else None, kappa=0.01, penalty="l1")
    paper, *others = bounds_from_terms(replace(TERMS, alpha=alpha), *networks(), Risk(o, X, Y))
    assert said in paper.note
    assert not any("REFUTED" in b.note for b in others)


@pytest.mark.parametrize(
    ("objective", "unit", "c", "violated"),
    [
        (make_objective("squared", kappa=0.01, penalty="l1"), True, None, "the loss is Lipschitz in the predictions"),
        (make_objective("logistic"), True, None, "kappa > 0"),
        (make_objective("logistic", kappa=0.01, penalty="l1"), False, None, "first-layer rows are unit vectors"),
        (make_objective("logistic", kappa=0.01, penalty="weight_decay"), True, None, "the penalty is kappa |theta|_1"),
        (make_objective("logistic", kappa=0.01, penalty="l1"), True, np.zeros(1), "no output bias"),
    ],
)
def test_each_violated_hypothesis_is_named(objective, unit, c, violated):
    paper, *_ = bounds_from_terms(TERMS, *networks(unit, c), Risk(objective, X, Y))
    assert verdicts(paper)[violated] is False
    assert paper.applies is False


def test_values_are_none_without_lipschitz_constant_or_kappa():
    A, B = networks()
    paper, repaired, before = bounds_from_terms(TERMS, A, B, Risk(make_objective("squared"), X, Y))
    assert paper.value is None
    assert repaired.value is None
    assert before.value is None
    flat = Theorem2Terms(l=2, alpha=0.0, e_l=0.3, full_A=0.1, sparse_A=0.2, sparse_B=0.25, full_B=0.1, head_mass=5.0)
    assert bounds_from_terms(flat, A, B, Risk(make_objective("squared"), X, Y))[0].value == 0.3


def test_lemma_one_can_fail_on_data():
    """|theta|_1 <= L / kappa rests on |Z| <= 1; a head mass above it is reported as a violated hypothesis."""
    heavy = Theorem2Terms(l=2, alpha=0.1, e_l=0.3, full_A=0.1, sparse_A=0.2, sparse_B=0.25, full_B=0.1, head_mass=500.0)
    paper, *_ = bounds_from_terms(heavy, *networks(), Risk(make_objective("logistic", kappa=0.01, penalty="l1"), X, Y))
    assert verdicts(paper)["Lemma 1: every best head has |theta|_1 <= L / kappa"] is False


def test_halves_needs_no_lipschitz_constant():
    A, B = networks()
    path = Path("halves", A, (), {"Q_A": 20.0, "Q_B": 30.0})
    bound = halves_bound(A, B, Risk(make_objective("squared"), X, np.zeros((2, 1))), path)
    assert bound.value == 30.0
    assert bound.applies
    with pytest.raises(TypeError, match="Q_A"):
        halves_bound(
            A, B, Risk(make_objective("squared"), X, np.zeros((2, 1))), Path("x", A, (), {"Q_A": None, "Q_B": 1.0})
        )


def test_dimension_free_formulae():
    A, B = networks()
    objective = make_objective("logistic", kappa=0.5, penalty="l1")
    D = math.sqrt(2.0)
    barrier = sparsification_barrier(A, B, objective, X, level=0.4, l=2, e_l=0.3, risk_lower_bound=0.1)
    assert barrier.value == pytest.approx(D * 0.3 / 0.5)
    assert pruning_cost(A, objective, X, l=1).value == pytest.approx((D - 0.5) / 3 * 2.5)
    assert connected_sublevel_sets(A, B, objective, X).value is None
    strong = make_objective("logistic", kappa=1.5, penalty="l1")
    assert connected_sublevel_sets(A, B, strong, X).value == 0.0
    assert pruning_cost(A, strong, X, l=1).value == 0.0
    assert sparsification_barrier(A, B, make_objective("squared"), X, level=1, l=1, e_l=0).value is None
