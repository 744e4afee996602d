"""Networks and independent checks for the polylines of Nguyen 2019."""

import itertools

import numpy as np

from verifier.networks.network import Network, linear_combination


def random_network(rng, widths, slope):
    weights = tuple(rng.normal(size=(b, a)) * np.sqrt(2 / a) for a, b in itertools.pairwise(widths))
    return Network(weights, tuple(0.3 * rng.normal(size=b) for b in widths[1:]), slope)


def changed_layers(v, w):
    """1-based layers in which two networks differ."""
    same = (np.array_equal(a, b) and np.array_equal(p, q) for a, b, p, q in zip(v.weights, w.weights, v.biases, w.biases))  # fmt: skip
    return [l for l, s in enumerate(same, start=1) if not s]


def one_layer_at_a_time(path):
    return all(len(changed_layers(v, w)) == 1 for v, w in itertools.pairwise(path.vertices()))


def sampled(path, objective, X, targets, times=(0.25, 0.5, 0.75, 1.0)):
    """F at the start and along all moves."""
    values = [objective.value(path.start, X, targets)]
    for v, w in itertools.pairwise(path.vertices()):
        values += [objective.value(linear_combination(v, w, t), X, targets) for t in times]
    return np.array(values)


def outputs(path, X, times=(0.3, 1.0)):
    return [linear_combination(v, w, t).predict(X) for v, w in itertools.pairwise(path.vertices()) for t in times]
