"""Which kind of move a segment is, read off the stored numbers alone (theory.md section 2). No arithmetic, no tolerance.

idle      every changed entry feeds a neuron that is dead at both ends together: F is constant
transfer  listed pairs of neurons with identical incoming weights hand over their outgoing weights: F is constant
head      otherwise only last-layer entries differ (idle changes may come along): f is affine, F is convex
rescale   one hidden layer: neurons go to about (c wt, theta / c), c > 0: F is constant but for the rounding of the end
chord     anything else; one hidden layer only
"""

from __future__ import annotations

import numpy as np

from verifier.kernel.claims import Move, Parameters, Rejected, require
from verifier.kernel.rescale import factors

Array = np.ndarray


def changed_rows(v: Parameters, w: Parameters, l: int) -> Array:
    """Boolean (n_l,): neurons of layer l (1-based) with an incoming weight or bias that differs."""
    changed = (v.weights[l - 1] != w.weights[l - 1]).any(axis=1)
    b, c = v.biases[l - 1], w.biases[l - 1]
    if b is not None and c is not None:
        changed = changed | (b != c)
    return changed


def live_neurons(v: Parameters, w: Parameters) -> list[Array]:
    """Per layer l = 1..L a boolean (n_l,): a path of entries, non-zero at v or at w, leads from the neuron to an output."""
    live = [np.ones(v.weights[-1].shape[0], dtype=bool)]
    for V, W in zip(v.weights[:0:-1], w.weights[:0:-1]):
        linked = (V != 0.0) | (W != 0.0)
        live.insert(0, linked[live[0]].any(axis=0))
    return live


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
    """ "idle", "transfer", "head", "rescale" or "chord"; rejects a segment that is none of them."""
    if is_transfer(v, w, move):
        return "transfer"
    L = len(v.weights)
    live = live_neurons(v, w)
    if not any(bool((changed_rows(v, w, l) & live[l - 1]).any()) for l in range(1, L)):
        return "head" if changed_rows(v, w, L).any() else "idle"
    if L == 2:
        return "chord" if factors(v, w) is None else "rescale"
    raise Rejected(
        "a segment changes hidden layers of live neurons; with more than one hidden layer only head, idle and transfer moves are checked"
    )
