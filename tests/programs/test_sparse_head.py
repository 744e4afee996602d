"""Sparse heads: sizes, exact zeros, order relations, and elimination against brute force."""

import itertools

import numpy as np
import pytest

from tests.programs.test_head import instance
from verifier.objective import make_objective
from verifier.programs import elimination_order, fast_head, removal_costs, sparse_head, sparse_supports


@pytest.mark.parametrize(("loss", "kappa"), [("squared", 0.0), ("logistic", 0.0), ("logistic", 0.01), ("hinge", 0.01)])
def test_support_sizes_zeros_and_monotone_values(loss, kappa):
    objective = make_objective(loss, kappa=kappa)
    Z, y, prices, K = instance(loss)
    full = solve = fast_head(Z, y, objective, prices, True, warm=(np.zeros((K, 9)), np.zeros(K)))
    found = sparse_supports(Z, y, objective, prices, True, [0, 3, 6, 9], full=solve[:2])
    for k, sparse in found.items():
        assert len(sparse.support) <= k
        assert not np.delete(sparse.head, sparse.support, axis=1).any()
        assert sparse.value >= full[2] - 1e-6
    assert found[9].value == pytest.approx(full[2], rel=1e-5)


def test_program_result_is_on_its_support():
    objective = make_objective("logistic", kappa=0.01)
    Z, y, prices, _ = instance("logistic")
    result = sparse_head(Z, y, objective, prices, 4, bias=True, name="sparse")
    assert result.r == len(result.support) <= 4
    assert result.head.shape == (1, result.r)
    value = objective.head_value(Z[:, result.support], y, prices[result.support], result.head, result.head_bias)
    assert result.primal_value == pytest.approx(value, rel=1e-14)
    assert result.gap <= 1e-6
    assert sparse_head(Z, y, objective, prices, 0, bias=True, name="none").r == 0
    with pytest.raises(ValueError, match="rows expected"):
        result.of_rows(np.zeros((9, 2)), None)


def test_removal_costs_are_exact_for_least_squares():
    """1/2 sum_k h_ik^2 / [H^-1]_ii is the increase of the mean squared loss when row i goes."""
    objective = make_objective("squared")
    Z, y, prices, _ = instance("squared")
    head, bias, value = fast_head(Z, y, objective, prices, True)
    costs, _ = removal_costs(Z, y, objective, head, bias)
    for i in range(9):
        without = fast_head(np.delete(Z, i, axis=1), y, objective, np.delete(prices, i), True)[2]
        assert costs[i] == pytest.approx(without - value, rel=1e-5, abs=1e-9)


def test_elimination_is_close_to_the_best_subset():
    objective = make_objective("squared")
    Z, y, prices, _ = instance("squared")
    best = min(
        fast_head(Z[:, list(s)], y, objective, prices[list(s)], True)[2] for s in itertools.combinations(range(9), 5)
    )
    found = sparse_supports(Z, y, objective, prices, True, [5])[5].value
    assert best - 1e-12 <= found <= 1.05 * best


def test_elimination_respects_candidates():
    objective = make_objective("logistic")
    Z, y, prices, _ = instance("logistic")
    head, bias, _ = fast_head(Z, y, objective, prices, True)
    order = elimination_order(Z, y, objective, prices, (head, bias), candidates=np.array([1, 4, 7]))
    assert sorted(order) == [1, 4, 7]
