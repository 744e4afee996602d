"""torch's losses and penalties against `verifier.objective`'s, an independent implementation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from verifier.data import Dataset
from verifier.errors import UsageError
from verifier.networks import Network
from verifier.objective.losses import LOSSES, make_loss
from verifier.objective.penalties import make_penalty
from verifier.training import torch_losses

TASKS = {"logistic": "binary", "hinge": "binary", "cross_entropy": "multiclass"}


def network(rng, sizes, bias=True):
    shapes = list(zip(sizes[1:], sizes))
    return Network(
        tuple(rng.standard_normal(s) for s in shapes),
        tuple(rng.standard_normal(s[0]) if bias else None for s in shapes),
    )


def tensors(net):
    return [torch.tensor(W) for W in net.weights], [None if b is None else torch.tensor(b) for b in net.biases]


@pytest.mark.parametrize("name", list(LOSSES))
@given(seed=st.integers(0, 10**6), delta=st.sampled_from([None, 0.3, 2.0]))
def test_mean_loss_agrees(name, seed, delta):
    rng = np.random.default_rng(seed)
    task = TASKS.get(name, "regression")
    y = {
        "binary": rng.integers(0, 2, 7),
        "multiclass": rng.integers(0, 3, 7),
        "regression": rng.standard_normal((7, 2)),
    }[task]
    loss = make_loss(name, delta if name == "huber" else None)
    targets = loss.encode(Dataset(rng.standard_normal((7, 2)), y, "d", task))
    predictions = 3 * rng.standard_normal((7, max(loss.outputs(targets), 3 if task == "multiclass" else 1)))
    value = torch_losses.mean_loss(
        name, torch.tensor(predictions), torch.tensor(targets), delta if name == "huber" else None
    )
    assert float(value) == pytest.approx(loss.values(predictions, targets).mean(), rel=1e-12)


@pytest.mark.parametrize("name", torch_losses.PENALTIES)
@given(seed=st.integers(0, 10**6), bias=st.booleans(), output_bias=st.booleans())
def test_penalty_agrees(name, seed, bias, output_bias):
    net = network(np.random.default_rng(seed), (3, 4, 2), bias)
    output_bias = output_bias and name in ("l1", "path")
    expected = make_penalty(name, output_bias).value(net)
    assert float(torch_losses.penalty(name, *tensors(net), output_bias)) == pytest.approx(expected, rel=1e-12)


@given(seed=st.integers(0, 10**6), bias=st.booleans(), sizes=st.lists(st.integers(1, 4), min_size=3, max_size=5))
def test_forward_agrees(seed, bias, sizes):
    rng = np.random.default_rng(seed)
    net, X = network(rng, sizes, bias), rng.standard_normal((5, sizes[0]))
    np.testing.assert_allclose(
        torch_losses.forward(*tensors(net), torch.tensor(X)), net.predict(X), rtol=1e-12, atol=1e-12
    )


def test_path_penalty_of_a_dead_row_has_a_finite_gradient():
    W, theta = torch.zeros(1, 2, requires_grad=True), torch.ones(1, 1, requires_grad=True)
    torch_losses.penalty("path", [W, theta], [None, None]).backward()
    assert torch.isfinite(W.grad).all()


def test_refusals():
    f = torch.zeros(3, 1)
    with pytest.raises(UsageError, match="loss 'x' is unknown; choose one of logistic"):
        torch_losses.mean_loss("x", f, f)
    with pytest.raises(ValueError, match=r"predictions have shape \(3, 1\), so targets need \(3, 1\), got \(3,\)"):
        torch_losses.mean_loss("squared", f, torch.zeros(3))
    with pytest.raises(UsageError, match="penalty 'x' is unknown"):
        torch_losses.penalty("x", [f, f], [None, None])
    for name in ("path", "weight_decay"):
        with pytest.raises(UsageError, match=f"penalty {name} is defined for one hidden layer, but this network has 2"):
            torch_losses.penalty(name, [f, f, f], [None, None, None])
