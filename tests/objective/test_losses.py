"""Losses by their conditions: Fenchel-Young, numeric conjugates, gradients, Lipschitz constants, CVXPY agreement."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.data.dataset import Dataset
from verifier.errors import UsageError
from verifier.objective import LOSSES, make_loss

NAMES = sorted(LOSSES)
finite = st.floats(-8, 8, allow_nan=False)


def targets_for(loss, N, K, rng):
    if loss.name in ("logistic", "hinge"):
        return rng.choice([-1.0, 1.0], (N, 1))
    if loss.name == "cross_entropy":
        return rng.integers(0, K, N)
    return rng.normal(size=(N, K))


def outputs(name):
    return 1 if name in ("logistic", "hinge") else 3


@pytest.mark.parametrize("name", NAMES)
@given(f=st.lists(finite, min_size=3, max_size=3), g=st.lists(finite, min_size=3, max_size=3), seed=st.integers(0, 99))
def test_fenchel_young(name, f, g, seed):
    """loss(f) + loss*(nu) >= nu.f for nu a subgradient anywhere, with equality where nu is the one at f."""
    loss = make_loss(name)
    K = outputs(name)
    y = targets_for(loss, 1, K, np.random.default_rng(seed))
    f, g = np.array([f[:K]]), np.array([g[:K]])
    nu = loss.gradient(g, y)
    conjugate = loss.conjugate(nu, y)
    assert np.isfinite(conjugate).all()
    assert loss.values(f, y) + conjugate >= (nu * f).sum(axis=1) - 1e-9
    np.testing.assert_allclose(loss.values(g, y) + conjugate, (nu * g).sum(axis=1), atol=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "cross_entropy"])
@given(share=st.floats(0.02, 0.98), seed=st.integers(0, 50))
def test_conjugate_is_the_numeric_supremum(name, share, seed):
    loss = make_loss(name)
    y = targets_for(loss, 1, 1, np.random.default_rng(seed))
    f = np.linspace(-60, 60, 40001)[:, None]
    nu = {"logistic": -share * y, "hinge": -share * y}.get(name, np.array([[2 * share - 1]]))
    sup = (nu * f).sum(axis=1) - loss.values(f, np.broadcast_to(y, f.shape))
    assert loss.conjugate(nu, y)[0] == pytest.approx(sup.max(), abs=5e-3)


@pytest.mark.parametrize(
    ("name", "nu"),
    [("logistic", [[1.5]]), ("logistic", [[-0.1]]), ("hinge", [[-0.1]]), ("huber", [[1.1]]), ("absolute", [[-1.1]])],
)
def test_conjugate_is_infinite_outside_its_domain(name, nu):
    assert make_loss(name).conjugate(np.array(nu), np.array([[-1.0]]))[0] == np.inf


def test_cross_entropy_conjugate_needs_the_simplex():
    loss = make_loss("cross_entropy")
    dual = np.array([[0.5, -0.5, 0.0], [0.5, -0.4, 0.0], [-0.1, 0.1, 0.0]])
    np.testing.assert_array_equal(np.isfinite(loss.conjugate(dual, np.array([1, 1, 1]))), [True, False, False])


@pytest.mark.parametrize("name", NAMES)
def test_gradient_hessian_and_lipschitz_constant(name):
    """Central differences agree with the derivatives; gradients are no longer than L."""
    loss = make_loss(name, 0.7 if name == "huber" else None)
    rng = np.random.default_rng(0)
    K = outputs(name)
    f, y = 3 * rng.normal(size=(200, K)), targets_for(loss, 200, K, rng)
    gradient, step = loss.gradient(f, y), 1e-6
    for k in range(K):
        e = np.zeros(K)
        e[k] = step
        difference = (loss.values(f + e, y) - loss.values(f - e, y)) / (2 * step)
        np.testing.assert_allclose(difference, gradient[:, k], atol=1e-5)
        if loss.smooth:
            H = loss.hessian(f, y)
            if H.ndim == 2:
                H = H[:, :, None] * np.eye(K)
            np.testing.assert_allclose(
                (loss.gradient(f + e, y) - loss.gradient(f - e, y)) / (2 * step), H[:, k], atol=1e-5
            )
    L = loss.lipschitz(K)
    assert L is None or (np.linalg.norm(gradient, axis=1) <= L + 1e-12).all()


@pytest.mark.parametrize("name", NAMES)
def test_cvxpy_expression_has_the_same_value(name):
    loss = make_loss(name)
    rng = np.random.default_rng(1)
    K = outputs(name)
    Z, y = rng.normal(size=(11, 4)), targets_for(loss, 11, K, rng)
    head, bias = cp.Variable((4, K)), cp.Variable((1, K))
    head.value, bias.value = rng.normal(size=(4, K)), rng.normal(size=(1, K))
    expected = loss.values(Z @ head.value + bias.value, y).sum()
    assert loss.cvxpy(Z, head, bias, y).value == pytest.approx(expected, rel=1e-12)
    assert loss.cvxpy(Z, head, None, y).value == pytest.approx(loss.values(Z @ head.value, y).sum(), rel=1e-12)


def dataset(task, y):
    return Dataset(np.zeros((len(y), 2)), np.array(y), "toy", task)


def test_encodings():
    binary, classes = dataset("binary", [0, 1, 1]), dataset("multiclass", [0, 2, 1])
    np.testing.assert_array_equal(make_loss("logistic").encode(binary), [[-1], [1], [1]])
    np.testing.assert_array_equal(make_loss("squared").encode(binary), [[0], [1], [1]])
    np.testing.assert_array_equal(make_loss("huber").encode(classes), np.eye(3)[[0, 2, 1]])
    labels = make_loss("cross-entropy").encode(classes)
    assert labels.dtype == np.int64
    assert make_loss("absolute").encode(dataset("regression", [0.5, 1.5])).shape == (2, 1)


@pytest.mark.parametrize(
    ("loss", "task"), [("logistic", "multiclass"), ("hinge", "regression"), ("cross_entropy", "regression")]
)
def test_losses_refuse_tasks_they_do_not_fit(loss, task):
    with pytest.raises(UsageError, match=f"{loss} loss needs"):
        make_loss(loss).encode(dataset(task, [0, 1, 2]))


@pytest.mark.parametrize(
    ("arguments", "text"), [(("l7",), "unknown"), (("squared", 1.0), "huber"), (("huber", -1.0), "positive")]
)
def test_make_loss_refuses(arguments, text):
    with pytest.raises(UsageError, match=text):
        make_loss(*arguments)
