"""Sample weights: whatever averages over samples gets the weighted mean, as the kernel does."""

import pickle

import cvxpy as cp
import numpy as np
import pytest
import torch

from verifier.elaboration import endpoint_claims, kernel_problem
from verifier.errors import UsageError
from verifier.networks.network import one_hidden_layer
from verifier.objective import Risk, SampleWeighted, make_loss, make_objective
from verifier.paths.curves.torch_objective import TorchObjective
from verifier.programs import dual_value, fast_head, repair_dual, solve_head

LOSSES = ("logistic", "cross_entropy", "squared", "huber", "hinge", "absolute")
SMOOTH = LOSSES[:4]


def problem(loss: str, seed: int = 0, N: int = 12, m: int = 5):
    """X, targets, integer weights, and the data set with its samples repeated."""
    rng = np.random.default_rng(seed)
    K = {"cross_entropy": 3, "squared": 2, "huber": 2, "absolute": 2}.get(loss, 1)
    X = rng.normal(size=(N, 2))
    if loss == "cross_entropy":
        y = rng.integers(0, K, N)
    elif loss in ("logistic", "hinge"):
        y = np.where(rng.random((N, 1)) < 0.5, -1.0, 1.0)
    else:
        y = rng.normal(size=(N, K))
    w = rng.integers(1, 5, N)
    network = one_hidden_layer(rng.normal(size=(m, 2)), rng.normal(size=(K, m)), rng.normal(size=m), rng.normal(size=K))
    return X, y, w.astype(float), (np.repeat(X, w, axis=0), np.repeat(y, w, axis=0)), network


@pytest.mark.parametrize("penalty", ["none", "path", "weight_decay"])
@pytest.mark.parametrize("loss", LOSSES)
def test_integer_weights_are_repeated_samples(loss, penalty):
    X, y, w, (X2, y2), A = problem(loss)
    o = make_objective(loss, kappa=0.01 if penalty != "none" else 0.0, penalty=penalty)
    assert o.weighted(w).value(A, X, y) == pytest.approx(o.value(A, X2, y2), rel=1e-12)
    weighted = endpoint_claims(kernel_problem(A, A, Risk(o.weighted(w), X, y)))[0]
    repeated = endpoint_claims(kernel_problem(A, A, Risk(o, X2, y2)))[0]
    assert weighted.upper == pytest.approx(repeated.upper, rel=1e-9)
    assert weighted.lower <= o.weighted(w).value(A, X, y) <= weighted.upper


@pytest.mark.parametrize("loss", LOSSES)
def test_torch_averages_the_same_way(loss):
    X, y, w, _, A = problem(loss)
    o = make_objective(loss).weighted(w)
    torch_objective = TorchObjective(Risk(o, X, y))
    assert float(torch_objective.value(*torch_objective.tensors(A))) == pytest.approx(o.value(A, X, y), rel=1e-12)


def test_cross_entropy_with_class_weights_is_torchs():
    X, y, _, _, A = problem("cross_entropy")
    by_class = np.array([0.3, 1.0, 2.5])
    o = make_objective("cross_entropy").weighted(by_class[y])
    torchs = torch.nn.CrossEntropyLoss(weight=torch.tensor(by_class))
    assert o.value(A, X, y) == pytest.approx(float(torchs(torch.tensor(A.predict(X)), torch.tensor(y))), rel=1e-12)


@pytest.mark.parametrize("power", [-40, 1, 70])
def test_a_power_of_two_times_all_weights_changes_no_bit(power):
    X, y, w, _, A = problem("logistic")
    w = w * 1.1
    o = make_objective("logistic")
    assert o.weighted(w).value(A, X, y) == o.weighted(w * 2.0**power).value(A, X, y)
    assert endpoint_claims(kernel_problem(A, A, Risk(o.weighted(w), X, y))) == endpoint_claims(
        kernel_problem(A, A, Risk(o.weighted(w * 2.0**power), X, y))
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_gradient_curvature_and_conjugate_belong_to_the_same_function(loss):
    X, y, w, _, A = problem(loss)
    weighted, f = SampleWeighted(make_loss(loss), w), A.predict(X)
    nu = weighted.gradient(f, y)
    # Fenchel-Young with equality, sample by sample.
    assert weighted.values(f, y) + weighted.conjugate(nu, y) == pytest.approx((nu * f).sum(axis=1), rel=1e-9, abs=1e-9)
    if loss in SMOOTH:
        step = 1e-6 * np.ones_like(f)
        H = weighted.hessian(f, y)
        change = H * step if H.ndim == 2 else np.einsum("nkl,nl->nk", H, step)
        assert weighted.gradient(f + step, y) - nu == pytest.approx(change, abs=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_cvxpy_expression_is_the_weighted_sum(loss):
    X, y, w, _, A = problem(loss)
    weighted = SampleWeighted(make_loss(loss), w)
    Z, K = A.features(X), A.theta.shape[0]
    head, bias = cp.Variable((5, K)), cp.Variable((1, K))
    head.value, bias.value = A.theta.T.copy(), A.c[None, :].copy()
    assert weighted.cvxpy(Z, head, bias, y).value == pytest.approx(weighted.values(A.predict(X), y).sum(), rel=1e-12)


@pytest.mark.parametrize("kappa", [0.0, 0.02])
@pytest.mark.parametrize("loss", LOSSES)
def test_head_programs_and_their_duals_agree_with_repeated_samples(loss, kappa):
    if kappa == 0.0 and loss in ("logistic", "cross_entropy", "hinge"):
        kappa = 1e-3  # separable: no minimum to compare
    X, y, w, (X2, y2), A = problem(loss, N=20, m=4)
    o = make_objective(loss, kappa=kappa, penalty="path" if kappa else None)
    prices = o.row_prices(A)
    weighted = solve_head(A.features(X), y, o.weighted(w), prices, bias=True, name="w", outputs=A.theta.shape[0])
    repeated = solve_head(A.features(X2), y2, o, prices, bias=True, name="r", outputs=A.theta.shape[0])
    assert weighted.primal_value == pytest.approx(repeated.primal_value, rel=1e-7)
    assert weighted.dual_value <= weighted.primal_value
    assert weighted.dual_value == pytest.approx(weighted.primal_value, abs=1e-6)
    fast = fast_head(A.features(X), y, o.weighted(w), prices, True, warm=(A.theta, A.c))
    assert fast[2] == pytest.approx(weighted.primal_value, rel=1e-6)


def test_a_repaired_dual_is_one_of_the_plain_losses():
    X, y, w, _, A = problem("logistic")
    o = make_objective("logistic", kappa=0.01, penalty="l1").weighted(w)
    Z, prices = A.features(X), o.row_prices(A)
    nu = repair_dual(o.loss.gradient(A.predict(X), y), Z, y, o, prices, True)
    assert ((-nu * y >= 0) & (-nu * y <= 1)).all()
    p = w / w.sum()
    assert (np.abs(Z.T @ (p[:, None] * nu)) <= 0.01).all()
    assert abs(float(p @ nu[:, 0])) < 1e-12
    assert dual_value(nu, Z, y, o, prices, True, 10.0) <= o.value(A, X, y)


def test_weighted_objectives_compare_hash_and_pickle():
    w = np.array([1.0, 2.0, 3.0])
    o = make_objective("huber", delta=0.5, kappa=0.1).weighted(w)
    again = pickle.loads(pickle.dumps(o))
    assert again == o
    assert hash(again) == hash(o)
    assert o != make_objective("huber", delta=0.5, kappa=0.1)
    assert o != o.weighted(w[::-1])
    assert o.weighted(None) == make_objective("huber", delta=0.5, kappa=0.1)
    assert o.loss.delta == 0.5


def test_other_samples_than_those_weighed_are_refused():
    X, y, w, _, A = problem("squared")
    o = make_objective("squared").weighted(w)
    with pytest.raises(UsageError, match="12 weights for 5 samples"):
        o.value(A, X[:5], y[:5])
    with pytest.raises(ValueError, match="take the loss `at` these samples"):
        o.loss_of(A.predict(X[:5]), y[:5])
    few = np.arange(5)
    assert o.at(few).value(A, X[few], y[few]) == pytest.approx(
        float(w[few] @ make_loss("squared").values(A.predict(X[few]), y[few]) / w[few].sum()), rel=1e-12
    )


@pytest.mark.parametrize("weights", [[], [[1.0]], [1.0, 0.0], [1.0, -1.0], [1.0, np.nan], [1.0, 1e-200]])
def test_what_is_no_weight_is_refused(weights):
    with pytest.raises(UsageError, match="sample weights"):
        make_objective("squared").weighted(np.array(weights))
