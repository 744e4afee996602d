"""Small pairs of different sign counts with their lower-bound claims, and what is true of them by other means than the search's."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.optimize import minimize

from verifier.elaboration import kernel_problem
from verifier.landscape.above import Above, above_shared
from verifier.landscape.faces import FaceValues
from verifier.landscape.setting import make_setting
from verifier.landscape.sign_count.narrow import Narrow, narrow
from verifier.landscape.sign_count.search import descended, least_narrow
from verifier.networks.network import Network
from verifier.objective import Risk, make_objective
from verifier.pipeline.sign_count import narrow_claim


def trained_network(rng, objective, inputs, y, signs, output_bias):
    """The lowest of a few networks of these signs that L-BFGS finds, no neuron of it 0: (u (m, n), c)."""
    n, s = inputs.shape[1], np.array(signs)
    whole = Narrow(objective, inputs, y, tuple(signs), output_bias, np.eye(n))
    found = [descended(whole, rng.normal(size=(len(s), n)), 0.0) for _ in range(6)]
    u, c, _ = min(found, key=lambda f: f[2])
    return u + 1e-3 * rng.normal(size=u.shape), c


def network(u, c, signs, rng, hidden_bias, output_bias):
    """With heads of random sizes and the neurons in these places."""
    size = np.exp(rng.normal(size=len(u)))
    rows, theta = u / size[:, None], (np.array(signs) * size)[None]
    bias = np.array([c]) if output_bias else None
    if hidden_bias:
        return Network((rows[:, :-1], theta), (rows[:, -1], bias))
    return Network((rows, theta), (None, bias))


def layers_below(rng, X, below):
    """(weights, biases) of random layers of these widths, whose neurons turn between two samples; (), () without any."""
    weights, biases = [], []
    for width in below:
        h = features(X, (weights, biases))
        W = rng.normal(size=(width, h.shape[1]))
        pre = np.sort(h @ W.T, axis=0)
        cut = rng.integers(1, len(X) - 1, size=width)
        weights.append(W)
        biases.append(-np.array([pre[j : j + 2, k].mean() for k, j in enumerate(cut)]))
    return tuple(weights), tuple(biases)


def features(X, layers):
    for W, b in zip(*layers):
        X = np.maximum(X @ W.T + b, 0.0)
    return X


def on(layers, top):
    """The deep network of which this is what lies above the layers."""
    return Network((*layers[0], *top.weights), (*layers[1], *top.biases))


def top_of(A, B, risk):
    """(A, B, risk, exact features or None): what searches are about."""
    if A.depth == 2:
        return A, B, risk, None
    top: Above = above_shared(A, B, risk)
    return top.A, top.B, top.risk, top.exact


@cache
def instance(
    seed,
    *,
    N=6,
    d=1,
    m=2,
    below=(),
    loss="squared",
    kappa=0.0,
    penalty=None,
    bias=True,
    output_bias=False,
    price=False,
    programs=2000,
):
    """(problem, claim, search, A, B): A has one or two positive neurons more than B, in random places."""  # fmt: skip
    rng = np.random.default_rng(seed)
    X, y = rng.uniform(-1, 1, size=(N, d)), rng.normal(size=(N, 1))
    if loss in ("logistic", "hinge"):
        y = np.sign(y)
    objective = make_objective(
        loss, delta=0.3 if loss == "huber" else None, kappa=kappa, penalty=penalty, penalise_output_bias=price
    )
    layers = layers_below(rng, X, below)
    h = features(X, layers)
    inputs = np.column_stack([h, np.ones(N)]) if bias else h
    few = int(rng.integers(0, m))
    many = few + 1 if m == 1 else int(rng.integers(few + 1, m + 1))
    nets = []
    for positive in (many, few):
        signs = rng.permutation([1] * positive + [-1] * (m - positive))
        u, c = trained_network(rng, objective, inputs, y, signs, output_bias)
        nets.append(on(layers, network(u, c, signs, rng, bias, output_bias)))
    A, B = nets if rng.random() < 0.5 else nets[::-1]
    top, _, risk, exact = top_of(A, B, Risk(objective, X, y))
    found = least_narrow(narrow(top, risk, int(rng.integers(few, many)), exact), most_programs=programs, seconds=1e9)
    problem = kernel_problem(A, B, Risk(objective, X, y))
    return problem, narrow_claim(problem, found), found, A, B


# Cases with and without penalty, output bias, hidden bias; one to three neurons; all losses; above one and two shared layers.
CASES = (
    {"seed": 0},
    {"seed": 1, "output_bias": True},
    {"seed": 2, "loss": "huber", "output_bias": True},
    {"seed": 3, "kappa": 0.05, "penalty": "path"},
    {"seed": 4, "loss": "logistic", "kappa": 0.02, "penalty": "path", "output_bias": True, "price": True},
    {"seed": 5, "loss": "absolute", "output_bias": True},
    {"seed": 6, "loss": "hinge", "kappa": 0.02, "penalty": "weight_decay", "output_bias": True},
    {"seed": 7, "d": 2, "N": 7, "output_bias": True},
    {"seed": 8, "m": 1, "output_bias": True},
    {"seed": 9, "m": 3, "kappa": 0.05, "penalty": "path"},
    {"seed": 10, "d": 2, "bias": False},
    {"seed": 14, "below": (2,), "N": 8, "output_bias": True},
    {"seed": 11, "below": (3, 2), "d": 2, "N": 8},
    {"seed": 15, "below": (2,), "N": 8, "loss": "logistic", "bias": False, "output_bias": True},
)


def exact_least(problem, positive):
    """The least F of one neuron of this sign (positive 1 or 0), over all cells: by the exact landscape's programs, which know no partition."""
    o = problem.objective
    objective = make_objective(o.loss, delta=o.delta, kappa=o.kappa, penalty=None if o.penalty == "none" else o.penalty)
    A, B = (Network(p.weights, p.biases) for p in (problem.A, problem.B))
    _, _, risk, exact = top_of(A, B, Risk(objective, problem.X, problem.targets))
    setting = make_setting(
        risk, 1, hidden_bias=A.biases[-2] is not None, output_bias=A.biases[-1] is not None, exact=exact
    )
    values = FaceValues(setting)
    codes = range(setting.neurons.count)
    return min(values.value(values.face((c,))) for c in codes if setting.neurons.sign(c) == (1 if positive else -1))


def lowest_in(narrow_problem, rays, rng):
    """An upper bound, mostly a tight one, of the least F where neuron i lies in the cone of rays[i] (n, n): descent from several points."""
    k, n = len(rays), narrow_problem.inputs.shape[1]
    bias = narrow_problem.output_bias

    def F(z):
        u = np.array([z[i * n : (i + 1) * n] @ rays[i] for i in range(k)]).reshape(k, n)
        return narrow_problem.value(u, float(z[-1]) if bias else 0.0)

    best = np.inf
    for _ in range(3):
        z = np.concatenate([np.exp(rng.normal(size=k * n)), rng.normal(size=1)])
        found = minimize(F, z, method="L-BFGS-B", bounds=[(0.0, None)] * (k * n) + [(None, None)])
        best = min(best, float(found.fun))
    return best
