"""Independent checks of proposed paths: kinds decided from the arrays alone, suprema by dense sampling."""

import itertools

import numpy as np

from verifier.networks.network import linear_combination, one_hidden_layer


def kind(v, w):
    """head, idle or chord, by exact comparison of one-hidden-layer networks."""
    rows = (v.W != w.W).any(axis=1)
    if v.b is not None:
        rows = rows | (v.b != w.b)
    head = not np.array_equal(v.theta, w.theta) or (v.c is not None and not np.array_equal(v.c, w.c))
    if not rows.any():
        return "head"
    dead = (v.theta[:, rows] == 0).all() and (w.theta[:, rows] == 0).all()
    return "idle" if dead and not head else "chord"


def kinds(path):
    vertices = list(path.vertices())
    return [kind(v, w) for v, w in itertools.pairwise(vertices)]


def sampled_maximum(path, objective, X, targets, points=17, path_form=False):
    """Largest F on a grid of every move."""
    value = objective.path_value if path_form else objective.value
    vertices = list(path.vertices())
    return max(
        value(linear_combination(v, w, float(t)), X, targets)
        for v, w in itertools.pairwise(vertices)
        for t in np.linspace(0, 1, points)
    )


def bitwise_equal(v, w):
    return v.sha256() == w.sha256()


def random_network(rng, m, d=2, K=1, b=True, c=True, unit=False):
    W = rng.normal(size=(m, d))
    if unit:
        W /= np.linalg.norm(W, axis=1, keepdims=True)
    return one_hidden_layer(
        W, rng.normal(size=(K, m)) / m, rng.normal(size=m) if b else None, rng.normal(size=K) if c else None
    )


def random_targets(loss, rng, N, K):
    if loss in ("logistic", "hinge"):
        return rng.choice([-1.0, 1.0], (N, 1))
    if loss == "cross_entropy":
        return rng.integers(0, K, N)
    return rng.normal(size=(N, K))
