"""Predictions along a segment between two networks of one hidden layer of ReLU and one output, without a forward pass for each of its points."""

from __future__ import annotations

import numpy as np

from verifier.matrices import augmented_inputs
from verifier.networks.network import Network
from verifier.objective import augmented_rows

Array = np.ndarray
# Numbers at a time: they stay within a core's own cache.
BLOCK = 2**16


def chord_predictions(start: Network, end: Network, X: Array, times: Array) -> Array:
    """f (T, N, 1) at `(1 - t) start + t end`, in float64; X (N, d), times (T,) in [0, 1].

    With pre-activations u and v of a neuron at the ends,

        relu((1 - t) u + t v) = (1 - t) relu(u) + t relu(v) - [u v < 0] min((1 - t) |u|, t |v|),

    so f is quadratic in t but for the neurons that change sign, of which short segments have few.
    """
    inputs = augmented_inputs(X, start.b is not None)
    u, v = inputs @ augmented_rows(start).T, inputs @ augmented_rows(end).T
    heads = np.vstack([start.theta, end.theta]).T
    (aa, ab), (ba, bb) = (np.maximum(u, 0.0) @ heads).T, (np.maximum(v, 0.0) @ heads).T
    t, s = times[:, None], 1.0 - times[:, None]
    f = s * s * aa + s * t * (ab + ba) + t * t * bb
    if start.c is not None:
        f += s * start.c + t * end.c
    samples, neurons = np.nonzero(u * v < 0.0)
    if len(samples):
        first = np.flatnonzero(np.diff(samples, prepend=-1))
        u, v, (a, b) = np.abs(u[samples, neurons]), np.abs(v[samples, neurons]), heads[neurons].T
        for part in np.array_split(np.arange(len(times)), -(-len(times) * len(samples) // BLOCK)):
            over = np.minimum(s[part] * u, t[part] * v) * (s[part] * a + t[part] * b)
            f[part[:, None], samples[first]] -= np.add.reduceat(over, first, axis=1)
    return f[:, :, None]
