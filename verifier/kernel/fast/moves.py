"""Whether a segment is of the kind it is said to be, read off the stored numbers alone (statements/path.py). No arithmetic, no tolerance."""

from __future__ import annotations

import numpy as np

from verifier.kernel.fast.liveness import changed_rows, live_neurons
from verifier.kernel.statements import Move, Parameters, columns_of, columns_per_neuron, require


def is_transfer(v: Parameters, w: Parameters, move: Move) -> bool:
    """Whether the move's pairs (i, j) explain the whole change.

    Rows i and j of layer l agree, and the columns of i in W_{l+1} go g -> 0 while those of j go 0 -> g.
    """
    l, pairs = move.transfer_layer, move.transfer
    if pairs is None or l is None:
        return False
    for k, (a, b) in enumerate(zip(v.weights, w.weights, strict=True), start=1):
        if k != l + 1 and not np.array_equal(a, b):
            return False
    for p, q in zip(v.biases, w.biases, strict=True):
        if p is not None and q is not None and not np.array_equal(p, q):
            return False
    i, j = pairs[:, 0], pairs[:, 1]
    rows, bias = v.weights[l - 1], v.biases[l - 1]
    if not np.array_equal(rows[i], rows[j]) or (bias is not None and not np.array_equal(bias[i], bias[j])):
        return False
    out, new, r = v.weights[l], w.weights[l], columns_per_neuron(v, l + 1)
    i, j = columns_of(i, r), columns_of(j, r)
    expected = out.copy()
    expected[:, j], expected[:, i] = out[:, i], 0.0
    return bool((out[:, j] == 0.0).all()) and np.array_equal(new, expected)


def straight_kind(v: Parameters, w: Parameters) -> str:
    """ "idle", "head" or "chord": the most that can be said of the straight segment without a transfer's pairs."""
    L, live = len(v.weights), live_neurons(v, w)
    if any((changed_rows(v, w, l) & live[l - 1]).any() for l in range(1, L)):
        return "chord"
    return "head" if changed_rows(v, w, L).any() else "idle"


def require_kind(v: Parameters, w: Parameters, move: Move) -> None:
    """Reject unless the move from v to w is what it says."""
    if move.kind == "transfer":
        require(is_transfer(v, w, move), "a move said to be a transfer is none")
    elif move.kind == "idle":
        require(straight_kind(v, w) == "idle", "a move said to be idle changes a neuron that is heard")
    elif move.kind == "head":
        require(straight_kind(v, w) != "chord", "a move said to be a head move changes a hidden neuron that is heard")
    elif move.kind == "rescale":
        a, b = v.biases[-1], w.biases[-1]
        require(a is None or b is None or np.array_equal(a, b), "a rescaling changes the output bias")
