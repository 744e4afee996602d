"""Tiny problems: the documented ones of docs/landscape.md, and random ones."""

import numpy as np

from verifier.landscape.setting import make_setting
from verifier.objective import Risk, make_objective

# seed, N, m, loss, kappa, cells, largest gap, level
DOCUMENTED = [
    (0, 5, 1, "squared", 0.0, 20, 0.41613, 0.96493),
    (0, 5, 2, "squared", 0.0, 400, 0.54251, 0.54563),
    (0, 5, 3, "squared", 0.0, 8000, 0.00312, 0.00312),
    (1, 6, 2, "squared", 0.0, 576, 0.09866, 0.12616),
    (0, 5, 2, "squared", 0.05, 400, 0.37382, 0.58781),
    (0, 5, 1, "logistic", 0.02, 20, 0.18273, np.log(2.0)),
]
# loss, kappa, delta, output bias, price on it
OBJECTIVES = [
    ("squared", 0.0, None, False, False),
    ("squared", 0.0, None, True, False),
    ("squared", 0.05, None, True, True),
    ("squared", 0.05, None, True, False),
    ("logistic", 0.02, None, False, False),
    ("logistic", 0.03, None, True, False),
    ("huber", 0.03, 0.7, True, True),
    ("huber", 0.0, 0.5, False, False),
]


def documented_data(seed, N, loss="squared"):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-1, 1, N))
    y = rng.normal(size=N)
    return x[:, None], (np.sign(y) if loss == "logistic" else y)[:, None]


def documented(seed, N, m, loss="squared", kappa=0.0):
    return make_setting(Risk(make_objective(loss, kappa=kappa), *documented_data(seed, N, loss)), m)


def random_setting(
    rng, N, m, loss="squared", kappa=0.0, delta=None, output_bias=False, price=False, d=1, hidden_bias=True
):
    X = rng.uniform(-1, 1, (N, d))
    y = rng.normal(size=(N, 1))
    if loss == "logistic":
        # Both classes: otherwise the infimum 0 lies at infinity.
        y = np.where(y > np.median(y), 1.0, -1.0)
    objective = make_objective(loss, kappa=kappa, delta=delta, penalise_output_bias=price)
    return make_setting(Risk(objective, X, y), m, hidden_bias=hidden_bias, output_bias=output_bias)


def random_face(rng, setting, most=3):
    """(moving code or -1, facet sample or -1, facet or -1, other codes)"""
    n = setting.neurons
    others = sorted(rng.integers(0, n.count, rng.integers(0, most)).tolist())
    facet = int(rng.integers(-1, len(n.facet_codes)))
    if facet < 0:
        return -1, -1, -1, others
    return int(n.facet_codes[facet, rng.integers(2)]), int(n.facet_samples[facet]), facet, others


def network_at(setting, cell, rng, values):
    """The minimiser of a cell as a network, with a random |theta_i| per neuron."""
    from verifier.networks.network import one_hidden_layer

    point = values.point(values.face(cell))
    left, u = dict(point.u), np.zeros((len(cell), setting.neurons.inputs.shape[1]))
    for k, code in enumerate(cell):
        if code in left:
            u[k] = left.pop(code)
    theta = np.array([setting.neurons.sign(c) for c in cell]) * rng.uniform(0.3, 3.0, len(cell))
    rows = u / np.abs(theta)[:, None]
    W, b = (rows[:, :-1], rows[:, -1]) if setting.hidden_bias else (rows, None)
    return one_hidden_layer(W, theta, b, np.array([point.bias]) if setting.output_bias else None)


def random_pair(seed, which=None, most_N=5, most_m=2):
    """Two minimisers of random cells: (setting, A, B)."""
    from verifier.landscape.faces import FaceValues

    which = OBJECTIVES[seed % len(OBJECTIVES)] if which is None else which
    rng = np.random.default_rng(seed)
    m, N = int(rng.integers(1, most_m + 1)), int(rng.integers(3, most_N + 1))
    setting = random_setting(rng, N, m, *which)
    values = FaceValues(setting)
    while True:
        cells = [tuple(rng.integers(0, setting.neurons.count, m).tolist()) for _ in range(2)]
        A, B = (network_at(setting, c, rng, values) for c in cells)
        if not A.same_parameters(B):
            return setting, A, B
