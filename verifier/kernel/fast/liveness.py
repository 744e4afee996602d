"""Which neurons reach an output, read off the stored numbers alone: what idle moves and deep enclosures stand on. No arithmetic, no tolerance."""

from __future__ import annotations

import numpy as np

from verifier.kernel.statements import Parameters, columns_of, columns_per_neuron

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
    for l in range(len(v.weights), 1, -1):
        V, W = v.weights[l - 1], w.weights[l - 1]
        linked = (V != 0.0) | (W != 0.0)
        live.insert(0, linked[live[0]].any(axis=0).reshape(-1, columns_per_neuron(v, l)).any(axis=1))
    return live


def live_part(v: Parameters, w: Parameters) -> tuple[Parameters, Parameters]:
    """v and w without the hidden neurons that are dead at both together: on the whole segment between them the outputs are those of the parts.

    A layer without live neurons keeps its first, whose outgoing weights are zero at both ends.
    """
    kept = []
    for alive in live_neurons(v, w)[:-1]:
        index = np.flatnonzero(alive)
        kept.append(index if index.size else np.zeros(1, dtype=np.int64))
    if all(len(index) == len(W) for index, W in zip(kept, v.weights)):
        return v, w
    return _restricted(v, kept), _restricted(w, kept)


def _restricted(p: Parameters, kept: list[Array]) -> Parameters:
    weights, biases = [], []
    for l, (W, b) in enumerate(zip(p.weights, p.biases)):
        rows = kept[l] if l < len(kept) else np.arange(len(W))
        weights.append(W[rows] if l == 0 else W[np.ix_(rows, columns_of(kept[l - 1], columns_per_neuron(p, l + 1)))])
        biases.append(None if b is None else b[rows])
    return Parameters(tuple(weights), tuple(biases))
