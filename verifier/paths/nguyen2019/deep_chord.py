"""The chord lemma in depth: F over a segment on which one layer changes, float64 estimate of the bound.

Lemma. On a segment s in [0, 1] let only layer l change, so that Z_l(s) is affine. Write Q(s) = chord_Q(s) + d_Q(s) for every later
quantity Q, the chord through the values Q(0) and Q(1) themselves. With sigma(z) = max(z, a z), 0 <= a < 1:

    d_{Z_l} = 0
    d_{F_k} in [low(d_{Z_k}) - k, high(d_{Z_k})],
        low(d) = d if d < 0 else a d,  high(d) = d if d > 0 else a d,
        0 <= k <= (1 - a) |u| |v| / (|u| + |v|) where u = Z_k(0), v = Z_k(1) differ in sign, else k = 0
    d_{Z_{k+1}} = W_{k+1} d_{F_k}         (the layer is fixed, so the chord of the product is the product of the chord)

and for convex losses mean_j loss_j(f_j(s)) <= max over e in {0, 1} of mean_j max of loss_j over the box f_j(e) + d_{f_j}.

Proof. sigma(chord + d) - chord_sigma = [sigma(chord + d) - sigma(chord)] + [sigma(chord) - chord_sigma]. The first bracket lies between a d
and d, the second is that of theory.md section 2, sigma being a z + (1 - a) relu(z); the last line is the chord lemma's, as d is one number
in its box for both ends.

Where no pre-activation of any layer k >= l changes its sign the deviation is exactly 0 and sup F is the larger end. An interval hull of
Z_l would instead be as wide as the features' motion, although F_l W_{l+1} may be constant.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.networks.network import Network
from verifier.objective import Objective
from verifier.paths.path import Path

Array = np.ndarray


def _changed(v: Network, w: Network) -> list[int]:
    out = []
    for l, (a, b, p, q) in enumerate(zip(v.weights, w.weights, v.biases, w.biases), start=1):
        if not np.array_equal(a, b) or (p is not None and q is not None and not np.array_equal(p, q)):
            out.append(l)
    return out


def deviation(v: Network, w: Network, X: Array) -> tuple[Array, Array]:
    """(low, high), both (N, K), float64: bounds of the outputs' deviation from their chord on the segment from v to w.

    Raises ValueError when more than one layer changes.
    """
    layers = _changed(v, w)
    if len(layers) > 1:
        raise ValueError(f"deviation: layers {layers} change, expected one")
    N, K = len(X), v.widths[-1]
    if not layers or layers[0] == v.depth:
        return np.zeros((N, K)), np.zeros((N, K))
    l, a = layers[0], v.negative_slope
    F, G = v.features(X, l - 1), w.features(X, l - 1)
    low = high = np.zeros((N, v.widths[l]))
    for k in range(l, v.depth + 1):
        if k > l:
            P = v.weights[k - 1].T
            plus, minus = np.maximum(P, 0.0), np.minimum(P, 0.0)
            low, high = low @ plus + high @ minus, high @ plus + low @ minus
        u, z = (
            M @ n.weights[k - 1].T + (0.0 if n.biases[k - 1] is None else n.biases[k - 1]) for M, n in ((F, v), (G, w))
        )
        if k == v.depth:
            break
        size = np.abs(u) + np.abs(z)
        kink = np.where(u * z < 0.0, (1.0 - a) * np.abs(u) * np.abs(z) / np.where(size > 0.0, size, 1.0), 0.0)
        low, high = np.where(low < 0.0, low, a * low) - kink, np.where(high > 0.0, high, a * high)
        F, G = v.activation(u), v.activation(z)
    return low, high


def _worst(objective: Objective, f: Array, low: Array, high: Array, targets: Array) -> float:
    """Mean of the largest loss over the boxes [f + low, f + high], (N, K): at a corner, by convexity."""
    loss = objective.loss
    if not loss.separable:
        # Cross-entropy falls in the label's output and rises in all others.
        label = np.arange(f.shape[1])[None, :] == np.asarray(targets)[:, None]
        return float(np.mean(loss.values(f + np.where(label, low, high), targets)))
    middle = loss.values(f, targets)
    total = middle.copy()
    for k in range(f.shape[1]):
        ends = []
        for d in (low, high):
            one = f.copy()
            one[:, k] += d[:, k]
            ends.append(loss.values(one, targets) - middle)
        total += np.maximum(*ends)
    return float(np.mean(total))


def segment_bound(v: Network, w: Network, objective: Objective, X: Array, targets: Array) -> float:
    """Float64 estimate of the lemma's bound of the mean loss on the segment from v to w. Not an enclosure: the kernel's evaluation is."""
    low, high = deviation(v, w, X)
    return max(_worst(objective, n.predict(X), low, high, targets) for n in (v, w))


def path_bound(path: Path, objective: Objective, X: Array, targets: Array) -> float:
    """The largest `segment_bound` of a path whose moves change one layer each."""
    return max(
        (segment_bound(v, w, objective, X, targets) for v, w in pairwise(path.vertices())),
        default=objective.loss_value(path.start, X, targets),
    )
