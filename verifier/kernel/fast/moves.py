"""Which kind of move a segment is, read off the stored numbers alone (theory.md section 2). No arithmetic, no tolerance.

idle      every changed entry feeds a neuron that is dead at both ends together: F is constant
transfer  listed pairs of neurons with identical incoming weights hand over their outgoing weights: F is constant
head      otherwise only last-layer entries differ (idle changes may come along): f is affine, F is convex
rescale   one hidden layer: neurons go to about (c wt, theta / c), c > 0: F is constant but for the rounding of the end
layer     several hidden layers: only one of them changes, and not the last layer: bounded by the chord lemma
chord     anything else: bounded by the chord lemma
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.liveness import changed_rows, live_neurons
from verifier.kernel.fast.rescale import factors
from verifier.kernel.statements import Move, Parameters, require

Array = np.ndarray


def is_transfer(v: Parameters, w: Parameters, move: Move) -> bool:
    """Whether the hinted pairs (i, j) explain the whole change.

    Rows i and j of layer l agree, and column i of W_{l+1} goes g -> 0 while column j goes 0 -> g.
    """
    if move.transfer is None:
        return False
    l, pairs = move.transfer_layer, move.transfer
    require(type(l) is int and 1 <= l < len(v.weights), "a transfer names a layer that is not hidden")
    assert l is not None  # for the type checker; `require` above decides
    require(
        type(pairs) is np.ndarray
        and pairs.dtype == np.int64
        and pairs.ndim == 2
        and pairs.shape[1] == 2
        and len(pairs) > 0,
        "transfer pairs must be (p, 2) int64",
    )
    n = v.weights[l - 1].shape[0]
    require(bool((pairs >= 0).all() and (pairs < n).all()), "a transfer names a neuron that is not there")
    require(np.unique(pairs).size == pairs.size, "a neuron is in two transfer pairs")
    for k, (a, b) in enumerate(zip(v.weights, w.weights), start=1):
        if k != l + 1 and not np.array_equal(a, b):
            return False
    for p, q in zip(v.biases, w.biases):
        if p is not None and q is not None and not np.array_equal(p, q):
            return False
    i, j = pairs[:, 0], pairs[:, 1]
    rows, bias = v.weights[l - 1], v.biases[l - 1]
    if not np.array_equal(rows[i], rows[j]) or (bias is not None and not np.array_equal(bias[i], bias[j])):
        return False
    out, new = v.weights[l], w.weights[l]
    expected = out.copy()
    expected[:, j], expected[:, i] = out[:, i], 0.0
    return bool((out[:, j] == 0.0).all()) and np.array_equal(new, expected)


def classify(v: Parameters, w: Parameters, move: Move) -> str:
    """ "idle", "transfer", "head", "rescale", "chord" or "layer"."""
    if is_transfer(v, w, move):
        return "transfer"
    L = len(v.weights)
    live = live_neurons(v, w)
    changed = [l for l in range(1, L) if bool((changed_rows(v, w, l) & live[l - 1]).any())]
    head = bool(changed_rows(v, w, L).any())
    if not changed:
        return "head" if head else "idle"
    if L == 2:
        return "chord" if factors(v, w) is None else "rescale"
    return "layer" if len(changed) == 1 and not head else "chord"
