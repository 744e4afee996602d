"""Moons with noise and the networks of width 2 that L-BFGS finds."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from verifier.networks.network import Network


def moons(N: int) -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's, noise 0.2, standardised; targets 0 and 1."""
    from sklearn.datasets import make_moons

    X, y = make_moons(N, noise=0.2, random_state=1)
    return (X - X.mean(0)) / X.std(0), y


def _minima(inputs: Any, y: np.ndarray, seeds: tuple[int, ...]) -> list[tuple[float, list[np.ndarray]]]:
    """(F, (W, b, theta, c)) where L-BFGS ends from these seeds: two neurons on the inputs, squared loss."""
    import torch

    targets, found = torch.tensor(y, dtype=torch.double), []
    for seed in seeds:
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        net = torch.nn.Sequential(torch.nn.Linear(inputs.shape[1], 2), torch.nn.ReLU(), torch.nn.Linear(2, 1)).double()
        search = torch.optim.LBFGS(
            net.parameters(),
            lr=1,
            max_iter=3000,
            tolerance_grad=1e-10,
            tolerance_change=1e-14,
            line_search_fn="strong_wolfe",
        )

        def loss(net=net, search=search):
            search.zero_grad()
            value = ((net(inputs)[:, 0] - targets) ** 2).mean()
            value.backward()
            return value

        search.step(loss)
        found.append((float(loss().detach()), [p.detach().numpy().copy() for p in net.parameters()]))
    return found


@cache
def moons_minima(N: int, seeds: tuple[int, ...]) -> tuple[Network, Network, np.ndarray, np.ndarray]:
    """(A, B, X, y): the two lowest of the minima from these seeds."""
    import torch

    X, y = moons(N)
    found = sorted(_minima(torch.tensor(X), y, seeds), key=lambda f: f[0])[:2]
    A, B = (Network((W, theta), (b, c)) for _, (W, b, theta, c) in found)
    return A, B, X, y.astype(float)[:, None]


@cache
def moons_above(N: int, first: int, seeds: tuple[int, int]) -> tuple[Network, Network, np.ndarray, np.ndarray]:
    """(A, B, X, y (N,)): networks 2-2-2-1 of one random first layer, trained above it."""
    import torch

    X, y = moons(N)
    torch.manual_seed(100 + first)
    layer = torch.nn.Linear(2, 2).double()
    low, shift = (p.detach().numpy().copy() for p in layer.parameters())
    found = _minima(torch.relu(layer(torch.tensor(X))).detach(), y, seeds)
    A, B = (Network((low, W, theta), (shift, b, c)) for _, (W, b, theta, c) in found)
    return A, B, X, y.astype(float)


def moons_pair(N: int) -> tuple[Network, Network, np.ndarray, np.ndarray]:
    """The two lowest minima from seeds 0 to 7, which differ in sign counts at every number of samples used here."""
    return moons_minima(N, tuple(range(8)))


def in_slots(A: Network, B: Network) -> Network:
    """B with its neurons permuted so that their signs stand where A's do, where the counts agree."""
    left = list(range(A.theta.shape[1]))
    order = []
    for head in A.theta[0]:
        order.append(next(k for k in left if (B.theta[0, k] > 0) == (head > 0)))
        left.remove(order[-1])
    (W, theta), (b, c) = B.weights, B.biases
    return Network((W[order], theta[:, order]), (b[order], c))


# Of width 3 at N = 40 as L-BFGS finds them from these seeds: rows, head, biases, output bias.
WIDTH_THREE = {
    1: (
        [[1.54224558, 0.04041482], [1.20518051, 0.28419719], [-1.00756613, 0.26696818]],
        [1.54145001, -1.38471836, -0.73070212],
        [-0.74884968, 0.2849076, 0.24521074],
        1.351578,
    ),
    3: (
        [[-8.62471837, -2.20847773], [1.0994709, -11.98418421], [1.83876331, -20.01098021]],
        [-0.08355785, -23.02177085, 13.79207777],
        [-9.19280253, 5.93563487, 9.96092461],
        0.03272469,
    ),
    18: (
        [[-0.639833, 0.237687], [2.207389, 0.725987], [2.051642, 0.297616]],
        [-1.367787, -0.920214, 1.328465],
        [-0.308549, -0.000487, -0.869211],
        1.002885,
    ),
    31: (
        [[-2.19343, -0.080789], [-2.170153, 0.213895], [-2.496544, -0.253162]],
        [2.174665, -1.469648, -0.900737],
        [1.084347, 1.759764, -0.369303],
        1.0,
    ),
    48: (
        [[-2.06201, -0.073501], [-2.075608, 0.102837], [0.736439, -0.371035]],
        [0.798167, -0.950492, 0.940483],
        [1.003006, -0.979824, 1.064262],
        -1.182665,
    ),
}


def width_three(a: int = 18, b: int = 48) -> tuple[Network, Network, np.ndarray, np.ndarray]:
    """Two minima of width 3 at N = 40, squared loss: seeds 1, 18 and 31 have one positive neuron, as has 3, a poor one; 48 has two."""
    A, B = (
        Network((np.array(W), np.array([theta])), (np.array(bias), np.array([c])))
        for W, theta, bias, c in (WIDTH_THREE[a], WIDTH_THREE[b])
    )
    _, _, X, y = moons_pair(40)
    return A, B, X, y
