"""How many activation regions a path crosses: pre-activations of one hidden layer are affine along its segments. Computed in float64, not certified."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from verifier.errors import UsageError
from verifier.networks.network import Network
from verifier.paths.path import Path

Array = np.ndarray


def _preactivations(v: Network, X: Array) -> Array:
    return X @ v.W.T if v.b is None else X @ v.W.T + v.b


def crossings(before: Array, after: Array) -> Array:
    """Times in [0, 1], each once, at which the pattern `u > 0` of u = (1-t) before + t after changes; shapes (N, m)."""
    changes = (before > 0) != (after > 0)
    a, b = before[changes], after[changes]
    # One of the two is positive and the other is not, so that a - b is not 0.
    return np.unique(a / (a - b))


def regions_crossed(path: Path, X: Array) -> int:
    """The number of different pieces of the path with one activation pattern each, the first included; X (N, d). A path that changes no pattern gives 1.

    A pre-activation of 0 counts as inactive. Simultaneous changes count once; curves of scalings change no pattern. All neurons count, also
    those whose outgoing weights are 0 (rows rewritten while they are silent).

    Raises UsageError for more than one hidden layer.
    """
    if not path.start.shallow:
        raise UsageError(f"regions crossed: defined for one hidden layer, got {path.start.depth - 1}")
    found, last, u = 1, -1.0, _preactivations(path.start, X)
    for k, (v, w) in enumerate(pairwise(path.vertices())):
        same = v.W is w.W and v.b is w.b
        after = u if same else _preactivations(w, X)
        if not same:
            times = k + crossings(u, after)
            # A change at a vertex that ends one segment and begins the next is one change.
            found += int((times > last).sum())
            last = max(last, float(times.max(initial=-1.0)))
        u = after
    return found
